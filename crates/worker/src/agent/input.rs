//! What can happen to an agent.

use std::collections::BTreeMap;

use alloy_primitives::B256;
use tallystick_ports::{JobFact, SigningError};
use tallystick_protocol::claim::TaskProof;
use tallystick_protocol::commitment::TaskAssignment;
use tallystick_protocol::ledger::{Failure, Role};
use tallystick_types::{
    Attempt, BlobDigest, EvmSignature, IdentityKey, IdentitySignature, JobId, OutputRoot,
    ReceiptClaim, ReceiptDigest, Seat, Seconds, SliceRange, SpecificationDigest, Usage, WallTime,
};

/// The moment of a step, as far as the outside knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// This machine's clock.
    pub now: WallTime,
    /// The newest block of the settlement chain, or nothing before the first was seen.
    pub head: Option<u64>,
}

/// One thing that happened.
#[derive(Debug)]
pub enum Input {
    /// Time passed.
    Tick,
    /// A session with a coordinator is open and this node is admitted.
    Connected {
        /// Who it is.
        coordinator: Seat,
    },
    /// The session ended.
    Disconnected,
    /// The coordinator of the session says something.
    Heard(CoordinatorSays),
    /// The operator stops the node: finish, take nothing new, leave.
    Stop,
    /// There is little room left for blobs.
    Crowded,
    /// The answer to a look at the chain.
    Fact {
        /// The job.
        job: JobId,
        /// What is known of it, or nothing.
        known: Option<Box<KnownJob>>,
    },
    /// A fetch ended.
    Fetched {
        /// For which job.
        job: JobId,
        /// The blob.
        blob: BlobDigest,
        /// Whether it is here and verified.
        outcome: Result<(), FetchFailure>,
    },
    /// So many slices of a run are done.
    Progressed {
        /// Of which assignment.
        assignment: TaskAssignment,
        /// Slices.
        slices: u64,
    },
    /// A run ended; its output is in the store of blobs.
    Ran {
        /// Of which assignment.
        assignment: TaskAssignment,
        /// What came of it.
        outcome: Result<Ran, RunFailure>,
    },
    /// An upload ended.
    Uploaded {
        /// Of which assignment.
        assignment: TaskAssignment,
        /// Whether the coordinator has the output.
        done: bool,
    },
    /// The keys answered for a pledge.
    PledgeSigned {
        /// Of which assignment.
        assignment: TaskAssignment,
        /// The signature, or why there is none.
        outcome: Result<IdentitySignature, SigningError>,
    },
    /// The keys answered for a claim.
    ClaimSigned {
        /// The job.
        job: JobId,
        /// The attempt.
        attempt: Attempt,
        /// The signature, or why there is none.
        outcome: Result<EvmSignature, SigningError>,
    },
    /// The keys answered for a receipt.
    ReceiptSigned {
        /// The job.
        job: JobId,
        /// Which receipt.
        receipt: ReceiptDigest,
        /// The signature, or why there is none.
        outcome: Result<IdentitySignature, SigningError>,
    },
}

/// What a coordinator says after it admitted the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CoordinatorSays {
    /// A task.
    Assign(Box<TaskOrder>),
    /// An assignment is over.
    Cancel {
        /// Which one.
        assignment: TaskAssignment,
    },
    /// A commitment is to be opened.
    Reveal {
        /// Of which assignment.
        assignment: TaskAssignment,
    },
    /// An output is to be uploaded.
    Output {
        /// Of which assignment.
        assignment: TaskAssignment,
    },
    /// A claim is to be signed.
    Attest(Box<ClaimRequest>),
    /// A receipt is to be signed: its canonical bytes.
    SignReceipt(Vec<u8>),
    /// The signature over a claim arrived and was judged; it need not be sent again.
    ClaimJudged {
        /// The job.
        job: JobId,
        /// The attempt.
        attempt: Attempt,
    },
    /// There is no more work in this session.
    Drain,
}

/// A task as a coordinator assigns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskOrder {
    /// The assignment.
    pub assignment: TaskAssignment,
    /// What the node is.
    pub role: Role,
    /// The slices.
    pub slices: SliceRange,
    /// Time from the acknowledgement to the commitment.
    pub execution_limit: Seconds,
    /// Digest of the specification.
    pub digest: SpecificationDigest,
    /// The specification's canonical bytes.
    pub specification: Vec<u8>,
    /// The output to check, where results are compared by fingerprint.
    pub check: Option<OutputRoot>,
}

/// A claim with what it follows from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimRequest {
    /// The claim.
    pub claim: ReceiptClaim,
    /// Every task of the job with the openings that verified it.
    pub proofs: Vec<TaskProof>,
}

/// What the chain says of a job, with the identity keys of all its nodes that are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownJob {
    /// The job.
    pub fact: JobFact,
    /// The keys of [`JobFact::seats`] and [`JobFact::earlier_seats`].
    pub identities: BTreeMap<Seat, IdentityKey>,
}

/// Why a blob is not here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchFailure {
    /// No coordinator can be reached now; a later try may succeed.
    Unreachable,
    /// Who was asked does not have it, or sent something else, or it is too large.
    Unavailable,
    /// This machine cannot keep it.
    Machine,
}

/// What a run led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ran {
    /// Merkle root over the outputs of the slices.
    pub output_root: OutputRoot,
    /// The blob with the outputs.
    pub output_blob: BlobDigest,
    /// Its bytes.
    pub output_bytes: u64,
    /// What the work used.
    pub usage: Usage,
    /// Slices of the whole job.
    pub job_slices: u64,
}

/// Why a run has no output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFailure {
    /// The reason.
    pub failure: Failure,
    /// A sentence for people.
    pub detail: String,
}

/// SHA-256 of bytes, as a digest names them.
pub(crate) fn sha256(bytes: &[u8]) -> B256 {
    use sha2::Digest;
    B256::new(sha2::Sha256::digest(bytes).into())
}
