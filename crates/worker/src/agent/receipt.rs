//! Signing the receipt of a job, as its primary, once.

use tallystick_abi::verify_attestations;
use tallystick_ports::{SigningError, SigningKind, SigningSlot};
use tallystick_types::{
    Canonical, IdentitySignature, JobId, Receipt, ReceiptDigest, Seat, SliceRange,
};
use tallystick_wire::worker::ReceiptRefusal;

use super::effect::{AgentSays, Effect};
use super::held::HeldJob;
use super::input::sha256;
use super::{Agent, AgentConfig};

/// Why a receipt is not signed, with a sentence for people.
type Refused = (ReceiptRefusal, &'static str);

impl Agent {
    pub(super) fn sign_receipt(&mut self, bytes: &[u8]) {
        let digest = ReceiptDigest::from(sha256(bytes));
        let Ok(receipt) = Receipt::from_bytes(bytes) else {
            let reason = (ReceiptRefusal::Malformed, "the bytes are no canonical receipt");
            self.refuse_receipt(JobId::default(), digest, reason);
            return;
        };
        let job = receipt.job;
        match judge(&self.config, self.seat, self.jobs.get(&job), &receipt) {
            Ok(()) => {
                let (attempt, kind) = (receipt.attempt, SigningKind::Receipt);
                let slot = SigningSlot { job, attempt, kind };
                self.effects.push(Effect::SignReceipt { slot, receipt: Box::new(receipt) });
            }
            Err(refused) => self.refuse_receipt(job, digest, refused),
        }
    }

    pub(super) fn receipt_signed(
        &mut self,
        job: JobId,
        receipt: ReceiptDigest,
        outcome: Result<IdentitySignature, SigningError>,
    ) {
        match outcome {
            Ok(signature) => self.say(AgentSays::ReceiptSigned { job, receipt, signature }),
            Err(SigningError::AlreadySigned { .. }) => {
                let detail = "another receipt was signed for this attempt";
                self.refuse_receipt(job, receipt, (ReceiptRefusal::Internal, detail));
            }
            Err(_) => {
                let detail = "the keys cannot be used now";
                self.refuse_receipt(job, receipt, (ReceiptRefusal::Internal, detail));
            }
        }
    }

    fn refuse_receipt(&mut self, job: JobId, receipt: ReceiptDigest, (reason, text): Refused) {
        let detail = text.to_owned();
        self.say(AgentSays::ReceiptRefused { job, receipt, reason, detail });
    }
}

fn judge(
    config: &AgentConfig,
    seat: Seat,
    held: Option<&HeldJob>,
    receipt: &Receipt,
) -> Result<(), Refused> {
    if receipt.primary != seat {
        return Err((ReceiptRefusal::NotPrimary, "the receipt names another primary"));
    }
    let other = |text| Err((ReceiptRefusal::OtherClaim, text));
    let Some(held) = held else { return other("the job is not known here") };
    let claim = held.claims.get(&receipt.attempt);
    if claim.is_none_or(|held| held.claim != receipt.claim()) {
        return other("the receipt is not of the claim that this node attested");
    }
    let Some((task, output)) = held.outputs().next() else {
        return other("this node committed to no task of the job");
    };
    let specification = &task.specification;
    if receipt.specification != task.accepted.specification
        || receipt.program != specification.program()
        || receipt.engine != specification.engine
        || receipt.input != specification.input.digest()
        || receipt.slices != (SliceRange { first: 0, count: output.job_slices })
    {
        return other("the receipt names other work than the specification");
    }
    let anchor = &receipt.anchor;
    if anchor.chain != config.domain.chain || anchor.contract != config.domain.job_manager {
        return other("the receipt names another chain or contract");
    }
    let attested = receipt.attestations.as_slice();
    if !attested.iter().any(|attestation| attestation.seat() == seat)
        || verify_attestations(receipt).is_err()
    {
        return other("an attestation does not fit the claim, or this node's own is missing");
    }
    Ok(())
}
