//! What is told of jobs, nodes and tasks.

use std::num::NonZeroU64;

use serde_json::json;
use tallystick_abi::Contract;
use tallystick_chain::view::{HouseView, Outcome};
use tallystick_journal::JobRecord;
use tallystick_protocol::ledger::{Job, JobPhase, TaskState};
use tallystick_types::{
    Amount, JobId, JobState, OutputDigest, ParametersVersion, Ppm, Privacy, Seat, SliceRange,
    TaskIndex, WallTime,
};
use tallystick_wire::client::{
    self as message, DeadLetter, DeadLettersRequest, DeadLettersResponse, Finality, JobStatus,
    JobsRequest, JobsResponse, NetworkResponse, NodeStatus, NodesResponse, Page, Phase, ResultPart,
    ResultResponse,
};
use tallystick_wire::{Cursor, List};

use super::{label, sentence, software};
use crate::desk::Stopped;
use crate::machine::{JobResult, Machine, OutputPart, ReceiptStage};
use crate::orders;
use crate::shared::Shared;
use crate::watch;

/// Parts of a result in one answer.
const PARTS: usize = 4_096;

/// The network, as a client needs it.
pub(super) fn network(shared: &Shared) -> NetworkResponse {
    let deployment = &shared.deployment;
    let contract = |it: &Contract| message::Contract {
        name: label(&format!("{it:?}")),
        address: deployment.address(*it),
    };
    let contracts: Vec<_> = deployment.contracts.keys().map(contract).collect();
    let house = shared.house.read();
    let network = house.latest().network();
    let tokens: Vec<_> = network
        .tokens
        .keys()
        .filter(|token| network.parameters_of(**token).is_some())
        .map(|token| token_of(shared, *token))
        .collect();
    let version = network.job_parameters.values().map(|it| it.version.get()).max().unwrap_or(0);
    NetworkResponse {
        chain_id: shared.domain.chain,
        contracts: contracts.try_into().unwrap_or_default(),
        coordinator: shared.me,
        coordinator_identity: shared.identity_key(),
        parameters_version: ParametersVersion::new(version).unwrap_or_default(),
        tokens: tokens.try_into().unwrap_or_default(),
        software: software(),
        server_time_ms: shared.clock.now(),
        block: shared.house.heights().head,
    }
}

/// A token by the name that the deployment knows it by.
fn token_of(shared: &Shared, address: alloy_primitives::Address) -> message::Token {
    let known = [(Contract::TallyToken, "TLY", 18), (Contract::DevelopmentDollar, "DUSD", 6)];
    let found = known.into_iter().find(|(it, ..)| shared.deployment.address(*it) == address);
    let (symbol, decimals) = found.map_or(("", 0), |(_, symbol, decimals)| (symbol, decimals));
    message::Token { address, symbol: label(symbol), decimals }
}

/// Where a job stands; nothing where neither the chain nor this coordinator knows it.
pub(super) fn status(
    shared: &Shared,
    machine: &Machine,
    record: Option<&JobRecord>,
    job: JobId,
) -> Option<JobStatus> {
    let house = shared.house.read();
    let (latest, settled) = (house.latest().job(job), house.final_().job(job));
    let known = machine.ledger().job(job);
    if latest.is_none() && known.is_none() && record.is_none() {
        return None;
    }
    let state = latest.map(|view| view.state);
    let finality = match (state, settled.map(|view| view.state)) {
        (Some(state), Some(last)) if state == last => Finality::Final,
        _ if latest
            .is_some_and(|view| view.created.block.number <= shared.house.heights().safe) =>
        {
            Finality::Safe
        }
        _ => Finality::Pending,
    };
    let count = |get: fn(&Job) -> u32| known.map_or(0, get);
    let nodes: Vec<Seat> = latest
        .and_then(|view| view.assignment.as_ref())
        .map(|assignment| assignment.nodes.clone())
        .unwrap_or_default();
    let created = record.map(|it| it.created_at).or(known.map(|it| it.head.submitted_at));
    let updated = match known.map(|it| &it.phase) {
        Some(JobPhase::Closed { at, .. }) => Some(*at),
        _ => known.map(|it| it.head.busy_at),
    };
    Some(JobStatus {
        job,
        phase: phase(state, known),
        attempt: latest.map_or(0, |view| view.attempt.get()),
        tasks_total: count(|it| u32::try_from(it.tasks.len()).unwrap_or(u32::MAX)),
        tasks_verified: count(|it| it.head.verified),
        tasks_active: count(|it| it.head.active),
        tasks_dead: count(|it| it.head.dead),
        created_at_ms: created.unwrap_or(WallTime::new(0)),
        updated_at_ms: updated.or(created).unwrap_or(WallTime::new(0)),
        finality,
        close_reason: known
            .and_then(Job::close_reason)
            .map(|reason| sentence(&reason))
            .unwrap_or_default(),
        nodes: nodes.try_into().unwrap_or_default(),
        cost: cost(house.latest(), job),
        client: latest
            .map_or_else(|| record.map(|it| it.user).unwrap_or_default(), |view| view.order.client),
        token: latest.map(|view| view.order.terms.token).unwrap_or_default(),
        private: record.is_some_and(|it| it.privacy == Privacy::Private),
        waiting: waiting(shared, machine, job),
    })
}

