//! What a task may touch besides itself while one event is applied.

use std::collections::{BTreeMap, BTreeSet};

use tallystick_types::{
    Attestations, BeaconRound, JobId, Privacy, Seat, Seconds, Seed, TaskAttempt, TaskIndex,
    WallTime,
};

use super::effect::{Action, Effect, EffectKey, Evidence, EvidenceKind};
use super::job::Head;
use super::node::{Engagement, Nodes, Pairings};
use super::reason::{CloseReason, NoNode};
use super::selection::{Role, Selection, Selector};
use super::task::Task;

/// The surroundings of a task during one event.
pub(super) struct Turn<'a> {
    pub(super) now: WallTime,
    /// How long the chain may take to show a node in the attempt.
    pub(super) enlistment: Seconds,
    pub(super) nodes: &'a mut Nodes,
    pub(super) pairings: &'a Pairings,
    pub(super) seeds: &'a BTreeMap<BeaconRound, Seed>,
    pub(super) selector: &'a dyn Selector,
    pub(super) effects: &'a mut Vec<Effect>,
    /// Every node that was assigned to the job before this turn.
    pub(super) seats: &'a BTreeSet<Seat>,
    /// The nodes of the present attempt before this turn.
    pub(super) members: &'a BTreeSet<Seat>,
    /// The nodes that the chain shows in the present attempt.
    pub(super) enlisted: &'a BTreeSet<Seat>,
    /// Nodes that got work in this turn.
    pub(super) assigned: Vec<Seat>,
    /// Whether a node became free in this turn.
    pub(super) freed: bool,
    /// Why the job has to end, where a task found that out.
    pub(super) close: Option<CloseReason>,
}

impl Turn<'_> {
    /// Wishes an effect of the task's present try.
    pub(super) fn emit(&mut self, head: &Head, task: &Task, action: Action) {
        self.emit_for(head, task, task.attempt, action);
    }

    /// Wishes an effect of one of the task's tries.
    pub(super) fn emit_for(
        &mut self,
        head: &Head,
        task: &Task,
        attempt: TaskAttempt,
        action: Action,
    ) {
        let (task, kind) = (Some(task.index), action.kind());
        let key = EffectKey { job: head.id, task, attempt, kind };
        self.effects.push(Effect { key, action });
    }

    /// Hands over evidence.
    pub(super) fn accuse(
        &mut self,
        head: &Head,
        task: &Task,
        attempt: TaskAttempt,
        evidence: Evidence,
    ) {
        self.emit_for(head, task, attempt, Action::Evidence(Box::new(evidence)));
    }

    /// Takes a node out of the pool.
    pub(super) fn quarantine(
        &mut self,
        head: &Head,
        task: &Task,
        attempt: TaskAttempt,
        (seat, offence): (Seat, EvidenceKind),
    ) {
        self.nodes.quarantine(seat);
        self.emit_for(head, task, attempt, Action::Quarantine { seat, offence });
    }

    /// When an acknowledgement is too late, for a node that got a task just now.
    pub(super) fn acknowledge_by(&self, head: &Head, seat: Seat) -> WallTime {
        let by = self.now.after(head.request.limits.acknowledgement);
        let is_shown = self.enlisted.is_empty() || self.enlisted.contains(&seat);
        if is_shown { by } else { by.after(self.enlistment) }
    }

    /// Nodes of the attempt, as the chain shows it, that never had a task of the job. The chain
    /// counts them, so they are to agree with a result rather than to stand by.
    fn idle(&self) -> BTreeSet<Seat> {
        let had_work = |seat: &&Seat| self.seats.contains(seat) || self.assigned.contains(seat);
        self.enlisted.iter().filter(|seat| !had_work(seat)).copied().collect()
    }

    /// Finds a primary: first among idle nodes of the attempt, then in all of it, then anywhere.
    pub(super) fn pick_primary(
        &self,
        head: &Head,
        task: &Task,
        (attempt, ties): (TaskAttempt, Seed),
    ) -> Result<Seat, NoNode> {
        let place = (Role::Primary, attempt, ties);
        let gently: BTreeSet<Seat> =
            task.barred.iter().chain(&task.avoided).chain(&task.kept).copied().collect();
        for preferred in [&self.idle(), self.enlisted] {
            if preferred.is_empty() {
                continue;
            }
            let strangers = self.nodes.iter().map(|(seat, _)| seat);
            let strangers = strangers.filter(|seat| !preferred.contains(seat));
            let but_preferred = strangers.chain(gently.iter().copied()).collect();
            if let Ok(seat) = self.pick(head, task, place, &but_preferred) {
                return Ok(seat);
            }
        }
        self.pick(head, task, place, &gently)
            .or_else(|_| self.pick(head, task, place, &task.barred))
    }

    /// Asks the selector for a node and checks its answer.
    pub(super) fn pick(
        &self,
        head: &Head,
        task: &Task,
        (role, attempt, seed): (Role, TaskAttempt, Seed),
        excluded: &BTreeSet<Seat>,
    ) -> Result<Seat, NoNode> {
        let nobody = BTreeSet::new();
        let private = head.request.privacy == Privacy::Private;
        let paired = self.pairings.of(head.request.client).unwrap_or(&nobody);
        let members: BTreeSet<Seat> = self.members.iter().chain(&self.assigned).copied().collect();
        let selection = Selection {
            job: head.id,
            request: &head.request,
            task: task.index,
            slices: task.slices,
            attempt,
            role,
            seed,
            primary: task.replicas.first().map(|replica| replica.seat),
            nodes: self.nodes,
            paired: private.then_some(paired),
            excluded,
            only: (members.len() >= Attestations::MOST).then_some(&members),
        };
        if selection.eligible().next().is_none() {
            return Err(selection.none_eligible());
        }
        let seat = self.selector.select(&selection)?;
        if selection.is_eligible(seat) { Ok(seat) } else { Err(NoNode::NotEligible) }
    }

    /// Marks a node as busy with a task.
    pub(super) fn bind(&mut self, job: JobId, task: TaskIndex, seat: Seat) {
        self.assigned.push(seat);
        if let Some(node) = self.nodes.get_mut(seat) {
            node.work.insert((job, task), Engagement::Executing);
        }
    }

    /// Notes that a node has nothing to do for a task but wait.
    pub(super) fn loosen(&mut self, job: JobId, task: TaskIndex, seat: Seat) {
        if let Some(node) = self.nodes.get_mut(seat)
            && let Some(engagement) = node.work.get_mut(&(job, task))
        {
            *engagement = Engagement::Committed;
            self.freed = true;
        }
    }

    /// Ends what binds a node to a task.
    pub(super) fn unbind(&mut self, job: JobId, task: TaskIndex, seat: Seat) {
        if let Some(node) = self.nodes.get_mut(seat) {
            self.freed |= node.work.remove(&(job, task)).is_some();
        }
        self.nodes.forget_idle(seat);
    }
}
