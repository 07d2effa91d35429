//! What the tables hold.

use std::fmt;

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};
use tallystick_types::{
    IdentityKey, IdentitySignature, JobId, Policy, Privacy, ReceiptDigest, Seat, WallTime,
};

use crate::key::Key;
use crate::table::{Family, Stored, Table};

/// How far a job has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobStatus {
    /// Nobody works on it yet.
    #[default]
    Pending,
    /// At least one node works on it.
    Running,
    /// It has a result.
    Completed,
    /// It ended without a result.
    Failed,
    /// The client called it off.
    Cancelled,
}

impl JobStatus {
    /// Whether nothing more happens.
    pub const fn is_over(self) -> bool {
        match self {
            Self::Pending | Self::Running => false,
            Self::Completed | Self::Failed | Self::Cancelled => true,
        }
    }
}

/// A job as its client sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRecord {
    /// Kind of work, such as `wasm`.
    pub kind: String,
    /// How it is placed.
    pub policy: Policy,
    /// Who may see it.
    pub privacy: Privacy,
    /// The client.
    pub user: Address,
    /// How far it has come.
    pub status: JobStatus,
    /// What the client sent.
    pub payload: Vec<u8>,
    /// What came out.
    pub result: Option<Vec<u8>>,
    /// The node whose result it is.
    pub worker: Option<IdentityKey>,
    /// When it came in.
    pub created_at: WallTime,
    /// When it was over; of a job that is not over, nothing.
    pub completed_at: Option<WallTime>,
}

impl Stored for JobRecord {
    const VERSION: u8 = 1;
    const NAME: &'static str = "job";
}

impl JobRecord {
    /// Jobs by id.
    pub const TABLE: Table<JobId, Self> = Table::new(Family::Jobs);
}

/// Names a pairing. Who makes one chooses it, so that the same request names the same pairing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PairingId(pub u64);

impl fmt::Display for PairingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Key for PairingId {
    fn to_bytes(&self) -> Vec<u8> {
        self.0.to_bytes()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        u64::from_bytes(bytes).map(Self)
    }
}

/// A client's consent that a node sees its private work. The node claims it with the code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustPairing {
    /// The client.
    pub user: Address,
    /// The node, once it claimed the code.
    pub claimed: Option<PairingClaimed>,
    /// What the client tells the node's operator. No two pairings have the same.
    pub code: String,
    /// From when on the code cannot be claimed any more.
    pub expires_at: WallTime,
    /// When the client made it.
    pub created_at: WallTime,
}

/// Which node claimed a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairingClaimed {
    /// Its identity key.
    pub provider: IdentityKey,
    /// Its seat: the pairing is with this node and this signer.
    pub seat: Seat,
    /// When it did.
    pub at: WallTime,
}

impl Stored for TrustPairing {
    const VERSION: u8 = 2;
    const NAME: &'static str = "pairing";
}

impl TrustPairing {
    /// Pairings by id.
    pub const TABLE: Table<PairingId, Self> = Table::new(Family::TrustPairings);

    /// Whether a node claimed the code.
    pub const fn is_claimed(&self) -> bool {
        self.claimed.is_some()
    }
}

/// Receipts of a job lie together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReceiptKey {
    /// The job.
    pub job: JobId,
    /// Digest of the receipt.
    pub receipt: ReceiptDigest,
}

impl Key for ReceiptKey {
    fn to_bytes(&self) -> Vec<u8> {
        [self.job.to_bytes(), self.receipt.to_bytes()].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (job, receipt) = bytes.split_at_checked(JobId::default().as_bytes().len())?;
        Some(Self { job: JobId::from_bytes(job)?, receipt: ReceiptDigest::from_bytes(receipt)? })
    }
}

/// A receipt as it came from a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptRecord {
    /// The node.
    pub provider: IdentityKey,
    /// The receipt, in its canonical encoding.
    pub receipt: Vec<u8>,
    /// The node's signature.
    pub signature: IdentitySignature,
    /// Whether the signature and what the receipt says were checked.
    pub verified: bool,
    /// When it came.
    pub created_at: WallTime,
}

impl Stored for ReceiptRecord {
    const VERSION: u8 = 1;
    const NAME: &'static str = "receipt";
}

impl ReceiptRecord {
    /// Receipts by job.
    pub const TABLE: Table<ReceiptKey, Self> = Table::new(Family::Receipts);
}

/// Dead letters of a job lie together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeadLetterKey {
    /// The job.
    pub job: JobId,
    /// Place of the task in its job, from 0.
    pub task: u32,
}

impl Key for DeadLetterKey {
    fn to_bytes(&self) -> Vec<u8> {
        [self.job.to_bytes(), self.task.to_bytes()].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (job, task) = bytes.split_at_checked(JobId::default().as_bytes().len())?;
        Some(Self { job: JobId::from_bytes(job)?, task: u32::from_bytes(task)? })
    }
}

/// A task that nobody could do. It is kept until somebody tries it again or discards it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Attempts that were made.
    pub attempts: u32,
    /// Why the last one failed.
    pub reason: String,
    /// When it was given up.
    pub given_up_at: WallTime,
}

impl Stored for DeadLetter {
    const VERSION: u8 = 1;
    const NAME: &'static str = "dead letter";
}

impl DeadLetter {
    /// Dead letters by job.
    pub const TABLE: Table<DeadLetterKey, Self> = Table::new(Family::DeadLetters);
}
