//! One script for the log of the simulation and for the journal of production: after each step the
//! same can be read.

use std::fs;
use std::path::{Path, PathBuf};

use alloy_primitives::Address;
use proptest::prelude::*;
use tallystick_coordinator::machine::{Input, Machine};
use tallystick_coordinator::shell::{Batch, Log};
use tallystick_journal::{Journal, Network};
use tallystick_protocol::ledger::{Event, Settings};
use tallystick_scheduler::SchedulingParameters;
use tallystick_sim::disk::{Disk, Fuse, StoreLog};
use tallystick_types::{ChainId, JobId, WallTime};

/// One step of the script.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// So many inputs are kept together.
    Keep(u8),
    /// The state after the last input is kept, and what came before it is forgotten.
    Snapshot,
    /// The process ends without a word, and another one begins on what is left.
    Crash,
    /// The same in the middle of a write: of so many inputs none is left.
    Torn(u8),
}

/// A log that can be hurt.
trait Hurt {
    type Log: Log;

    fn log(&mut self) -> &mut Self::Log;
    fn crash(&mut self);
    /// Keeps a batch, of which the last bytes never reach the disk.
    fn tear(&mut self, machine: &Machine, batch: &Batch);
}

struct Simulated {
    fuse: Fuse,
    disk: Disk,
    log: StoreLog,
}

impl Simulated {
    fn new() -> Self {
        let fuse = Fuse::default();
        let disk = Disk::new(fuse.clone());
        let log = StoreLog::open(disk.clone()).unwrap();
        Self { fuse, disk, log }
    }
}

impl Hurt for Simulated {
    type Log = StoreLog;

    fn log(&mut self) -> &mut StoreLog {
        &mut self.log
    }

    fn crash(&mut self) {
        self.fuse.mend();
        self.disk.lose_power();
        self.log = StoreLog::open(self.disk.clone()).unwrap();
    }

    fn tear(&mut self, machine: &Machine, batch: &Batch) {
        self.fuse.arm(0, false);
        assert!(self.log.keep(machine, batch, NOW).is_err());
        self.crash();
    }
}

struct Real {
    folder: tempfile::TempDir,
    lives: u32,
    journal: Option<Journal>,
}

impl Real {
    fn new() -> Self {
        let mut it = Self { folder: tempfile::tempdir().unwrap(), lives: 0, journal: None };
        it.journal = Some(it.open());
        it
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(self.lives.to_string())
    }

    fn open(&self) -> Journal {
        let network = Network { chain: ChainId::new(31_337), jobs: Address::ZERO };
        Journal::open(self.path(), network).unwrap()
    }

    /// The next life begins on what the disk had while the last one still ran: nothing is closed.
    fn move_on(&mut self) {
        let from = self.path();
        self.lives += 1;
        copy(&from, &self.path());
        self.journal = None;
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// The engine's log of writes: the last file with this ending that has anything in it.
fn newest_writes(folder: &Path) -> Option<PathBuf> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut writes: Vec<PathBuf> = files
        .filter(|path| path.extension().is_some_and(|it| it == "log"))
        .filter(|path| fs::metadata(path).unwrap().len() > 0)
        .collect();
    writes.sort();
    writes.pop()
}

impl Hurt for Real {
    type Log = Journal;

    fn log(&mut self) -> &mut Journal {
        self.journal.as_mut().unwrap()
    }

    fn crash(&mut self) {
        self.move_on();
        self.journal = Some(self.open());
    }

    fn tear(&mut self, machine: &Machine, batch: &Batch) {
        self.log().keep(machine, batch, NOW).unwrap();
        self.move_on();
        let writes = newest_writes(&self.path()).expect("what is kept is in the log of writes");
        let file = fs::OpenOptions::new().write(true).open(&writes).unwrap();
        file.set_len(fs::metadata(&writes).unwrap().len() - 3).unwrap();
        self.journal = Some(self.open());
    }
}

const NOW: WallTime = WallTime::new(1_750_000_000_000);

fn machine() -> Machine {
    Machine::new(Settings::default(), SchedulingParameters::default())
}

/// Inputs that differ from all others.
fn batch(from: u64, count: u8) -> Batch {
    let inputs = (0..u64::from(count)).map(|number| {
        let moment = from.saturating_add(number);
        if moment.is_multiple_of(3) {
            let mut job = [0; 32];
            job[..8].copy_from_slice(&moment.to_be_bytes());
            Input::Unleased { job: JobId::new(job) }
        } else {
            Input::Ledger(Event::Tick { now: WallTime::new(moment) })
        }
    });
    Batch { inputs: inputs.collect(), ..Batch::default() }
}

/// What can be read: the moment that the snapshot has, and the inputs after it.
type Readable = (Option<WallTime>, Vec<Input>);

fn play<H: Hurt>(mut it: H, script: &[Step]) -> Vec<Readable>
where
    <H::Log as Log>::Error: std::fmt::Debug,
{
    let (mut machine, mut next, mut seen) = (machine(), 1, Vec::new());
    for step in script {
        match *step {
            Step::Keep(count) => {
                let batch = batch(next, count);
                next += u64::from(count);
                it.log().keep(&machine, &batch, NOW).unwrap();
                for input in batch.inputs {
                    machine.step(input);
                }
            }
            Step::Snapshot => it.log().snapshot(&machine.state(), NOW).unwrap(),
            Step::Crash => it.crash(),
            Step::Torn(count) => {
                it.tear(&machine, &batch(next, count));
                next += u64::from(count);
            }
        }
        let (state, inputs) = it.log().recover().unwrap();
        let moment = state.map(|state| Machine::restore(state).ledger().state().now);
        seen.push((moment, inputs));
    }
    seen
}

#[test]
fn a_torn_write_leaves_what_was_kept_before_it_in_both_logs() {
    use Step::{Crash, Keep, Snapshot, Torn};
    let script = [Keep(2), Torn(3), Keep(1), Snapshot, Keep(4), Crash, Torn(1), Keep(2)];
    let seen = play(Simulated::new(), &script);
    assert_eq!(seen[1].1, batch(1, 2).inputs);
    assert!(seen[3].1.is_empty() && seen[3].0.is_some());
    assert_eq!(seen[6].1, batch(7, 4).inputs);
    assert_eq!(play(Real::new(), &script), seen);
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..6_u8).prop_map(Step::Keep),
        1 => Just(Step::Snapshot),
        1 => Just(Step::Crash),
        1 => (1..6_u8).prop_map(Step::Torn),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn the_simulated_log_and_the_journal_read_the_same_after_every_step(
        script in proptest::collection::vec(step(), 1..16),
    ) {
        prop_assert_eq!(play(Simulated::new(), &script), play(Real::new(), &script));
    }
}
