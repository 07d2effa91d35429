//! WASI preview 1 commands, run so that every honest machine gets the same outcome.
//!
//! A module is validated against the [`Profile`], instrumented by us (units, stack depth, memory,
//! canonical NaNs) and only then handed to an engine. What an engine counts never enters an
//! outcome.
//! A crash of the process loses nothing: runs have no state, and a cache entry that is damaged is
//! compiled again.

mod artifact;
mod cache;
mod compiled;
mod compiler;
mod cost;
mod disk;
mod failure;
mod instrument;
mod interpreted;
mod job;
mod outcome;
mod profile;
mod sandbox;
mod validate;
mod wasi;
mod watchdog;
mod world;

pub use cache::{CacheConfig, CacheCounts};
pub use compiler::{Compilation, CompilerLimits, CompilerProcess, compiler_main};
pub use failure::{Failure, FailureKind, LocalFault, Reach, TrapKind};
pub use instrument::{Program, prepare};
pub use interpreted::interpret;
pub use job::{Job, Limits};
pub use outcome::{Success, Usage};
pub use profile::{Digest, Profile};
pub use sandbox::{Sandbox, SandboxConfig, SandboxError};
pub use validate::{Refusal, RefusalReason, check};
pub use watchdog::Cancellation;
