//! Deliberate bugs, one at a time, and which seed notices each.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::thread;

use tallystick_planted::{Bug, plant};

use crate::cast::Scene;
use crate::chain::genesis::{GenesisError, House};
use crate::world::{Mode, PANIC, attempt};

/// What is known to find each bug: its name, a seed, the mode, and the oracle that noticed.
const RECORDED: &str = include_str!("../planted.txt");

/// A search for bugs.
#[derive(Clone, Debug)]
pub struct Hunt {
    /// The first seed.
    pub first: u64,
    /// How many seeds until a bug counts as not found.
    pub seeds: u64,
    /// How many run at a time.
    pub jobs: usize,
    /// Whether recorded seeds go first, and are shown to be green without a bug.
    pub recorded: bool,
}

/// Why a search could not be done.
#[derive(Debug, thiserror::Error)]
pub enum HuntError {
    /// There is no chain to run on.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// Nobody reads.
    #[error(transparent)]
    Write(#[from] io::Error),
    /// There are none in this program.
    #[error(
        "this program has no deliberate bugs in it; build it with \
         `cargo build --workspace --bin tallystick-sim --features tallystick-sim/planted`"
    )]
    NotCompiledIn,
    /// There is no such bug.
    #[error("no bug is called `{0}`; `--planted names` lists them")]
    Unknown(String),
    /// A line of the record cannot be read.
    #[error("`{0}` in crates/sim/planted.txt is no bug, seed, mode and oracle; record them anew")]
    Record(String),
}

/// What one run noticed, if anything.
type Noticed = Option<String>;

/// One run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Run {
    seed: u64,
    /// Otherwise things go wrong to the end.
    is_liveness: bool,
}

/// What found a bug.
#[derive(Clone, Debug)]
struct Find {
    run: Run,
    runs: u64,
    oracle: String,
}

impl Run {
    const fn mode(self) -> Mode {
        if self.is_liveness { Mode::Liveness } else { Mode::Safety }
    }

    const fn name(self) -> &'static str {
        if self.is_liveness { "liveness" } else { "safety" }
    }

    fn noticed(self) -> Result<Noticed, GenesisError> {
        match attempt(&Scene::of(self.seed), self.mode(), false) {
            Some(outcome) => Ok(outcome?.failure().map(str::to_owned)),
            None => Ok(Some(PANIC.to_owned())),
        }
    }
}

/// The bugs that a word on the command line names.
///
/// # Errors
///
/// Where it names none, or the record cannot be read.
pub fn named(word: &str) -> Result<Vec<Bug>, HuntError> {
    if word == "recorded" {
        return Ok(record()?.into_keys().collect());
    }
    let all = matches!(word, "all" | "names");
    let named = Bug::ALL.iter().filter(|bug| all || bug.name() == word).copied();
    let bugs: Vec<Bug> = named.collect();
    if bugs.is_empty() { Err(HuntError::Unknown(word.to_owned())) } else { Ok(bugs) }
}

impl Hunt {
    /// Looks for each bug. False where one was not found, or a run without bugs failed.
    ///
    /// # Errors
    ///
    /// Where nothing can be run or written.
    pub fn run(&self, bugs: &[Bug], output: &mut impl Write) -> Result<bool, HuntError> {
        if !plant(None) {
            return Err(HuntError::NotCompiledIn);
        }
        House::shared()?;
        let record = record()?;
        // A panic is a finding here, and the table tells it.
        std::panic::set_hook(Box::new(|_| {}));
        writeln!(output, "{:<20} {:>6} {:<9} {:>5}  oracle", "bug", "seed", "mode", "runs")?;
        let (mut finds, mut missing) = (BTreeMap::new(), Vec::new());
        for bug in bugs {
            let known = record.get(bug).copied().filter(|_| self.recorded);
            let _compiled_in = plant(Some(*bug));
            let found = self.search(known);
            let _compiled_in = plant(None);
            match found? {
                Some(find) => {
                    let (Run { seed, .. }, mode) = (find.run, find.run.name());
                    let (name, oracle) = (bug.name(), &find.oracle);
                    writeln!(output, "{name:<20} {seed:>6} {mode:<9} {:>5}  {oracle}", find.runs)?;
                    finds.insert(*bug, find);
                }
                None => {
                    writeln!(output, "{:<20} NOT FOUND in {} seeds", bug.name(), self.seeds)?;
                    missing.push(*bug);
                }
            }
            output.flush()?;
        }
        let green = self.control(&finds, output)?;
        table(&finds, output)?;
        let (found, all) = (finds.len(), bugs.len());
        writeln!(output, "\n{found} of {all} bugs found, {} missing", missing.len())?;
        Ok(green && missing.is_empty())
    }

