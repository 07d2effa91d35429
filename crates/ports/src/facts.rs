//! What the chain is known to say about jobs and nodes.

use std::fmt;

use alloy_primitives::Address;
use tallystick_types::{Amount, Attempt, IdentityKey, JobId, JobState, Seat, SpecificationDigest};

#[cfg(any(test, feature = "test-utils"))]
mod memory;

#[cfg(any(test, feature = "test-utils"))]
pub use memory::MemoryFacts;

/// What the chain says of one job, as far as a node that works on it needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobFact {
    /// Who pays.
    pub client: Address,
    /// Digest of what is to be done.
    pub specification: SpecificationDigest,
    /// Most that the work may cost, in base units of the job's token.
    pub price: Amount,
    /// Nodes that execute.
    pub replicas: u8,
    /// Equal signatures that make a result.
    pub quorum: u8,
    /// Where the job stands.
    pub state: JobState,
    /// The present attempt; zero before the first.
    pub attempt: Attempt,
    /// Who holds the lease of the present attempt.
    pub coordinator: Option<Seat>,
    /// The nodes of the present attempt, the primary first, enlisted ones included.
    pub seats: Vec<Seat>,
    /// The nodes of earlier attempts: verified tasks of theirs stay verified.
    pub earlier_seats: Vec<Seat>,
    /// The last attempt that was over in the newest block that never goes, because its lease lapsed
    /// or a later one began; zero where none was. Nothing is paid any more for work on it, or on
    /// one before it.
    pub attempt_over: Attempt,
    /// Whether the job is over (settled, refunded or closed) in a block that never goes. Only then
    /// anything about it is forgotten.
    pub ended: bool,
}

/// Reads what the chain said. Answers from memory, without waiting for the chain: what it does not
/// know it may know a moment later, so nothing follows from a missing answer.
pub trait JobFacts: fmt::Debug + Send + Sync {
    /// A job, or nothing where it was not heard of yet.
    fn job(&self, job: JobId) -> Option<JobFact>;

    /// The identity key of a registered node, or nothing where none is known for the seat.
    fn identity_of(&self, seat: Seat) -> Option<IdentityKey>;

    /// The number of the newest block of the settlement chain, or nothing before the first.
    fn head(&self) -> Option<u64>;
}
