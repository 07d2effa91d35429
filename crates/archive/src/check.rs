//! Whether a receipt may be kept.

use tallystick_abi::{JobDomain, SignatureError, verify_attestations};
use tallystick_chain::view::{HouseView, JobView, Outcome};
use tallystick_types::{
    Attempt, IdentityKey, JobId, OutputRoot, ReceiptError, Seat, SignedReceipt, SpecificationDigest,
};

/// Why a receipt is not kept.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The identity key did not sign it, or its primary did not attest.
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
    /// An attestation is not by the signer that it names.
    #[error(transparent)]
    Attestation(#[from] SignatureError),
    /// It is of another chain or deployment.
    #[error("the receipt of job {job} is of another network; ask the archive of that one")]
    OtherNetwork {
        /// The job.
        job: JobId,
    },
    /// The chain has no result of the job yet, as far as it was read.
    #[error("the chain shows no result of job {job} yet; hand the receipt in again later")]
    NoResult {
        /// The job.
        job: JobId,
    },
    /// The chain's result is of another attempt.
    #[error("the receipt of job {job} is of attempt {given}, the chain's result of {expected}")]
    OtherAttempt {
        /// The job.
        job: JobId,
        /// The chain's.
        expected: Attempt,
        /// The receipt's.
        given: Attempt,
    },
    /// The chain's result has another output.
    #[error("the receipt of job {job} has output {given}, the chain {expected}; it is void")]
    OtherOutput {
        /// The job.
        job: JobId,
        /// The chain's.
        expected: OutputRoot,
        /// The receipt's.
        given: OutputRoot,
    },
    /// The job asked for something else.
    #[error("job {job} is specified by {expected}, its receipt says {given}; it is void")]
    OtherSpecification {
        /// The job.
        job: JobId,
        /// The chain's.
        expected: SpecificationDigest,
        /// The receipt's.
        given: SpecificationDigest,
    },
    /// Somebody attests who was not assigned.
    #[error("signer {} attests job {job}, to which it was not assigned", seat.signer)]
    NotAssigned {
        /// The job.
        job: JobId,
        /// Who attests.
        seat: Seat,
    },
    /// The attestations are no quorum.
    #[error("{given} nodes attest the result of job {job}, {needed} must")]
    NoQuorum {
        /// The job.
        job: JobId,
        /// Who attest.
        given: usize,
        /// Who must.
        needed: usize,
    },
    /// The identity key is not the primary's in the registry.
    #[error("the receipt of job {job} is signed by {given}, its primary is {expected}")]
    OtherIdentity {
        /// The job.
        job: JobId,
        /// The registry's.
        expected: IdentityKey,
        /// The receipt's.
        given: IdentityKey,
    },
}

/// Checks a receipt by itself, and then against what the chain says of its job.
pub fn check(view: &HouseView, domain: JobDomain, signed: &SignedReceipt) -> Result<(), Refusal> {
    let receipt = &signed.receipt;
    let job = receipt.job;
    if (receipt.anchor.chain, receipt.anchor.contract) != (domain.chain, domain.job_manager) {
        return Err(Refusal::OtherNetwork { job });
    }
    signed.verify()?;
    verify_attestations(receipt)?;

    let told = view.job(job).ok_or(Refusal::NoResult { job })?;
    let expected = result_of(told).ok_or(Refusal::NoResult { job })?;
    let (expected_attempt, given_attempt) = (told.attempt, receipt.attempt);
    if expected_attempt != given_attempt {
        let (expected, given) = (expected_attempt, given_attempt);
        return Err(Refusal::OtherAttempt { job, expected, given });
    }
    if receipt.output_root != expected {
        return Err(Refusal::OtherOutput { job, expected, given: receipt.output_root });
    }
    let specification = told.order.terms.specification;
    if receipt.specification != specification {
        let (expected, given) = (specification, receipt.specification);
        return Err(Refusal::OtherSpecification { job, expected, given });
    }
    check_signers(told, signed)?;
    match view.node(receipt.primary.node) {
        Some(node) if node.profile.identity_key != signed.identity => {
            let (expected, given) = (node.profile.identity_key, signed.identity);
            Err(Refusal::OtherIdentity { job, expected, given })
        }
        _ => Ok(()),
    }
}

/// The output that the chain shows for a job.
pub(crate) fn result_of(job: &JobView) -> Option<OutputRoot> {
    match (job.outcome, job.proposal) {
        (Some(Outcome::Settled { output_root, .. }), _) => Some(output_root),
        (Some(Outcome::Refunded { .. }), _) | (None, None) => None,
        (None, Some(proposal)) => Some(proposal.output_root),
    }
}

fn check_signers(told: &JobView, signed: &SignedReceipt) -> Result<(), Refusal> {
    let job = told.id;
    let attestations = signed.receipt.attestations.as_slice();
    let mut stranger = attestations.iter().map(|it| it.seat());
    if let Some(seat) = stranger.find(|seat| told.index_of(*seat).is_none()) {
        return Err(Refusal::NotAssigned { job, seat });
    }
    let (given, needed) = (attestations.len(), told.quorum());
    if given < needed { Err(Refusal::NoQuorum { job, given, needed }) } else { Ok(()) }
}
