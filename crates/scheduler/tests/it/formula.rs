//! The rules written down a second time, plainly and without a look at the crate's own code: what
//! an index is compared with.

use std::cmp::Reverse;

use alloy_primitives::{B256, U256, keccak256};
use tallystick_scheduler::{
    Candidate, CandidateId, DrawSeed, Quarantine, Request, SchedulingParameters, WorkKind,
};
use tallystick_types::{Policy, Privacy};

const MILLION: u128 = 1_000_000;

/// A candidate and whether it is busy.
pub(crate) type Known = (Candidate, bool);

pub(crate) fn suits(known: &Known, request: &Request) -> bool {
    let (candidate, busy) = known;
    let engines = candidate.capabilities.get(&request.kind);
    let paired = match request.privacy {
        Privacy::Public => true,
        Privacy::Private => candidate.paired.contains(&request.client),
    };
    let fits = amounts(candidate)
        .into_iter()
        .zip(demanded(request))
        .all(|((free, all), takes)| takes <= free && takes <= all);
    candidate.online
        && !busy
        && engines.is_some_and(|has| request.engine.as_ref().is_none_or(|it| has.contains(it)))
        && candidate.tier.is_some_and(|tier| tier >= request.tier)
        && candidate.trust >= request.trust
        && candidate.price <= request.max_price
        && candidate.quarantine == Quarantine::None
        && !request.excluded.contains(&candidate.id())
        && paired
        && fits
}

/// The four terms in parts per million.
pub(crate) fn terms(
    candidate: &Candidate,
    request: &Request,
    parameters: &SchedulingParameters,
) -> [u128; 4] {
    let fits: Vec<u128> = amounts(candidate)
        .into_iter()
        .zip(demanded(request))
        .filter(|(_, takes)| *takes > 0)
        .map(|((free, _), takes)| (free - takes) * MILLION / free)
        .collect();
    let fit = match fits.len() as u128 {
        0 => MILLION,
        count => fits.iter().sum::<u128>() / count,
    };
    let (stake, full) = (candidate.stake.get(), parameters.full_stake.get());
    let stake = if stake >= full { MILLION } else { stake * MILLION / full };
    let load = MILLION - u128::from(candidate.load.get());
    [fit, stake, locality(candidate, request, parameters), load]
}

fn locality(candidate: &Candidate, request: &Request, parameters: &SchedulingParameters) -> u128 {
    let far = u128::from(parameters.far_ms.get());
    let near = request.region.map(|client| {
        let distance = parameters.regions.round_trip_ms(client, candidate.region);
        let distance = distance.map_or(far, |ms| far.min(ms.into()));
        MILLION - distance * MILLION / far
    });
    let bytes = |held_only: bool| -> u128 {
        let counted = |digest| !held_only || candidate.blobs.contains(digest);
        request.blobs.iter().filter(|(digest, _)| counted(digest)).map(|(_, n)| *n as u128).sum()
    };
    let held = (bytes(false) > 0).then(|| bytes(true) * MILLION / bytes(false));
    let share = u128::from(parameters.blob_share.get());
    match (held, near) {
        (Some(held), Some(near)) => (share * held + (MILLION - share) * near) / MILLION,
        (one, other) => one.or(other).unwrap_or(MILLION),
    }
}

/// The score in parts per trillion.
pub(crate) fn score(
    candidate: &Candidate,
    request: &Request,
    parameters: &SchedulingParameters,
) -> u128 {
    let [fit, stake, locality, load] = terms(candidate, request, parameters);
    let weights = &parameters.weights;
    u128::from(weights.resource_fit().get()) * fit
        + u128::from(weights.stake_weight().get()) * stake
        + u128::from(weights.locality().get()) * locality
        + u128::from(weights.load_balance().get()) * load
}

/// Who gets the task.
pub(crate) fn best(
    known: &[Known],
    request: &Request,
    parameters: &SchedulingParameters,
    seed: &DrawSeed,
) -> Option<CandidateId> {
    let suitable: Vec<&Candidate> =
        known.iter().filter(|known| suits(known, request)).map(|known| &known.0).collect();
    let score = |candidate: &Candidate| score(candidate, request, parameters);
    let fast = match request.policy {
        Policy::Fast => true,
        Policy::Cheap => false,
        Policy::Auto => request.kind == WorkKind::Inference,
    };
    let bar = u128::from(parameters.sufficient.get()) * MILLION;
    let enough: Vec<&Candidate> =
        suitable.iter().copied().filter(|candidate| !fast && score(candidate) >= bar).collect();
    let first = if enough.is_empty() {
        suitable.into_iter().min_by_key(|it| (Reverse(score(it)), lot(seed, it)))
    } else {
        enough.into_iter().min_by_key(|it| (it.price, Reverse(score(it)), lot(seed, it)))
    };
    first.map(Candidate::id)
}

fn lot(seed: &DrawSeed, candidate: &Candidate) -> B256 {
    let tag = format!("{:32}", "tallystick scheduler tie");
    let name = account(candidate);
    keccak256([tag.as_bytes(), seed.as_bytes(), name.as_slice()].concat())
}

fn account(candidate: &Candidate) -> B256 {
    candidate.seat.account().into_word()
}

/// Who is drawn, in order.
pub(crate) fn draw(
    known: &[Known],
    request: &Request,
    primary: CandidateId,
    seed: &DrawSeed,
    count: u8,
) -> Vec<CandidateId> {
    let mut rest: Vec<&Candidate> = known
        .iter()
        .filter(|known| suits(known, request) && known.0.id() != primary)
        .map(|known| &known.0)
        .collect();
    rest.sort_by_key(|candidate| account(candidate));
    let mut drawn = Vec::new();
    while drawn.len() < usize::from(count) && !rest.is_empty() {
        let all_zero = rest.iter().all(|candidate| candidate.stake.get() == 0);
        let stake = |it: &Candidate| U256::from(if all_zero { 1 } else { it.stake.get() });
        let total = rest.iter().map(|candidate| stake(candidate)).sum::<U256>();
        let step = U256::from(drawn.len()).to_be_bytes::<32>();
        let tag = format!("{:32}", "tallystick scheduler stake draw");
        let hash = keccak256([tag.as_bytes(), seed.as_bytes(), &step].concat());
        let mut point = U256::from_be_bytes(hash.0) % total;
        let mut place = 0;
        while point >= stake(rest[place]) {
            point -= stake(rest[place]);
            place += 1;
        }
        drawn.push(rest.remove(place).id());
    }
    drawn
}

fn amounts(candidate: &Candidate) -> [(u128, u128); 5] {
    let (free, all) = (&candidate.free, &candidate.capacity);
    [
        (free.cpu_millicores, all.cpu_millicores),
        (free.memory_bytes, all.memory_bytes),
        (free.disk_bytes, all.disk_bytes),
        (free.accelerators, all.accelerators),
        (free.accelerator_memory_bytes, all.accelerator_memory_bytes),
    ]
    .map(|(free, all)| (free.into(), all.into()))
}

fn demanded(request: &Request) -> [u128; 5] {
    let takes = &request.resources;
    [
        takes.cpu_millicores,
        takes.memory_bytes,
        takes.disk_bytes,
        takes.accelerators,
        takes.accelerator_memory_bytes,
    ]
    .map(u128::from)
}
