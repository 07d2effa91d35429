//! Every named point of every role, and every system call: a process dies there, is started again,
//! and in the end every job was paid once.
//!
//! One network lives through all of it, under a load of small jobs. Each process dies one death at
//! a time, the roles beside each other.

mod command;
mod record;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use tallystick_node::Role;
use tallystick_types::ChainId;
use tokio::time::Instant;

use self::record::Record;
use super::death::{self, Death, End};
use super::oracle;
use super::points::Victim;
use super::town::{CLIENT, Lines, Town};
use super::{ChaosError, Finding};

/// Between two looks at the processes, and at what their tracers tell.
const LOOK: Duration = Duration::from_millis(25);
const TRACE_LOOK: Duration = Duration::from_millis(500);
/// How long a process that heard of a failed call is watched, and how long until it is well.
const AFTERWARDS: Duration = Duration::from_secs(4);
const WELL: Duration = Duration::from_secs(120);
/// Between two blocks while calls are struck: nodes sync for each block, so they come to their last
/// calls sooner. Blocks of one second share its time.
const BLOCK: Duration = Duration::from_millis(200);
/// How far into a sweep an archive may begin anew: coordinators hand receipts out for an hour.
const ANEW: Duration = Duration::from_secs(50 * 60);
/// Workers that die; the others let work go on.
const MORTAL: usize = 2;

/// What a sweep does.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// How often a process passes each point before it dies there: once, and up to so often.
    pub hits: u64,
    /// Every role dies at the points that several have, not only the first of them.
    pub every_role: bool,
    /// Only points whose names contain this.
    pub only: Option<String>,
    /// Which calls are struck, in every role: the first, and from there in steps up to the last.
    /// Needs strace.
    pub strikes: Option<(u64, u64, u64)>,
    /// After so many minutes nothing new begins.
    pub minutes: Option<u64>,
    /// Where it is written down what was done, for a later sweep to go on.
    pub record: Option<PathBuf>,
    /// Where everything is kept; it must not exist.
    pub folder: PathBuf,
    /// The program of this crate, built with `failpoints`; `tally` lies beside it.
    pub program: PathBuf,
    /// The number of the chain.
    pub chain: ChainId,
}

/// What a sweep was.
#[derive(Debug)]
pub struct Swept {
    /// What came of deaths at points, by role, and how many there were.
    pub points: BTreeMap<(Victim, End), u64>,
    /// What came of strikes, with those of earlier sweeps in the record.
    pub strikes: Record,
    /// Points that no process passed so often, beyond the first time.
    pub unreached: Vec<String>,
    /// Jobs that were paid.
    pub settled: u64,
    /// Jobs whose money went back.
    pub refunded: u64,
    /// How long it took, in seconds.
    pub seconds: u64,
    /// What is not as it must be.
    pub findings: Vec<Finding>,
}

/// A process that is to die.
#[derive(Debug)]
struct Armed {
    death: Death,
    since: Instant,
    asked: bool,
    looked: Instant,
    struck: Option<Instant>,
}

struct Sweeper<'a> {
    say: &'a dyn Fn(&str),
    began: Instant,
    limit: Option<Duration>,
    /// More blocks are made than the chain makes by itself.
    hurries: bool,
    /// The most receipts that the archive held: beginning anew, it can collect as many.
    collected: usize,
    waiting: BTreeMap<Victim, VecDeque<Death>>,
    armed: BTreeMap<String, Armed>,
    /// Points that a role does not pass so often: they are not waited for again.
    beyond: BTreeSet<(Victim, &'static str)>,
    swept: Swept,
}

