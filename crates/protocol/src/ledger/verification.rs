//! Committed to verified: draw, gather commitments, open them, count.

use std::collections::{BTreeMap, BTreeSet};

use tallystick_planted::{Bug, planted};
use tallystick_types::{Attestations, OutputRoot, Seat, Verification};

use super::effect::{Action, Evidence, EvidenceKind, Notice};
use super::job::Head;
use super::reason::{ReplicaEnd, TryEnd};
use super::refusal::Refusal;
use super::request::JobRequest;
use super::selection::{Role, place_seed};
use super::task::{Message, Replica, Stage, Task, TaskState, Verifying};
use super::turn::Turn;
use crate::commitment::{Opening, TaskAssignment};

/// How often a try draws one more replica because results differ.
pub const MOST_ESCALATIONS: u8 = 3;

impl Task {
    /// Whether another secondary is wanted and the try has not had as many as an assignment takes.
    pub(super) fn may_draw(&self, request: &JobRequest) -> bool {
        self.live() < self.wanted(request) && self.replicas.len() < Attestations::MOST
    }

    /// Goes as far as what is known allows.
    pub(super) fn advance(&mut self, head: &Head, turn: &mut Turn<'_>) {
        if let TaskState::Committed { round, .. } = self.state
            && let Some(seed) = turn.seeds.get(&round).copied()
        {
            self.begin_verifying(head, Some(seed), turn);
        }
        let TaskState::Verifying(verifying) = self.state else { return };
        if verifying.reveal_by.is_some() {
            self.count_when_open(head, verifying, turn);
        } else if self.awaits_primary(&head.request) {
            self.ask_primary(head, verifying, turn);
        } else {
            self.gather(head, verifying, turn);
        }
    }

    /// By fingerprint, secondaries check the primary's very output: it opens first.
    fn ask_primary(&mut self, head: &Head, verifying: Verifying, turn: &mut Turn<'_>) {
        if turn.now >= verifying.commit_by {
            self.release(head, 0, ReplicaEnd::RevealWithheld, turn);
            self.end_try(head, TryEnd::Primary(ReplicaEnd::RevealWithheld), turn);
        } else {
            self.ask(head, 0, turn);
        }
    }

    /// Draws who is missing; asks all to open once all committed, or enough at the deadline.
    fn gather(&mut self, head: &Head, mut verifying: Verifying, turn: &mut Turn<'_>) {
        while self.may_draw(&head.request) {
            if !self.draw(head, verifying, turn) {
                verifying.retry_at = turn.now.after(head.request.limits.retry);
                break;
            }
        }
        self.state = TaskState::Verifying(verifying);
        let (live, committed) = (self.live(), self.committed());
        let complete = committed == live && live >= self.wanted(&head.request);
        let late = turn.now >= verifying.commit_by;
        if complete || (late && committed >= head.request.needed(committed)) {
            verifying.reveal_by = Some(turn.now.after(head.request.limits.reveal));
            self.state = TaskState::Verifying(verifying);
            self.open(head, turn);
            self.count_when_open(head, verifying, turn);
        } else if late {
            self.end_try(head, TryEnd::NoQuorum, turn);
        }
    }

