//! Signing the claim of a whole job, once.

use tallystick_ports::{SigningError, SigningKind, SigningSlot};
use tallystick_protocol::claim::{ClaimError, check_claim};
use tallystick_protocol::specification::Specification;
use tallystick_types::{Amount, Attempt, EvmSignature, JobId, ReceiptClaim, Seat};
use tallystick_wire::worker::AttestRefusal;

use super::effect::{AgentSays, Effect};
use super::held::{Asked, HeldJob};
use super::input::{ClaimRequest, KnownJob};
use super::journal::{Attesting, Record};
use super::{Agent, AgentConfig};

/// Why a claim is not signed, with a sentence for people.
type Refused = (AttestRefusal, String);

impl Agent {
    pub(super) fn attest(&mut self, coordinator: Seat, request: ClaimRequest) {
        let ReceiptClaim { job, attempt, .. } = request.claim;
        let until = self.moment.now.after(self.config.fact_wait);
        let Some(held) = self.jobs.get_mut(&job).filter(|held| held.outputs().next().is_some())
        else {
            let detail = "this node committed to no task of the job".to_owned();
            self.refuse_claim(job, attempt, (AttestRefusal::UnknownJob, detail));
            return;
        };
        if let Some(signed) = held.claims.get_mut(&attempt) {
            if signed.claim == request.claim {
                signed.coordinator = coordinator;
                self.sign_claim(request.claim);
            } else {
                let detail = "another claim was signed for this attempt".to_owned();
                self.refuse_claim(job, attempt, (AttestRefusal::AlreadySigned, detail));
            }
            return;
        }
        let before = held.asked.replace(Asked { coordinator, request, until });
        if let Some(before) = before.map(|asked| asked.request.claim)
            && before.attempt != attempt
        {
            let detail = "a claim for another attempt came before this one was judged".to_owned();
            self.refuse_claim(job, before.attempt, (AttestRefusal::UnknownJob, detail));
        }
        self.effects.push(Effect::LookUp { job });
    }

    /// Judges the claim that is asked for, where the chain shows its lease.
    pub(super) fn try_claim(&mut self, job: JobId) {
        let seat = self.seat;
        let Some(held) = self.jobs.get_mut(&job) else { return };
        let (Some(known), Some(asked)) = (&held.known, &held.asked) else { return };
        let claim = asked.request.claim;
        if !shows(known, asked, seat) {
            return;
        }
        let verdict = judge(&self.config, held, known, &asked.request);
        let coordinator = asked.coordinator;
        held.asked = None;
        match verdict {
            Ok(()) => {
                let attesting = Attesting { claim, coordinator, judged: false };
                held.claims.insert(claim.attempt, attesting);
                self.store([Record::Claim(attesting)]);
                self.sign_claim(claim);
            }
            Err(refused) if self.session == Some(coordinator) => {
                self.refuse_claim(job, claim.attempt, refused);
            }
            Err(_) => {}
        }
    }

    fn sign_claim(&mut self, claim: ReceiptClaim) {
        let ReceiptClaim { job, attempt, .. } = claim;
        let slot = SigningSlot { job, attempt, kind: SigningKind::Claim };
        self.effects.push(Effect::SignClaim { slot, claim });
    }

    pub(super) fn claim_signed(
        &mut self,
        job: JobId,
        attempt: Attempt,
        outcome: Result<EvmSignature, SigningError>,
    ) {
        let held = self.jobs.get_mut(&job).and_then(|held| held.claims.get_mut(&attempt));
        let Some(held) = held else { return };
        let Attesting { claim, coordinator, .. } = *held;
        if self.session != Some(coordinator) {
            return;
        }
        match outcome {
            Ok(signature) => self.say(AgentSays::Attested { claim, signature }),
            Err(error) => {
                let reason = match error {
                    SigningError::AlreadySigned { .. } | SigningError::Pruned { .. } => {
                        AttestRefusal::AlreadySigned
                    }
                    SigningError::Record(_)
                    | SigningError::WrongKind
                    | SigningError::Unavailable(_) => AttestRefusal::Internal,
                };
                self.refuse_claim(job, attempt, (reason, error.to_string()));
            }
        }
    }