    /// The first run that notices the bug that is in.
    fn search(&self, known: Option<Run>) -> Result<Option<Find>, GenesisError> {
        let seeds = self.first..self.first.saturating_add(self.seeds);
        let each =
            seeds.flat_map(|seed| [false, true].map(|is_liveness| Run { seed, is_liveness }));
        let mut queue = known.into_iter().chain(each);
        let mut runs = 0_u64;
        // One after the other where the seed is known: it is the last one.
        let mut width = if known.is_some() { 1 } else { self.jobs };
        loop {
            let batch: Vec<Run> = queue.by_ref().take(width).collect();
            width = self.jobs;
            if batch.is_empty() {
                return Ok(None);
            }
            for (run, noticed) in batch.iter().zip(noticed(&batch)) {
                runs = runs.saturating_add(1);
                if let Some(words) = noticed? {
                    let oracle = words.split(": ").next().unwrap_or(PANIC).to_owned();
                    return Ok(Some(Find { run: *run, runs, oracle }));
                }
            }
        }
    }

    /// The seeds that found something find nothing where nothing is wrong.
    fn control(
        &self,
        finds: &BTreeMap<Bug, Find>,
        output: &mut impl Write,
    ) -> Result<bool, HuntError> {
        let runs: BTreeSet<Run> = finds.values().map(|find| find.run).collect();
        let runs: Vec<Run> = runs.into_iter().collect();
        let mut green = true;
        for batch in runs.chunks(self.jobs.max(1)) {
            for (run, noticed) in batch.iter().zip(noticed(batch)) {
                if let Some(words) = noticed? {
                    green = false;
                    writeln!(output, "WITHOUT A BUG seed {} ({}): {words}", run.seed, run.name())?;
                }
            }
        }
        writeln!(output, "\n{} runs without a bug, green: {green}", runs.len())?;
        Ok(green)
    }
}

/// What each of some runs noticed, all at a time.
fn noticed(runs: &[Run]) -> Vec<Result<Noticed, GenesisError>> {
    let lost = || Ok(Some(PANIC.to_owned()));
    thread::scope(|scope| {
        let threads: Vec<_> = runs.iter().map(|run| scope.spawn(move || run.noticed())).collect();
        threads.into_iter().map(|it| it.join().unwrap_or_else(|_| lost())).collect()
    })
}

/// Which oracle noticed how many bugs.
fn table(finds: &BTreeMap<Bug, Find>, output: &mut impl Write) -> io::Result<()> {
    let mut oracles: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (bug, find) in finds {
        oracles.entry(&find.oracle).or_default().push(bug.name());
    }
    writeln!(output, "\n{:<52} {:>4}  bugs", "oracle", "")?;
    for (oracle, bugs) in oracles {
        writeln!(output, "{oracle:<52} {:>4}  {}", bugs.len(), bugs.join(", "))?;
    }
    Ok(())
}

/// The seeds that are known.
fn record() -> Result<BTreeMap<Bug, Run>, HuntError> {
    let lines = RECORDED.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(|line| entry(line).ok_or_else(|| HuntError::Record(line.to_owned()))).collect()
}

fn entry(line: &str) -> Option<(Bug, Run)> {
    let mut words = line.split_whitespace();
    let name = words.next()?;
    let bug = Bug::ALL.iter().find(|bug| bug.name() == name)?;
    let seed = words.next()?.parse().ok()?;
    let is_liveness = match words.next()? {
        "liveness" => true,
        "safety" => false,
        _ => return None,
    };
    Some((*bug, Run { seed, is_liveness }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_is_of_another_bug() {
        let lines = RECORDED.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        assert_eq!(record().expect("the record can be read").len(), lines.count());
    }

    #[cfg(not(feature = "planted"))]
    #[test]
    fn without_the_feature_nothing_is_looked_for_and_the_message_says_what_to_build() {
        let hunt = Hunt { first: 1, seeds: 1, jobs: 1, recorded: false };
        let refused = hunt.run(Bug::ALL, &mut Vec::new()).expect_err("there are no bugs");
        assert!(matches!(refused, HuntError::NotCompiledIn));
        assert!(refused.to_string().contains("--features tallystick-sim/planted"));
    }

    #[test]
    fn a_word_names_all_bugs_or_one_or_is_refused() {
        assert_eq!(named("all").expect("all").len(), Bug::ALL.len());
        assert_eq!(named("reuses-nonce").expect("one"), [Bug::ReusesNonce]);
        assert!(matches!(named("no-such"), Err(HuntError::Unknown(_))));
    }
}
