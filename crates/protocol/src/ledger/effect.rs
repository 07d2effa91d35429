//! What is to be done. Effects are performed after their event is in the journal, perhaps more than
//! once; their key makes the second time harmless.

use serde::{Deserialize, Serialize};
use tallystick_types::{
    Attempt, Attestation, BeaconRound, EvmSignature, IdentitySignature, JobId, OutputRoot,
    ReceiptClaim, Seat, Seconds, SliceRange, TaskAttempt, TaskIndex, WallTime,
};

use super::reason::{CloseReason, NoNode, TryEnd};
use super::selection::Role;
use crate::commitment::{Opening, Pledge, TaskAssignment};

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Effect {
    /// What makes it the same effect when it comes again.
    pub key: EffectKey,
    /// What to do.
    pub action: Action,
}

/// Names an effect. The ledger never gives one key to two effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EffectKey {
    /// The job.
    pub job: JobId,
    /// The task, or nothing where the job as a whole is meant.
    pub task: Option<TaskIndex>,
    /// The try at the task; for the job as a whole the number of its attempt.
    pub attempt: TaskAttempt,
    /// What is done.
    pub kind: EffectKind,
}

/// What is done, to whom where that matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectKind {
    /// [`Action::Dispatch`].
    Dispatch(Seat),
    /// [`Action::Cancel`].
    Cancel(Seat),
    /// [`Action::DrawSecondaries`].
    DrawSecondaries,
    /// [`Action::Escalate`] with its number.
    Escalate(u8),
    /// [`Action::Reveal`].
    Reveal(Seat),
    /// [`Action::Attest`].
    Attest(Seat),
    /// [`Action::FinaliseReceipt`].
    FinaliseReceipt,
    /// [`Action::Outbox`].
    Outbox,
    /// [`Action::Notify`].
    Notify(NoticeKind),
    /// [`Action::DeadLetter`].
    DeadLetter,
    /// [`Action::Quarantine`].
    Quarantine(Seat),
    /// [`Action::Evidence`].
    Evidence(Seat, EvidenceKind),
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Send a task to a node.
    Dispatch {
        /// The assignment.
        assignment: TaskAssignment,
        /// What the node is.
        role: Role,
        /// The slices.
        slices: SliceRange,
        /// When an acknowledgement is too late.
        acknowledge_by: WallTime,
        /// Time from the acknowledgement to the commitment.
        execution_limit: Seconds,
        /// The output to check, where results are compared by fingerprint.
        check: Option<OutputRoot>,
    },
    /// Tell a node that its assignment is over.
    Cancel {
        /// The assignment.
        assignment: TaskAssignment,
    },
    /// Get the randomness of a round and bring it as an event; the draw follows from it.
    DrawSecondaries {
        /// The round that the primary's commitment named.
        round: BeaconRound,
    },
    /// Results differ: one more replica is drawn.
    Escalate {
        /// How often this try escalated, from 1.
        number: u8,
    },
    /// Ask a node to open its commitment.
    Reveal {
        /// The assignment.
        assignment: TaskAssignment,
    },
    /// Ask a node to sign the claim of the job.
    Attest {
        /// The node.
        seat: Seat,
        /// The claim.
        claim: ReceiptClaim,
    },
    /// Make the receipt and store it with the result in one write.
    FinaliseReceipt {
        /// The claim.
        claim: ReceiptClaim,
        /// Its signatures, ascending by seat.
        attestations: Vec<Attestation>,
        /// The slices that it covers.
        slices: SliceRange,
    },
    /// Put a message for the chain into the outbox.
    Outbox(OutboxEntry),
    /// Tell whoever watches the job.
    Notify(Notice),
    /// Put a task on the list of dead letters.
    DeadLetter {
        /// Why the last try ended.
        why: TryEnd,
    },
    /// Give a node no work until it passed tests.
    Quarantine {
        /// The node.
        seat: Seat,
        /// For what.
        offence: EvidenceKind,
    },
    /// Hand evidence to whoever judges and slashes.
    Evidence(Box<Evidence>),
}

/// A message for the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum OutboxEntry {
    /// Propose the result.
    Propose {
        /// The claim.
        claim: ReceiptClaim,
        /// Its signatures.
        attestations: Vec<Attestation>,
    },
    /// Give the lease back: this coordinator has no result.
    Release {
        /// The attempt.
        attempt: Attempt,
    },
}

