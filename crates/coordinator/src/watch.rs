//! Follows the chain for the machine: what its events mean for jobs and nodes.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use alloy_primitives::{B256, U256, keccak256};
use tallystick_abi::Contract;
use tallystick_chain::follow::Change;
use tallystick_chain::outbox::{Intent, IntentKey};
use tallystick_chain::view::{JobView, NodeStatus};
use tallystick_journal::JobRecord;
use tallystick_protocol::ledger::{ChainFact, Finality, RequestError};
use tallystick_protocol::specification::{Input as WorkInput, Specification};
use tallystick_types::{
    Amount, Attempt, BlobDigest, Funding, JobId, JobState, NodeId, Privacy, Seat,
    SpecificationDigest, Trust,
};
use tallystick_wire::{Sentence, client as told};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::MissedTickBehavior;

use crate::desk::Stopped;
use crate::machine::{Input, Offer};
use crate::news::News;
use crate::orders;
use crate::sessions::Standing;
use crate::shared::Shared;

/// How often jobs are looked at without a word from the chain: specifications arrive, leases end.
const LOOK: Duration = Duration::from_secs(1);

/// Follows the chain until `stop` is ready.
pub(crate) async fn run(shared: Shared, stop: impl Future<Output = ()>) -> Result<(), Stopped> {
    let mut stop = pin!(stop);
    let mut changes = shared.house.changes();
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    look_at_everything(&shared).await?;
    loop {
        tokio::select! {
            () = &mut stop => return Ok(()),
            change = changes.recv() => match change {
                Ok(change) if change.everything => look_at_everything(&shared).await?,
                Ok(change) => take(&shared, &change).await?,
                Err(RecvError::Lagged(_)) => look_at_everything(&shared).await?,
                Err(RecvError::Closed) => return Ok(()),
            },
            _ = looks.tick() => {
                for job in waiting(&shared).await? {
                    look(&shared, job).await?;
                }
                renew_leases(&shared).await?;
            }
        }
    }
}

async fn take(shared: &Shared, change: &Change) -> Result<(), Stopped> {
    for job in &change.jobs {
        look(shared, *job).await?;
    }
    for node in &change.nodes {
        refresh(shared, *node).await?;
    }
    Ok(())
}

/// All jobs that are open on the chain or known here, and all nodes.
async fn look_at_everything(shared: &Shared) -> Result<(), Stopped> {
    let mut jobs: BTreeSet<JobId> = known(shared).await?;
    {
        let house = shared.house.read();
        jobs.extend(house.latest().jobs_in(JobState::Open).map(|job| job.id));
        let mine = |job: &&JobView| {
            job.assignment.as_ref().is_some_and(|it| it.coordinator.node == shared.me.node)
        };
        jobs.extend(house.latest().jobs_in(JobState::Assigned).filter(mine).map(|job| job.id));
    }
    for job in jobs {
        look(shared, job).await?;
    }
    for seat in shared.sessions.seats() {
        refresh(shared, seat.node).await?;
    }
    Ok(())
}

async fn known(shared: &Shared) -> Result<BTreeSet<JobId>, Stopped> {
    shared.desk.ask(|machine, _| machine.books().map(|(job, _)| job).collect()).await
}

/// Open jobs that nobody here has taken on.
async fn waiting(shared: &Shared) -> Result<Vec<JobId>, Stopped> {
    let known = known(shared).await?;
    let house = shared.house.read();
    let open = house.latest().jobs_in(JobState::Open).map(|job| job.id);
    Ok(open.filter(|job| !known.contains(job)).collect())
}

/// Hands the machine whatever it does not know of a job yet.
async fn look(shared: &Shared, job: JobId) -> Result<(), Stopped> {
    let mut offer = offer(shared, job);
    let private = |offer: &Offer| offer.specification.privacy == Privacy::Private;
    if offer.as_ref().is_ok_and(private) && !was_handed_in(shared, job).await? {
        offer = Err(Declined::NotHandedIn);
    }
    if let Err(declined) = &offer {
        tell_declined(shared, job, declined);
    }
    let news = {
        let house = shared.house.read();
        tell(shared, &house, job);
        let me = (shared.me.node, &shared.domain);
        News::of(job, (house.latest(), house.final_()), me, offer.ok())
    };
    shared.desk.look(move |machine| news.inputs(machine)).await
}

