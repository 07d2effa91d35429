//! Many seeds, on a few threads, and one table of what they showed.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

use crate::cast::Scene;
use crate::chain::genesis::{GenesisError, House};
use crate::situations::{Situation, Situations};
use crate::tally::Census;
use crate::world::{Mode, Outcome, PANIC, attempt};

/// One in so many runs is done twice.
const AGAIN: u64 = 50;

/// What is to be run.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// The first seed.
    pub first: u64,
    /// How many.
    pub seeds: u64,
    /// At a time.
    pub jobs: usize,
    /// How.
    pub modes: Vec<Mode>,
    /// After so many seconds no other seed is begun.
    pub seconds: Option<u64>,
    /// Whether every situation must occur.
    pub demands_situations: bool,
    /// Whether everything that happens is told.
    pub traced: bool,
}

/// Why a sweep could not be done.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// There is no chain to run on.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// Nobody reads.
    #[error(transparent)]
    Write(#[from] io::Error),
}

/// What all runs showed.
#[derive(Debug, Default)]
struct Summary {
    runs: u64,
    jobs: u64,
    events: u64,
    passed_ms: u64,
    repeated: u64,
    census: Census,
    situations: Situations,
    checks: BTreeMap<&'static str, u64>,
    failures: Vec<(u64, Mode, String)>,
}

/// One run's result.
struct Report {
    seed: u64,
    mode: Mode,
    /// Nothing where it panicked.
    outcome: Option<Result<Outcome, GenesisError>>,
    /// Whether it is the same a second time.
    same: bool,
}

impl Sweep {
    /// Runs them. False where something failed.
    pub fn run(
        &self,
        output: &mut impl Write,
        progress: &mut impl Write,
    ) -> Result<bool, SweepError> {
        // Deployed once, before the threads need it.
        House::shared()?;
        let began = Stopwatch::start();
        let next = AtomicU64::new(0);
        let (sender, reports) = mpsc::channel();
        let mut summary = Summary::default();
        thread::scope(|scope| {
            for _ in 0..self.jobs {
                let (sender, next) = (sender.clone(), &next);
                scope.spawn(move || self.work(next, &sender, began));
            }
            drop(sender);
            for Report { seed, mode, outcome, same } in reports {
                match outcome {
                    Some(outcome) => self.take(mode, outcome?, same, &mut summary, output)?,
                    None => {
                        summary.runs += 1;
                        failed((seed, mode, PANIC.to_owned()), &mut summary, output)?;
                    }
                }
                if summary.runs.is_multiple_of(20) {
                    let (runs, failures) = (summary.runs, summary.failures.len());
                    writeln!(progress, "{runs} runs, {failures} failures, {} s", began.seconds())?;
                }
            }
            Ok::<_, SweepError>(())
        })?;
        self.table(&summary, began.seconds(), output)?;
        let missing = summary.situations.missing();
        let complete = missing.is_empty() || !self.demands_situations;
        Ok(complete && summary.failures.is_empty())
    }

    fn work(&self, next: &AtomicU64, sender: &mpsc::Sender<Report>, began: Stopwatch) {
        let modes = u64::try_from(self.modes.len()).unwrap_or(1).max(1);
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let late = self.seconds.is_some_and(|seconds| began.seconds() >= seconds);
            if number >= self.seeds.saturating_mul(modes) || late {
                return;
            }
            let seed = self.first.saturating_add(number / modes);
            let place = usize::try_from(number % modes).unwrap_or_default();
            let mode = self.modes.get(place).copied().unwrap_or(Mode::Liveness);
            let scene = Scene::of(seed);
            let outcome = attempt(&scene, mode, self.traced);
            let mut same = true;
            if let (Some(Ok(first)), true) = (&outcome, number.is_multiple_of(AGAIN)) {
                let again = attempt(&scene, mode, false);
                same = matches!(again, Some(Ok(again)) if again.audit == first.audit);
            }
            if sender.send(Report { seed, mode, outcome, same }).is_err() {
                return;
            }
        }
    }

    fn take(
        &self,
        mode: Mode,
        outcome: Outcome,
        same: bool,
        summary: &mut Summary,
        output: &mut impl Write,
    ) -> Result<(), SweepError> {
        for line in &outcome.trace {
            writeln!(output, "{line}")?;
        }
        let seed = outcome.seed;
        let words = outcome.failure().map(str::to_owned);
        let differs = || "two runs of the seed differ".to_owned();
        if let Some(words) = words.or_else(|| (!same).then(differs)) {
            failed((seed, mode, words), summary, output)?;
        }
        if self.traced {
            writeln!(output, "audit {:016x}", outcome.audit)?;
        }
        summary.add(&outcome);
        Ok(())
    }

    fn table(
        &self,
        summary: &Summary,
        seconds: u64,
        output: &mut impl Write,
    ) -> Result<(), SweepError> {
        writeln!(output, "\n{:<58} {:>10}", "faults injected", "count")?;
        for (name, count) in summary.census.rows() {
            writeln!(output, "{name:<58} {count:>10}")?;
        }
        writeln!(output, "\n{:<58} {:>10}", "invariants checked", "times")?;
        for (name, count) in &summary.checks {
            writeln!(output, "{name:<58} {count:>10}")?;
        }
        writeln!(output, "\n{:<58} {:>10}", "situations", "times")?;
        for situation in Situation::ALL {
            let count = summary.situations.count(*situation);
            writeln!(output, "{:<58} {count:>10}", situation.sentence())?;
        }
        let missing = summary.situations.missing();
        for situation in &missing {
            writeln!(output, "never: {}", situation.sentence())?;
        }
        let per_minute = summary.jobs.saturating_mul(60).checked_div(seconds.max(1));
        writeln!(
            output,
            "\n{} runs, {} twice, {} jobs, {} events, {} s of their time in {seconds} s, \
             {} jobs a minute, {} of {} situations, {} failures",
            summary.runs,
            summary.repeated,
            summary.jobs,
            summary.events,
            summary.passed_ms / 1_000,
            per_minute.unwrap_or_default(),
            Situation::ALL.len().saturating_sub(missing.len()),
            Situation::ALL.len(),
            summary.failures.len(),
        )?;
        Ok(())
    }
}

/// Tells of a failure, and how to see it again.
fn failed(
    failure: (u64, Mode, String),
    summary: &mut Summary,
    output: &mut impl Write,
) -> Result<(), SweepError> {
    let (seed, mode, words) = &failure;
    writeln!(output, "FAILED seed {seed} ({mode:?}): {words}")?;
    let flag = if *mode == Mode::Safety { "--safety" } else { "--liveness" };
    writeln!(output, "  cargo run -p tallystick-sim -- --seed {seed} {flag} --trace")?;
    summary.failures.push(failure);
    Ok(())
}

impl Summary {
    fn add(&mut self, outcome: &Outcome) {
        self.repeated += u64::from(self.runs.is_multiple_of(AGAIN));
        self.runs += 1;
        self.jobs += outcome.jobs;
        self.events += outcome.events;
        self.passed_ms += outcome.passed;
        self.census.add(&outcome.tally.census);
        self.situations.add(&outcome.tally.situations);
        for (name, count) in outcome.tally.oracles.checks() {
            *self.checks.entry(name).or_default() += count;
        }
    }
}

/// The time of this machine, for the table alone: no simulation reads it.
#[derive(Clone, Copy, Debug)]
struct Stopwatch(std::time::Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "how long a sweep takes is no part of it")]
    fn start() -> Self {
        Self(std::time::Instant::now())
    }

    fn seconds(self) -> u64 {
        self.0.elapsed().as_secs()
    }
}
