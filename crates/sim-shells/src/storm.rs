//! What goes wrong and when, as the seed has it.

use std::num::NonZeroU64;

use tallystick_sim::lies::Character;
use tallystick_sim::random::Dice;

use crate::customer::Wish;
use crate::rpc::{Lie, Mood};
use crate::socket;

/// For how long things go wrong, in milliseconds.
pub(crate) const STORM: u64 = 150_000;
/// When the first thing may go wrong.
const CALM: u64 = 8_000;
/// Most milliseconds between two things that go wrong.
const GAP: u64 = 9_000;

/// Who and what there is, and what is to happen.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) coordinators: u16,
    pub(crate) workers: u16,
    /// The worker that computes something else, and what it is like.
    pub(crate) liar: Option<(u16, Character)>,
    pub(crate) endpoints: u16,
    /// How many endpoints must agree.
    pub(crate) agreement: usize,
    pub(crate) wishes: Vec<Wish>,
    /// What happens at which millisecond.
    pub(crate) faults: Vec<(u64, Fault)>,
    /// Most milliseconds that a message is under way.
    pub(crate) latency: u64,
    /// Blocks until one is final.
    pub(crate) final_lag: u64,
}

/// One thing that goes wrong, or is well again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A machine loses its power.
    Crash(String),
    /// It has power again.
    Start(String),
    /// Messages between two machines are lost.
    Cut(String, String),
    /// They arrive again.
    Mend(String, String),
    /// Messages between two machines wait.
    Hold(String, String),
    /// They arrive after all.
    Release(String, String),
    /// An endpoint answers differently.
    Mood(usize, Mood),
    /// So many of the newest blocks are replaced.
    Reorganise(u64),
    /// No blocks, or blocks again.
    Stand(bool),
}

impl Fault {
    /// What it is called in a census.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Crash(_) => "losses of power",
            Self::Start(_) => "starts",
            Self::Cut(..) => "partitions",
            Self::Mend(..) => "repairs",
            Self::Hold(..) => "holds",
            Self::Release(..) => "releases",
            Self::Mood(..) => "moods of endpoints",
            Self::Reorganise(_) => "reorganisations",
            Self::Stand(_) => "stands of the chain",
        }
    }
}

/// The endpoint's host.
pub(crate) fn endpoint(number: u16) -> String {
    format!("endpoint-{number}")
}

/// The worker's host.
pub(crate) fn worker(number: u16) -> String {
    format!("worker-{number}")
}

/// The settler's host.
pub(crate) const SETTLER: &str = "settler";
/// The archive's host.
pub(crate) const ARCHIVE: &str = "archive";
/// The client's host.
pub(crate) const CLIENT: &str = "client";

impl Plan {
    /// The main path: one coordinator, three workers, one job of each kind, and nothing goes wrong.
    pub(crate) fn fair(seed: u64) -> Self {
        let mut dice = Dice::of(seed, "fair");
        let wish = |by_call, replicas| Wish {
            after: 2_000,
            slices: 4,
            slices_per_task: NonZeroU64::MIN.saturating_add(1),
            replicas,
            by_call,
            coordinator: 0,
        };
        Self {
            coordinators: 1,
            workers: 3,
            liar: None,
            endpoints: 1,
            agreement: 1,
            wishes: vec![wish(false, 2), wish(true, 1)],
            faults: Vec::new(),
            latency: dice.between(10, 120),
            final_lag: dice.between(4, 10),
        }
    }

    /// Everything may go wrong.
    pub(crate) fn stormy(seed: u64) -> Self {
        let mut dice = Dice::of(seed, "storm");
        let coordinators = if dice.falls(400_000) { 2 } else { 1 };
        let liar = dice.falls(500_000).then(|| liar(&mut dice));
        // One lie never wins where two must agree, and there are others to ask.
        let (fewest, replicas) = if liar.is_some() { (4, 2) } else { (3, 1) };
        let workers = pick(&mut dice, fewest, 5);
        let endpoints = pick(&mut dice, 2, 3);
        let count = dice.between(2, 4);
        let mut plan = Self {
            coordinators,
            workers,
            liar,
            endpoints,
            // A single one may be wrong for a while, so that two of three are enough.
            agreement: if endpoints > 2 { 2 } else { 1 },
            wishes: Vec::new(),
            faults: Vec::new(),
            latency: dice.between(10, 300),
            final_lag: dice.between(4, 10),
        };
        let wish = |number| wish(&mut dice, number, coordinators, replicas);
        plan.wishes = (0..count).map(wish).collect();
        let mut at = CALM;
        while at < STORM {
            plan.strike(at, &mut dice);
            at = at.saturating_add(dice.between(500, GAP));
        }
        plan.faults.sort_by_key(|(at, _)| *at);
        plan
    }

