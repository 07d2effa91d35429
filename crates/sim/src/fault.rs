//! What goes wrong in a simulation, and when. Everything follows from its seed.

use crate::chain::endpoint::{ALWAYS, Fault as Lie};
use crate::chain::{Choice, Returned};
use crate::event::Pid;
use crate::network::Weather;
use crate::process::Whim;
use crate::random::Dice;

/// One thing that goes wrong, or right again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A machine loses its power, after so many more effects.
    Crash {
        /// Which.
        pid: Pid,
        /// Effects that still happen.
        effects: u64,
        /// Whether one more happens in silence.
        after: bool,
    },
    /// A process goes and never comes back.
    Vanish(Pid),
    /// Two processes cannot reach each other, or can again.
    Cut(Pid, Pid, bool),
    /// The network changes.
    Weather(Weather),
    /// The chain replaces blocks.
    Reorganise {
        /// How many.
        depth: u64,
        /// By so many more.
        more: u64,
        /// What becomes of the transactions.
        returned: Returned,
        /// Whether final blocks may go.
        breaks_finality: bool,
    },
    /// The base fee is so many gwei.
    FeeSpike(u64),
    /// No block is made, or blocks are made again.
    Stand(bool),
    /// What miners take from the pool.
    Choose(Choice),
    /// An endpoint spoils so many millionths of its answers in this way.
    Endpoint(usize, Lie, u32),
    /// No endpoint answers, or all do again.
    Blackout(bool),
    /// A disk is full, or has room again.
    Full(Pid, bool),
    /// The next commit of a disk fails.
    DiskFails(Pid),
    /// A client does something to its money.
    Whim(Pid, Whim),
    /// Everything is well from now on.
    Heal,
}

/// Which faults there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Climate {
    /// Faults of machines.
    pub crashes: bool,
    /// Faults of the network.
    pub network: bool,
    /// Faults of the chain.
    pub chain: bool,
    /// Faults of endpoints.
    pub endpoints: bool,
    /// Faults of disks.
    pub disks: bool,
    /// Whether the chain may go back on what was final.
    pub finality: bool,
    /// Whether machines keep fewer headers than it takes to be final.
    pub short_memory: bool,
}

impl Climate {
    /// Nothing goes wrong.
    pub const FAIR: Self = Self {
        crashes: false,
        network: false,
        chain: false,
        endpoints: false,
        disks: false,
        finality: false,
        short_memory: false,
    };

    /// What a seed brings: each kind in two of three simulations.
    pub const fn of(dice: &mut Dice) -> Self {
        Self {
            crashes: dice.falls(666_666),
            network: dice.falls(666_666),
            chain: dice.falls(666_666),
            endpoints: dice.falls(666_666),
            disks: dice.falls(333_333),
            finality: dice.falls(100_000),
            short_memory: dice.falls(80_000),
        }
    }
}

/// Who can be hit.
#[derive(Clone, Copy, Debug)]
pub struct Targets {
    /// Processes that can crash: all but the last, which is the client.
    pub processes: usize,
    /// Processes that may vanish for good.
    pub mortal: Option<Pid>,
    /// Endpoints.
    pub endpoints: usize,
    /// Blocks until one is final.
    pub final_lag: u64,
}

/// Milliseconds for which a pair stays cut off.
const CUT: (u64, u64) = (5_000, 90_000);

/// The faults of a simulation with their moments, in milliseconds after its start.
pub fn plan(seed: u64, climate: Climate, targets: Targets, until: u64) -> Vec<(u64, Fault)> {
    let mut faults = Vec::new();
    crashes(&mut Dice::of(seed, "crashes"), climate, targets, until, &mut faults);
    network(&mut Dice::of(seed, "weather"), climate, targets, until, &mut faults);
    chain(&mut Dice::of(seed, "forks"), climate, targets, until, &mut faults);
    endpoints(&mut Dice::of(seed, "moods"), climate, targets, until, &mut faults);
    reading(&mut Dice::of(seed, "reading"), climate, targets, until, &mut faults);
    disks(&mut Dice::of(seed, "disks"), climate, targets, until, &mut faults);
    faults
}

type Plan = Vec<(u64, Fault)>;

fn someone(dice: &mut Dice, targets: Targets) -> Pid {
    let most = u64::try_from(targets.processes).unwrap_or(1).max(1);
    usize::try_from(dice.below(most)).unwrap_or_default()
}

fn crashes(dice: &mut Dice, climate: Climate, targets: Targets, until: u64, faults: &mut Plan) {
    if !climate.crashes {
        return;
    }
    for _ in 0..dice.between(1, 8) {
        let (at, pid) = (dice.below(until), someone(dice, targets));
        let (effects, after) = (dice.below(12), dice.falls(500_000));
        faults.push((at, Fault::Crash { pid, effects, after }));
    }
    if let Some(pid) = targets.mortal.filter(|_| dice.falls(250_000)) {
        faults.push((dice.below(until), Fault::Vanish(pid)));
    }
}

