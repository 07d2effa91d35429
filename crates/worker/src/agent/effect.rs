//! What an agent wants done.

use std::sync::Arc;

use tallystick_ports::{Batch, SigningSlot};
use tallystick_protocol::commitment::{Opening, Pledge, TaskAssignment};
use tallystick_protocol::ledger::Failure;
use tallystick_protocol::specification::Specification;
use tallystick_types::{
    Attempt, BlobDigest, EvmSignature, IdentitySignature, JobId, Ppm, Receipt, ReceiptClaim,
    ReceiptDigest, SliceRange, Usage, WallTime,
};
use tallystick_wire::worker::{AttestRefusal, ReceiptRefusal};

/// One thing to do. Effects are performed in their order; where [`Effect::Store`] fails, nothing
/// after it is performed and the agent ends: what it would do next follows from the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Say something to the coordinator of the session. Where no session is open it is dropped.
    Send(Box<AgentSays>),
    /// Keep these records; go on when the disk has them.
    Store(Batch),
    /// Look what the chain says of a job, and answer with [`super::Input::Fact`].
    LookUp {
        /// The job.
        job: JobId,
    },
    /// Get a blob into the local store, kept for a job. Answered with [`super::Input::Fetched`].
    Fetch {
        /// For which job.
        job: JobId,
        /// The blob.
        blob: BlobDigest,
        /// The most bytes that it may have.
        most_bytes: u64,
    },
    /// Execute slices. Answered with [`super::Input::Ran`].
    Run(Box<RunOrder>),
    /// End a run; its answer is ignored.
    CancelRun {
        /// Of which assignment.
        assignment: TaskAssignment,
    },
    /// Have a pledge signed. Answered with [`super::Input::PledgeSigned`].
    SignPledge {
        /// The place of the signature.
        slot: SigningSlot,
        /// What to sign.
        pledge: Pledge,
    },
    /// Have a claim signed. Answered with [`super::Input::ClaimSigned`].
    SignClaim {
        /// The place of the signature.
        slot: SigningSlot,
        /// What to sign.
        claim: ReceiptClaim,
    },
    /// Have a receipt signed. Answered with [`super::Input::ReceiptSigned`].
    SignReceipt {
        /// The place of the signature.
        slot: SigningSlot,
        /// What to sign.
        receipt: Box<Receipt>,
    },
    /// Upload the output of a task. Answered with [`super::Input::Uploaded`].
    Upload {
        /// Of which assignment.
        assignment: TaskAssignment,
        /// The blob.
        blob: BlobDigest,
    },
    /// The blobs of a job are needed no longer.
    Forget {
        /// The job.
        job: JobId,
        /// Its blobs.
        blobs: Vec<BlobDigest>,
    },
    /// Everything is finished: close the session.
    Leave,
}

/// The slices to execute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunOrder {
    /// For which assignment.
    pub assignment: TaskAssignment,
    /// What is to be done.
    pub specification: Arc<Specification>,
    /// The slices.
    pub slices: SliceRange,
    /// When the run is too late.
    pub deadline: WallTime,
    /// The most bytes of all outputs together.
    pub most_output_bytes: u64,
}

/// What an agent says to its coordinator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentSays {
    /// An assignment is taken on.
    Ack(TaskAssignment),
    /// How far a task is.
    Progress {
        /// Of which assignment.
        assignment: TaskAssignment,
        /// Share of the work that is done.
        done: Ppm,
    },
    /// A commitment.
    Commit {
        /// What was signed.
        pledge: Pledge,
        /// The signature.
        signature: IdentitySignature,
    },
    /// The opening of a commitment.
    Reveal {
        /// Of which assignment.
        assignment: TaskAssignment,
        /// What it hid.
        opening: Opening,
        /// The blob with the output.
        output_blob: BlobDigest,
        /// Its bytes.
        output_bytes: u64,
        /// What the work used.
        usage: Usage,
    },
    /// A task is given up, or a request about it cannot be met.
    Failed {
        /// Which assignment.
        assignment: TaskAssignment,
        /// Why.
        failure: Failure,
        /// A sentence for people.
        detail: String,
    },
    /// A claim is signed.
    Attested {
        /// The claim.
        claim: ReceiptClaim,
        /// The signature.
        signature: EvmSignature,
    },
    /// A claim is not signed.
    AttestRefused {
        /// The job.
        job: JobId,
        /// The attempt.
        attempt: Attempt,
        /// Why.
        reason: AttestRefusal,
        /// A sentence for people.
        detail: String,
    },
    /// A receipt is signed.
    ReceiptSigned {
        /// The job.
        job: JobId,
        /// SHA-256 of its bytes.
        receipt: ReceiptDigest,
        /// The signature.
        signature: IdentitySignature,
    },
    /// A receipt is not signed.
    ReceiptRefused {
        /// The job; zero where the bytes name none.
        job: JobId,
        /// SHA-256 of the bytes.
        receipt: ReceiptDigest,
        /// Why.
        reason: ReceiptRefusal,
        /// A sentence for people.
        detail: String,
    },
    /// The node ends the session.
    Leaving,
}
