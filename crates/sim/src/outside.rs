//! What processes act on: time, network, chain, and the books of the simulation.

use std::collections::BTreeMap;

use tallystick_chain::ingest::Finality;
use tallystick_types::{JobId, TaskIndex};

use crate::chain::Chain;
use crate::disk::{Fuse, Spent};
use crate::event::{Answer, Ask, Event, Letter, Life, Message, Pid, Session, Timer};
use crate::kernel::{Audit, Milliseconds, Queue};
use crate::lies::Overheard;
use crate::network::{Carried, Network};
use crate::random::Dice;
use crate::rpc::Endpoints;
use crate::situations::Situation;
use crate::tally::Tally;

/// When blocks are final, for every process.
pub const FINALITY: Finality = Finality::Tags;

/// Everything outside of processes.
#[derive(Debug)]
pub struct Outside {
    /// Time.
    pub queue: Queue<Event>,
    /// The chain.
    pub chain: Chain,
    /// Who speaks for it.
    pub endpoints: Endpoints,
    /// The lines.
    pub network: Network,
    /// What was done, checked and seen.
    pub tally: Tally,
    /// The hash over everything.
    pub audit: Audit,
    /// How long questions take.
    pub dice: Dice,
    /// Where machines fail: which of them does right after something rare.
    pub misfortune: Option<Dice>,
    /// The process that runs in each place, by its life.
    pub lives: Vec<Option<Life>>,
    /// What was said on the lines that somebody may listen to.
    pub overheard: BTreeMap<(JobId, TaskIndex), Overheard>,
    /// What a person reads, where one does.
    pub trace: Option<Vec<String>>,
}

/// The outside as one process sees it.
#[derive(Debug)]
pub struct Here<'a> {
    /// Who acts.
    pub me: Life,
    /// Its name, for people.
    pub name: &'a str,
    /// Its power.
    pub fuse: &'a Fuse,
    /// On what.
    pub out: &'a mut Outside,
}

impl Outside {
    /// The moment it is.
    pub fn now(&self) -> Milliseconds {
        self.queue.now()
    }

    /// Writes a line for people, where one reads.
    pub fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            let now = self.queue.now();
            trace.push(format!("{:>10}.{:03} {}", now / 1_000, now % 1_000, line()));
        }
    }

    /// Breaks a session: both ends notice sooner or later.
    pub fn break_session(&mut self, session: Session) {
        if let Some(ends) = self.network.end(session) {
            for end in ends {
                let notice = self.now().saturating_add(self.network.notice());
                self.queue.plan(notice, Event::Closed(session, end));
            }
        }
    }
}

impl Here<'_> {
    /// The moment it is.
    pub fn now(&self) -> Milliseconds {
        self.out.now()
    }

    /// Notes one effect; false where it does not happen.
    fn acts(&self) -> bool {
        self.fuse.spend() != Spent::Gone
    }

    /// Something rare happened. Where machines fail, every second one loses its power now or a few
    /// effects later: chance alone would hardly ever meet such a moment.
    pub fn tempt_fate(&mut self) {
        if let Some(dice) = &mut self.out.misfortune
            && dice.falls(500_000)
        {
            self.fuse.arm(dice.below(12), dice.falls(500_000));
            self.out.tally.census.crashes += 1;
        }
    }

    /// Wakes this process after a while.
    pub fn wake(&mut self, after: Milliseconds, timer: Timer) {
        let at = self.now().saturating_add(after);
        self.out.queue.plan(at, Event::Timer(self.me, timer));
    }

    /// Asks the endpoints of the chain. The answer comes sooner or later.
    pub fn ask(&mut self, ask: Ask) {
        if matches!(ask, Ask::Send { .. }) && !self.acts() {
            return;
        }
        let delay = self.out.dice.between(2, 60);
        let at = self.now().saturating_add(delay);
        self.out.queue.plan(at, Event::Ask(self.me, Box::new(ask)));
    }

    /// Opens a session with a process; nothing where it cannot be reached.
    pub fn open(&mut self, to: Pid) -> Option<Session> {
        let to = self.out.lives.get(to).copied().flatten()?;
        let now = self.now();
        self.out.network.open(self.me, to, now)
    }

    /// Says something in a session.
    pub fn say(&mut self, session: Session, message: Message) {
        if !self.acts() {
            return;
        }
        let now = self.now();
        match self.out.network.carry(session, self.me, now) {
            Carried::At(to, at) => {
                let event = Event::Deliver(session, to, Box::new(message));
                self.out.queue.plan(at, event);
            }
            Carried::Lost => {
                self.out.tally.census.lost_messages += 1;
                self.out.break_session(session);
            }
        }
    }

    /// Ends a session.
    pub fn close(&mut self, session: Session) {
        self.out.break_session(session);
    }

    /// Sends a letter.
    pub fn post(&mut self, to: Pid, letter: Letter) {
        if !self.acts() {
            return;
        }
        let (from, now) = (self.me.pid, self.now());
        let copies = self.out.network.post(from, to, now);
        match copies.len() {
            0 => self.out.tally.census.lost_messages += 1,
            1 => {}
            _ => self.out.tally.census.doubled_messages += 1,
        }
        for at in copies {
            let letter = letter.clone();
            self.out.queue.plan(at, Event::Letter { from, to, letter });
        }
    }

    /// Marks that a situation was there.
    pub fn mark(&mut self, situation: Situation) {
        self.out.tally.situations.mark(situation);
    }

    /// Marks a situation where it is there.
    pub fn mark_if(&mut self, is_there: bool, situation: Situation) {
        if is_there {
            self.mark(situation);
        }
    }

    /// Writes a line for people, where one reads.
    pub fn note(&mut self, line: impl FnOnce() -> String) {
        let name = self.name;
        self.out.note(|| format!("{name:<14} {}", line()));
    }
}

impl Outside {
    /// A question arrives at the endpoints.
    pub fn asked(&mut self, who: Life, ask: Ask) {
        let answer: Answer = self.endpoints.answer(&mut self.chain, ask);
        let delay = self.dice.between(2, 60);
        let at = self.now().saturating_add(delay);
        self.queue.plan(at, Event::Answer(who, Box::new(answer)));
    }
}
