use std::num::NonZeroU16;

use alloy_primitives::B256;
use tallystick_types::{
    Amount, BeaconRound, BlobDigest, Commitment, EngineProfile, EvmSignature, InputDigest, Ppm,
    ReceiptDigest, Salt, WallTime,
};
use tallystick_wire::worker::{
    Accelerator, AgentBody, AgentMessage, AttestRefusal, AttestRefused, Attested, Capabilities,
    Failure, FreeResources, Heartbeat, Hello, KindOffer, Leaving, Profile, Proof, ReceiptRefusal,
    ReceiptRefused, ReceiptSigned, TaskAck, TaskCommit, TaskFailed, TaskProgress, TaskReveal,
    TaskUsage, WorkKind,
};
use tallystick_wire::{Label, Software};

use super::{assignment, attempt, identity, job, root, seat, sentence, signature};

fn capabilities() -> Capabilities {
    let profile = EngineProfile::new("wasm-48/nan-canonical").unwrap();
    let wasm =
        KindOffer { kind: WorkKind::Wasm, engine_profiles: vec![profile].try_into().ok().unwrap() };
    let model = EngineProfile::new("llama-3/q4").unwrap();
    let inference = KindOffer {
        kind: WorkKind::Inference,
        engine_profiles: vec![model].try_into().ok().unwrap(),
    };
    let accelerator =
        Accelerator { kind: Label::cut("cuda"), model: Label::cut("L4"), memory_bytes: 24 << 30 };
    Capabilities {
        kinds: vec![wasm, inference].try_into().ok().unwrap(),
        cpu_millis: 8_000,
        memory_bytes: 16 << 30,
        disk_bytes: 100 << 30,
        architecture: Label::cut("x86_64"),
        accelerators: vec![accelerator].try_into().ok().unwrap(),
        places: NonZeroU16::new(4).unwrap(),
        region: 7,
        price: Amount::new(1_500_000),
    }
}

fn joining() -> Vec<AgentBody> {
    vec![
        AgentBody::Hello(Hello {
            versions: vec![1].try_into().unwrap(),
            seat: seat(5),
            identity: identity(),
            instance_epoch: 12,
            capabilities: capabilities(),
            software: Software::cut("tallystick 0.1.0"),
            nonce: None,
        }),
        AgentBody::Proof(Proof {
            identity_signature: signature(),
            signer_signature: EvmSignature::new([0x55; 65]),
        }),
        AgentBody::Profile(Profile {
            checksum: B256::repeat_byte(0x66),
            elapsed_ms: 1_234,
            work_units: 5_000_000,
            largest_allocation_bytes: 8 << 30,
        }),
        AgentBody::Heartbeat(Heartbeat {
            load_ppm: Ppm::new(250_000).unwrap(),
            running: vec![assignment()].try_into().unwrap(),
            free: FreeResources {
                cpu_millis: 6_000,
                memory_bytes: 12 << 30,
                disk_bytes: 90 << 30,
                accelerators: 1,
                accelerator_memory_bytes: 24 << 30,
            },
            sent_at_ms: WallTime::new(1_750_000_000_000),
            inputs: vec![InputDigest::new([0x77; 32])].try_into().ok().unwrap(),
        }),
    ]
}

fn working() -> Vec<AgentBody> {
    let assignment = assignment();
    vec![
        AgentBody::TaskAck(TaskAck { assignment }),
        AgentBody::TaskProgress(TaskProgress { assignment, done_ppm: Ppm::new(500_000).unwrap() }),
        AgentBody::TaskCommit(TaskCommit {
            assignment,
            commitment: Commitment::new([0x88; 32]),
            round: BeaconRound::new(99),
            signature: signature(),
        }),
        AgentBody::TaskReveal(TaskReveal {
            assignment,
            output_root: root(),
            salt: Salt::new([0x99; 32]),
            output_blob: BlobDigest::new([0xaa; 32]),
            output_bytes: 4_096,
            usage: TaskUsage { work_units: 10, memory_bytes: 20, bytes_in: 30, bytes_out: 40 },
        }),
        AgentBody::TaskFailed(TaskFailed {
            assignment,
            failure: Failure::Trap,
            detail: sentence("unreachable"),
        }),
    ]
}

fn signing() -> Vec<AgentBody> {
    let receipt = ReceiptDigest::new([0xbb; 32]);
    vec![
        AgentBody::Attested(Attested {
            job: job(),
            attempt: attempt(),
            output_root: root(),
            cost: Amount::new(1 << 100),
            signature: EvmSignature::new([0x55; 65]),
        }),
        AgentBody::AttestRefused(AttestRefused {
            job: job(),
            attempt: attempt(),
            reason: AttestRefusal::OtherOutput,
            detail: sentence("task 3"),
        }),
        AgentBody::ReceiptSigned(ReceiptSigned {
            job: job(),
            receipt,
            identity_signature: signature(),
        }),
        AgentBody::ReceiptRefused(ReceiptRefused {
            job: job(),
            receipt,
            reason: ReceiptRefusal::OtherClaim,
            detail: sentence(""),
        }),
        AgentBody::Leaving(Leaving {}),
    ]
}

/// Since coordinators prove who they are.
fn proving() -> Vec<AgentBody> {
    let mut hello = joining().swap_remove(0);
    if let AgentBody::Hello(hello) = &mut hello {
        hello.nonce = Some(B256::repeat_byte(0x77));
    }
    vec![hello]
}

pub(super) fn messages() -> Vec<AgentMessage> {
    [joining(), working(), signing(), proving()]
        .concat()
        .into_iter()
        .map(|body| AgentMessage { body })
        .collect()
}
