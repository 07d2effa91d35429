//! Whatever stops paid work has to be on the chain, at or below its last final block, at that very
//! moment. What a process believes is no witness.

use tallystick_coordinator::machine::Input;
use tallystick_protocol::commitment::TaskAssignment;
use tallystick_protocol::ledger::{ChainFact, CloseReason, Event, Finality};
use tallystick_types::{JobId, JobState, Seat};

use super::Oracles;
use super::history::{End, History, Standing};
use crate::chain::Chain;

/// Why a worker stops a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Its coordinator said so, or gave it a newer try at the task.
    Ordered,
    /// Its time is over.
    Late,
    /// By what it read off the chain.
    Chain,
}

const NAME: &str = "paid work stops on final evidence alone";

impl Oracles {
    /// A coordinator takes an input: what it is told of the chain as final is so.
    pub fn input(&mut self, who: Seat, input: &Input, chain: &Chain) {
        let Input::Ledger(Event::ChainObserved { job, fact, finality: Finality::Final }) = input
        else {
            return;
        };
        let (job, fact, node) = (*job, *fact, who.node);
        let holds = self.is_final(job, chain, |it| shows(it, fact, who));
        self.check(NAME, holds, || {
            format!("coordinator {node} takes {fact:?} of job {job} as final, which it is not")
        });
    }

    /// A coordinator says that it is done with a job.
    pub fn closed(&mut self, who: Seat, (job, reason): (JobId, CloseReason), chain: &Chain) {
        let fact = match reason {
            CloseReason::LeaseLost { attempt } => ChainFact::LeaseLost { attempt },
            CloseReason::SettledOnChain => ChainFact::Settled,
            CloseReason::RefundedOnChain => ChainFact::Refunded,
            CloseReason::Cancelled => {
                let asked = self.cancelled.contains(&job);
                return self.check("only what its client cancelled is cancelled", asked, || {
                    format!("coordinator {} says that job {job} was cancelled", who.node)
                });
            }
            _ => return,
        };
        let holds = self.is_final(job, chain, |it| shows(it, fact, who));
        self.check(NAME, holds, || {
            format!("coordinator {} closes job {job} for {fact:?}, not final", who.node)
        });
    }

    /// A worker stops a run.
    pub fn stops(&mut self, seat: Seat, it: &TaskAssignment, why: Stop, chain: &Chain) {
        let holds = match why {
            Stop::Ordered | Stop::Late => true,
            Stop::Chain => self.is_final(it.job, chain, |standing| {
                let lapsed = standing.state == JobState::Open && standing.attempt == it.attempt;
                standing.state.is_final() || standing.attempt > it.attempt || lapsed
            }),
        };
        self.check(NAME, holds, || {
            format!("node {} stops task {} of job {} ({why:?})", seat.node, it.task, it.job)
        });
    }

    /// A process asks something of the chain.
    pub fn asks_chain(&mut self, who: &str, is_halted: bool) {
        self.check("who halted asks nothing of the chain", !is_halted, || {
            format!("{who} hands in a wish after its view halted")
        });
    }

    /// The chain goes back on what was final: what was final until then stays evidence.
    pub fn finality_breaks(&mut self, chain: &Chain) {
        self.finality_broke = true;
        self.former.push((self.history.clone(), chain.final_number()));
    }

    /// Whether something holds, or held, of a job in a final block of the chain: who was away reads
    /// them one after the other.
    fn is_final(&self, job: JobId, chain: &Chain, holds: impl Fn(&Standing) -> bool) -> bool {
        let now = (&self.history, chain.final_number());
        let former = self.former.iter().map(|(history, last)| (history, *last));
        let mut all = former.chain([now]);
        all.any(|(history, last)| history.standings(job, last).any(&holds))
    }

    /// How a job ended on the chain.
    pub fn end_of(&self, job: JobId) -> Option<End> {
        self.history.end(job)
    }

    /// Every job's steps.
    pub const fn history(&self) -> &History {
        &self.history
    }
}

fn shows(it: &Standing, fact: ChainFact, who: Seat) -> bool {
    let mine = it.coordinator.is_some_and(|holder| holder.node == who.node);
    match fact {
        ChainFact::LeaseHeld { attempt } => mine && it.attempt == attempt,
        ChainFact::LeaseLost { attempt } => match it.state {
            JobState::Open => it.attempt >= attempt,
            _ => it.attempt > attempt || (it.attempt == attempt && !mine),
        },
        ChainFact::Proposed { attempt } => {
            let later = !matches!(it.state, JobState::Open | JobState::Assigned);
            it.attempt == attempt && later
        }
        ChainFact::Settled => it.state == JobState::Settled,
        ChainFact::Refunded => it.state == JobState::Refunded,
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::Address;
    use tallystick_types::{Attempt, NodeId, TaskAttempt, TaskIndex};

    use super::*;
    use crate::chain::Settings;

    const JOB: JobId = JobId::new([9; 32]);

    fn seat() -> Seat {
        Seat { node: NodeId::new(1), signer: Address::ZERO }
    }

    /// A chain that never heard of the job.
    fn empty() -> (Chain, Oracles) {
        (Chain::new(1, Settings::default(), 1_000, &[]), Oracles::default())
    }

    #[test]
    fn what_is_not_final_on_the_chain_stops_nothing() {
        let (chain, mut oracles) = empty();
        let fact = ChainFact::Settled;
        let observed = |finality| Input::Ledger(Event::ChainObserved { job: JOB, fact, finality });
        oracles.input(seat(), &observed(Finality::Seen), &chain);
        assert_eq!(oracles.failure(), None);
        oracles.input(seat(), &observed(Finality::Final), &chain);
        assert!(oracles.failure().unwrap().contains("as final, which it is not"));
    }

    #[test]
    fn a_worker_stops_for_its_coordinator_or_its_time_or_what_is_final() {
        let (chain, mut oracles) = empty();
        let (attempt, task_attempt) = (Attempt::new(1), TaskAttempt::new(1));
        let task = TaskIndex::new(0);
        let it = TaskAssignment { job: JOB, attempt, task, task_attempt, seat: seat() };
        oracles.stops(seat(), &it, Stop::Late, &chain);
        oracles.stops(seat(), &it, Stop::Ordered, &chain);
        assert_eq!(oracles.failure(), None);
        oracles.stops(seat(), &it, Stop::Chain, &chain);
        assert!(oracles.failure().is_some());
    }

    #[test]
    fn a_wish_after_the_view_halted_is_noticed() {
        let (_, mut oracles) = empty();
        oracles.asks_chain("somebody", false);
        assert_eq!(oracles.failure(), None);
        oracles.asks_chain("somebody", true);
        assert!(oracles.failure().is_some());
    }

    #[test]
    fn nobody_cancels_a_job_but_its_client() {
        let (chain, mut oracles) = empty();
        oracles.cancelled.insert(JOB);
        oracles.closed(seat(), (JOB, CloseReason::Cancelled), &chain);
        assert_eq!(oracles.failure(), None);
        oracles.closed(seat(), (JobId::new([8; 32]), CloseReason::Cancelled), &chain);
        assert!(oracles.failure().is_some());
    }
}
