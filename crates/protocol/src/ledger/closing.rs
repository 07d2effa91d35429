//! How a job ends: verified tasks become a claim, signatures a receipt; everything else a reason.

use std::collections::{BTreeMap, BTreeSet};

use tallystick_planted::{Bug, planted};
use tallystick_types::{
    Amount, Attempt, Attestation, Attestations, JobId, ReceiptClaim, Seat, SliceRange, TaskAttempt,
    TaskIndex,
};

use super::effect::{Action, Effect, EffectKey, Evidence, EvidenceKind, Notice, OutboxEntry};
use super::job::{Job, JobPhase, SignedClaim};
use super::reason::CloseReason;
use super::refusal::Refusal;
use super::state::Step;
use super::task::TaskState;
use crate::commitment::job_output_root;

impl Step<'_> {
    /// Wishes an effect of a job as a whole.
    pub(super) fn emit(&mut self, job: JobId, attempt: Attempt, action: Action) {
        let attempt = TaskAttempt::new(u16::from(attempt.get()));
        let key = EffectKey { job, task: None, attempt, kind: action.kind() };
        self.effects.push(Effect { key, action });
    }

    /// Sees whether a job's tasks are all done, or stuck until somebody retries a dead letter.
    pub(super) fn review(&mut self, job: JobId) {
        if !self.is_working(job) {
            return;
        }
        let now = self.state.now;
        let Some(it) = self.state.jobs.get_mut(&job) else { return };
        let before = it.next_deadline();
        let tasks = u32::try_from(it.tasks.len()).expect("a job has at most 2^16 tasks");
        if it.head.verified == tasks {
            return self.begin_attesting(job);
        }
        let over = it.head.verified.saturating_add(it.head.dead);
        if it.head.dead == 0 || over < tasks {
            it.head.retry_by = None;
        } else if it.head.retry_by.is_none() {
            it.head.retry_by = Some(now.after(it.head.request.limits.dead_letter));
        }
        self.retime(job, before);
    }

    /// Working to attesting: everybody who agreed is asked to sign, at most as many as a receipt
    /// takes, those with the most tasks first.
    pub(super) fn begin_attesting(&mut self, job: JobId) {
        let now = self.state.now;
        let Some(it) = self.state.jobs.get_mut(&job) else { return };
        let before = it.next_deadline();
        let roots = it.results().map(|result| (result.task, result.output_root));
        let output_root = job_output_root(roots).expect("a job has 1 to 2^16 tasks");
        let (attempt, cost) = (it.head.attempt, it.head.request.price);
        let cost = if planted(Bug::Undercharges) { Amount::new(cost.get() / 2) } else { cost };
        let claim = ReceiptClaim { job, attempt, output_root, cost };
        let signers = signers(it);
        let less = u8::from(planted(Bug::SignaturesLessOne));
        let needed = it.signatures_needed(signers.len()).saturating_sub(less);
        let attest_by = now.after(it.head.request.limits.attestation);
        let asked = signers.clone();
        it.phase = JobPhase::Attesting { claim, signers, needed, attest_by };
        it.wait_while_outnumbered();
        self.retime(job, before);
        for seat in asked {
            self.emit(job, attempt, Action::Attest { seat, claim });
        }
        self.finalise_when_signed(job, false);
    }

    /// Attesting to closed, when all have signed, or at the deadline when enough have.
    pub(super) fn finalise_when_signed(&mut self, job: JobId, deadline: bool) {
        let Some(it) = self.state.jobs.get(&job) else { return };
        let JobPhase::Attesting { claim, signers, needed, .. } = &it.phase else { return };
        let signed = it.signed();
        let (claim, needed) = (*claim, *needed);
        let count = u8::try_from(signed.len()).expect("a receipt has at most 16 signers");
        // Whoever signed two claims signs nothing that counts any more.
        let lost = |seat: &&Seat| {
            it.claims.get(&(claim.attempt, **seat)).is_some_and(|signed| signed.contradicted)
        };
        let awaited = signers.len().saturating_sub(signers.iter().filter(lost).count());
        if (signed.len() < awaited || it.is_outnumbered()) && !deadline {
            return;
        }
        if count < needed {
            return self.close(job, CloseReason::NotAttested { signed: count, needed });
        }
        let attestation = |(seat, signature): &(Seat, _)| {
            let (node, signer) = (seat.node, seat.signer);
            Attestation { node, signer, signature: *signature }
        };
        let attestations: Vec<Attestation> = signed.iter().map(attestation).collect();
        let slices = SliceRange { first: 0, count: it.head.request.slices };
        let receipt = Action::FinaliseReceipt { claim, attestations: attestations.clone(), slices };
        self.emit(job, claim.attempt, receipt);
        let entry = OutboxEntry::Propose { claim, attestations };
        self.emit(job, claim.attempt, Action::Outbox(entry));
        self.close(job, CloseReason::Completed);
    }

    /// All work ends, for good.
    pub(super) fn close(&mut self, job: JobId, reason: CloseReason) {
        let at = self.state.now;
        let Some(it) = self.state.jobs.get_mut(&job) else { return };
        if it.close_reason().is_some() {
            return;
        }
        let (before, attempt) = (it.next_deadline(), it.head.attempt);
        // Closed first, so that nothing that follows from stopping a task looks at the job again.
        it.phase = JobPhase::Closed { reason, at };
        let open = it.tasks.values().filter(|task| !task.is_over()).map(|task| task.index);
        let open: Vec<TaskIndex> = open.collect();
        self.retime(job, before);
        for task in open {
            self.with_task(job, task, |head, task, turn| task.stop(head, turn));
        }
        if reason != CloseReason::Completed && !reason.is_by_chain() {
            self.emit(job, attempt, Action::Outbox(OutboxEntry::Release { attempt }));
        }
        self.emit(job, attempt, Action::Notify(Notice::Closed { reason }));
    }

    /// A node signed a claim. Two claims with different outputs for one attempt are an offence,
    /// whenever the second one comes.
    pub(super) fn attest(
        &mut self,
        claim: ReceiptClaim,
        attestation: &Attestation,
    ) -> Result<(), Refusal> {
        let (job, attempt, seat) = (claim.job, claim.attempt, attestation.seat());
        let Some(it) = self.state.jobs.get_mut(&job) else {
            return Err(Refusal::UnknownJob { job });
        };
        if !it.seats.contains(&seat) {
            return Err(Refusal::NotTakingPart { job, seat });
        }
        if attempt > it.head.attempt {
            return Err(Refusal::FutureAttempt { job, attempt });
        }
        let wanted = match &it.phase {
            JobPhase::Attesting { claim, .. } => Some(*claim),
            JobPhase::Working | JobPhase::Closed { .. } => None,
        };
        let signature = attestation.signature;
        let new = SignedClaim { claim, signature, contradicted: false };
        let first = it.claims.entry((attempt, seat)).or_insert(new);
        if first.claim.output_root == claim.output_root {
            // The coordinator chooses the cost: another one is no offence, the right one counts.
            if Some(claim) == wanted && !first.contradicted {
                *first = new;
            }
        } else if !first.contradicted && !planted(Bug::SparesTwoClaims) {
            first.contradicted = true;
            let claims = [(first.claim, first.signature), (claim, signature)];
            let evidence = Evidence::TwoClaims { seat, claims };
            self.state.nodes.quarantine(seat);
            self.emit(job, attempt, Action::Evidence(Box::new(evidence)));
            let offence = EvidenceKind::TwoClaims;
            self.emit(job, attempt, Action::Quarantine { seat, offence });
        }
        self.finalise_when_signed(job, false);
        Ok(())
    }
}

/// Who signs for a job.
fn signers(job: &Job) -> BTreeSet<Seat> {
    let mut tasks: BTreeMap<Seat, u32> = BTreeMap::new();
    for task in job.tasks.values() {
        if let TaskState::Verified { by, .. } = &task.state {
            for seat in by {
                let count = tasks.entry(*seat).or_default();
                *count = count.saturating_add(1);
            }
        }
    }
    let mut ranked: Vec<(Seat, u32)> = tasks.into_iter().collect();
    ranked.sort_by_key(|(seat, count)| (std::cmp::Reverse(*count), *seat));
    ranked.into_iter().take(Attestations::MOST).map(|(seat, _)| seat).collect()
}
