//! What can happen to a coordinator. Inputs are in the journal before anything follows from them.

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};
use tallystick_journal::Stored;
use tallystick_protocol::commitment::{Opening, TaskAssignment};
use tallystick_protocol::ledger::{Event, JobRequest};
use tallystick_protocol::specification::Specification;
use tallystick_scheduler::Candidate;
use tallystick_types::{
    Amount, Attempt, BlobDigest, ChainAnchor, JobId, JobRules, OutputDigest, OutputRoot, Seat,
    SignedReceipt, SpecificationDigest, TaskIndex, Usage,
};

/// One thing that happened, seen from the coordinator as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Input {
    /// Something for the ledger alone.
    Ledger(Event),
    /// What is known of a machine changed.
    Candidate(Box<Candidate>),
    /// The chain has an open job whose specification is at hand.
    Offered {
        /// The job.
        job: JobId,
        /// What is offered.
        offer: Box<Offer>,
    },
    /// The chain shows that this coordinator holds a job's lease.
    Leased {
        /// The job.
        job: JobId,
        /// The lease.
        lease: Lease,
    },
    /// The chain does not show the lease any more, or shows that it is another's.
    Unleased {
        /// The job.
        job: JobId,
    },
    /// A node opened its commitment and said where its output is.
    Revealed {
        /// For which assignment.
        assignment: TaskAssignment,
        /// What the commitment hid.
        opening: Opening,
        /// Where the output is and what it took.
        output: NodeOutput,
    },
    /// The output of a task is here, compared with its root.
    OutputStored {
        /// The job.
        job: JobId,
        /// The task.
        task: TaskIndex,
        /// What was compared.
        output_root: OutputRoot,
        /// Where it is.
        output: NodeOutput,
    },
    /// All outputs of a job were joined.
    OutputJoined {
        /// The job.
        job: JobId,
        /// SHA-256 of the whole.
        output: OutputDigest,
        /// Its length in bytes.
        bytes: u64,
    },
    /// A node signed the receipt that it was shown. Its signature is checked.
    ReceiptSigned {
        /// The receipt.
        receipt: Box<SignedReceipt>,
    },
    /// What was asked of the chain ended without effect, so that it may be asked again.
    ChainCallFailed {
        /// The job.
        job: JobId,
        /// What was asked.
        call: ChainCallKind,
    },
}

impl Stored for Input {
    const VERSION: u8 = 1;
    const NAME: &'static str = "coordinator input";
}

/// A job as the chain offers it, with its specification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Who pays.
    pub client: Address,
    /// The rules that the client agreed to.
    pub rules: JobRules,
    /// What the client is charged, in base units of the job's token.
    pub price: Amount,
    /// The attempt that an assignment would begin.
    pub attempt: Attempt,
    /// What is to be done.
    pub specification: Specification,
    /// Slices of its input.
    pub slices: u64,
}

impl Offer {
    /// The terms as far as they rule how the job is worked on.
    pub fn request(&self) -> JobRequest {
        self.request_named(self.specification.digest())
    }

    /// Whether anybody can work on the job. Does without the digest, which takes a look at all of
    /// the specification.
    pub fn is_sound(&self) -> bool {
        self.request_named(SpecificationDigest::default()).tasks().is_ok()
    }

    fn request_named(&self, digest: SpecificationDigest) -> JobRequest {
        let specification = &self.specification;
        JobRequest {
            client: self.client,
            specification: digest,
            attempt: self.attempt,
            slices: self.slices,
            slices_per_task: specification.slices_per_task,
            work_units_per_slice: specification.work_units_per_slice,
            verification: self.rules.verification,
            trust: self.rules.trust,
            replicas: self.rules.replicas,
            quorum: self.rules.quorum,
            privacy: specification.privacy,
            queueing: specification.queueing,
            price: self.price,
            limits: specification.limits,
        }
    }
}

/// A lease as the chain shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The attempt.
    pub attempt: Attempt,
    /// The nodes of the attempt, in the order of the chain.
    pub nodes: Vec<Seat>,
    /// The block in which the attempt was assigned.
    pub anchor: ChainAnchor,
}

/// Where an output is, and what it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeOutput {
    /// Address of the task's output.
    pub blob: BlobDigest,
    /// Its size in bytes.
    pub bytes: u64,
    /// What the work used, as the node says.
    pub usage: Usage,
}

/// The kinds of calls that are asked of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ChainCallKind {
    /// Take the lease.
    Assign,
    /// Add nodes.
    Enlist,
    /// Propose the result.
    Propose,
    /// Give the lease back.
    Release,
}
