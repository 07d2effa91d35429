//! What nodes say of their work: acknowledgement, progress, commitment, failure.

use tallystick_planted::{Bug, planted};
use tallystick_types::{IdentitySignature, Ppm, Seat, Seed};

use super::effect::{Action, Evidence, EvidenceKind};
use super::job::Head;
use super::reason::{Failure, ReplicaEnd, TryEnd};
use super::refusal::Refusal;
use super::selection::Role;
use super::task::{Late, Message, Replica, Signed, Stage, Task, TaskState, Verifying};
use super::turn::Turn;
use crate::commitment::{Pledge, TaskAssignment};

impl Task {
    /// The place of an assignment in the present try; nothing where it is over, which is recorded.
    pub(super) fn place(
        &mut self,
        head: &Head,
        assignment: &TaskAssignment,
        what: Message,
    ) -> Result<Option<usize>, Refusal> {
        let (attempt, seat) = (assignment.task_attempt, assignment.seat);
        if !self.was_assigned(assignment) {
            return Err(Refusal::NotAssigned { assignment: *assignment });
        }
        let present = attempt == self.attempt && assignment.attempt == head.attempt;
        let present = present || planted(Bug::NoFencing);
        let counts = |replica: &Replica| replica.seat == seat && replica.is_live();
        let place = self.replicas.iter().position(counts);
        match place.filter(|_| present && self.is_active()) {
            Some(place) => Ok(Some(place)),
            None => {
                self.late.insert(Late { attempt, seat, what });
                Ok(None)
            }
        }
    }

    /// Dispatched to running, for the primary.
    pub(super) fn acknowledge(
        &mut self,
        head: &Head,
        assignment: &TaskAssignment,
        turn: &Turn<'_>,
    ) -> Result<(), Refusal> {
        let Some(place) = self.place(head, assignment, Message::Acknowledgement)? else {
            return Ok(());
        };
        let Some(replica) = self.replicas.get_mut(place) else { return Ok(()) };
        if !matches!(replica.stage, Stage::Asked { .. }) {
            return Ok(());
        }
        let speed = turn.nodes.get(replica.seat).map_or(0, |node| node.profile.speed);
        let limit = head.request.execution_limit(self.slices.count, speed);
        replica.stage = Stage::Working { commit_by: turn.now.after(limit), done: Ppm::ZERO };
        if replica.role == Role::Primary {
            self.state = TaskState::Running;
        }
        Ok(())
    }

    /// Notes how far a node is. It moves no time limit.
    pub(super) fn progress(
        &mut self,
        head: &Head,
        assignment: &TaskAssignment,
        share: Ppm,
    ) -> Result<(), Refusal> {
        if let Some(place) = self.place(head, assignment, Message::Progress)?
            && let Some(replica) = self.replicas.get_mut(place)
            && let Stage::Working { done, .. } = &mut replica.stage
        {
            *done = share.max(*done);
        }
        Ok(())
    }

    /// A node gives up: the primary's try ends, a secondary is replaced.
    pub(super) fn fail(
        &mut self,
        head: &Head,
        assignment: &TaskAssignment,
        failure: Failure,
        turn: &mut Turn<'_>,
    ) -> Result<(), Refusal> {
        let Some(place) = self.place(head, assignment, Message::Failure)? else { return Ok(()) };
        if self.replicas.get(place).is_some_and(|replica| replica.has_revealed()) {
            return Ok(());
        }
        self.release(head, place, ReplicaEnd::Failed, turn);
        if place == 0 {
            self.end_try(head, TryEnd::Failed(failure), turn);
        } else {
            self.advance(head, turn);
        }
        Ok(())
    }

    /// A node binds itself to an output. An acknowledgement that was lost is implied.
    pub(super) fn commit(
        &mut self,
        head: &Head,
        pledge: &Pledge,
        signature: IdentitySignature,
        turn: &mut Turn<'_>,
    ) -> Result<(), Refusal> {
        let assignment = &pledge.assignment;
        let key = (assignment.task_attempt, assignment.seat);
        if self.was_assigned(assignment)
            && let Some(first) = self.pledges.get(&key).copied()
        {
            return self.commit_again(head, first, (pledge, signature), turn);
        }
        let place = self.place(head, assignment, Message::Commitment)?;
        let signed = Signed { pledge: *pledge, signature, contradicted: false };
        self.pledges.insert(key, signed);
        let Some(replica) = place.and_then(|place| self.replicas.get_mut(place)) else {
            return Ok(());
        };
        replica.stage = Stage::Committed { asked: false };
        let role = replica.role;
        turn.loosen(head.id, self.index, assignment.seat);
        if role == Role::Primary {
            self.primary_committed(head, pledge, turn);
        }
        self.advance(head, turn);
        Ok(())
    }

    /// Running to committed, or straight to verifying where the job wants no secondaries.
    fn primary_committed(&mut self, head: &Head, pledge: &Pledge, turn: &mut Turn<'_>) {
        let limits = &head.request.limits;
        let round = pledge.round;
        if head.request.replicas == 1 {
            self.begin_verifying(head, None, turn);
        } else if turn.seeds.last_key_value().is_some_and(|(newest, _)| round <= *newest) {
            self.end_try(head, TryEnd::RoundKnown, turn);
        } else {
            let seed_by = turn.now.after(limits.seed);
            self.state = TaskState::Committed { round, seed_by };
            turn.emit(head, self, Action::DrawSecondaries { round });
        }
    }

    /// Committed to verifying.
    pub(super) fn begin_verifying(&mut self, head: &Head, seed: Option<Seed>, turn: &Turn<'_>) {
        self.state = TaskState::Verifying(Verifying {
            seed,
            escalations: 0,
            commit_by: turn.now.after(head.request.limits.verification),
            retry_at: turn.now,
            reveal_by: None,
        });
    }

    /// The same commitment again is nothing; another one for the same assignment is evidence, now
    /// or years later.
    fn commit_again(
        &mut self,
        head: &Head,
        first: Signed,
        (second, signature): (&Pledge, IdentitySignature),
        turn: &mut Turn<'_>,
    ) -> Result<(), Refusal> {
        if first.pledge == *second || first.contradicted {
            return Ok(());
        }
        let (attempt, seat) = (second.assignment.task_attempt, second.assignment.seat);
        if let Some(signed) = self.pledges.get_mut(&(attempt, seat)) {
            signed.contradicted = true;
        }
        let pledges = [(first.pledge, first.signature), (*second, signature)];
        turn.accuse(head, self, attempt, Evidence::TwoCommitments { pledges });
        if self.barred.insert(seat) {
            turn.quarantine(head, self, attempt, (seat, EvidenceKind::TwoCommitments));
        }
        // Caught in an earlier try, it is out of the present one as well.
        if self.is_active() {
            self.lose(head, seat, ReplicaEnd::Equivocated, turn);
        }
        Ok(())
    }

    /// A node is out, by no message about the task.
    pub(super) fn lose(&mut self, head: &Head, seat: Seat, why: ReplicaEnd, turn: &mut Turn<'_>) {
        let counts = |replica: &Replica| replica.seat == seat && replica.is_live();
        let Some(place) = self.replicas.iter().position(counts) else { return };
        self.release(head, place, why, turn);
        if place == 0 {
            self.end_try(head, TryEnd::Primary(why), turn);
        } else {
            self.advance(head, turn);
        }
    }
}