    /// Fills one place: with a node drawn for an earlier try, or by a draw of its own.
    fn draw(&mut self, head: &Head, verifying: Verifying, turn: &mut Turn<'_>) -> bool {
        let Some(root) = verifying.seed else { return false };
        let place = u8::try_from(self.replicas.len()).expect("a try has at most 16 replicas");
        let seed = place_seed(root, head.id, self.index, self.attempt, place);
        let wanted = (Role::Secondary, self.attempt, seed);
        let seats = self.replicas.iter().map(|replica| replica.seat);
        let seats = seats.filter(|_| !planted(Bug::DrawsTwice));
        let taken: BTreeSet<Seat> = self.barred.iter().copied().chain(seats).collect();
        // Excluding all but the kept ones makes the selection choose among these.
        let strangers = |seat: &Seat| !self.kept.contains(seat);
        let but_kept: BTreeSet<Seat> = turn
            .nodes
            .iter()
            .map(|(seat, _)| seat)
            .filter(strangers)
            .chain(taken.clone())
            .collect();
        let gently: BTreeSet<Seat> = taken.union(&self.avoided).copied().collect();
        let kept =
            if self.kept.is_empty() { None } else { turn.pick(head, self, wanted, &but_kept).ok() };
        let found = kept
            .or_else(|| turn.pick(head, self, wanted, &gently).ok())
            .or_else(|| turn.pick(head, self, wanted, &taken).ok());
        let Some(seat) = found else { return false };
        self.kept.remove(&seat);
        let check = self.output_to_check(&head.request, Role::Secondary);
        self.dispatch(head, seat, Role::Secondary, check, turn);
        true
    }

    /// Asks everybody who committed to open; who did not commit is out.
    fn open(&mut self, head: &Head, turn: &mut Turn<'_>) {
        for place in 0..self.replicas.len() {
            if self.replicas.get(place).is_some_and(Replica::has_committed) {
                self.ask(head, place, turn);
            } else {
                if planted(Bug::AccusesSlow)
                    && let Some(slow) = self.replicas.get(place).copied()
                {
                    let offence = (slow.seat, EvidenceKind::Outvoted);
                    turn.quarantine(head, self, self.attempt, offence);
                }
                self.release(head, place, ReplicaEnd::TimedOut, turn);
            }
        }
    }

    /// Asks one node to open, once.
    fn ask(&mut self, head: &Head, place: usize, turn: &mut Turn<'_>) {
        let Some(replica) = self.replicas.get_mut(place) else { return };
        if replica.stage == (Stage::Committed { asked: false }) {
            replica.stage = Stage::Committed { asked: true };
            let seat = replica.seat;
            let assignment = self.assignment(head, seat);
            turn.emit(head, self, Action::Reveal { assignment });
        }
    }

    /// A node opens its commitment.
    pub(super) fn reveal(
        &mut self,
        head: &Head,
        assignment: &TaskAssignment,
        opening: &Opening,
        turn: &mut Turn<'_>,
    ) -> Result<(), Refusal> {
        let Some(place) = self.place(head, assignment, Message::Reveal)? else { return Ok(()) };
        let Some(replica) = self.replicas.get_mut(place) else { return Ok(()) };
        match replica.stage {
            Stage::Revealed { opening: shown } if shown == *opening => return Ok(()),
            Stage::Committed { asked: true } => {}
            Stage::Revealed { .. } => {
                return Err(Refusal::OpeningMismatch { assignment: *assignment });
            }
            Stage::Asked { .. }
            | Stage::Working { .. }
            | Stage::Committed { asked: false }
            | Stage::Gone { .. } => {
                return Err(Refusal::RevealTooEarly { assignment: *assignment });
            }
        }
        let signed = self.pledges.get(&(assignment.task_attempt, assignment.seat));
        let bound = signed.map(|signed| signed.pledge.commitment);
        if bound != Some(opening.commitment(assignment)) && !planted(Bug::OpensUnbound) {
            return Err(Refusal::OpeningMismatch { assignment: *assignment });
        }
        replica.stage = Stage::Revealed { opening: *opening };
        turn.unbind(head.id, self.index, assignment.seat);
        self.advance(head, turn);
        Ok(())
    }

    /// Time is up for openings: who did not open is out.
    pub(super) fn end_openings(&mut self, head: &Head, verifying: Verifying, turn: &mut Turn<'_>) {
        for place in 0..self.replicas.len() {
            if !self.replicas.get(place).is_some_and(Replica::has_revealed) {
                self.release(head, place, ReplicaEnd::RevealWithheld, turn);
            }
        }
        if self.replicas.first().is_some_and(Replica::has_revealed) {
            self.count_when_open(head, verifying, turn);
        } else {
            self.end_try(head, TryEnd::Primary(ReplicaEnd::RevealWithheld), turn);
        }
    }