/// Runs all of it and tells it line by line. The folder stays.
pub async fn sweep(sweep: &Sweep, say: &dyn Fn(&str)) -> Result<Swept, ChaosError> {
    let began = Instant::now();
    let strikes = Record::open(sweep.record.as_deref())?;
    let mut waiting: BTreeMap<Victim, VecDeque<Death>> = BTreeMap::new();
    let deaths = death::points(sweep.hits, sweep.every_role, sweep.only.as_deref());
    let steps = sweep.strikes.into_iter().flat_map(|(first, step, last)| {
        (first..=last).step_by(usize::try_from(step.max(1)).unwrap_or(usize::MAX))
    });
    for (victim, death) in deaths.into_iter().chain(death::strikes(steps)) {
        waiting.entry(victim).or_default().push_back(death);
    }
    let commands = waiting.remove(&Victim::Tally).unwrap_or_default();
    let folders = (sweep.folder.clone(), sweep.program.clone());
    let mut town = Town::build(folders, (sweep.chain, 1), Lines::Plain, say).await?;
    let swept = Swept {
        points: BTreeMap::new(),
        strikes,
        unreached: Vec::new(),
        settled: 0,
        refunded: 0,
        seconds: 0,
        findings: Vec::new(),
    };
    let limit = sweep.minutes.map(|minutes| Duration::from_secs(60 * minutes));
    let (armed, beyond) = (BTreeMap::new(), BTreeSet::new());
    let (hurries, collected) = (sweep.strikes.is_some(), 0);
    let mut sweeper =
        Sweeper { say, began, limit, hurries, collected, waiting, armed, beyond, swept };
    sweeper.run(&mut town).await?;
    let mut swept = sweeper.swept;
    say(&format!("{:>5} s  the last one died; everything has to end", began.elapsed().as_secs()));
    town.kill(CLIENT);
    let jobs = oracle::settle(&town, &mut swept.findings).await?;
    for death in commands {
        match command::dies(&town, &sweep.program, death, jobs.newest_settled()).await? {
            None => *swept.points.entry((Victim::Tally, End::Died)).or_default() += 1,
            Some(finding) => swept.findings.push(finding),
        }
    }
    oracle::views(&mut town, &mut swept.findings).await?;
    drop(town);
    swept.findings.extend(oracle::orphans(&sweep.folder).await);
    (swept.settled, swept.refunded) = (jobs.settled(), jobs.refunded());
    swept.seconds = began.elapsed().as_secs();
    Ok(swept)
}

