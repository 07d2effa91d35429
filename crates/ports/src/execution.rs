//! Running one slice of a program within limits.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How far one run may go. All but the last bind equally on every machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ExecutionLimits {
    /// Units of metered work.
    pub units: u64,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// Output in bytes, what is written for people included.
    pub output_bytes: u64,
    /// Real time in milliseconds, after which this machine gives up.
    pub wall_ms: u64,
}

/// Everything that a run can see.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// The program.
    pub program: &'a [u8],
    /// The slice: what the program reads.
    pub input: &'a [u8],
    /// Its arguments, without its name.
    pub arguments: &'a [String],
    /// Its environment, in the order in which it sees it.
    pub environment: &'a [(String, String)],
    /// Where its randomness comes from: equal for all who run the same slice.
    pub seed: [u8; 32],
    /// How far it may go.
    pub limits: ExecutionLimits,
}

/// A run that came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// What the program wrote.
    pub output: Vec<u8>,
    /// What it used.
    pub usage: RunUsage,
}

/// What a run used; equal on every machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunUsage {
    /// Units of metered work.
    pub units: u64,
    /// Most memory that it had, in bytes.
    pub memory_bytes: u64,
}

/// Why a run has no output.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExecutionError {
    /// The program is outside the profile.
    #[error("the program is outside the profile: {reason}")]
    ProgramRefused {
        /// What is wrong with it, where, and what to do.
        reason: String,
    },
    /// The metered work is used up.
    #[error("the program used up its metered work; raise the limit or make slices smaller")]
    OutOfUnits,
    /// The memory limit was reached.
    #[error("the program reached its memory limit; raise it or make slices smaller")]
    OutOfMemory,
    /// The output is larger than allowed.
    #[error("the output is larger than allowed; raise the limit or make slices smaller")]
    OutputTooLarge,
    /// The program did what is forbidden, or ended with an error of its own.
    #[error("the program failed: {reason}")]
    Failed {
        /// The trap or the exit code, with what the program wrote for people.
        reason: String,
    },
    /// This machine gave up after the time that was allowed.
    #[error("the program ran longer than this machine allows")]
    TimedOut,
    /// The caller cancelled.
    #[error("the run was cancelled")]
    Cancelled,
    /// A fault of this machine, such as no memory.
    #[error("this machine could not run the program: {reason}")]
    Machine {
        /// What it lacked.
        reason: String,
    },
}

/// Ends a run from outside. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Cancellation(Arc<AtomicBool>);

impl Cancellation {
    /// Asks the run to end.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked to end.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Runs programs. Equal runs give equal outputs on every honest machine.
pub trait Executor: fmt::Debug + Send + Sync {
    /// Runs a program to its end. Blocks: call it where blocking is allowed.
    fn run(&self, run: &Run<'_>, cancellation: &Cancellation) -> Result<Ran, ExecutionError>;

    /// The engine with the settings that shape results, as receipts name it.
    fn profile(&self) -> &str;
}