fn network(dice: &mut Dice, climate: Climate, targets: Targets, until: u64, faults: &mut Plan) {
    if !climate.network {
        return;
    }
    let weather = Weather {
        lost_ppm: dice.below(200_000),
        doubled_ppm: dice.below(200_000),
        broken_ppm: dice.below(20_000),
        slowest_ms: dice.between(20, 2_000),
    };
    faults.push((0, Fault::Weather(weather)));
    for _ in 0..dice.below(5) {
        let (one, other) = (someone(dice, targets), someone(dice, targets));
        let at = dice.below(until);
        if one != other {
            faults.push((at, Fault::Cut(one, other, true)));
            let over = at.saturating_add(dice.between(CUT.0, CUT.1));
            faults.push((over, Fault::Cut(one, other, false)));
        }
    }
}

fn chain(dice: &mut Dice, climate: Climate, targets: Targets, until: u64, faults: &mut Plan) {
    if !climate.chain {
        return;
    }
    if dice.falls(500_000) {
        let share = u32::try_from(dice.below(400_000)).unwrap_or_default();
        faults.push((0, Fault::Choose(Choice::wild(dice.next(), share))));
    }
    for _ in 0..dice.below(10) {
        let deepest = targets.final_lag.saturating_sub(1).max(1);
        let depth = dice.between(1, deepest);
        let seed = dice.next();
        let returned = match dice.below(3) {
            0 => Returned::All,
            1 => Returned::None,
            _ => Returned::Some { seed, lost_ppm: 500_000 },
        };
        let more = dice.between(0, 2);
        let fault = Fault::Reorganise { depth, more, returned, breaks_finality: false };
        faults.push((dice.below(until), fault));
    }
    if dice.falls(300_000) {
        faults.push((dice.below(until), Fault::FeeSpike(dice.between(200, 2_000))));
    }
    if dice.falls(300_000) {
        let at = dice.below(until);
        faults.push((at, Fault::Stand(true)));
        faults.push((at.saturating_add(dice.between(20_000, 100_000)), Fault::Stand(false)));
    }
    if climate.finality {
        let depth = targets.final_lag.saturating_add(dice.between(1, 6));
        let fault =
            Fault::Reorganise { depth, more: 2, returned: Returned::All, breaks_finality: true };
        faults.push((dice.between(until / 2, until), fault));
    }
}

fn endpoints(dice: &mut Dice, climate: Climate, targets: Targets, until: u64, faults: &mut Plan) {
    if !climate.endpoints || targets.endpoints == 0 {
        return;
    }
    let count = u64::try_from(targets.endpoints).unwrap_or(1);
    for _ in 0..dice.between(1, 6) {
        let fault = *dice.pick(&Lie::ALL).unwrap_or(&Lie::NoAnswer);
        let share =
            if dice.falls(500_000) { u64::from(ALWAYS) } else { dice.between(50_000, 600_000) };
        let share = u32::try_from(share).unwrap_or(ALWAYS);
        // Which is ill turns with time, so that enough stay well.
        let at = dice.below(until);
        let index = (at / 60_000) % count;
        let index = usize::try_from(index).unwrap_or_default();
        faults.push((at, Fault::Endpoint(index, fault, share)));
        let over = (at / 60_000).saturating_add(1).saturating_mul(60_000).saturating_sub(1);
        faults.push((over, Fault::Endpoint(index, fault, 0)));
    }
    if dice.falls(250_000) {
        let at = dice.below(until);
        faults.push((at, Fault::Blackout(true)));
        faults.push((at.saturating_add(dice.between(30_000, 90_000)), Fault::Blackout(false)));
    }
}

/// What spoils the reading of blocks and levels, which is most of what endpoints are asked.
const READING: [Lie; 5] =
    [Lie::EmptyLogs, Lie::MissingLogs, Lie::NullReceipt, Lie::NoAnswer, Lie::LyingTip];

/// Endpoints that are ill where it shows, one after the other.
fn reading(dice: &mut Dice, climate: Climate, targets: Targets, until: u64, faults: &mut Plan) {
    let count = u64::try_from(targets.endpoints).unwrap_or(1);
    if !climate.endpoints || count == 0 {
        return;
    }
    for minute in 0..until / 60_000 {
        let fault = *dice.pick(&READING).unwrap_or(&Lie::NoAnswer);
        let share = u32::try_from(dice.between(100_000, 600_000)).unwrap_or(ALWAYS);
        let index = usize::try_from(minute % count).unwrap_or_default();
        let begins = minute.saturating_mul(60_000);
        faults.push((begins, Fault::Endpoint(index, fault, share)));
        let over = begins.saturating_add(59_999);
        faults.push((over, Fault::Endpoint(index, fault, 0)));
    }
}

fn disks(dice: &mut Dice, climate: Climate, targets: Targets, until: u64, faults: &mut Plan) {
    if !climate.disks {
        return;
    }
    for _ in 0..dice.between(1, 4) {
        let (at, pid) = (dice.below(until), someone(dice, targets));
        if dice.falls(500_000) {
            faults.push((at, Fault::DiskFails(pid)));
        } else {
            faults.push((at, Fault::Full(pid, true)));
            let over = at.saturating_add(dice.between(1_000, 40_000));
            faults.push((over, Fault::Full(pid, false)));
        }
    }
}