/// What a job waits for: as the machine sees it, or, while that does not have the job, as watchers
/// were told.
fn waiting(shared: &Shared, machine: &Machine, job: JobId) -> Option<message::Waiting> {
    let open = || {
        let house = shared.house.read();
        house.latest().job(job).is_some_and(|view| view.state == JobState::Open)
    };
    match machine.book(job) {
        Some(_) => machine.waiting(job).map(orders::waiting),
        None => watch::last_waiting(shared, job).filter(|_| open()),
    }
}

/// A job whose order was taken and that the chain does not show yet.
pub(super) fn pending(job: JobId) -> JobStatus {
    let never = WallTime::new(0);
    JobStatus {
        job,
        phase: Phase::Pending,
        attempt: 0,
        tasks_total: 0,
        tasks_verified: 0,
        tasks_active: 0,
        tasks_dead: 0,
        created_at_ms: never,
        updated_at_ms: never,
        finality: Finality::Pending,
        close_reason: tallystick_wire::Sentence::default(),
        nodes: List::default(),
        cost: None,
        client: alloy_primitives::Address::ZERO,
        token: alloy_primitives::Address::ZERO,
        private: false,
        waiting: None,
    }
}

fn cost(view: &HouseView, job: JobId) -> Option<Amount> {
    match view.job(job)?.outcome? {
        Outcome::Settled { paid, .. } => Some(paid),
        Outcome::Refunded { .. } => Some(Amount::ZERO),
    }
}

fn phase(state: Option<JobState>, known: Option<&Job>) -> Phase {
    match (state, known.map(|it| &it.phase)) {
        (Some(JobState::Settled), _) => Phase::Settled,
        (Some(JobState::Refunded), _) => Phase::Refunded,
        (Some(JobState::Proposed | JobState::Challenged), _) => Phase::Proposed,
        (_, Some(JobPhase::Working)) => Phase::Working,
        (_, Some(JobPhase::Attesting { .. })) => Phase::Attesting,
        (Some(JobState::Open), None) => Phase::Open,
        (_, Some(JobPhase::Closed { .. })) => Phase::Closed,
        (Some(JobState::Assigned), None) => Phase::Assigned,
        _ => Phase::Pending,
    }
}

/// What came out of a job, from a task on. A job that was over long ago is known by its row alone.
pub(super) fn result(
    machine: &Machine,
    record: Option<&JobRecord>,
    (job, first_task): (JobId, TaskIndex),
) -> Option<ResultResponse> {
    if let Some(parts) = machine.outputs(job, first_task) {
        return page(output(machine, job), parts);
    }
    let JobResult { output, parts } = serde_json::from_slice(record?.result.as_ref()?).ok()?;
    page(Some(output), parts.into_iter().filter(|part| part.task >= first_task))
}

/// Digest of the whole output, once the receipt states it.
fn output(machine: &Machine, job: JobId) -> Option<OutputDigest> {
    match &machine.book(job)?.receipt {
        ReceiptStage::Signed { receipt, .. } => Some(receipt.receipt.output),
        ReceiptStage::Signing { agreed, .. } => agreed.output.map(|(output, _)| output),
        ReceiptStage::None | ReceiptStage::Gathering(_) | ReceiptStage::Joining(_) => None,
    }
}

