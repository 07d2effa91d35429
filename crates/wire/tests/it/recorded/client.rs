use std::num::{NonZeroU32, NonZeroU64};

use alloy_primitives::{Address, B256, U256};
use tallystick_types::{
    Amount, BeaconRound, ChainTime, Commitment, EvmSignature, Funding, JobPrice, JobRules,
    JobTerms, ParametersVersion, Policy, Ppm, Privacy, ReceiptDigest, ServiceLevel,
    SpecificationDigest, TaskAttempt, TaskIndex, Trust, Verification, WallTime,
};
use tallystick_wire::client::{
    Accepted, Acknowledged, Assigned, Attested, Closed, Committed, DeadLettered, Drawn, Escalated,
    EventKind, EvidenceFound, Finality, JobEvent, JobStatus, Offence, Outvoted, Phase, Placement,
    Progress, Proposed, Quarantined, Queued, Queueing, Reassigned, ReceiptMade, Refunded,
    RejectedNodes, Settled, Shortage, SubmitRequest, TaskNode, Verified, Waiting,
};

use super::{job, root, seat, sentence};

pub(super) fn submit() -> SubmitRequest {
    let (max_price, tip) = (Amount::new(1_000_000), Amount::new(500));
    SubmitRequest {
        client: Address::repeat_byte(0x31),
        nonce: U256::from(77),
        terms: JobTerms {
            specification: SpecificationDigest::new([0x16; 32]),
            token: Address::repeat_byte(0x32),
            price: JobPrice::new(max_price, Amount::ZERO, tip).unwrap(),
            rules: JobRules {
                funding: Funding::Allowance,
                verification: Verification::Deterministic,
                trust: Trust::Staked,
                replicas: 3,
                quorum: 2,
                assign_by: ChainTime::new(1_750_000_060).unwrap(),
                complete_by: ChainTime::new(1_750_000_600).unwrap(),
                service_level: ServiceLevel::new(7),
                parameters_version: ParametersVersion::new(1).unwrap(),
            },
        },
        signature: EvmSignature::new([0x55; 65]),
        specification: vec![1, 2, 3].try_into().unwrap(),
        placement: Some(Placement {
            policy: Some(Policy::Cheap),
            privacy: Some(Privacy::Private),
            queueing: Some(Queueing::FailFast),
            region: Some(7),
        }),
    }
}

pub(super) fn status() -> JobStatus {
    JobStatus {
        job: job(),
        phase: Phase::Proposed,
        attempt: 2,
        tasks_total: 4,
        tasks_verified: 4,
        tasks_active: 0,
        tasks_dead: 0,
        created_at_ms: WallTime::new(1_750_000_000_000),
        updated_at_ms: WallTime::new(1_750_000_100_000),
        finality: Finality::Safe,
        close_reason: sentence("every task is verified and the receipt is made"),
        nodes: vec![seat(5), seat(6)].try_into().ok().unwrap(),
        cost: Some(Amount::new(900_000)),
        client: Address::repeat_byte(0x31),
        token: Address::repeat_byte(0x32),
        private: false,
        waiting: None,
    }
}

/// A job that nobody can take, and one that others hold up.
pub(super) fn waiting() -> JobStatus {
    JobStatus {
        phase: Phase::Open,
        close_reason: sentence(""),
        cost: None,
        waiting: Some(missing()),
        ..status()
    }
}

fn missing() -> Waiting {
    let count = |filter: &str, nodes| RejectedNodes {
        filter: filter.to_owned().try_into().unwrap(),
        nodes: NonZeroU32::new(nodes).unwrap(),
    };
    let shortage = Shortage {
        needed: 3,
        known: 5,
        rejected: vec![count("trust", 1), count("capacity", 3)].try_into().unwrap(),
        impossible: true,
        sentence: sentence("each task needs 3 nodes, and 1 can ever do this work"),
    };
    let (reason, shortage) = (shortage.sentence.clone(), Some(shortage));
    Waiting { reason, shortage, refund_at_seconds: ChainTime::new(1_750_000_600).unwrap() }
}

fn working() -> Vec<EventKind> {
    let task = TaskIndex::new(3);
    let task_attempt = TaskAttempt::new(257);
    let at = TaskNode { task, task_attempt, seat: seat(5) };
    let round = BeaconRound::new(99);
    vec![
        EventKind::Accepted(Accepted { tasks: 4 }),
        EventKind::Queued(Queued { task, reason: sentence("every node that fits is busy") }),
        EventKind::Assigned(Assigned { at: at.clone(), primary: true }),
        EventKind::Acknowledged(Acknowledged { at: at.clone() }),
        EventKind::Progress(Progress { at: at.clone(), done_ppm: Ppm::new(500_000).unwrap() }),
        EventKind::Committed(Committed {
            at: at.clone(),
            commitment: Commitment::new([0x17; 32]),
            round,
        }),
        EventKind::Drawn(Drawn {
            task,
            task_attempt,
            round,
            seats: vec![seat(6)].try_into().ok().unwrap(),
        }),
        EventKind::Verified(Verified {
            task,
            first_slice: 300,
            slice_count: NonZeroU64::new(100).unwrap(),
            output_root: root(),
        }),
        EventKind::Reassigned(Reassigned { task, task_attempt, reason: sentence("primary: …") }),
        EventKind::Escalated(Escalated { task, task_attempt, number: 1 }),
        EventKind::Outvoted(Outvoted { at }),
        EventKind::DeadLettered(DeadLettered { task, reason: sentence("no quorum") }),
    ]
}

fn ending() -> Vec<EventKind> {
    let (finality, transaction) = (Finality::Final, B256::repeat_byte(0x41));
    vec![
        EventKind::Quarantined(Quarantined { seat: seat(5), offence: Offence::Outvoted }),
        EventKind::Evidence(EvidenceFound { seat: seat(5), offence: Offence::TwoClaims }),
        EventKind::Attested(Attested { seat: seat(6) }),
        EventKind::Receipt(ReceiptMade { digest: ReceiptDigest::new([0xbb; 32]) }),
        EventKind::Proposed(Proposed { finality: Finality::Pending, transaction }),
        EventKind::Settled(Settled { finality, transaction }),
        EventKind::Refunded(Refunded { finality, transaction }),
        EventKind::Closed(Closed { reason: sentence("the client cancelled it") }),
    ]
}

pub(super) fn events() -> Vec<JobEvent> {
    let event = |(sequence, kind)| JobEvent {
        at_ms: WallTime::new(1_750_000_000_000),
        sequence,
        kind: Some(kind),
    };
    (1..)
        .zip([working(), ending(), vec![EventKind::Waiting(missing())]].concat())
        .map(event)
        .collect()
}
