//! Messages between workers and coordinators.

use tallystick_wire::worker;

crate::message::messages! { worker:
    AgentMessage CoordinatorMessage Assignment Hello KindOffer Accelerator Capabilities Proof
    Profile FreeResources Heartbeat TaskAck TaskProgress TaskCommit TaskUsage TaskReveal TaskFailed
    Attested AttestRefused ReceiptSigned ReceiptRefused Leaving Challenge Welcome Refused Admitted
    HeartbeatAck TaskAssign Payload TaskCancel RevealRequest SignedOpening AttestTask AttestRequest
    OutputRequest SignReceipt SignOutcome Drain
}
