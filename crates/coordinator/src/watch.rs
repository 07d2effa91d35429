//! Follows the chain for the machine: what its events mean for jobs and nodes.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use alloy_primitives::B256;
use tallystick_chain::follow::Change;
use tallystick_chain::view::JobView;
use tallystick_journal::JobRecord;
use tallystick_protocol::ledger::{ChainFact, Finality};
use tallystick_types::{JobId, JobState, NodeId, Privacy};
use tallystick_wire::{Sentence, client as told};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::MissedTickBehavior;

use crate::desk::Stopped;
use crate::machine::{Input, Offer};
use crate::orders;
use crate::outlook::Declined;
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
                let known = known(&shared).await?;
                for job in shared.outlook().waiting(&known) {
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
    jobs.extend(shared.outlook().jobs());
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

/// Hands the machine whatever it does not know of a job yet.
async fn look(shared: &Shared, job: JobId) -> Result<(), Stopped> {
    let mut offer = shared.outlook().offer(job);
    let private = |offer: &Offer| offer.specification.privacy == Privacy::Private;
    if offer.as_ref().is_ok_and(private) && !was_handed_in(shared, job).await? {
        offer = Err(Declined::NotHandedIn);
    }
    if let Err(declined) = &offer {
        tell_declined(shared, job, declined);
    }
    tell(shared, &shared.house.read(), job);
    let news = shared.outlook().news(job, offer.ok());
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

/// Tells the machine how a connected node stands now; one that may not work any more is out.
async fn refresh(shared: &Shared, node: NodeId) -> Result<(), Stopped> {
    let seats = shared.sessions.seats().into_iter().filter(|seat| seat.node == node);
    for seat in seats.collect::<Vec<_>>() {
        let Some(session) = shared.sessions.get(seat) else { continue };
        match shared.outlook().standing(seat) {
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
        let Some(call) = shared.outlook().heartbeat(job, &shared.outbox) else { continue };
        if let Err(error) = shared.outbox.enqueue(call).await {
            tracing::warn!(%job, %error, "outbox.enqueue.failed");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