/// The first parts, and the task to go on with.
fn page(
    output: Option<OutputDigest>,
    parts: impl Iterator<Item = OutputPart>,
) -> Option<ResultResponse> {
    let part = |part: OutputPart| {
        let SliceRange { first, count } = part.slices;
        Some(ResultPart {
            task: part.task,
            first_slice: first,
            slice_count: NonZeroU64::new(count)?,
            blob: part.blob,
            size: part.bytes,
        })
    };
    let mut parts: Vec<_> = parts.filter_map(part).take(PARTS + 1).collect();
    let next_task = if parts.len() > PARTS { parts.pop().map(|part| part.task) } else { None };
    Some(ResultResponse { output, parts: parts.try_into().ok()?, next_task })
}

/// Why a job stands where it stands, with every decision about its tasks.
pub(super) fn why(shared: &Shared, machine: &Machine, job: JobId) -> Option<String> {
    let (why, book) = (machine.ledger().why(job), machine.book(job));
    let waits = waiting(shared, machine, job);
    if why.is_none() && book.is_none() && waits.is_none() {
        return None;
    }
    let tasks: Vec<_> = why
        .iter()
        .flat_map(|why| &why.tasks)
        .map(|task| {
            let waits = task.waits.map(|reason| reason.to_string());
            let tries: Vec<_> = task
                .tries
                .iter()
                .map(|tried| json!({ "attempt": tried.attempt, "why": tried.why.to_string() }))
                .collect();
            json!({ "task": task.task, "state": task.state, "waits": waits, "tries": tries })
        })
        .collect();
    let decided = book.map(|book| book.decisions.as_slice()).unwrap_or_default();
    let decisions: Vec<serde_json::Value> =
        decided.iter().filter_map(|text| serde_json::from_str(text).ok()).collect();
    let closed = why.and_then(|why| why.closed);
    let closed = closed.map(|(reason, at)| json!({ "why": reason.to_string(), "at_ms": at }));
    let nodes = machine.waiting(job).map(|it| &it.prospect);
    let waits = waits.map(|it| {
        json!({
            "why": it.reason.as_str(),
            "impossible": it.shortage.is_none_or(|shortage| shortage.impossible),
            "nodes": nodes,
            "refund_at": it.refund_at_seconds,
        })
    });
    let all = json!({
        "job": job,
        "closed": closed,
        "waits": waits,
        "tasks": tasks,
        "decisions": decisions,
    });
    Some(all.to_string())
}

/// Jobs of the chain in the order of their ids.
pub(super) async fn jobs(shared: &Shared, asked: &JobsRequest) -> Result<JobsResponse, Stopped> {
    let (after, limit) = bounds(asked.page.as_ref());
    let client = asked.client;
    let found: Vec<JobId> = {
        let house = shared.house.read();
        let fits = |job: JobId| after.is_none_or(|after| job.as_bytes() > &after);
        let mut jobs: Vec<JobId> = house
            .latest()
            .jobs()
            .filter(|view| client.is_none_or(|client| view.order.client == client))
            .map(|view| view.id)
            .filter(|job| fits(*job))
            .collect();
        jobs.sort_unstable();
        jobs.truncate(limit);
        jobs
    };
    let next =
        if found.len() == limit { found.last().map(|job| job.as_bytes().to_vec()) } else { None };
    let inner = shared.clone();
    let look = move |machine: &Machine, reader: &tallystick_journal::Reader| {
        let of = |job: JobId| {
            let record = reader.get(JobRecord::TABLE, &job).ok().flatten();
            let status = status(&inner, machine, record.as_ref(), job)?;
            Some(JobStatus { nodes: List::default(), ..status })
        };
        found.into_iter().filter_map(of).collect::<Vec<_>>()
    };
    let jobs = shared.desk.ask(look).await?;
    Ok(JobsResponse { jobs: jobs.try_into().unwrap_or_default(), next: cursor(next) })
}