    /// Machines that run a role of production.
    pub(crate) fn machines(&self) -> Vec<String> {
        let coordinators = (0..self.coordinators).map(socket::coordinator);
        let workers = (0..self.workers).map(worker);
        coordinators.chain(workers).chain([SETTLER, ARCHIVE].map(str::to_owned)).collect()
    }

    /// What a worker is like.
    pub(crate) fn character(&self, worker: u16) -> Character {
        let liar = self.liar.filter(|(number, _)| *number == worker);
        liar.map_or(Character::Honest, |(_, character)| character)
    }

    fn strike(&mut self, at: u64, dice: &mut Dice) {
        let machines = self.machines();
        let endpoints: Vec<String> = (0..self.endpoints).map(endpoint).collect();
        let powered = [machines.as_slice(), &endpoints].concat();
        let fails = dice.pick(&powered).cloned().unwrap_or_default();
        let one = dice.pick(&machines).cloned().unwrap_or_default();
        let mut others: Vec<String> = machines.into_iter().filter(|it| *it != one).collect();
        others.push(CLIENT.to_owned());
        others.extend(endpoints);
        let other = dice.pick(&others).cloned().unwrap_or_default();
        let until = at.saturating_add(dice.between(500, 25_000));
        let (bad, good) = match dice.below(10) {
            0..=2 => (Fault::Crash(fails.clone()), Some(Fault::Start(fails))),
            3 | 4 => (Fault::Cut(one.clone(), other.clone()), Some(Fault::Mend(one, other))),
            5 => (Fault::Hold(one.clone(), other.clone()), Some(Fault::Release(one, other))),
            6 | 7 => {
                let last = self.endpoints.saturating_sub(1);
                // As many endpoints as must agree may not lie alike, and a client asks the first.
                let (number, mood) = if self.agreement > 1 && dice.falls(500_000) {
                    (usize::from(last), dishonest(dice))
                } else {
                    (usize::from(pick(dice, 0, last)), mood(dice))
                };
                (Fault::Mood(number, mood), Some(Fault::Mood(number, Mood::default())))
            }
            8 => {
                let most = self.final_lag.saturating_sub(1);
                (Fault::Reorganise(dice.between(1, most)), None)
            }
            _ => (Fault::Stand(true), Some(Fault::Stand(false))),
        };
        self.faults.push((at, bad));
        self.faults.extend(good.map(|good| (until.min(STORM), good)));
    }
}

fn pick(dice: &mut Dice, least: u16, most: u16) -> u16 {
    u16::try_from(dice.between(least.into(), most.into())).unwrap_or(most)
}

fn wish(dice: &mut Dice, number: u64, coordinators: u16, fewest: u8) -> Wish {
    Wish {
        after: dice.between(1_000, STORM / 2),
        slices: dice.between(1, 6),
        slices_per_task: NonZeroU64::new(dice.between(1, 3)).unwrap_or(NonZeroU64::MIN),
        replicas: u8::try_from(dice.between(1, 3)).unwrap_or(1).max(fewest),
        // One of each kind at least.
        by_call: number == 1 || (number > 1 && dice.falls(400_000)),
        coordinator: pick(dice, 0, coordinators.saturating_sub(1)),
    }
}

/// One of the first four workers.
fn liar(dice: &mut Dice) -> (u16, Character) {
    let number = pick(dice, 0, 3);
    let always = dice.falls(500_000);
    (number, if always { Character::WrongOutput { group: 1 } } else { Character::Errs })
}

fn mood(dice: &mut Dice) -> Mood {
    let share = dice.between(100_000, 900_000);
    match dice.below(5) {
        0 => Mood { late_ms: dice.between(1_000, 9_000), ..Mood::default() },
        1 => Mood { busy_ppm: share, ..Mood::default() },
        2 => Mood { deaf_ppm: share, ..Mood::default() },
        3 => Mood { mute_ppm: share, ..Mood::default() },
        _ => Mood { behind: dice.between(1, 4), ..Mood::default() },
    }
}

fn dishonest(dice: &mut Dice) -> Mood {
    let lie = dice.pick(&Lie::ALL).copied();
    let share = dice.between(300_000, 1_000_000);
    Mood { lie: lie.map(|lie| (lie, share)), ..Mood::default() }
}
