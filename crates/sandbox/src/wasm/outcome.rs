//! What a run used, and what it gave.

use super::failure::{Failure, FailureKind, LocalFault, TrapKind};
use super::profile::{Digest, digest};
use super::world::{Stop, World};

/// What a run used. Equal on every machine unless the failure beside it is local.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Units of the cost table; never above the limit.
    pub units: u64,
    /// Largest linear memory in pages of 64 KiB.
    pub peak_pages: u32,
    /// Bytes written to standard output and standard error together.
    pub output_bytes: u32,
}

/// A run that ended with exit code 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Success {
    /// Standard output.
    pub stdout: Vec<u8>,
    /// SHA-256 of standard output: what replicas compare.
    pub stdout_digest: Digest,
    /// Standard error, for people.
    pub stderr: Vec<u8>,
    /// What it used.
    pub usage: Usage,
    /// Always 0; another code is [`FailureKind::Exit`].
    pub exit_code: u32,
}

/// How an engine came back.
pub(super) enum End {
    Returned,
    Trapped(TrapKind),
    Local(LocalFault),
}

/// The counters of the instrumentation after a run.
#[derive(Clone, Copy)]
pub(super) struct Counters {
    pub(super) units: i64,
    pub(super) stack: i64,
    pub(super) refused: i32,
    pub(super) pages: u32,
}

/// Reads the outcome off the counters: the same rules for every engine.
pub(super) fn conclude(
    budget: u64,
    world: World,
    counters: Counters,
    end: End,
) -> Result<Success, Failure> {
    let exhausted = counters.units < 0;
    let left = u64::try_from(counters.units).unwrap_or(0);
    let usage = Usage {
        units: budget.saturating_sub(left),
        peak_pages: counters.pages,
        output_bytes: world.output_bytes(),
    };
    let starved = counters.refused != 0;
    let kind = match (end, world.stop) {
        (End::Local(fault), None) => Some(FailureKind::Local(fault)),
        (_, Some(Stop::OutOfUnits)) => Some(FailureKind::OutOfUnits),
        _ if exhausted => Some(FailureKind::OutOfUnits),
        (_, Some(Stop::OutputLimit)) => Some(FailureKind::OutputLimit),
        (_, Some(Stop::Exit(0))) | (End::Returned, None) => None,
        (_, Some(Stop::Exit(_))) if starved => Some(FailureKind::MemoryLimit),
        (_, Some(Stop::Exit(code))) => Some(FailureKind::Exit(code)),
        (End::Trapped(_), None) if counters.stack < 0 => Some(FailureKind::StackLimit),
        (End::Trapped(_), None) if starved => Some(FailureKind::MemoryLimit),
        (End::Trapped(trap), None) => Some(FailureKind::Trap(trap)),
    };
    match kind {
        Some(kind) => Err(Failure { kind, usage, stderr: world.stderr }),
        None => Ok(Success {
            stdout_digest: digest(&[&world.stdout]),
            stdout: world.stdout,
            stderr: world.stderr,
            usage,
            exit_code: 0,
        }),
    }
}
