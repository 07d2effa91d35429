//! Quotes, and orders that become jobs on the chain.

use alloy_primitives::{Address, keccak256};
use alloy_sol_types::SolCall;
use tallystick_abi::contracts::{self, IJobManager};
use tallystick_abi::{Contract, signer_of};
use tallystick_chain::outbox::Intent;
use tallystick_journal::{JobRecord, JobStatus};
use tallystick_ports::blocking;
use tallystick_protocol::specification::{Specification, SpecificationError};
use tallystick_scheduler::{ResolvedPolicy, WorkKind};
use tallystick_types::{
    Amount, BlobDigest, Funding, JobId, JobPrice, JobRules, JobTerms, Policy, Privacy,
    ServiceLevel, Trust, Verification, WallTime,
};
use tallystick_wire::client::{Placement, QuoteRequest, QuoteResponse, SubmitRequest};
use tonic::Status;

use super::terms::{self, Asked};
use crate::outlook::Outlook;

/// What a job of these terms costs, and the terms that the client has to sign.
///
/// # Errors
///
/// A status in words for the client.
pub fn quote(
    outlook: &Outlook<'_>,
    asked: &QuoteRequest,
    now: WallTime,
) -> Result<QuoteResponse, Status> {
    let specification = read(&asked.specification)?;
    agree(asked.placement.as_ref(), &specification)?;
    let slices = counted(outlook, &specification)?;
    let prices = &outlook.config.prices;
    let max_price = prices.price(&specification, slices, asked.replicas);
    let quorum = if asked.quorum == 0 { asked.replicas / 2 + 1 } else { asked.quorum };
    let (parameters_version, head) = {
        let house = outlook.house.read();
        let parameters = house.latest().network().parameters_of(asked.token).ok_or_else(|| {
            Status::failed_precondition(format!(
                "no job can be paid in {} now; choose a token that the network lists",
                asked.token
            ))
        })?;
        let head = outlook.house.block(outlook.house.heights().head).ok().flatten();
        let head = head.ok_or_else(|| Status::unavailable("the chain is not being read yet"))?;
        (parameters.version, head.time)
    };
    let later = |seconds| {
        head.checked_add(seconds).ok_or_else(|| Status::invalid_argument("the time is too long"))
    };
    let assign_by = later(outlook.config.assign_within)?;
    let complete_by = assign_by
        .checked_add(specification.limits.job)
        .ok_or_else(|| Status::invalid_argument("the time limit of the job is too long"))?;
    let rules = JobRules {
        funding: Funding::Balance,
        verification: asked.verification.unwrap_or(Verification::Deterministic),
        trust: asked.trust.unwrap_or(Trust::Staked),
        replicas: asked.replicas,
        quorum,
        assign_by,
        complete_by,
        service_level: ServiceLevel::new(0),
        parameters_version,
    };
    let price = JobPrice::new(max_price, Amount::ZERO, prices.tip)
        .map_err(|error| Status::invalid_argument(error.to_string()))?;
    let terms =
        JobTerms { specification: specification.digest(), token: asked.token, price, rules };
    let tasks = slices.div_ceil(specification.slices_per_task.max(1));
    let policy = match ResolvedPolicy::of(specification.policy, WorkKind::Wasm) {
        ResolvedPolicy::Fast => Policy::Fast,
        ResolvedPolicy::Cheap => Policy::Cheap,
    };
    terms::of_order((specification, slices), Address::ZERO, (rules, max_price))?;
    Ok(QuoteResponse {
        max_price,
        tip: prices.tip,
        slices,
        tasks: u32::try_from(tasks).unwrap_or(u32::MAX),
        policy,
        terms,
        expires_at_ms: now.after(outlook.config.quote),
    })
}