    /// Counts once everybody who is left has opened: a quorum verifies, anything else draws more.
    fn count_when_open(&mut self, head: &Head, verifying: Verifying, turn: &mut Turn<'_>) {
        let revealed = self.revealed();
        if revealed < self.live() {
            return;
        }
        let mut votes: BTreeMap<OutputRoot, Vec<Seat>> = BTreeMap::new();
        for replica in &self.replicas {
            if let Stage::Revealed { opening } = replica.stage {
                let twice = replica.role == Role::Primary && planted(Bug::CountsTwice);
                let by = votes.entry(opening.output_root).or_default();
                by.extend(std::iter::repeat_n(replica.seat, if twice { 2 } else { 1 }));
            }
        }
        let differ = votes.len() > 1;
        // A quorum is a majority, so no more than one output has it.
        let needed = head.request.needed(revealed);
        let needed = needed.saturating_sub(usize::from(planted(Bug::MajorityLessOne))).max(1);
        match votes.into_iter().find(|(_, by)| by.len() >= needed) {
            Some((output_root, by)) => self.verify(head, output_root, by, turn),
            None => self.draw_more(head, verifying, differ, turn),
        }
    }

    /// No quorum yet: replaces who went silent, and asks one more where results differ.
    fn draw_more(
        &mut self,
        head: &Head,
        mut verifying: Verifying,
        differ: bool,
        turn: &mut Turn<'_>,
    ) {
        let spent = differ && verifying.escalations >= MOST_ESCALATIONS;
        if spent || verifying.seed.is_none() || self.replicas.len() >= Attestations::MOST {
            let why = if differ { TryEnd::NoAgreement } else { TryEnd::NoQuorum };
            return self.end_try(head, why, turn);
        }
        if differ {
            verifying.escalations = verifying.escalations.saturating_add(1);
            turn.emit(head, self, Action::Escalate { number: verifying.escalations });
        }
        verifying.reveal_by = None;
        verifying.commit_by = turn.now.after(head.request.limits.verification);
        self.state = TaskState::Verifying(verifying);
        self.gather(head, verifying, turn);
    }

    /// Verifying to verified. Who opened another output is outvoted.
    fn verify(&mut self, head: &Head, output_root: OutputRoot, by: Vec<Seat>, turn: &mut Turn<'_>) {
        let (attempt, at) = (self.attempt, turn.now);
        self.state = TaskState::Verified { output_root, by, attempt, at };
        let notice = Notice::TaskVerified { slices: self.slices, output_root };
        turn.emit(head, self, Action::Notify(notice));
        for replica in self.replicas.clone() {
            if let Stage::Revealed { opening } = replica.stage
                && opening.output_root != output_root
                && !planted(Bug::SparesOutvoted)
            {
                self.outvote(head, replica.seat, opening, output_root, turn);
            }
        }
    }

    /// Deterministic work leaves no excuse; where outputs are compared within a tolerance the node
    /// only loses its good standing, and attested work is judged by its service level.
    fn outvote(
        &mut self,
        head: &Head,
        seat: Seat,
        opening: Opening,
        output_root: OutputRoot,
        turn: &mut Turn<'_>,
    ) {
        let attempt = self.attempt;
        match head.request.verification {
            Verification::Attested => return,
            Verification::Deterministic => {
                if let Some(signed) = self.pledges.get(&(attempt, seat)).copied() {
                    let (pledge, signature) = (signed.pledge, signed.signature);
                    let shown = Evidence::Outvoted { pledge, signature, opening, output_root };
                    turn.accuse(head, self, attempt, shown);
                }
            }
            Verification::Fingerprint => {}
        }
        if self.barred.insert(seat) {
            turn.quarantine(head, self, attempt, (seat, EvidenceKind::Outvoted));
        }
    }
}
