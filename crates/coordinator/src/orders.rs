//! What nodes and watchers are told, in the words of the schema.

use std::num::{NonZeroU32, NonZeroU64};

use alloy_primitives::B256;
use tallystick_blobs::BlobStore;
use tallystick_protocol::claim::TaskProof;
use tallystick_protocol::commitment::TaskAssignment;
use tallystick_protocol::ledger::{self, EvidenceKind};
use tallystick_scheduler::Prospect;
use tallystick_types::{BlobDigest, Canonical, ReceiptClaim};
use tallystick_wire::client as told;
use tallystick_wire::worker::{
    Assignment, AttestRequest, AttestTask, CoordinatorBody, OutputRequest, Payload, RevealRequest,
    Role, SignReceipt, SignedOpening, TaskAssign, TaskCancel,
};
use tallystick_wire::{Label, List, Sentence, worker};

use crate::machine::{At, NodeOrder, Told, Waiting};

/// Tasks in one message that asks for an attestation.
const TASKS_AT_ONCE: usize = 512;

/// The messages that tell a node an order. None where the specification is not at hand any more.
pub(crate) fn bodies(order: NodeOrder, blobs: &BlobStore) -> Vec<CoordinatorBody> {
    match order {
        NodeOrder::Assign {
            assignment,
            role,
            slices,
            acknowledge_by,
            execution_limit,
            check,
            specification,
        } => {
            let Some(payload) = specification_of(blobs, specification) else { return Vec::new() };
            let Some(slice_count) = NonZeroU64::new(slices.count) else { return Vec::new() };
            let assign = TaskAssign {
                assignment: wired(&assignment),
                role: match role {
                    ledger::Role::Primary => Role::Primary,
                    ledger::Role::Secondary => Role::Secondary,
                },
                first_slice: slices.first,
                slice_count,
                acknowledge_by_ms: acknowledge_by,
                execution_limit_seconds: execution_limit,
                specification,
                check,
                payload_bytes: u64::try_from(payload.bytes.len()).unwrap_or(u64::MAX),
            };
            vec![CoordinatorBody::TaskAssign(assign), CoordinatorBody::Payload(payload)]
        }
        NodeOrder::Cancel(assignment) => {
            let assignment = wired(&assignment);
            vec![CoordinatorBody::TaskCancel(TaskCancel { assignment, reason: None })]
        }
        NodeOrder::Reveal(assignment) => {
            let assignment = wired(&assignment);
            vec![CoordinatorBody::RevealRequest(RevealRequest { assignment })]
        }
        NodeOrder::Output(assignment) => {
            let assignment = wired(&assignment);
            vec![CoordinatorBody::OutputRequest(OutputRequest { assignment })]
        }
        NodeOrder::Attest { claim, proofs } => attest(&claim, &proofs),
        NodeOrder::Sign(receipt) => receipt
            .to_bytes()
            .try_into()
            .map(|receipt| CoordinatorBody::SignReceipt(SignReceipt { receipt }))
            .into_iter()
            .collect(),
    }
}

fn specification_of(
    blobs: &BlobStore,
    digest: tallystick_types::SpecificationDigest,
) -> Option<Payload> {
    let bytes = blobs.get(BlobDigest::new(*digest.as_bytes())).ok()?;
    Some(Payload { bytes: bytes.try_into().ok()? })
}

/// Asks for an attestation, in as many messages as the tasks need.
fn attest(claim: &ReceiptClaim, proofs: &[TaskProof]) -> Vec<CoordinatorBody> {
    let task_count = u32::try_from(proofs.len()).unwrap_or(u32::MAX);
    let request = |part: &[TaskProof]| {
        let tasks: Vec<AttestTask> = part.iter().map(shown).collect();
        Some(CoordinatorBody::AttestRequest(AttestRequest {
            job: claim.job,
            attempt: claim.attempt,
            output_root: claim.output_root,
            cost: claim.cost,
            task_count,
            tasks: tasks.try_into().ok()?,
        }))
    };
    proofs.chunks(TASKS_AT_ONCE).filter_map(request).collect()
}

/// One task with as many openings as a message takes: that is as many nodes as an attempt has, so
/// no quorum needs more.
fn shown(proof: &TaskProof) -> AttestTask {
    let opening = |it: &tallystick_protocol::claim::SignedOpening| SignedOpening {
        assignment: wired(&it.pledge.assignment),
        commitment: it.pledge.commitment,
        round: it.pledge.round,
        signature: it.signature,
        output_root: it.opening.output_root,
        salt: it.opening.salt,
    };
    let openings = List::cut(proof.openings.iter().map(opening));
    AttestTask { task: proof.task, output_root: proof.output_root, openings }
}

/// An assignment in the words of the schema.
pub(crate) const fn wired(it: &TaskAssignment) -> Assignment {
    Assignment {
        job: it.job,
        attempt: it.attempt,
        task: it.task,
        task_attempt: it.task_attempt,
        seat: it.seat,
    }
}

/// An assignment as the rules know it.
pub(crate) const fn known(it: &Assignment) -> TaskAssignment {
    TaskAssignment {
        job: it.job,
        attempt: it.attempt,
        task: it.task,
        task_attempt: it.task_attempt,
        seat: it.seat,
    }
}

