//! Why a run gave no result, and whether every honest machine would say the same.

use super::outcome::Usage;
use super::validate::Refusal;

/// Whether a failure may be signed as the result of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Every honest machine gets the same failure: it is a result.
    Deterministic,
    /// Only this machine, this time: try again or elsewhere, sign nothing.
    Local,
}

/// A run without a result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct Failure {
    /// What went wrong.
    pub kind: FailureKind,
    /// What the run used until then; zero if it never started.
    pub usage: Usage,
    /// Standard error until then, for people.
    pub stderr: Vec<u8>,
}

impl Failure {
    /// A failure before the program ran.
    pub(super) const fn before_start(kind: FailureKind) -> Self {
        let usage = Usage { units: 0, peak_pages: 0, output_bytes: 0 };
        Self { kind, usage, stderr: Vec::new() }
    }

    /// Whether every honest machine would say the same.
    #[must_use]
    pub const fn reach(&self) -> Reach {
        self.kind.reach()
    }
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FailureKind {
    /// The module is outside the profile.
    #[error("invalid module: {0}")]
    InvalidModule(#[source] Refusal),
    /// The limits of the job are above those of the profile.
    #[error("the limits of the job are above those of the profile; ask for less")]
    ImpossibleLimits,
    /// The budget of units is used up.
    #[error("out of units; raise the limit or give the program less to do per slice")]
    OutOfUnits,
    /// The program asked for more memory than its limit and then failed.
    #[error("memory limit; raise the limit of pages or use smaller slices")]
    MemoryLimit,
    /// The call stack grew past its limit.
    #[error("stack limit; raise the limit of slots or recurse less deeply")]
    StackLimit,
    /// The program wrote more than its limit.
    #[error("output limit; raise the limit of output bytes or use smaller slices")]
    OutputLimit,
    /// The program did what Wasm forbids.
    #[error("trap: {0}")]
    Trap(TrapKind),
    /// The program ended with a code other than 0.
    #[error("exit code {0}; standard error may say why")]
    Exit(u32),
    /// Something about this machine or this moment.
    #[error(transparent)]
    Local(#[from] LocalFault),
}

impl FailureKind {
    /// Whether every honest machine would say the same.
    #[must_use]
    pub const fn reach(&self) -> Reach {
        match self {
            Self::Local(_) => Reach::Local,
            _ => Reach::Deterministic,
        }
    }
}

/// The canonical trap codes of the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum TrapKind {
    /// `unreachable` was executed: what `abort` and a panic compile to.
    #[error("unreachable code reached")]
    Unreachable,
    /// A load, store, bulk operation or data segment outside of the memory.
    #[error("memory out of bounds")]
    MemoryOutOfBounds,
    /// An access or element segment outside of a table.
    #[error("table out of bounds")]
    TableOutOfBounds,
    /// An indirect call of an empty entry.
    #[error("indirect call of nothing")]
    IndirectCallToNull,
    /// An indirect call of a function of another type.
    #[error("indirect call of another type")]
    BadSignature,
    /// A division or conversion whose result does not fit.
    #[error("integer overflow")]
    IntegerOverflow,
    /// An integer division by zero.
    #[error("integer division by zero")]
    DivisionByZero,
    /// A conversion of NaN to an integer.
    #[error("conversion of NaN to an integer")]
    BadConversion,
}

/// Something about this machine or this moment. Never a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocalFault {
    /// The backstop of real time ran out.
    #[error("timed out on this machine; try a faster one or raise the limit of real time")]
    TimedOut,
    /// The caller cancelled the run.
    #[error("cancelled by the caller")]
    Cancelled,
    /// The native stack ended before the limit of slots: the margin was too small.
    #[error("native stack exhausted before the limit of slots; report the module")]
    NativeStack,
    /// The machine could not provide memory or an instance.
    #[error("this machine could not provide the memory; try again or elsewhere")]
    NoMemory,
    /// The engine refused a module that the profile accepts.
    #[error("the engine refused a module within the profile; report the module")]
    Engine,
    /// The compilation went beyond its limits of time, memory or size.
    #[error("compilation limit of this machine; make the functions smaller or try elsewhere")]
    CompilationLimit,
    /// The compiler process cannot be started, or is not of this build.
    #[error("the compiler process gave no answer; check its command in the configuration")]
    Compiler,
    /// The second engine is known to die of an instruction in this module, and was not asked.
    #[error("the second engine cannot run this module; ask another machine for a second opinion")]
    SecondEngine,
}
