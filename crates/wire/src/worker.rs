//! The messages of `tallystick.worker.v1`: [`v1`] as they travel, here as they are checked.

mod agent;
mod coordinator;

/// Messages and service stubs as generated from the schema.
#[expect(clippy::allow_attributes_without_reason, reason = "generated")]
pub mod v1 {
    tonic::include_proto!("tallystick.worker.v1");
}

use tallystick_types::{Attempt, JobId, NodeId, Seat, SliceRange, TaskAttempt, TaskIndex};

pub use agent::{
    Accelerator, AgentBody, AgentMessage, AttestRefusal, AttestRefused, Attested, Capabilities,
    Failure, FreeResources, Heartbeat, Hello, KindOffer, Leaving, Profile, Proof, ReceiptRefusal,
    ReceiptRefused, ReceiptSigned, TaskAck, TaskCommit, TaskFailed, TaskProgress, TaskReveal,
    TaskUsage, WorkKind,
};
pub use coordinator::{
    Admitted, AttestRequest, AttestTask, CancelReason, Challenge, CoordinatorBody,
    CoordinatorMessage, Drain, HeartbeatAck, OutputRequest, Payload, Refused, RefusedCode,
    RevealRequest, Role, SignOutcome, SignReceipt, SignSubject, SignVerdict, SignedOpening,
    TaskAssign, TaskCancel, Welcome,
};

use crate::declare::{message, nested};
use crate::error::{Expected, Found, MalformedError};
use crate::field::Wire;

message! {
    /// One node's assignment to one try at one task. What is said with an old number is fenced
    /// off.
    #[derive(Copy, PartialOrd, Ord, Hash)]
    Assignment {
        /// The job, 32 bytes.
        job: JobId,
        /// Attempt of the job, 1 to 255.
        attempt: Attempt,
        /// Place of the task in its job, from 0.
        task: TaskIndex,
        /// Number of the try at the task, 1 to 65535.
        task_attempt: TaskAttempt,
        /// Who was assigned.
        seat: Seat,
    }
}

impl TaskAssign {
    /// The slices of the task.
    pub const fn slices(&self) -> SliceRange {
        SliceRange { first: self.first_slice, count: self.slice_count.get() }
    }
}

impl TryFrom<v1::Seat> for Seat {
    type Error = MalformedError;

    fn try_from(wire: v1::Seat) -> Result<Self, MalformedError> {
        let node = NodeId::new(wire.node);
        Ok(Self { node, signer: Wire::read(wire.signer, "Seat.signer")? })
    }
}

impl From<Seat> for v1::Seat {
    fn from(seat: Seat) -> Self {
        Self { node: seat.node.get(), signer: seat.signer.write() }
    }
}

nested!(Seat = v1::Seat);