/// What watchers learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Notice {
    /// The ledger took the job.
    Accepted {
        /// Its tasks.
        tasks: u32,
    },
    /// A task waits.
    Queued {
        /// For what.
        reason: NoNode,
    },
    /// A try ended and the task goes elsewhere.
    Reassigned {
        /// Why.
        why: TryEnd,
    },
    /// A task is verified: a part of the result.
    TaskVerified {
        /// Its slices.
        slices: SliceRange,
        /// Its output.
        output_root: OutputRoot,
    },
    /// All work is over.
    Closed {
        /// Why.
        reason: CloseReason,
    },
}

/// The kinds of notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// [`Notice::Accepted`].
    Accepted,
    /// [`Notice::Queued`].
    Queued,
    /// [`Notice::Reassigned`].
    Reassigned,
    /// [`Notice::TaskVerified`].
    TaskVerified,
    /// [`Notice::Closed`].
    Closed,
}

/// What a node did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// Opened another output than the quorum. Goes to a jury.
    Outvoted,
    /// Signed two different commitments for one assignment. Goes to a jury.
    TwoCommitments,
    /// Signed two claims with different outputs for one attempt. Slashable by code.
    TwoClaims,
}

/// What shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Evidence {
    /// [`EvidenceKind::Outvoted`].
    Outvoted {
        /// What the node signed.
        pledge: Pledge,
        /// Its signature.
        signature: IdentitySignature,
        /// How it opened it.
        opening: Opening,
        /// What the quorum has.
        output_root: OutputRoot,
    },
    /// [`EvidenceKind::TwoCommitments`].
    TwoCommitments {
        /// Both, with their signatures.
        pledges: [(Pledge, IdentitySignature); 2],
    },
    /// [`EvidenceKind::TwoClaims`].
    TwoClaims {
        /// Who signed.
        seat: Seat,
        /// Both, with their signatures.
        claims: [(ReceiptClaim, EvmSignature); 2],
    },
}

impl Notice {
    /// Its kind.
    pub const fn kind(&self) -> NoticeKind {
        match self {
            Self::Accepted { .. } => NoticeKind::Accepted,
            Self::Queued { .. } => NoticeKind::Queued,
            Self::Reassigned { .. } => NoticeKind::Reassigned,
            Self::TaskVerified { .. } => NoticeKind::TaskVerified,
            Self::Closed { .. } => NoticeKind::Closed,
        }
    }
}

impl Evidence {
    /// Whom it shows, and what.
    pub const fn subject(&self) -> (Seat, EvidenceKind) {
        match self {
            Self::Outvoted { pledge, .. } => (pledge.assignment.seat, EvidenceKind::Outvoted),
            Self::TwoCommitments { pledges: [(pledge, _), _] } => {
                (pledge.assignment.seat, EvidenceKind::TwoCommitments)
            }
            Self::TwoClaims { seat, .. } => (*seat, EvidenceKind::TwoClaims),
        }
    }
}

impl Action {
    /// The kind of its key.
    pub fn kind(&self) -> EffectKind {
        match self {
            Self::Dispatch { assignment, .. } => EffectKind::Dispatch(assignment.seat),
            Self::Cancel { assignment } => EffectKind::Cancel(assignment.seat),
            Self::DrawSecondaries { .. } => EffectKind::DrawSecondaries,
            Self::Escalate { number } => EffectKind::Escalate(*number),
            Self::Reveal { assignment } => EffectKind::Reveal(assignment.seat),
            Self::Attest { seat, .. } => EffectKind::Attest(*seat),
            Self::FinaliseReceipt { .. } => EffectKind::FinaliseReceipt,
            Self::Outbox(_) => EffectKind::Outbox,
            Self::Notify(notice) => EffectKind::Notify(notice.kind()),
            Self::DeadLetter { .. } => EffectKind::DeadLetter,
            Self::Quarantine { seat, .. } => EffectKind::Quarantine(*seat),
            Self::Evidence(evidence) => {
                let (seat, kind) = evidence.subject();
                EffectKind::Evidence(seat, kind)
            }
        }
    }
}