/// The nodes that this coordinator knows.
pub(super) async fn nodes(shared: &Shared, page: Option<Page>) -> Result<NodesResponse, Stopped> {
    let (_, limit) = bounds(page.as_ref());
    let after = page.and_then(|page| seat_of(&page.after));
    let inner = shared.clone();
    let nodes = shared
        .desk
        .ask(move |machine, _| {
            let nodes = machine.ledger().state().nodes.iter();
            nodes
                .filter(|(seat, _)| after.is_none_or(|after| *seat > after))
                .take(limit)
                .map(|(seat, node)| node_status(&inner, seat, node))
                .collect::<Vec<_>>()
        })
        .await?;
    let last = nodes.last().filter(|_| nodes.len() == limit).map(|node| node.seat.pack());
    let next = cursor(last.map(|word| word.to_be_bytes::<32>().to_vec()));
    Ok(NodesResponse { nodes: nodes.try_into().unwrap_or_default(), next })
}

fn node_status(
    shared: &Shared,
    seat: Seat,
    node: &tallystick_protocol::ledger::Node,
) -> NodeStatus {
    let session = shared.sessions.get(seat);
    let standing = shared.outlook().standing(seat);
    let facts = session.as_ref().map(|session| &session.facts);
    let kinds: Vec<_> = facts
        .map(|facts| facts.capabilities.kinds.iter())
        .into_iter()
        .flatten()
        .map(|offer| label(&format!("{:?}", offer.kind).to_lowercase()))
        .collect();
    NodeStatus {
        seat,
        online: node.online,
        draining: node.draining,
        quarantined: node.quarantined,
        tier: facts.map_or(0, |facts| match facts.tier {
            tallystick_scheduler::Tier::One => 1,
            tallystick_scheduler::Tier::Two => 2,
            tallystick_scheduler::Tier::Three => 3,
        }),
        load_ppm: facts.map_or(Ppm::ZERO, |facts| facts.load),
        places: node.profile.places,
        busy: u32::try_from(node.busy()).unwrap_or(u32::MAX),
        speed: node.profile.speed,
        stake: standing.map_or(Amount::ZERO, |standing| standing.stake),
        region: standing.map_or(0, |standing| standing.region),
        last_seen_ms: session.as_ref().map_or(WallTime::new(0), |session| session.last_seen),
        kinds: kinds.try_into().unwrap_or_default(),
        software: tallystick_wire::Software::cut(facts.map_or("", |facts| &facts.software)),
    }
}

/// The tasks that were given up and can still be tried again; those of private jobs for their
/// client alone.
pub(super) fn letters(
    machine: &Machine,
    asked: &DeadLettersRequest,
    who: Option<alloy_primitives::Address>,
) -> DeadLettersResponse {
    let (after, limit) = bounds(asked.page.as_ref());
    let letter = |(job, task): (JobId, TaskIndex)| {
        let it = machine.ledger().job(job)?;
        let request = &it.head.request;
        if request.privacy == Privacy::Private && who != Some(request.client) {
            return None;
        }
        let it = it.tasks.get(&task)?;
        let TaskState::DeadLetter { since, why } = &it.state else { return None };
        let tries = u32::try_from(it.history.len()).unwrap_or(u32::MAX);
        Some(DeadLetter { job, task, tries, reason: sentence(why), since_ms: *since })
    };
    // All letters of one job stay on one page.
    let letters: Vec<_> = machine
        .ledger()
        .dead_letters()
        .filter(|(job, _)| after.is_none_or(|after| job.as_bytes() > &after))
        .filter_map(letter)
        .take(limit)
        .collect();
    let last = letters.last().filter(|_| letters.len() == limit);
    let next = cursor(last.map(|letter| letter.job.as_bytes().to_vec()));
    DeadLettersResponse { letters: letters.try_into().unwrap_or_default(), next }
}

/// After which id, and how many entries.
fn bounds(page: Option<&Page>) -> (Option<[u8; 32]>, usize) {
    let limit = page.map_or(tallystick_wire::limits::USUAL_PAGE_ENTRIES, Page::entries);
    let after = page.and_then(|page| <[u8; 32]>::try_from(&page.after[..]).ok());
    (after, usize::try_from(limit).unwrap_or(usize::MAX))
}

fn cursor(bytes: Option<Vec<u8>>) -> Cursor {
    bytes.and_then(|bytes| bytes.try_into().ok()).unwrap_or_default()
}

fn seat_of(cursor: &Cursor) -> Option<Seat> {
    let word = <[u8; 32]>::try_from(&cursor[..]).ok()?;
    Seat::unpack(alloy_primitives::U256::from_be_bytes(word)).ok()
}
