#![doc = include_str!("../README.md")]

mod beacon;
pub mod blocking;
mod clock;
mod execution;
mod facts;
mod keys;
mod store;

pub use beacon::Beacon;
pub use clock::Clock;
#[cfg(any(test, feature = "test-utils"))]
pub use clock::ManualClock;
pub use execution::{Cancellation, ExecutionError, ExecutionLimits, Executor, Ran, Run, RunUsage};
#[cfg(any(test, feature = "test-utils"))]
pub use facts::MemoryFacts;
pub use facts::{JobFact, JobFacts};
#[cfg(any(test, feature = "test-utils"))]
pub use keys::MemoryKeys;
pub use keys::{ChallengeProof, SigningError, SigningKind, SigningSlot, WorkerKeys};
#[cfg(any(test, feature = "test-utils"))]
pub use store::MemoryStore;
pub use store::{Batch, Change, DiskFull, Entry, Store, StoreError};