/// A failure as the rules know it.
pub(crate) const fn failure(it: worker::Failure) -> ledger::Failure {
    match it {
        worker::Failure::Refused => ledger::Failure::Refused,
        worker::Failure::Draining => ledger::Failure::Draining,
        worker::Failure::InputUnavailable => ledger::Failure::InputUnavailable,
        worker::Failure::ProgramRefused => ledger::Failure::ProgramRefused,
        worker::Failure::OutOfFuel => ledger::Failure::OutOfFuel,
        worker::Failure::OutOfMemory => ledger::Failure::OutOfMemory,
        worker::Failure::TimedOut => ledger::Failure::TimedOut,
        worker::Failure::OutputTooLarge => ledger::Failure::OutputTooLarge,
        worker::Failure::Trap => ledger::Failure::Trap,
        worker::Failure::Internal => ledger::Failure::Internal,
    }
}

/// What watchers are told, in the words of the schema.
pub(crate) fn event(told: Told) -> Vec<told::EventKind> {
    use told::EventKind as Kind;
    let sentence = |words: &dyn std::fmt::Display| Sentence::cut(&words.to_string());
    let kind = match told {
        Told::Accepted { tasks } => Kind::Accepted(told::Accepted { tasks }),
        Told::Queued { task, reason } => {
            Kind::Queued(told::Queued { task, reason: sentence(&reason) })
        }
        Told::Waiting(it) => Kind::Waiting(waiting(&it)),
        Told::Assigned(at, role) => {
            let primary = role == ledger::Role::Primary;
            Kind::Assigned(told::Assigned { at: place(at), primary })
        }
        Told::Acknowledged(at) => Kind::Acknowledged(told::Acknowledged { at: place(at) }),
        Told::Progress(at, done_ppm) => Kind::Progress(told::Progress { at: place(at), done_ppm }),
        Told::Committed(at, commitment, round) => {
            Kind::Committed(told::Committed { at: place(at), commitment, round })
        }
        Told::Failed(at, why) => Kind::Reassigned(told::Reassigned {
            task: at.task,
            task_attempt: at.task_attempt,
            reason: sentence(&format_args!("node {}: {why}", at.seat.node)),
        }),
        Told::Escalated { task, task_attempt, number } => {
            Kind::Escalated(told::Escalated { task, task_attempt, number: number.into() })
        }
        Told::Verified { task, slices, output_root } => {
            let Some(slice_count) = NonZeroU64::new(slices.count) else { return Vec::new() };
            let first_slice = slices.first;
            Kind::Verified(told::Verified { task, first_slice, slice_count, output_root })
        }
        Told::Reassigned { task, task_attempt, why } => {
            Kind::Reassigned(told::Reassigned { task, task_attempt, reason: sentence(&why) })
        }
        Told::Quarantined(seat, offence) => {
            let offence = offence_of(offence);
            let evidence = told::EvidenceFound { seat, offence };
            let quarantined = told::Quarantined { seat, offence };
            return vec![Kind::Evidence(evidence), Kind::Quarantined(quarantined)];
        }
        Told::Attested(seat) => Kind::Attested(told::Attested { seat }),
        Told::Receipt { digest, .. } => Kind::Receipt(told::ReceiptMade { digest }),
        Told::DeadLetter(task, why) => {
            Kind::DeadLettered(told::DeadLettered { task, reason: sentence(&why) })
        }
        Told::Closed(reason) => Kind::Closed(told::Closed { reason: sentence(&reason) }),
    };
    vec![kind]
}

/// What a job waits for, in the words of the schema.
pub(crate) fn waiting(it: &Waiting) -> told::Waiting {
    let shortage = shortage(&it.prospect);
    let (reason, refund_at_seconds) = (shortage.sentence.clone(), it.refund_at);
    told::Waiting { reason, shortage: Some(shortage), refund_at_seconds }
}

/// Who is missing, in the words of the schema.
pub(crate) fn shortage(prospect: &Prospect) -> told::Shortage {
    let number = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    let rejected = prospect.rejected.iter().filter_map(|(reason, count)| {
        let nodes = NonZeroU32::new(number(*count))?;
        Some(told::RejectedNodes { filter: Label::cut(reason.name()), nodes })
    });
    told::Shortage {
        needed: number(prospect.needed),
        known: number(prospect.known),
        rejected: List::cut(rejected),
        impossible: prospect.is_impossible(),
        sentence: Sentence::cut(&prospect.to_string()),
    }
}

const fn place(at: At) -> told::TaskNode {
    told::TaskNode { task: at.task, task_attempt: at.task_attempt, seat: at.seat }
}

const fn offence_of(kind: EvidenceKind) -> told::Offence {
    match kind {
        EvidenceKind::Outvoted => told::Offence::Outvoted,
        EvidenceKind::TwoCommitments => told::Offence::TwoCommitments,
        EvidenceKind::TwoClaims => told::Offence::TwoClaims,
    }
}

/// A step of a job's money on the chain.
pub(crate) fn settled(
    fact: ledger::ChainFact,
    finality: ledger::Finality,
    tx: B256,
) -> Option<told::EventKind> {
    let finality = match finality {
        ledger::Finality::Seen => told::Finality::Pending,
        ledger::Finality::Safe => told::Finality::Safe,
        ledger::Finality::Final => told::Finality::Final,
    };
    let transaction = tx;
    match fact {
        ledger::ChainFact::Proposed { .. } => {
            Some(told::EventKind::Proposed(told::Proposed { finality, transaction }))
        }
        ledger::ChainFact::Settled => {
            Some(told::EventKind::Settled(told::Settled { finality, transaction }))
        }
        ledger::ChainFact::Refunded => {
            Some(told::EventKind::Refunded(told::Refunded { finality, transaction }))
        }
        ledger::ChainFact::LeaseHeld { .. } | ledger::ChainFact::LeaseLost { .. } => None,
    }
}

#[cfg(test)]
mod openings;
