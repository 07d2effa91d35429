//! The keys of a node, each signature made once for its place.

use std::fmt;

use alloy_primitives::B256;
use tallystick_types::{
    Attempt, EvmSignature, IdentityKey, IdentitySignature, JobId, Seat, TaskAttempt, TaskIndex,
};

use crate::StoreError;

#[cfg(any(test, feature = "test-utils"))]
mod memory;
#[cfg(test)]
mod tests;

#[cfg(any(test, feature = "test-utils"))]
pub use memory::MemoryKeys;

/// The place of one signature: it has room for one content, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SigningSlot {
    /// The job.
    pub job: JobId,
    /// The attempt of the job.
    pub attempt: Attempt,
    /// What is signed.
    pub kind: SigningKind,
}

/// What is signed within an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SigningKind {
    /// A pledge, with the identity key.
    Pledge {
        /// The task.
        task: TaskIndex,
        /// The try at the task.
        task_attempt: TaskAttempt,
    },
    /// The claim of the job, with the signer.
    Claim,
    /// The receipt of the job, with the identity key.
    Receipt,
}

/// How a node proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChallengeProof {
    /// Signature of the identity key over the bytes of the challenge.
    pub identity: IdentitySignature,
    /// Signature of the signer over `keccak256` of the same bytes.
    pub signer: EvmSignature,
}

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// Something else was signed in this place. Never sign around it.
    #[error("something else was signed in this place ({slot:?}); it is not signed twice")]
    AlreadySigned {
        /// The place.
        slot: SigningSlot,
    },
    /// The place is older than what was pruned, so nobody knows whether it is free.
    #[error("signatures of this place ({slot:?}) were pruned; it is not signed again")]
    Pruned {
        /// The place.
        slot: SigningSlot,
    },
    /// The bytes are not of the kind that the call is for.
    #[error("the bytes are not of the kind that this key signs here")]
    WrongKind,
    /// The record of signatures cannot be read or written, so nothing was signed. Its disk failed:
    /// whoever asked ends.
    #[error("the record of signatures failed")]
    Record(#[source] StoreError),
    /// The keys cannot be used now. Nothing was signed.
    #[error("the keys cannot be used now; look at the key store")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The keys of a worker. The holder itself keeps, on disk and before every signature, what was
/// signed in which place: the same content returns the stored signature, another is refused. The
/// calls block on the disk.
pub trait WorkerKeys: fmt::Debug + Send + Sync {
    /// The node and the address of its signer.
    fn seat(&self) -> Seat;

    /// The public identity key.
    fn identity_key(&self) -> IdentityKey;

    /// Proves who the node is. The bytes begin with letters of their own kind, so the signature
    /// is good for nothing else; the holder refuses other bytes.
    fn sign_challenge(&self, challenge: &[u8]) -> Result<ChallengeProof, SigningError>;

    /// Signs the canonical bytes of a pledge with the identity key.
    fn sign_pledge(
        &self,
        slot: SigningSlot,
        pledge: &[u8],
    ) -> Result<IdentitySignature, SigningError>;

    /// Signs the EIP-712 digest of a claim with the signer.
    fn sign_claim(&self, slot: SigningSlot, digest: B256) -> Result<EvmSignature, SigningError>;

    /// Signs the canonical bytes of a receipt with the identity key.
    fn sign_receipt(
        &self,
        slot: SigningSlot,
        receipt: &[u8],
    ) -> Result<IdentitySignature, SigningError>;
}
