//! The faults of a run, one after the other, from a seed.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Duration;

use tokio::time::Instant;

use super::town::{CLIENT, Town};
use super::{ChaosError, Finding, Settings};
use crate::dice::Dice;

/// Between two faults.
const PAUSE: (Duration, Duration) = (Duration::from_millis(300), Duration::from_millis(3_500));
/// How long a process stays dead.
const DEAD: (Duration, Duration) = (Duration::from_millis(0), Duration::from_millis(5_000));
/// How long the chain stays dead.
const NO_CHAIN: (Duration, Duration) = (Duration::from_millis(500), Duration::from_millis(6_000));
/// How long a line is cut, or endpoints are dark.
const SILENT: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(20));
/// The deepest reorganisation, in blocks.
const DEEPEST: u64 = 7;
/// System calls that a traced process is hit in, and the highest count of one: some are rare.
const CALLS: [(&str, u64); 5] =
    [("write", 400), ("writev", 400), ("fsync", 100), ("fdatasync", 100), ("sendto", 8)];

/// What happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Processes that were killed, by role.
    pub kills: BTreeMap<&'static str, u64>,
    /// Of these, processes that died of the n-th call of a system call.
    pub struck: BTreeMap<String, u64>,
    /// Reorganisations by depth.
    pub reorganisations: BTreeMap<u64, u64>,
    /// Deaths of the chain.
    pub chain_deaths: u64,
    /// Times that the chain was dark for somebody.
    pub dark: u64,
    /// Lines that were cut for a while.
    pub cuts: u64,
    /// Lines whose connections were ended.
    pub severed: u64,
    /// Machines whose cable was pulled.
    pub unplugged: u64,
    /// Machines whose packets to another one vanished.
    pub vanished: u64,
}

impl Census {
    /// All processes that were killed.
    pub fn killed(&self) -> u64 {
        self.kills.values().sum()
    }
}

#[derive(Clone, Debug)]
enum Act {
    Kill(String),
    Reorganise,
    KillChain,
    Dark(String),
    Cut(String),
    Sever(String),
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Mend {
    Start(String),
    StartChain,
    Light(String),
    Join(String),
}

pub(super) struct Storm<'a> {
    dice: Dice,
    settings: &'a Settings,
    say: &'a dyn Fn(&str),
    began: Instant,
    mends: Vec<(Instant, Mend)>,
    /// Acts that come first, so that a short run has one of each.
    deck: Vec<Act>,
    census: Census,
    /// Processes that run behind a tracer, and what will hit them.
    traced: BTreeMap<String, String>,
    findings: Vec<Finding>,
}

impl<'a> Storm<'a> {
    pub(super) fn new(settings: &'a Settings, town: &Town, say: &'a dyn Fn(&str)) -> Self {
        let mut dice = Dice::of(settings.seed, "storm");
        let mut deck = deck(town, &mut dice);
        // Drawn from the end.
        for place in (1..deck.len()).rev() {
            let other = usize::try_from(dice.below(place as u64 + 1)).unwrap_or(0);
            deck.swap(place, other);
        }
        Self {
            dice,
            settings,
            say,
            began: Instant::now(),
            mends: Vec::new(),
            deck,
            census: Census::default(),
            traced: BTreeMap::new(),
            findings: Vec::new(),
        }
    }

