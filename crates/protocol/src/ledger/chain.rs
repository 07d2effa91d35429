//! What the chain says. Facts that are not final are noted for watchers; only final ones end work
//! or settle. Which nodes an attempt has counts as soon as it is shown, for nobody may work before.
//! That nothing was heard means nothing.

use std::collections::BTreeSet;

use tallystick_types::{Attempt, JobId, Seat, TaskIndex};

use super::event::{ChainFact, Finality};
use super::job::{JobPhase, Settlement};
use super::reason::{CloseReason, TryEnd};
use super::refusal::Refusal;
use super::state::Step;

impl Step<'_> {
    /// Takes in a fact of the chain.
    pub(super) fn observe(
        &mut self,
        job: JobId,
        fact: ChainFact,
        finality: Finality,
    ) -> Result<(), Refusal> {
        let Some(it) = self.state.jobs.get_mut(&job) else {
            return Err(Refusal::UnknownJob { job });
        };
        if finality < Finality::Final {
            // What is not final never stands in the place of what is.
            if it.observed.is_none_or(|(_, known)| known < Finality::Final) {
                it.observed = Some((fact, finality));
            }
            return Ok(());
        }
        let excluded = matches!(
            (fact, it.settlement),
            (ChainFact::Settled, Settlement::Refunded) | (ChainFact::Refunded, Settlement::Settled)
        );
        if excluded {
            return Err(Refusal::FinalityViolated { job });
        }
        it.observed = Some((fact, finality));
        let present = it.head.attempt;
        match fact {
            ChainFact::LeaseHeld { attempt } => self.move_lease(job, attempt, BTreeSet::new()),
            ChainFact::LeaseLost { attempt } if attempt >= present => {
                self.close(job, CloseReason::LeaseLost { attempt });
            }
            ChainFact::LeaseLost { .. } | ChainFact::Proposed { .. } => {}
            ChainFact::Settled => {
                it.settlement = Settlement::Settled;
                self.close(job, CloseReason::SettledOnChain);
            }
            ChainFact::Refunded => {
                it.settlement = Settlement::Refunded;
                self.close(job, CloseReason::RefundedOnChain);
            }
        }
        Ok(())
    }

    /// Forgets what the chain took back.
    pub(super) fn roll_back(&mut self, job: JobId) -> Result<(), Refusal> {
        let it = self.state.jobs.get_mut(&job).ok_or(Refusal::UnknownJob { job })?;
        if it.observed.is_some_and(|(_, known)| known < Finality::Final) {
            it.observed = None;
        }
        Ok(())
    }

    /// Takes in which nodes the chain shows in an attempt of this coordinator.
    pub(super) fn enlist(
        &mut self,
        job: JobId,
        attempt: Attempt,
        nodes: Vec<Seat>,
    ) -> Result<(), Refusal> {
        let it = self.state.jobs.get_mut(&job).ok_or(Refusal::UnknownJob { job })?;
        let enlisted: BTreeSet<Seat> = nodes.into_iter().collect();
        if let Some(reason) = it.close_reason() {
            // A result that did not reach the chain in its attempt is signed anew.
            let unpaid = reason == CloseReason::Completed && it.settlement == Settlement::Open;
            if !unpaid || attempt <= it.head.attempt {
                return Err(Refusal::JobClosed { job, reason });
            }
            it.join_attempt(attempt, enlisted);
            self.begin_attesting(job);
            return Ok(());
        }
        if attempt > it.head.attempt {
            self.move_lease(job, attempt, enlisted);
            return Ok(());
        }
        if attempt < it.head.attempt {
            return Ok(());
        }
        let new: BTreeSet<Seat> = enlisted.difference(&it.enlisted).copied().collect();
        it.members.extend(enlisted.iter().copied());
        it.enlisted = enlisted;
        let before = it.next_deadline();
        it.count_signers();
        self.retime(job, before);
        let work = |seat: &Seat| self.state.nodes.get(*seat).map(|node| node.work.keys());
        let tasks: BTreeSet<TaskIndex> = new
            .iter()
            .filter_map(work)
            .flatten()
            .filter(|(of, _)| *of == job)
            .map(|(_, task)| *task)
            .collect();
        for task in tasks {
            self.with_task(job, task, |head, task, turn| task.enlisted(head, &new, turn));
        }
        // Nodes that were named and have no task yet come before all others.
        self.freed |= !new.is_empty();
        Ok(())
    }

    /// The job has a later attempt with this coordinator: verified parts stay, tries of the earlier
    /// attempt are fenced off, and the claim is signed anew with the new number.
    fn move_lease(&mut self, job: JobId, attempt: Attempt, enlisted: BTreeSet<Seat>) {
        let Some(it) = self.state.jobs.get_mut(&job) else { return };
        if attempt <= it.head.attempt || it.close_reason().is_some() {
            return;
        }
        let attesting = matches!(it.phase, JobPhase::Attesting { .. });
        let active = it.tasks.values().filter(|task| task.is_active()).map(|task| task.index);
        let active: Vec<TaskIndex> = active.collect();
        for task in active {
            self.with_task(job, task, |head, task, turn| {
                task.close_try(head, TryEnd::LeaseMoved, turn);
                task.deliveries = task.deliveries.saturating_sub(1);
                task.wait_anew(turn);
            });
        }
        if let Some(it) = self.state.jobs.get_mut(&job) {
            it.join_attempt(attempt, enlisted);
        }
        self.freed = true;
        if attesting {
            self.begin_attesting(job);
        }
    }
}
