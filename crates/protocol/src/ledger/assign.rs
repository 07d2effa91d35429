//! Pending to dispatched, and back when a try ends.

use std::collections::BTreeSet;

use tallystick_types::{OutputRoot, Seat, Seed, WallTime};

use super::effect::{Action, Notice};
use super::job::Head;
use super::reason::{CloseReason, NoNode, ReplicaEnd, TryEnd};
use super::request::Queueing;
use super::selection::{Role, place_seed};
use super::task::{EndedTry, Replica, Stage, Task, TaskState};
use super::turn::Turn;
use crate::commitment::TaskAssignment;

impl Task {
    /// What a message about the present try names.
    pub(super) fn assignment(&self, head: &Head, seat: Seat) -> TaskAssignment {
        let (job, attempt) = (head.id, head.attempt);
        TaskAssignment { job, attempt, task: self.index, task_attempt: self.attempt, seat }
    }

    /// Pending to dispatched: the next try with the best node, or the reason why there is none.
    pub(super) fn search(&mut self, head: &Head, turn: &mut Turn<'_>) {
        let TaskState::Pending { since, queued, .. } = self.state else { return };
        let Some(attempt) = head.next_try(self.attempt) else {
            return self.give_up(head, TryEnd::NoQuorum, turn);
        };
        let ties = place_seed(Seed::default(), head.id, self.index, attempt, 0);
        match turn.pick_primary(head, self, (attempt, ties)) {
            Ok(seat) => {
                self.attempt = attempt;
                self.deliveries = self.deliveries.saturating_add(1);
                self.kept.remove(&seat);
                self.state = TaskState::Dispatched;
                self.dispatch(head, seat, Role::Primary, None, turn);
            }
            Err(reason) => self.wait(head, (since, queued), reason, turn),
        }
    }

    /// Sends the present try to a node and marks it busy.
    pub(super) fn dispatch(
        &mut self,
        head: &Head,
        seat: Seat,
        role: Role,
        check: Option<OutputRoot>,
        turn: &mut Turn<'_>,
    ) {
        let acknowledge_by = turn.acknowledge_by(head, seat);
        let speed = turn.nodes.get(seat).map_or(0, |node| node.profile.speed);
        let execution_limit = head.request.execution_limit(self.slices.count, speed);
        self.replicas.push(Replica { seat, role, stage: Stage::Asked { acknowledge_by } });
        turn.bind(head.id, self.index, seat);
        let assignment = self.assignment(head, seat);
        let slices = self.slices;
        let action =
            Action::Dispatch { assignment, role, slices, acknowledge_by, execution_limit, check };
        turn.emit(head, self, action);
    }

    /// Nobody was found: search again, and after a while queue or fail.
    fn wait(
        &mut self,
        head: &Head,
        (since, queued): (WallTime, bool),
        reason: NoNode,
        turn: &mut Turn<'_>,
    ) {
        let limits = &head.request.limits;
        let patience_over = turn.now >= since.after(limits.no_node);
        let hopeless = reason.is_impossible() || head.request.queueing == Queueing::FailFast;
        // Tasks that wait for others of their job are in a queue, whatever the job asked for.
        let idle = head.active == 0 && turn.now >= head.busy_at.after(limits.no_node);
        if patience_over && hopeless && idle {
            turn.close = Some(CloseReason::NoNode { task: self.index, reason });
        }
        if patience_over && !queued {
            turn.emit(head, self, Action::Notify(Notice::Queued { reason }));
        }
        let retry_at = turn.now.after(limits.retry);
        let (reason, queued) = (Some(reason), queued || patience_over);
        self.state = TaskState::Pending { since, retry_at, reason, queued };
    }

    /// The chain shows nodes of the present try: only now are they sent their work, so time that
    /// went by until then does not count.
    pub(super) fn enlisted(&mut self, head: &Head, seats: &BTreeSet<Seat>, turn: &Turn<'_>) {
        if !self.is_active() {
            return;
        }
        let limits = &head.request.limits;
        let mut any = false;
        for replica in self.replicas.iter_mut().filter(|replica| seats.contains(&replica.seat)) {
            if let Stage::Asked { acknowledge_by } = &mut replica.stage {
                *acknowledge_by = turn.now.after(limits.acknowledgement);
                any = true;
            }
        }
        if any
            && let TaskState::Verifying(verifying) = &mut self.state
            && verifying.reveal_by.is_none()
        {
            verifying.commit_by = turn.now.after(limits.verification);
        }
    }

    /// Takes a node out of the present try.
    pub(super) fn release(
        &mut self,
        head: &Head,
        place: usize,
        why: ReplicaEnd,
        turn: &mut Turn<'_>,
    ) {
        let Some(replica) = self.replicas.get_mut(place).filter(|replica| replica.is_live()) else {
            return;
        };
        let (seat, tell) = (replica.seat, !replica.has_revealed() && why != ReplicaEnd::Failed);
        replica.stage = Stage::Gone { why };
        if why != ReplicaEnd::Released {
            self.avoided.insert(seat);
        }
        turn.unbind(head.id, self.index, seat);
        if tell {
            let assignment = self.assignment(head, seat);
            turn.emit(head, self, Action::Cancel { assignment });
        }
    }

    /// The present try ends without result: back to pending, or dead letter when tries are used up.
    pub(super) fn end_try(&mut self, head: &Head, why: TryEnd, turn: &mut Turn<'_>) {
        self.close_try(head, why, turn);
        if self.deliveries >= head.request.limits.deliveries {
            return self.give_up(head, why, turn);
        }
        turn.emit(head, self, Action::Notify(Notice::Reassigned { why }));
        self.wait_anew(turn);
        self.search(head, turn);
    }

    /// Lets everybody go and writes the try down. Secondaries that were drawn and did nothing wrong
    /// are kept, so that nobody gains by ending a try after its draw.
    pub(super) fn close_try(&mut self, head: &Head, why: TryEnd, turn: &mut Turn<'_>) {
        let drawn = |replica: &&Replica| replica.role == Role::Secondary && replica.is_live();
        let kept: BTreeSet<Seat> =
            self.replicas.iter().filter(drawn).map(|replica| replica.seat).collect();
        self.kept.extend(kept);
        if why != TryEnd::LeaseMoved
            && why != TryEnd::JobClosed
            && let Some(primary) = self.replicas.first()
        {
            self.avoided.insert(primary.seat);
        }
        let standing = self.replicas.clone();
        for place in 0..self.replicas.len() {
            self.release(head, place, ReplicaEnd::Released, turn);
        }
        self.replicas.clear();
        let (attempt, at) = (self.attempt, turn.now);
        self.history.push(EndedTry { attempt, at, why, replicas: standing });
    }

    /// The task is pending from now on.
    pub(super) fn wait_anew(&mut self, turn: &Turn<'_>) {
        let (since, retry_at) = (turn.now, turn.now);
        self.state = TaskState::Pending { since, retry_at, reason: None, queued: false };
    }

    /// Dead letter: kept, listed, and retried by hand only.
    fn give_up(&mut self, head: &Head, why: TryEnd, turn: &mut Turn<'_>) {
        self.state = TaskState::DeadLetter { since: turn.now, why };
        turn.emit(head, self, Action::DeadLetter { why });
    }

    /// The job ends before the task does.
    pub(super) fn stop(&mut self, head: &Head, turn: &mut Turn<'_>) {
        if self.is_over() {
            return;
        }
        if self.is_active() {
            self.close_try(head, TryEnd::JobClosed, turn);
        }
        self.state = TaskState::Stopped;
    }
}
