//! The network between processes. A session is ordered and reliable until it breaks, and what was
//! under way then is lost; letters are lost, doubled and overtaken.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{Life, Pid, Session};
use crate::kernel::Milliseconds;
use crate::random::Dice;

/// The lines between processes.
#[derive(Debug)]
pub struct Network {
    dice: Dice,
    weather: Weather,
    sessions: BTreeMap<Session, Line>,
    opened: u64,
    /// Pairs that cannot reach each other, the lower number first.
    cuts: BTreeSet<(Pid, Pid)>,
}

/// How bad the network is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weather {
    /// Millionths of letters that are lost.
    pub lost_ppm: u64,
    /// Millionths of letters that come twice.
    pub doubled_ppm: u64,
    /// Millionths of messages in sessions after which the session breaks.
    pub broken_ppm: u64,
    /// The longest that a message is under way, in milliseconds.
    pub slowest_ms: u64,
}

/// One session.
#[derive(Clone, Copy, Debug)]
struct Line {
    ends: [Life; 2],
    /// When the last message to each end arrives.
    last: [Milliseconds; 2],
    broken: bool,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// It arrives then.
    At(Life, Milliseconds),
    /// The session breaks, or is broken.
    Lost,
}

impl Network {
    /// A network in fair weather.
    pub fn new(dice: Dice) -> Self {
        let weather = Weather { lost_ppm: 0, doubled_ppm: 0, broken_ppm: 0, slowest_ms: 50 };
        let (sessions, cuts) = (BTreeMap::new(), BTreeSet::new());
        Self { dice, weather, sessions, opened: 0, cuts }
    }

    /// Changes the weather.
    pub const fn set_weather(&mut self, weather: Weather) {
        self.weather = weather;
    }

    /// Cuts two processes off from each other, or joins them again. True where that is a change.
    pub fn cut(&mut self, one: Pid, other: Pid, is_cut: bool) -> bool {
        let pair = (one.min(other), one.max(other));
        if is_cut { self.cuts.insert(pair) } else { self.cuts.remove(&pair) }
    }

    /// Joins everybody.
    pub fn heal(&mut self) {
        self.cuts.clear();
    }

    /// Whether two processes cannot reach each other.
    pub fn is_cut(&self, one: Pid, other: Pid) -> bool {
        self.cuts.contains(&(one.min(other), one.max(other)))
    }

    /// Opens a session; nothing where the other cannot be reached.
    pub fn open(&mut self, from: Life, to: Life, now: Milliseconds) -> Option<Session> {
        if self.is_cut(from.pid, to.pid) {
            return None;
        }
        self.opened = self.opened.saturating_add(1);
        let session = Session(self.opened);
        self.sessions.insert(session, Line { ends: [from, to], last: [now; 2], broken: false });
        Some(session)
    }

    /// Carries a message in a session.
    pub fn carry(&mut self, session: Session, from: Life, now: Milliseconds) -> Carried {
        let delay = self.dice.between(1, self.weather.slowest_ms.max(1));
        let breaks = self.dice.falls(self.weather.broken_ppm);
        let Some(line) = self.sessions.get_mut(&session).filter(|line| !line.broken) else {
            return Carried::Lost;
        };
        let [one, other] = line.ends;
        let to = if from == one { other } else { one };
        let is_cut = self.cuts.contains(&(one.pid.min(other.pid), one.pid.max(other.pid)));
        if breaks || is_cut {
            line.broken = true;
            return Carried::Lost;
        }
        let last = &mut line.last[usize::from(to == other)];
        *last = (*last).max(now.saturating_add(delay));
        Carried::At(to, *last)
    }

    /// Whether what arrives in a session now reaches its end.
    pub fn reaches(&mut self, session: Session) -> bool {
        let Some(line) = self.sessions.get_mut(&session) else { return false };
        let [one, other] = line.ends;
        if self.cuts.contains(&(one.pid.min(other.pid), one.pid.max(other.pid))) {
            line.broken = true;
        }
        !line.broken
    }

    /// Breaks a session; its ends, where it was whole.
    pub fn end(&mut self, session: Session) -> Option<[Life; 2]> {
        let line = self.sessions.get_mut(&session)?;
        line.broken = true;
        let ends = line.ends;
        self.sessions.remove(&session);
        Some(ends)
    }

    /// The sessions of a process.
    pub fn sessions_of(&self, pid: Pid) -> Vec<Session> {
        let has = |line: &Line| line.ends.iter().any(|end| end.pid == pid);
        self.sessions.iter().filter(|(_, line)| has(line)).map(|(id, _)| *id).collect()
    }

    /// When the copies of a letter arrive: none, one or two.
    pub fn post(&mut self, from: Pid, to: Pid, now: Milliseconds) -> Vec<Milliseconds> {
        let lost = self.dice.falls(self.weather.lost_ppm);
        let doubled = self.dice.falls(self.weather.doubled_ppm);
        let copies = if lost || self.is_cut(from, to) { 0 } else { 1 + usize::from(doubled) };
        let slowest = self.weather.slowest_ms.max(1);
        (0..copies).map(|_| now.saturating_add(self.dice.between(1, slowest))).collect()
    }

    /// How long until a process notices that the other end is gone: at once, or by its silence.
    pub const fn notice(&mut self) -> Milliseconds {
        if self.dice.falls(500_000) {
            self.dice.between(1, 100)
        } else {
            self.dice.between(5_000, 30_000)
        }
    }
}