/// Checks an order, keeps its specification, and gives the call that makes it a job, with what has
/// to be compared with the nodes.
///
/// # Errors
///
/// A status in words for the client.
pub fn judge(
    outlook: &Outlook<'_>,
    asked: &SubmitRequest,
) -> Result<(JobId, Intent, Asked), Status> {
    if outlook.house.is_halted() {
        let words = "the chain contradicts what was final; nothing is taken until a person decided";
        return Err(Status::unavailable(words));
    }
    let specification = read(&asked.specification)?;
    agree(asked.placement.as_ref(), &specification)?;
    let order = asked.order();
    if specification.digest() != order.terms.specification {
        let words = "the order names another specification than the one that came with it";
        return Err(Status::invalid_argument(words));
    }
    let signer = signer_of(outlook.domain.order_digest(&order), &asked.signature)
        .map_err(|error| Status::unauthenticated(error.to_string()))?;
    if signer != order.client {
        let words = format!("{signer} signed the order of {}; let the client sign", order.client);
        return Err(Status::permission_denied(words));
    }
    if order.terms.rules.funding == Funding::PullAtSettlement {
        let words = "jobs whose money is not reserved are not taken; deposit, or give an allowance";
        return Err(Status::failed_precondition(words));
    }
    if !outlook.takes(order.terms.token) {
        let words = format!("no job can be paid in {} now", order.terms.token);
        return Err(Status::failed_precondition(words));
    }
    let slices = counted(outlook, &specification)?;
    let asks = outlook.config.prices.price(&specification, slices, order.terms.rules.replicas);
    let offers = order.terms.price.max_price();
    if offers < asks {
        let words = format!("the order offers {offers} base units, {asks} are asked; quote anew");
        return Err(Status::failed_precondition(words));
    }
    let wanted = terms::of_order((specification, slices), order.client, (order.terms.rules, asks))?;
    outlook
        .blobs
        .put(&asked.specification)
        .map_err(|error| Status::resource_exhausted(error.to_string()))?;
    let job = outlook.domain.job_id(&order);
    let call = IJobManager::createForCall {
        client: order.client,
        nonce: order.nonce,
        terms: contracts::JobTerms::from(&order.terms),
        specificationUri: String::new(),
        signature: asked.signature.as_bytes().to_vec().into(),
    };
    let data = call.abi_encode();
    let name = keccak256(&data);
    let (name, purpose) = (("create", name.as_slice()), format!("create job {job}"));
    let intent = outlook.intent(Contract::JobManager, name, data.into(), purpose);
    Ok((job, intent, wanted))
}

/// The specification, where only paired nodes may see it.
pub(super) async fn private(
    bytes: tallystick_wire::Specification,
) -> Result<Option<Specification>, Status> {
    let read = blocking::run(move || read(&bytes));
    let specification = super::joined(read.await)??;
    Ok((specification.privacy == Privacy::Private).then_some(specification))
}

/// What is kept of a private order until its work begins.
pub(super) fn pending(client: Address, specification: &Specification, now: WallTime) -> JobRecord {
    JobRecord {
        kind: "wasm".to_owned(),
        policy: specification.policy,
        privacy: specification.privacy,
        user: client,
        status: JobStatus::Pending,
        payload: specification.to_bytes(),
        result: None,
        worker: None,
        created_at: now,
        completed_at: None,
    }
}

fn read(bytes: &[u8]) -> Result<Specification, Status> {
    Specification::from_bytes(bytes).map_err(|error| Status::invalid_argument(error.to_string()))
}

/// What the client signed rules: words beside it must not say otherwise.
fn agree(placement: Option<&Placement>, specification: &Specification) -> Result<(), Status> {
    let Some(placement) = placement else { return Ok(()) };
    let same = placement.policy.is_none_or(|policy| policy == specification.policy)
        && placement.privacy.is_none_or(|privacy| privacy == specification.privacy);
    if same {
        return Ok(());
    }
    Err(Status::invalid_argument("the placement is not that of the specification"))
}

/// The slices of the input; an error names the blob that is missing.
fn counted(outlook: &Outlook<'_>, specification: &Specification) -> Result<u64, Status> {
    if let Some(missing) = specification.blobs().into_iter().find(|blob| !outlook.blobs.has(*blob))
    {
        return Err(Status::failed_precondition(format!("blob {missing} is not here; upload it")));
    }
    terms::require_sizes(outlook, specification)?;
    let slices = outlook.slices(specification).ok_or_else(|| why(outlook, specification))?;
    terms::require_profile(outlook, specification)?;
    Ok(slices)
}

/// What is wrong with an input that cannot be cut.
fn why(outlook: &Outlook<'_>, specification: &Specification) -> Status {
    use tallystick_protocol::specification::Input;
    let at_hand = match &specification.input {
        Input::Blob { digest, .. } => outlook.blobs.get(BlobDigest::from(*digest)).ok(),
        Input::Blobs(_) | Input::Tiles { .. } => None,
    };
    match specification.input.count(at_hand.as_deref()) {
        Ok(_) => Status::unavailable("the input could not be read; ask again"),
        Err(SpecificationError::Split(error)) => Status::invalid_argument(error.to_string()),
        Err(error) => Status::invalid_argument(error.to_string()),
    }
}