    /// Lets faults happen until there were enough, mends everything, and tells what happened.
    pub(super) async fn rage(
        mut self,
        town: &mut Town,
    ) -> Result<(Census, Vec<Finding>), ChaosError> {
        town.begin_weather();
        let mut next = Instant::now();
        while !self.is_enough() {
            self.mend_due(town, false).await?;
            self.find_dead(town);
            if Instant::now() >= next {
                self.act(town).await?;
                next = Instant::now() + self.dice.between(PAUSE.0, PAUSE.1);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        town.end_weather();
        self.mend_due(town, true).await?;
        self.untrace(town)?;
        Ok((self.census, self.findings))
    }

    fn is_enough(&self) -> bool {
        self.deck.is_empty()
            && self.census.killed() >= self.settings.kills
            && self.began.elapsed() >= Duration::from_secs(60 * self.settings.minutes)
    }

    async fn act(&mut self, town: &mut Town) -> Result<(), ChaosError> {
        let act = self.deck.pop().unwrap_or_else(|| draw(town, &mut self.dice));
        let seconds = self.began.elapsed().as_secs();
        match act {
            Act::Kill(name) => {
                if town.kill(&name) {
                    (self.say)(&format!("{seconds:>5} s  kill {name}"));
                    self.died(town, &name);
                }
            }
            Act::Reorganise if self.has_chain() => {
                let depth = 1 + self.dice.below(DEEPEST);
                if town.network.ground.chain.reorganise(depth).await.is_ok() {
                    (self.say)(&format!("{seconds:>5} s  reorganise {depth} blocks"));
                    *self.census.reorganisations.entry(depth).or_default() += 1;
                }
            }
            Act::KillChain if self.has_chain() => {
                (self.say)(&format!("{seconds:>5} s  kill the chain"));
                town.kill_chain().await?;
                self.census.chain_deaths += 1;
                self.mend(Mend::StartChain, NO_CHAIN);
            }
            // The chain is dead already: later.
            Act::Reorganise | Act::KillChain => self.deck.insert(0, act),
            Act::Dark(name) => {
                (self.say)(&format!("{seconds:>5} s  no chain for {name}"));
                for proxy in town.proxies.get(&name).into_iter().flatten() {
                    proxy.set_dark(true);
                }
                self.census.dark += 1;
                self.mend(Mend::Light(name), SILENT);
            }
            Act::Cut(name) => {
                (self.say)(&format!("{seconds:>5} s  cut {name} off"));
                if let Some(relay) = town.relays.get(&name) {
                    relay.set_cut(true);
                }
                self.census.cuts += 1;
                self.mend(Mend::Join(name), SILENT);
            }
            Act::Sever(name) => {
                (self.say)(&format!("{seconds:>5} s  sever {name}"));
                if let Some(relay) = town.relays.get(&name) {
                    relay.sever();
                }
                self.census.severed += 1;
            }
        }
        Ok(())
    }

    fn has_chain(&self) -> bool {
        !self.mends.iter().any(|(_, mend)| *mend == Mend::StartChain)
    }

    fn mend(&mut self, mend: Mend, (least, most): (Duration, Duration)) {
        let at = Instant::now() + self.dice.between(least, most);
        self.mends.push((at, mend));
    }

    fn died(&mut self, town: &Town, name: &str) {
        self.traced.remove(name);
        *self.census.kills.entry(town.role(name)).or_default() += 1;
        self.mend(Mend::Start(name.to_owned()), DEAD);
    }

    async fn mend_due(&mut self, town: &mut Town, all: bool) -> Result<(), ChaosError> {
        let now = Instant::now();
        let (mut due, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.mends).into_iter().partition(|(at, _)| all || *at <= now);
        self.mends = later;
        due.sort_unstable();
        for (_, mend) in due {
            match mend {
                Mend::Start(name) => {
                    let behind = if all { Vec::new() } else { self.tracer(&name) };
                    town.start(&name, &behind)?;
                }
                Mend::StartChain => town.start_chain().await?,
                Mend::Light(name) => {
                    for proxy in town.proxies.get(&name).into_iter().flatten() {
                        proxy.set_dark(false);
                    }
                }
                Mend::Join(name) => {
                    if let Some(relay) = town.relays.get(&name) {
                        relay.set_cut(false);
                    }
                }
            }
        }
        Ok(())
    }

    /// Notices who died without being killed: those that a tracer hit, and those that should not.
    fn find_dead(&mut self, town: &mut Town) {
        for name in town.names() {
            let mended = |(_, mend): &(Instant, Mend)| *mend == Mend::Start(name.clone());
            if town.runs(&name) || self.mends.iter().any(mended) {
                continue;
            }
            match self.traced.remove(&name) {
                Some(hit) => {
                    let seconds = self.began.elapsed().as_secs();
                    (self.say)(&format!("{seconds:>5} s  {name} died of {hit}"));
                    let kind = hit.split(" when ").next().unwrap_or_default().to_owned();
                    *self.census.struck.entry(kind).or_default() += 1;
                }
                None => {
                    let log = town.network.folder.join(&name).join("node.log");
                    self.findings.push(Finding::Ended { name: name.clone(), log });
                }
            }
            self.died(town, &name);
        }
    }

    /// The tracer behind which a process starts, if it is to be hit.
    fn tracer(&mut self, name: &str) -> Vec<OsString> {
        if !self.settings.strike || name == CLIENT || self.dice.below(2) == 0 {
            return Vec::new();
        }
        let (call, latest) = self.dice.one(&CALLS).copied().unwrap_or(CALLS[0]);
        let (word, hit) =
            if self.dice.below(3) == 0 { ("error=EIO", "EIO") } else { ("signal=KILL", "SIGKILL") };
        let when = 1 + self.dice.below(latest);
        self.traced.insert(name.to_owned(), format!("{hit} at {call} when {when}"));
        let inject = format!("inject={call}:{word}:when={when}");
        ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e"]
            .map(OsString::from)
            .into_iter()
            .chain([format!("trace={call}").into(), "-e".into(), inject.into()])
            .collect()
    }

    /// Processes that were not hit start anew, so that the end is calm.
    fn untrace(&mut self, town: &mut Town) -> Result<(), ChaosError> {
        for name in std::mem::take(&mut self.traced).into_keys() {
            town.kill(&name);
            town.start(&name, &[])?;
        }
        Ok(())
    }
}

/// One of everything.
fn deck(town: &Town, dice: &mut Dice) -> Vec<Act> {
    let mut deck = vec![Act::Reorganise, Act::KillChain];
    let names = town.names();
    deck.extend(names.iter().cloned().map(Act::Kill));
    let lines: Vec<String> = town.relays.keys().cloned().collect();
    deck.extend(dice.one(&names).cloned().map(Act::Dark));
    deck.extend(dice.one(&lines).cloned().map(Act::Cut));
    deck.extend(dice.one(&lines).cloned().map(Act::Sever));
    deck
}

fn draw(town: &Town, dice: &mut Dice) -> Act {
    let names = town.names();
    let lines: Vec<String> = town.relays.keys().cloned().collect();
    let name = |dice: &mut Dice, of: &[String]| dice.one(of).cloned().unwrap_or_default();
    match dice.below(20) {
        0 => Act::KillChain,
        1 | 2 => Act::Reorganise,
        3 => Act::Dark(name(dice, &names)),
        4 => Act::Cut(name(dice, &lines)),
        5 => Act::Sever(name(dice, &lines)),
        _ => Act::Kill(name(dice, &names)),
    }
}
