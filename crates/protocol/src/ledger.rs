//! How a job lives off the chain: one deterministic state machine.
//!
//! An [`Event`] goes in, [`Effect`]s come out. The ledger reads no clock, draws no random number
//! and talks to nobody: time comes as ticks, randomness as the seed of a round, and the choice of
//! nodes is a [`Selector`] that is handed in. The caller writes every event to its journal before
//! it performs the effects. State and effects follow from the events alone, so a snapshot and the
//! events after it are as good as all events.

mod assign;
mod chain;
mod closing;
mod delivery;
mod effect;
mod event;
mod invariants;
mod job;
mod node;
mod pairs;
mod reason;
mod refusal;
mod request;
mod routing;
mod selection;
mod state;
mod task;
mod turn;
mod verification;
mod watchdog;

#[cfg(test)]
mod tests;

use tallystick_types::{JobId, TaskIndex};

pub use effect::{
    Action, Effect, EffectKey, EffectKind, Evidence, EvidenceKind, Notice, NoticeKind, OutboxEntry,
};
pub use event::{ChainFact, Event, Finality};
pub use invariants::{Violation, check_invariants, check_invariants_of};
pub use job::{Head, Job, JobPhase, PartialResult, Settlement, SignedClaim, TaskWhy, Why};
pub use node::{Engagement, Node, NodeProfile, Nodes, Pairings, same_node};
pub use reason::{CloseReason, Failure, NoNode, ReplicaEnd, TryEnd};
pub use refusal::Refusal;
pub use request::{JobRequest, Limits, Queueing, RequestError};
pub use selection::{Role, Selection, Selector};
pub use state::{Settings, State};
pub use task::{EndedTry, Late, Message, Replica, Signed, Stage, Task, TaskState, Verifying};
pub use verification::MOST_ESCALATIONS;

use state::Step;

/// The machine of jobs and tasks of one coordinator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    state: State,
}

impl Ledger {
    /// A ledger before its first event.
    pub fn new(settings: Settings) -> Self {
        Self { state: State::new(settings) }
    }

    /// A ledger as a snapshot has it. Go on with the event whose number is [`State::next`].
    pub const fn restore(state: State) -> Self {
        Self { state }
    }

    /// Applies the next event of the journal and says what is to be done.
    ///
    /// A refused event changes nothing but the number of the next event, so that a journal with
    /// refused events replays as well.
    pub fn step(&mut self, event: Event, selector: &dyn Selector) -> Result<Vec<Effect>, Refusal> {
        self.state.next = self.state.next.saturating_add(1);
        let state = &mut self.state;
        let mut step = Step { state, selector, effects: Vec::new(), freed: false };
        step.apply(event)?;
        step.serve();
        Ok(step.effects)
    }

    /// Everything it knows; this is what a snapshot holds.
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// One job.
    pub fn job(&self, job: JobId) -> Option<&Job> {
        self.state.jobs.get(&job)
    }

    /// Why a job stands where it stands.
    pub fn why(&self, job: JobId) -> Option<Why<'_>> {
        self.job(job).map(Job::why)
    }

    /// All dead letters, also of closed jobs until these are archived.
    pub fn dead_letters(&self) -> impl Iterator<Item = (JobId, TaskIndex)> {
        let of = |(id, job): (&JobId, _)| (*id, job);
        self.state.jobs.iter().map(of).flat_map(|(id, job): (JobId, &Job)| {
            job.dead_letters().map(move |task| (id, task.index))
        })
    }
}
