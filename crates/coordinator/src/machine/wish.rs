//! What a coordinator wants done. Wishes are fulfilled after their input is in the journal, perhaps
//! more than once; each is harmless when it comes again.

use serde::{Deserialize, Serialize};
use tallystick_protocol::claim::TaskProof;
use tallystick_protocol::commitment::TaskAssignment;
use tallystick_protocol::ledger::{
    CloseReason, Event, Evidence, EvidenceKind, Failure, NoNode, Role, TryEnd,
};
use tallystick_types::{
    Amount, Attempt, Attestation, BeaconRound, BlobDigest, Commitment, JobId, OutputDigest,
    OutputRoot, Ppm, Receipt, ReceiptClaim, ReceiptDigest, Seat, Seconds, SignedReceipt,
    SliceRange, SpecificationDigest, TaskAttempt, TaskIndex, WallTime,
};

use super::input::ChainCallKind;
use super::prospect::Waiting;

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    /// Tell a node something, if it is connected. When it joins again it is told anew.
    ToNode(Seat, NodeOrder),
    /// Put a call into the outbox.
    Chain(JobId, ChainCall),
    /// Bring the randomness of a round as an event once it is final.
    AwaitRound(BeaconRound),
    /// Join the outputs of all tasks and bring the digest of the whole.
    JoinOutputs {
        /// The job.
        job: JobId,
        /// The outputs in the order of their tasks.
        parts: Vec<OutputPart>,
    },
    /// Hand evidence of two different claims to the contract that slashes.
    Report(Box<Evidence>),
    /// Tell whoever watches a job.
    Tell(JobId, Told),
}

/// What a node is told.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeOrder {
    /// Do a task.
    Assign {
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
        /// What is to be done.
        specification: SpecificationDigest,
    },
    /// Stop.
    Cancel(TaskAssignment),
    /// Open the commitment.
    Reveal(TaskAssignment),
    /// Upload the output.
    Output(TaskAssignment),
    /// Sign the claim of the job.
    Attest {
        /// The claim.
        claim: ReceiptClaim,
        /// That the nodes agree on every task.
        proofs: Vec<TaskProof>,
    },
    /// Sign the receipt.
    Sign(Box<Receipt>),
}

/// A call to the chain. Whoever sends it takes the rest of its arguments from the chain's last
/// word on the job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainCall {
    /// Take the lease with these nodes.
    Assign {
        /// The attempt that this begins.
        attempt: Attempt,
        /// The nodes, the one that starts first.
        nodes: Vec<Seat>,
    },
    /// Add nodes to the attempt.
    Enlist {
        /// The attempt.
        attempt: Attempt,
        /// The nodes.
        nodes: Vec<Seat>,
    },
    /// Propose the result.
    Propose {
        /// The claim.
        claim: ReceiptClaim,
        /// Its signatures.
        attestations: Vec<Attestation>,
    },
    /// Give the lease back.
    Release {
        /// The attempt.
        attempt: Attempt,
    },
}

impl ChainCall {
    /// Its kind.
    pub const fn kind(&self) -> ChainCallKind {
        match self {
            Self::Assign { .. } => ChainCallKind::Assign,
            Self::Enlist { .. } => ChainCallKind::Enlist,
            Self::Propose { .. } => ChainCallKind::Propose,
            Self::Release { .. } => ChainCallKind::Release,
        }
    }
}

/// What came out of a job, as its row keeps it in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobResult {
    /// Digest of the whole output.
    pub output: OutputDigest,
    /// Its parts in the order of their tasks.
    pub parts: Vec<OutputPart>,
}

/// One task's part of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputPart {
    /// The task.
    pub task: TaskIndex,
    /// Its slices.
    pub slices: SliceRange,
    /// Where its output is.
    pub blob: BlobDigest,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its root.
    pub output_root: OutputRoot,
}

/// A row that is kept together with the input that led to it.
#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    /// A job was taken on.
    JobBegan(JobId),
    /// A job has a result and a receipt.
    JobCompleted(Box<SignedReceipt>),
    /// A job ended without a result.
    JobEnded(JobId, CloseReason),
    /// A task was given up.
    DeadLetter {
        /// The job.
        job: JobId,
        /// The task.
        task: TaskIndex,
        /// Tries that were made.
        tries: u16,
        /// Why the last one ended.
        why: TryEnd,
    },
}

/// A try at a task at a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// The task.
    pub task: TaskIndex,
    /// The try.
    pub task_attempt: TaskAttempt,
    /// The node.
    pub seat: Seat,
}

/// What watchers of a job learn.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// It is worked on.
    Accepted {
        /// Its tasks.
        tasks: u32,
    },
    /// A task waits.
    Queued {
        /// The task.
        task: TaskIndex,
        /// For what.
        reason: NoNode,
    },
    /// Too few nodes are there, or free, for it.
    Waiting(Waiting),
    /// A task went to a node.
    Assigned(At, Role),
    /// The node has it.
    Acknowledged(At),
    /// How far it is.
    Progress(At, Ppm),
    /// It committed.
    Committed(At, Commitment, BeaconRound),
    /// It reported a failure.
    Failed(At, Failure),
    /// Results differ and another node is drawn.
    Escalated {
        /// The task.
        task: TaskIndex,
        /// The try.
        task_attempt: TaskAttempt,
        /// How often, from 1.
        number: u8,
    },
    /// Enough nodes agree.
    Verified {
        /// The task.
        task: TaskIndex,
        /// Its slices.
        slices: SliceRange,
        /// Its output.
        output_root: OutputRoot,
    },
    /// A try ended and the task goes elsewhere.
    Reassigned {
        /// The task.
        task: TaskIndex,
        /// The try.
        task_attempt: TaskAttempt,
        /// Why.
        why: TryEnd,
    },
    /// A node was caught.
    Quarantined(Seat, EvidenceKind),
    /// A node signed the claim.
    Attested(Seat),
    /// The receipt is made and signed.
    Receipt {
        /// Its name.
        digest: ReceiptDigest,
        /// What the job costs.
        cost: Amount,
    },
    /// A task was given up.
    DeadLetter(TaskIndex, TryEnd),
    /// All work is over.
    Closed(CloseReason),
}

impl Told {
    /// What an event itself tells watchers, where the ledger takes it.
    pub(super) fn of(event: &Event) -> Option<(JobId, Self)> {
        let at = |it: &TaskAssignment| At {
            task: it.task,
            task_attempt: it.task_attempt,
            seat: it.seat,
        };
        match event {
            Event::Acknowledged { assignment } => {
                Some((assignment.job, Self::Acknowledged(at(assignment))))
            }
            Event::Progressed { assignment, done } => {
                Some((assignment.job, Self::Progress(at(assignment), *done)))
            }
            Event::Committed { pledge, .. } => {
                let told = Self::Committed(at(&pledge.assignment), pledge.commitment, pledge.round);
                Some((pledge.assignment.job, told))
            }
            Event::Failed { assignment, failure } => {
                Some((assignment.job, Self::Failed(at(assignment), *failure)))
            }
            Event::Attested { claim, attestation } => {
                Some((claim.job, Self::Attested(attestation.seat())))
            }
            _ => None,
        }
    }
}
