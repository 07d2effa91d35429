use std::num::{NonZeroU32, NonZeroU64};

use alloy_primitives::{Address, B256, FixedBytes};
use tallystick_types::{
    Amount, BeaconRound, ChainId, Commitment, Salt, Seconds, SpecificationDigest, TaskIndex,
    WallTime,
};
use tallystick_wire::worker::{
    Admitted, AttestRequest, AttestTask, CancelReason, Challenge, CoordinatorBody,
    CoordinatorMessage, Drain, HeartbeatAck, OutputRequest, Payload, Refused, RefusedCode,
    RevealRequest, Role, SignOutcome, SignReceipt, SignSubject, SignVerdict, SignedOpening,
    TaskAssign, TaskCancel, Welcome,
};

use super::{assignment, attempt, identity, job, root, seat, sentence, signature};

fn joining() -> Vec<CoordinatorBody> {
    let server_time_ms = WallTime::new(1_750_000_000_000);
    vec![
        CoordinatorBody::Challenge(Challenge {
            nonce: B256::repeat_byte(0x12),
            chain_id: ChainId::new(421_614),
            job_manager: Address::repeat_byte(0x13),
            chosen_version: 1,
            coordinator: seat(6),
            coordinator_identity: identity(),
            coordinator_signature: None,
        }),
        CoordinatorBody::Welcome(Welcome {
            session: FixedBytes::repeat_byte(0x14),
            heartbeat_seconds: NonZeroU32::new(10).unwrap(),
            lease_seconds: NonZeroU32::new(30).unwrap(),
            profile_seed: B256::repeat_byte(0x15),
            profile_rounds: 1_000,
            server_time_ms,
        }),
        CoordinatorBody::Refused(Refused {
            code: Some(RefusedCode::Twin),
            sentence: sentence("another session of node 5 is here"),
            remedy: sentence("stop it"),
        }),
        CoordinatorBody::Admitted(Admitted { tier: 2 }),
        CoordinatorBody::HeartbeatAck(HeartbeatAck {
            server_time_ms,
            min_block: 1_000_000,
            sent_at_ms: WallTime::new(1_749_999_999_990),
        }),
    ]
}

fn working() -> Vec<CoordinatorBody> {
    let assignment = assignment();
    let assign = TaskAssign {
        assignment,
        role: Role::Primary,
        first_slice: 300,
        slice_count: NonZeroU64::new(100).unwrap(),
        acknowledge_by_ms: WallTime::new(1_750_000_005_000),
        execution_limit_seconds: Seconds::new(30),
        specification: SpecificationDigest::new([0x16; 32]),
        check: None,
        payload_bytes: 3,
    };
    let check = TaskAssign { role: Role::Secondary, check: Some(root()), ..assign.clone() };
    let bytes = || vec![1, 2, 3].try_into().unwrap();
    vec![
        CoordinatorBody::TaskAssign(assign),
        CoordinatorBody::Payload(Payload { bytes: bytes() }),
        CoordinatorBody::TaskAssign(check),
        CoordinatorBody::Payload(Payload { bytes: bytes() }),
        CoordinatorBody::TaskCancel(TaskCancel {
            assignment,
            reason: Some(CancelReason::LeaseMoved),
        }),
        CoordinatorBody::RevealRequest(RevealRequest { assignment }),
        CoordinatorBody::OutputRequest(OutputRequest { assignment }),
    ]
}

fn signing() -> Vec<CoordinatorBody> {
    let opening = SignedOpening {
        assignment: assignment(),
        commitment: Commitment::new([0x17; 32]),
        round: BeaconRound::new(99),
        signature: signature(),
        output_root: root(),
        salt: Salt::new([0x18; 32]),
    };
    let task = AttestTask {
        task: TaskIndex::new(3),
        output_root: root(),
        openings: vec![opening].try_into().ok().unwrap(),
    };
    vec![
        CoordinatorBody::AttestRequest(AttestRequest {
            job: job(),
            attempt: attempt(),
            output_root: root(),
            cost: Amount::new(1 << 100),
            task_count: 4,
            tasks: vec![task].try_into().ok().unwrap(),
        }),
        CoordinatorBody::SignReceipt(SignReceipt { receipt: vec![9; 40].try_into().unwrap() }),
        CoordinatorBody::SignOutcome(SignOutcome {
            job: job(),
            attempt: attempt(),
            subject: SignSubject::Receipt,
            verdict: SignVerdict::Accepted,
        }),
        CoordinatorBody::Drain(Drain { reason: sentence("the coordinator is updated") }),
    ]
}

/// Since coordinators prove who they are.
fn proving() -> Vec<CoordinatorBody> {
    let mut challenge = joining().swap_remove(0);
    if let CoordinatorBody::Challenge(challenge) = &mut challenge {
        challenge.coordinator_signature = Some(signature());
    }
    vec![challenge]
}

pub(super) fn messages() -> Vec<CoordinatorMessage> {
    let bodies = [joining(), working(), signing(), proving()].concat();
    bodies.into_iter().map(|body| CoordinatorMessage { body: Some(body) }).collect()
}