impl Sweeper<'_> {
    async fn run(&mut self, town: &mut Town) -> Result<(), ChaosError> {
        let mortal = mortal(town);
        let mut block = Instant::now();
        while self.armed.len() + self.waiting.values().map(VecDeque::len).sum::<usize>() > 0 {
            for (name, victim) in &mortal {
                self.look(town, name, *victim).await?;
                self.shorten(town, name, *victim);
            }
            if self.limit.is_some_and(|limit| self.began.elapsed() > limit) {
                self.waiting.clear();
            }
            if self.hurries && block.elapsed() > BLOCK {
                block = Instant::now();
                town.network.ground.chain.mine().await?;
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Ends the connections of a process that is to come to one with a high number: an archive's
    /// all the time, so that ever more receipts are wanting, each of which it asks for; a worker's
    /// for three seconds of four, so that it also works.
    fn shorten(&self, town: &Town, name: &str, victim: Victim) {
        let Some(relay) = town.relays.get(name) else { return };
        let works = victim == Victim::Worker && self.began.elapsed().as_secs() % 4 == 3;
        let waits = |it: &Armed| it.struck.is_none() && it.death.connects(victim);
        relay.set_short(!works && self.armed.get(name).is_some_and(waits));
    }

    async fn look(
        &mut self,
        town: &mut Town,
        name: &str,
        victim: Victim,
    ) -> Result<(), ChaosError> {
        let (log, trace) = (log_of(town, name), trace_of(town, name));
        let runs = town.runs(name);
        let Some(armed) = self.armed.get_mut(name) else {
            return self.next(town, name, victim).await;
        };
        let death = armed.death;
        if !runs {
            let signal = town.member(name).and_then(|member| member.ended_by());
            match death.end(signal, &log, &trace) {
                Some(end) => self.note(name, victim, end)?,
                None => self.swept.findings.push(Finding::Ended { name: name.to_owned(), log }),
            }
            return self.next(town, name, victim).await;
        }
        if armed.looked.elapsed() > TRACE_LOOK {
            armed.looked = Instant::now();
            if armed.struck.is_none() && death.struck(&trace).is_some() {
                armed.struck = Some(Instant::now());
            }
        }
        if let Some(struck) = armed.struck.map(|it| it.elapsed()) {
            if struck > AFTERWARDS && is_ready(town, name).await {
                self.note(name, victim, End::WentOn)?;
                let file = death.struck(&trace).unwrap_or_default();
                (self.say)(&format!("         it was {file}"));
                if death::is_store(&file) {
                    let death = death.to_string();
                    self.swept.findings.push(Finding::Deaf { name: name.to_owned(), death, file });
                }
                return self.next(town, name, victim).await;
            }
            if struck > WELL {
                let death = death.to_string();
                self.swept.findings.push(Finding::Wedged { name: name.to_owned(), death });
                return self.next(town, name, victim).await;
            }
        } else if armed.since.elapsed() > death.patience() {
            self.note(name, victim, End::Unreached)?;
            return self.next(town, name, victim).await;
        } else if death.stops() && !armed.asked && is_ready(town, name).await {
            // A process ends cleanly only once it is whole.
            armed.asked = true;
            town.member(name).map(|member| member.terminate());
        }
        Ok(())
    }

    /// Writes down what came of the death of a process. What must come about and did not is in no
    /// record, so that the next sweep tries it again.
    fn note(&mut self, name: &str, victim: Victim, end: End) -> Result<(), ChaosError> {
        let Some(&Armed { death, .. }) = self.armed.get(name) else { return Ok(()) };
        let seconds = self.began.elapsed().as_secs();
        (self.say)(&format!("{seconds:>5} s  {name} {} at {death}", end.name()));
        if end == End::Unreached && death.must(victim) {
            let death = death.to_string();
            self.swept.findings.push(Finding::Unpassed { death, victim });
            return Ok(());
        }
        if let Death::Strike { .. } = death {
            return self.swept.strikes.add(victim, death, end);
        }
        *self.swept.points.entry((victim, end)).or_default() += 1;
        if end == End::Unreached {
            self.swept.unreached.push(format!("{victim} {death}"));
            self.beyond.extend(death.point().map(|point| (victim, point)));
        }
        Ok(())
    }

    /// Starts a process again: with the next death before it, or none.
    async fn next(
        &mut self,
        town: &mut Town,
        name: &str,
        victim: Victim,
    ) -> Result<(), ChaosError> {
        let was_armed = self.armed.remove(name).is_some();
        // A worker is well when its coordinator is.
        let recovers = |it: &Armed| it.struck.is_some_and(|struck| struck.elapsed() > AFTERWARDS);
        let calm = victim == Victim::Coordinator && self.armed.values().any(recovers);
        let next = if calm { None } else { self.take(town, name, victim).await };
        let behind = match next {
            None if town.runs(name) && !was_armed => return Ok(()),
            None => Vec::new(),
            Some(death) => death.behind(&trace_of(town, name)),
        };
        town.kill(name);
        if next.is_some_and(|it| it.receipts(victim).is_some()) {
            for folder in archived(town, name) {
                fs::remove_dir_all(&folder).map_err(|it| ChaosError::files(&folder, it))?;
            }
        }
        // What the log tells from now on is of this death.
        let log = log_of(town, name);
        let _no_log_yet = fs::rename(&log, log.with_extension("before.log"));
        let _no_trace_yet = fs::remove_file(trace_of(town, name));
        town.start(name, &behind)?;
        let now = Instant::now();
        let armed = |death| Armed { death, since: now, asked: false, looked: now, struck: None };
        self.armed.extend(next.map(|death| (name.to_owned(), armed(death))));
        Ok(())
    }

    /// The next death of a process, if its time has come.
    async fn take(&mut self, town: &mut Town, name: &str, victim: Victim) -> Option<Death> {
        let late = self.began.elapsed() > ANEW;
        let waiting = self.waiting.entry(victim).or_default();
        loop {
            let death = *waiting.front()?;
            let beyond = death.point().is_some_and(|it| self.beyond.contains(&(victim, it)));
            let receipts = death.receipts(victim);
            if beyond || self.swept.strikes.is_done(victim, death) || receipts.is_some() && late {
                waiting.pop_front();
                continue;
            }
            let Some(wanted) = receipts else { return waiting.pop_front() };
            let held = fs::read_dir(&archived(town, name)[0]).map_or(0, Iterator::count);
            self.collected = self.collected.max(held);
            if self.collected < wanted {
                let others = waiting.iter().position(|it| it.receipts(victim).is_none())?;
                waiting.rotate_left(others);
                continue;
            }
            // First it comes back from what it died of before.
            let is_back = held >= wanted && is_ready(town, name).await;
            return if is_back { waiting.pop_front() } else { None };
        }
    }
}

/// Where an archive keeps receipts: as files, and to find them.
fn archived(town: &Town, name: &str) -> [PathBuf; 2] {
    ["receipts", "archive"].map(|folder| town.network.folder.join(name).join(folder))
}

fn log_of(town: &Town, name: &str) -> PathBuf {
    let folder = &town.network.folder;
    if name == CLIENT { folder.join("client.log") } else { folder.join(name).join("node.log") }
}

fn trace_of(town: &Town, name: &str) -> PathBuf {
    town.network.folder.join(format!("{name}.trace"))
}

/// Those that die, and as what.
fn mortal(town: &Town) -> Vec<(String, Victim)> {
    let mut workers = 0;
    let victim = |role| match role {
        Role::Coordinator => Victim::Coordinator,
        Role::Worker => Victim::Worker,
        Role::Settler => Victim::Settler,
        Role::Archive => Victim::Archive,
    };
    let members = town.network.members.iter().map(|it| (it.name.clone(), victim(it.role)));
    let members = members.filter(|(_, victim)| {
        workers += usize::from(*victim == Victim::Worker);
        *victim != Victim::Worker || workers <= MORTAL
    });
    let mut mortal: Vec<_> = members.collect();
    mortal.push((CLIENT.to_owned(), Victim::Client));
    mortal
}

async fn is_ready(town: &mut Town, name: &str) -> bool {
    let Some(observe) = town.member(name).map(|member| member.observe) else { return false };
    let ask = reqwest::get(format!("http://{observe}/readyz"));
    let answer = tokio::time::timeout(Duration::from_secs(1), ask).await;
    answer.is_ok_and(|answer| answer.is_ok_and(|answer| answer.status().is_success()))
}

impl fmt::Display for Swept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let deaths = self.points.iter().filter(|((_, end), _)| *end == End::Died);
        writeln!(f, "took             {} s", self.seconds)?;
        writeln!(f, "died at points   {}", deaths.clone().map(|(_, count)| count).sum::<u64>())?;
        for ((victim, _), count) in deaths {
            writeln!(f, "                 {victim} {count}")?;
        }
        if !self.unreached.is_empty() {
            writeln!(f, "never so often   {}", self.unreached.join(", "))?;
        }
        write!(f, "{}", self.strikes)?;
        writeln!(f, "jobs             {} settled, {} refunded", self.settled, self.refunded)?;
        for finding in &self.findings {
            writeln!(f, "WRONG            {finding}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::death::Blow;
    use super::*;

    fn sweeper<'a>(death: Death, say: &'a dyn Fn(&str)) -> Sweeper<'a> {
        let now = Instant::now();
        let armed = Armed { death, since: now, asked: false, looked: now, struck: None };
        let swept = Swept {
            points: BTreeMap::new(),
            strikes: Record::default(),
            unreached: Vec::new(),
            settled: 0,
            refunded: 0,
            seconds: 0,
            findings: Vec::new(),
        };
        Sweeper {
            say,
            began: now,
            limit: None,
            hurries: true,
            collected: 0,
            waiting: BTreeMap::new(),
            armed: BTreeMap::from([("node".to_owned(), armed)]),
            beyond: BTreeSet::new(),
            swept,
        }
    }

    #[test]
    fn a_strike_that_had_help_and_never_came_is_a_failure_and_is_tried_again() {
        let strike = |call| Death::Strike { call, blow: Blow::Kill, number: 130 };
        // Whom, in which call, the failures, and whether later sweeps leave it out.
        let table = [
            (Victim::Worker, "sendto", 1, false),
            (Victim::Archive, "fsync", 1, false),
            (Victim::Settler, "sendto", 0, true),
            (Victim::Worker, "fsync", 0, true),
        ];
        for (victim, call, failures, is_done) in table {
            let mut sweeper = sweeper(strike(call), &|_| {});
            sweeper.note("node", victim, End::Unreached).unwrap();
            let swept = &sweeper.swept;
            assert_eq!(swept.findings.len(), failures, "{victim} {call}");
            assert_eq!(swept.strikes.is_done(victim, strike(call)), is_done, "{victim} {call}");
        }
    }
}
