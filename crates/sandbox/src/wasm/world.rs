//! The closed world of one run: what the program may read, and what it has written.

use super::cost;
use super::job::Job;
use super::profile::{Digest, digest};

/// Why the world ended a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The program called `proc_exit`.
    Exit(u32),
    OutOfUnits,
    OutputLimit,
}

/// A virtual machine's surroundings. Both engines own one and call the same functions on it.
#[derive(Debug)]
pub(super) struct World {
    pub(super) stdin: Vec<u8>,
    pub(super) stdin_at: usize,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
    /// With their closing zero bytes.
    pub(super) args: Vec<Vec<u8>>,
    pub(super) environment: Vec<Vec<u8>>,
    pub(super) stop: Option<Stop>,
    /// Units that are left; the engine's adapter copies them from and to the module.
    pub(super) units: i64,
    budget: i64,
    output_limit: usize,
    seed: Digest,
    drawn: u64,
    clock_start_ns: u64,
    slept_ns: u64,
}

impl World {
    pub(super) fn new(job: &Job) -> Self {
        let closed = |text: &str| [text.as_bytes(), &[0]].concat();
        Self {
            stdin: job.stdin.clone(),
            stdin_at: 0,
            stdout: Vec::new(),
            stderr: Vec::new(),
            args: job.args.iter().map(|one| closed(one)).collect(),
            environment: job
                .environment
                .iter()
                .map(|(name, value)| closed(&format!("{name}={value}")))
                .collect(),
            stop: None,
            units: 0,
            budget: i64::try_from(job.limits.units).unwrap_or(i64::MAX),
            output_limit: job.limits.output_bytes as usize,
            seed: job.seed,
            drawn: 0,
            clock_start_ns: job.clock_start_ns,
            slept_ns: 0,
        }
    }

    /// Bytes written so far.
    pub(super) fn output_bytes(&self) -> u32 {
        u32::try_from(self.stdout.len() + self.stderr.len()).unwrap_or(u32::MAX)
    }

    /// Takes units, or ends the run.
    pub(super) fn charge(&mut self, units: i64) -> Result<(), Stop> {
        self.units = self.units.saturating_sub(units);
        if self.units < 0 { Err(Stop::OutOfUnits) } else { Ok(()) }
    }

    /// Takes the units for moving bytes.
    pub(super) fn charge_bytes(&mut self, bytes: u32) -> Result<(), Stop> {
        self.charge(i64::from(bytes >> cost::MOVED_SHIFT))
    }

    /// Virtual time: the start, plus one nanosecond for every unit used, plus what was slept.
    pub(super) fn now_ns(&self) -> u64 {
        let used = u64::try_from(self.budget.saturating_sub(self.units)).unwrap_or(0);
        self.clock_start_ns.wrapping_add(used).wrapping_add(self.slept_ns)
    }

    /// Virtual nanoseconds since the start of the run.
    pub(super) fn elapsed_ns(&self) -> u64 {
        self.now_ns().wrapping_sub(self.clock_start_ns)
    }

    /// Sleeping takes no real time.
    pub(super) fn sleep(&mut self, nanoseconds: u64) {
        self.slept_ns = self.slept_ns.wrapping_add(nanoseconds);
    }

    /// Fills with SHA-256 of seed and counter: the same bytes on every machine.
    pub(super) fn draw(&mut self, into: &mut [u8]) {
        for chunk in into.chunks_mut(32) {
            let block = digest(&[b"tally random", &self.seed, &self.drawn.to_le_bytes()]);
            chunk.copy_from_slice(&block[..chunk.len()]);
            self.drawn += 1;
        }
    }

    /// Appends output; the limit counts both streams together.
    pub(super) fn write(&mut self, to_stderr: bool, bytes: &[u8]) -> Result<(), Stop> {
        if self.output_bytes() as usize + bytes.len() > self.output_limit {
            return Err(Stop::OutputLimit);
        }
        let stream = if to_stderr { &mut self.stderr } else { &mut self.stdout };
        stream.extend_from_slice(bytes);
        Ok(())
    }
}
