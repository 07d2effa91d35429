//! The parts of a worker's shell that need no runtime: whoever has a loop of their own, such as a
//! simulator, performs the effects of an agent with the same code.

use tallystick_abi::JobDomain;
use tallystick_planted::{Bug, planted};
use tallystick_ports::{JobFacts, SigningError, StoreError, WorkerKeys};
use tallystick_types::{Canonical, InputDigest, JobId, Ppm, WallTime};
use tallystick_wire::worker::{AgentBody, Capabilities, FreeResources, Heartbeat};

use crate::agent::{Agent, Effect, Input, KnownJob, sha256};

pub use crate::execute::{Bench, execute};
pub use crate::translate::{Assembly, message, named, outward};

/// Assignments that one heartbeat names, and inputs.
const MOST_NAMED: usize = 1_024;

/// The answer to [`Effect::LookUp`].
pub fn look_up(facts: &dyn JobFacts, job: JobId) -> Input {
    let known = facts.job(job).map(|fact| {
        let seats = fact.seats.iter().chain(&fact.earlier_seats);
        let identities =
            seats.filter_map(|seat| Some((*seat, facts.identity_of(*seat)?))).collect();
        Box::new(KnownJob { fact, identities })
    });
    Input::Fact { job, known }
}

/// Has the keys sign what an effect asks for; nothing where it asks for no signature. Blocks on
/// the disk.
///
/// # Errors
///
/// Where the disk refused the record of signatures. A worker ends then: it could sign nothing any
/// more, and would fail at everything that it takes on.
pub fn sign(
    effect: &Effect,
    keys: &dyn WorkerKeys,
    domain: &JobDomain,
) -> Result<Option<Input>, StoreError> {
    let signed = match effect {
        Effect::SignPledge { slot, pledge } => {
            let outcome = recorded(keys.sign_pledge(*slot, &pledge.to_bytes()))?;
            Input::PledgeSigned { assignment: pledge.assignment, outcome }
        }
        Effect::SignClaim { slot, claim } => {
            let outcome = recorded(keys.sign_claim(*slot, domain.claim_digest(claim)))?;
            Input::ClaimSigned { job: claim.job, attempt: claim.attempt, outcome }
        }
        Effect::SignReceipt { slot, receipt } => {
            let (job, bytes) = (receipt.job, receipt.to_bytes());
            let outcome = recorded(keys.sign_receipt(*slot, &bytes))?;
            Input::ReceiptSigned { job, receipt: sha256(&bytes).into(), outcome }
        }
        _ => return Ok(None),
    };
    Ok(Some(signed))
}

/// What came of a signature, where its record did not fail.
fn recorded<T>(outcome: Result<T, SigningError>) -> Result<Result<T, SigningError>, StoreError> {
    match outcome {
        Err(SigningError::Record(error)) if !planted(Bug::IgnoresRecord) => Err(error),
        outcome => Ok(outcome),
    }
}

/// Says that the node lives, and what it works on.
pub fn heartbeat(agent: &Agent, offer: &Capabilities, now: WallTime) -> AgentBody {
    let mut running = agent.running();
    running.truncate(MOST_NAMED);
    let places = u64::from(offer.places.get());
    let busy = u64::try_from(agent.busy()).unwrap_or(places).min(places);
    let load = u32::try_from(busy * 1_000_000 / places).unwrap_or(1_000_000);
    let rest = |all: u64| all / places * (places - busy);
    let free = FreeResources {
        cpu_millis: rest(offer.cpu_millis),
        memory_bytes: rest(offer.memory_bytes),
        disk_bytes: offer.disk_bytes,
        accelerators: 0,
        accelerator_memory_bytes: 0,
    };
    let inputs = agent.inputs().into_iter().take(MOST_NAMED);
    let inputs = inputs.map(|blob| InputDigest::new(*blob.as_bytes()));
    AgentBody::Heartbeat(Heartbeat {
        load_ppm: Ppm::new(load).unwrap_or_default(),
        running: running.into_iter().map(named).collect::<Vec<_>>().try_into().unwrap_or_default(),
        free,
        sent_at_ms: now,
        inputs: inputs.collect::<Vec<_>>().try_into().unwrap_or_default(),
    })
}