/// Whether the client of a private job brought the specification itself. Everybody can order what
/// a digest on the chain names, and would have private work done by nodes of his own.
async fn was_handed_in(shared: &Shared, job: JobId) -> Result<bool, Stopped> {
    let found = shared.desk.ask(move |_, reader| reader.get(JobRecord::TABLE, &job)).await?;
    Ok(found.is_ok_and(|record| record.is_some_and(|it| it.privacy == Privacy::Private)))
}

/// Watchers hear of money that moved.
fn tell(shared: &Shared, house: &tallystick_chain::view::LayeredView, job: JobId) {
    let fact = |view: &JobView| match view.state {
        JobState::Proposed => Some(ChainFact::Proposed { attempt: view.attempt }),
        JobState::Settled => Some(ChainFact::Settled),
        JobState::Refunded => Some(ChainFact::Refunded),
        _ => None,
    };
    let finally = house.final_().job(job).and_then(fact);
    let latest = house.latest().job(job).and_then(fact);
    let (fact, finality) = match (finally, latest) {
        (Some(fact), Some(last)) if fact == last => (fact, Finality::Final),
        (_, Some(fact)) => (fact, Finality::Seen),
        (_, None) => return,
    };
    let Some(kind) = orders::settled(fact, finality, B256::ZERO) else { return };
    let told = shared.feed.after(job, 0);
    if !told.iter().any(|event| event.kind.as_ref() == Some(&kind)) {
        shared.feed.tell(job, shared.clock.now(), kind);
    }
}

