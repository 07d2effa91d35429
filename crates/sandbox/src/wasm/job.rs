//! What is to be run, and how far it may go.

use super::profile::{Digest, Profile};

/// How far one run may go. The first four bind equally on every machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Units of the cost table; at most [`Profile::MAXIMUM_UNITS`].
    pub units: u64,
    /// Linear memory in pages of 64 KiB; at most [`Profile::MAXIMUM_PAGES`].
    pub pages: u32,
    /// Call stack in slots of the instrumentation; at most [`Profile::MAXIMUM_STACK_SLOTS`].
    pub stack_slots: u32,
    /// Standard output and standard error together, in bytes.
    pub output_bytes: u32,
    /// Backstop of real time in milliseconds, from the first instruction: neither compilation nor
    /// the wait for a slot counts. The run ends at the first tick after it; ticks are 5 ms apart,
    /// longer on a busy machine, so it is never early and seldom more than some ticks late. Its
    /// failure is local: another machine may be faster.
    pub wall_ms: u64,
}

impl Default for Limits {
    /// A task of some seconds: 10^10 units, 256 MiB, 16 MiB of output, 30 s.
    fn default() -> Self {
        Self {
            units: 10_000_000_000,
            pages: 4_096,
            stack_slots: Profile::MAXIMUM_STACK_SLOTS,
            output_bytes: 16 << 20,
            wall_ms: 30_000,
        }
    }
}

/// The closed world of one run: nothing else can be read by the program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Job {
    /// Standard input.
    pub stdin: Vec<u8>,
    /// Arguments; by custom the first is the name of the program.
    pub args: Vec<String>,
    /// Environment, in the order in which the program sees it.
    pub environment: Vec<(String, String)>,
    /// Seed of `random_get`: a digest of job and slice, so that replicas draw the same bytes.
    pub seed: Digest,
    /// Virtual time at the start, in nanoseconds since the Unix epoch. One unit is one nanosecond.
    pub clock_start_ns: u64,
    /// How far the run may go.
    pub limits: Limits,
}