    pub(super) fn claim_judged(&mut self, job: JobId, attempt: Attempt) {
        let held = self.jobs.get_mut(&job).and_then(|held| held.claims.get_mut(&attempt));
        if let Some(held) = held.filter(|held| !held.judged) {
            held.judged = true;
            let record = Record::Claim(*held);
            self.store([record]);
        }
    }

    /// Looks again for the leases of claims, and gives up those that the chain does not show.
    pub(super) fn watch_claims(&mut self) {
        let now = self.moment.now;
        let mut late = Vec::new();
        for (job, held) in &mut self.jobs {
            let Some(asked) = &held.asked else { continue };
            if now < asked.until {
                self.effects.push(Effect::LookUp { job: *job });
            } else if let Some(asked) = held.asked.take() {
                late.push((*job, asked.request.claim.attempt, asked.coordinator));
            }
        }
        for (job, attempt, coordinator) in late {
            if self.session == Some(coordinator) {
                let detail = "the chain does not show this lease with this node".to_owned();
                self.refuse_claim(job, attempt, (AttestRefusal::UnknownJob, detail));
            }
        }
    }

    /// On a new session: claims that the coordinator may have missed.
    pub(super) fn claims_again(&mut self, coordinator: Seat) {
        let open = self.jobs.values().filter(|job| job.over_since.is_none());
        let again = open
            .flat_map(|job| job.claims.values())
            .filter(|held| !held.judged && held.coordinator == coordinator);
        for claim in again.map(|held| held.claim).collect::<Vec<_>>() {
            self.sign_claim(claim);
        }
    }

    fn refuse_claim(&mut self, job: JobId, attempt: Attempt, (reason, detail): Refused) {
        self.say(AgentSays::AttestRefused { job, attempt, reason, detail });
    }
}

/// Whether the chain shows that the asking coordinator holds the attempt, with this node.
fn shows(known: &KnownJob, asked: &Asked, seat: Seat) -> bool {
    let fact = &known.fact;
    fact.attempt == asked.request.claim.attempt
        && fact.coordinator == Some(asked.coordinator)
        && fact.seats.contains(&seat)
}

fn judge(
    config: &AgentConfig,
    held: &HeldJob,
    known: &KnownJob,
    request: &ClaimRequest,
) -> Result<(), Refused> {
    let refused = |reason, detail: &str| Err((reason, detail.to_owned()));
    let ClaimRequest { claim, proofs } = request;
    let mut asks = Amount::ZERO;
    for (task, output) in held.outputs() {
        let assignment = &task.accepted.assignment;
        if tasks_of(&task.specification, output.job_slices) != proofs.len() as u64 {
            return refused(AttestRefusal::BadRoot, "these are not all tasks of the job");
        }
        let shown = proofs.iter().find(|proof| proof.task == assignment.task);
        if shown.is_none_or(|proof| proof.output_root != output.root) {
            return refused(AttestRefusal::OtherOutput, "this node has another output of a task");
        }
        asks = asks.max(asked_for(config, &task.specification, task.accepted.slices.count));
    }
    let (needed, identity_of) =
        (usize::from(known.fact.quorum), |seat| known.identities.get(&seat).copied());
    check_claim(claim, needed.max(1), proofs, identity_of).map_err(|error| {
        let reason = match error {
            ClaimError::OutOfPlace { .. } | ClaimError::OtherRoot => AttestRefusal::BadRoot,
            ClaimError::TooFew { .. } => AttestRefusal::NoQuorum,
        };
        (reason, error.to_string())
    })?;
    if claim.cost > known.fact.price {
        return refused(AttestRefusal::Cost, "the cost is above the price of the job");
    }
    if claim.cost < asks {
        return refused(AttestRefusal::Cost, "the cost is below what this node asks for its work");
    }
    Ok(())
}

/// Tasks of a job with so many slices.
pub(super) fn tasks_of(specification: &Specification, job_slices: u64) -> u64 {
    job_slices.div_ceil(specification.slices_per_task.max(1))
}

/// What this node asks for the declared work of so many slices.
fn asked_for(config: &AgentConfig, specification: &Specification, slices: u64) -> Amount {
    let units = specification.work_units_per_slice.saturating_mul(slices);
    config.price.checked_mul(units).unwrap_or(Amount::MAX)
}