/// Why an open job is not taken on. It is looked at again every second.
#[derive(Debug, thiserror::Error)]
enum Declined {
    #[error("the chain does not show it")]
    Unknown,
    #[error("it is private, and its client did not hand it in here; submit it to this coordinator")]
    NotHandedIn,
    #[error("its money is not reserved; order it again from a balance or with an allowance")]
    NotReserved,
    #[error("its specification {0} is not here, or is none; upload it to this coordinator")]
    NoSpecification(SpecificationDigest),
    #[error("blob {0} is not here; upload it to this coordinator")]
    NoBlob(BlobDigest),
    #[error("its input cannot be cut as its specification says; order it again")]
    Input,
    #[error("it cannot be worked on, order it again: {0}")]
    Terms(#[source] RequestError),
    #[error("it offers {offered} base units, {asked} are asked; order it again for that price")]
    Price { offered: Amount, asked: Amount },
}

/// Watchers hear why a job is not taken on, and from when on its money goes back.
fn tell_declined(shared: &Shared, job: JobId, declined: &Declined) {
    let deadline = {
        let house = shared.house.read();
        let view = house.latest().job(job).filter(|view| view.state == JobState::Open);
        let Some(view) = view else { return };
        view.deadline
    };
    let reason = Sentence::cut(&declined.to_string());
    let waiting = told::Waiting { reason, shortage: None, refund_at_seconds: deadline };
    if last_waiting(shared, job).as_ref() != Some(&waiting) {
        shared.feed.tell(job, shared.clock.now(), told::EventKind::Waiting(waiting));
    }
}

/// What watchers were last told that a job waits for.
pub(crate) fn last_waiting(shared: &Shared, job: JobId) -> Option<told::Waiting> {
    shared.feed.after(job, 0).into_iter().rev().find_map(|event| match event.kind {
        Some(told::EventKind::Waiting(waiting)) => Some(waiting),
        _ => None,
    })
}

/// What this coordinator could take on, where the specification and what it needs are here and the
/// terms suit.
fn offer(shared: &Shared, job: JobId) -> Result<Offer, Declined> {
    let (order, attempt, state) = {
        let house = shared.house.read();
        let view = house.latest().job(job).ok_or(Declined::Unknown)?;
        (view.order, view.attempt, view.state)
    };
    let (terms, client) = (order.terms, order.client);
    // A job whose money is not reserved is a risk that this coordinator does not take.
    if terms.rules.funding == Funding::PullAtSettlement {
        return Err(Declined::NotReserved);
    }
    let specification = specification(shared, BlobDigest::new(*terms.specification.as_bytes()))
        .ok_or(Declined::NoSpecification(terms.specification))?;
    let missing = specification.blobs().into_iter().find(|blob| !shared.blobs.has(*blob));
    if let Some(missing) = missing {
        return Err(Declined::NoBlob(missing));
    }
    let slices = slices(shared, &specification).ok_or(Declined::Input)?;
    let asked = shared.config.prices.price(&specification, slices, terms.rules.replicas);
    let offered = terms.price.max_price();
    if asked > offered {
        return Err(Declined::Price { offered, asked });
    }
    let next = match state {
        JobState::Open => Attempt::new(attempt.get().saturating_add(1)),
        _ => attempt,
    };
    let price = asked.max(Amount::new(1));
    let offer = Offer { client, rules: terms.rules, price, attempt: next, specification, slices };
    offer.request().tasks().map_err(Declined::Terms)?;
    Ok(offer)
}

/// A specification from the store.
pub(crate) fn specification(shared: &Shared, digest: BlobDigest) -> Option<Specification> {
    Specification::from_bytes(&shared.blobs.get(digest).ok()?).ok()
}

/// How many slices the input has; nothing while one of its blobs is missing.
pub(crate) fn slices(shared: &Shared, specification: &Specification) -> Option<u64> {
    if !specification.blobs().into_iter().all(|blob| shared.blobs.has(blob)) {
        return None;
    }
    let at_hand = match &specification.input {
        WorkInput::Blob { digest, .. } => Some(shared.blobs.get(BlobDigest::from(*digest)).ok()?),
        WorkInput::Blobs(_) | WorkInput::Tiles { .. } => None,
    };
    let slices = specification.input.slices(at_hand.as_deref()).ok()?;
    u64::try_from(slices.len()).ok()
}

/// What the chain says of a seat, or nothing where it may not work.
pub(crate) fn standing(shared: &Shared, seat: Seat) -> Option<Standing> {
    if seat.node == NodeId::UNREGISTERED {
        return Some(Standing { trust: Trust::Any, stake: Amount::ZERO, region: 0 });
    }
    let house = shared.house.read();
    let node = house.latest().node(seat.node)?;
    let fit = matches!(node.status, NodeStatus::Registered | NodeStatus::Active)
        && !node.frozen
        && node.signer == seat.signer;
    let active = node.status == NodeStatus::Active;
    let trust = match (active, node.vetted) {
        (true, true) => Trust::Vetted,
        (true, false) => Trust::Staked,
        (false, _) => Trust::Any,
    };
    let (stake, region) = (node.stake.active, node.profile.region);
    fit.then_some(Standing { trust, stake, region })
}

/// Tells the machine how a connected node stands now; one that may not work any more is out.
async fn refresh(shared: &Shared, node: NodeId) -> Result<(), Stopped> {
    let seats = shared.sessions.seats().into_iter().filter(|seat| seat.node == node);
    for seat in seats.collect::<Vec<_>>() {
        let Some(session) = shared.sessions.get(seat) else { continue };
        match standing(shared, seat) {
            Some(standing) => {
                let candidate = session.facts.candidate(seat, standing);
                shared.desk.tell(Input::Candidate(Box::new(candidate))).await?;
            }
            // The session ends with its queue, and the node leaves.
            None => drop(shared.sessions.leave(seat, session.number)),
        }
    }
    Ok(())
}

/// Renews leases whose second half has begun while their work goes on.
async fn renew_leases(shared: &Shared) -> Result<(), Stopped> {
    let working: Vec<JobId> = shared
        .desk
        .ask(|machine, _| {
            let held = machine.books().filter(|(_, book)| book.lease.is_some());
            held.map(|(job, _)| job).collect()
        })
        .await?;
    for job in working {
        let Some(call) = due(shared, job) else { continue };
        if let Err(error) = shared.outbox.enqueue(call).await {
            tracing::warn!(%job, %error, "outbox.enqueue.failed");
        }
    }
    Ok(())
}

/// The heartbeat that a job needs now.
fn due(shared: &Shared, job: JobId) -> Option<Intent> {
    let house = shared.house.read();
    let view = house.latest().job(job)?;
    let mine = view.assignment.as_ref().is_some_and(|it| it.coordinator == shared.me);
    if view.state != JobState::Assigned || !mine {
        return None;
    }
    let head = shared.house.block(shared.house.heights().head).ok().flatten()?;
    let left = view.deadline.checked_since(head.time)?;
    if left.get() > view.parameters.lease.get() / 2 {
        return None;
    }
    let data = view.heartbeat_call().ok()?;
    let contract = shared.deployment.address(Contract::JobManager);
    let about = [keccak256(&data).as_slice(), &view.deadline.get().to_be_bytes()].concat();
    Some(Intent {
        key: IntentKey::of(shared.domain.chain, contract, "heartbeat", &about),
        to: contract,
        data,
        value: U256::ZERO,
        deadline: None,
        max_fee_per_gas: shared.config.max_fee_per_gas.into(),
        least_gas: 0,
        guard: None,
        purpose: format!("renew the lease of job {job}"),
    })
}

#[cfg(test)]
mod tests;
