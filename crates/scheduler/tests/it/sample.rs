//! Machines and tasks to test with: plain ones, and strategies with few values, so that ties and
//! rejections are frequent.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use alloy_primitives::Address;
use proptest::collection::{btree_map, btree_set};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use tallystick_scheduler::{
    Candidate, CandidateId, DrawSeed, Quarantine, Region, RegionDistance, RegionTable, Request,
    Resources, SchedulingParameters, Tier, Weights, WorkKind,
};
use tallystick_types::{
    Amount, EngineProfile, InputDigest, NodeId, Policy, Ppm, Privacy, Seat, Trust,
};

pub(crate) const CLIENT: Address = Address::repeat_byte(0xc1);
const TLY: u128 = 1_000_000_000_000_000_000;

pub(crate) fn ppm(parts: u32) -> Ppm {
    Ppm::new(parts).unwrap()
}

pub(crate) fn engine(name: &str) -> EngineProfile {
    EngineProfile::new(name).unwrap()
}

pub(crate) fn blob(number: u8) -> InputDigest {
    InputDigest::new([number; 32])
}

pub(crate) fn tly(tokens: u128) -> Amount {
    Amount::new(tokens * TLY)
}

pub(crate) fn seed(number: u64) -> DrawSeed {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    DrawSeed::new(bytes)
}

pub(crate) fn node(number: u64) -> CandidateId {
    CandidateId::Node(NodeId::new(number))
}

/// A machine that [`request`] suits.
pub(crate) fn candidate(number: u64) -> Candidate {
    let signer = Address::left_padding_from(&number.to_be_bytes());
    let machine = Resources { cpu_millicores: 8_000, memory_bytes: 16_000, ..Default::default() };
    Candidate {
        seat: Seat { node: NodeId::new(number), signer },
        online: true,
        capabilities: BTreeMap::from([(WorkKind::Wasm, vec![engine("wasm-48")])]),
        tier: Some(Tier::Two),
        trust: Trust::Staked,
        stake: tly(50_000),
        capacity: machine,
        free: machine,
        region: Region::new(1),
        load: Ppm::ZERO,
        price: Amount::new(10),
        blobs: BTreeSet::new(),
        quarantine: Quarantine::None,
        paired: BTreeSet::from([CLIENT]),
    }
}

/// A task for [`candidate`].
pub(crate) fn request() -> Request {
    Request {
        kind: WorkKind::Wasm,
        engine: Some(engine("wasm-48")),
        resources: Resources { cpu_millicores: 1_000, memory_bytes: 4_000, ..Default::default() },
        tier: Tier::Two,
        trust: Trust::Staked,
        client: CLIENT,
        privacy: Privacy::Private,
        max_price: Amount::new(10),
        region: Some(Region::new(1)),
        blobs: BTreeMap::new(),
        policy: Policy::Fast,
        excluded: BTreeSet::new(),
    }
}

fn tiers() -> impl Strategy<Value = Tier> {
    select(vec![Tier::One, Tier::Two, Tier::Three])
}

fn trusts() -> impl Strategy<Value = Trust> {
    prop_oneof![1 => Just(Trust::Any), 1 => Just(Trust::Staked), 3 => Just(Trust::Vetted)]
}

fn least_trusts() -> impl Strategy<Value = Trust> {
    prop_oneof![6 => Just(Trust::Any), 1 => Just(Trust::Staked), 1 => Just(Trust::Vetted)]
}

pub(crate) fn regions() -> impl Strategy<Value = Region> {
    (1..=4_u16).prop_map(Region::new)
}

pub(crate) fn shares() -> impl Strategy<Value = Ppm> {
    prop_oneof![Just(Ppm::ZERO), Just(Ppm::WHOLE), (0..=4_u32).prop_map(|n| ppm(n * 230_001))]
}

pub(crate) fn stakes() -> impl Strategy<Value = Amount> {
    prop_oneof![Just(Amount::ZERO), (0..5_u128).prop_map(|n| tly(n * 30_000)), any_stake()]
}

fn any_stake() -> impl Strategy<Value = Amount> {
    (0..1_u128 << 100).prop_map(Amount::new)
}

pub(crate) fn prices() -> impl Strategy<Value = Amount> {
    prop_oneof![4 => 8..=10_u128, 1 => Just(11)].prop_map(Amount::new)
}

fn most_prices() -> impl Strategy<Value = Amount> {
    prop_oneof![1 => Just(9_u128), 4 => Just(10)].prop_map(Amount::new)
}

pub(crate) fn blob_sets() -> impl Strategy<Value = BTreeSet<InputDigest>> {
    btree_set((0..4_u8).prop_map(blob), 0..4)
}

pub(crate) fn quarantines() -> impl Strategy<Value = Quarantine> {
    let out = Quarantine::Until { tests_left: 3 };
    prop_oneof![8 => Just(Quarantine::None), 1 => Just(out)]
}

pub(crate) fn machines() -> impl Strategy<Value = Resources> {
    let small = (0..=4_u64, 0..=4_u64, 0..=2_u64, 0..=1_u64, 0..=1_u64);
    let large = (1..=4_u64, 1..=4_u64, 1..=2_u64, 0..=1_u64, 0..=1_u64);
    let amounts = prop_oneof![1 => small, 5 => large];
    amounts.prop_map(|(cpu, memory, disk, accelerators, accelerator_memory)| Resources {
        cpu_millicores: cpu * 1_300,
        memory_bytes: memory * 7_001,
        disk_bytes: disk * 100,
        accelerators,
        accelerator_memory_bytes: accelerator_memory * 999,
    })
}

fn demands() -> impl Strategy<Value = Resources> {
    let amounts = (0..=1_u64, 0..=1_u64, 0..=1_u64, Just(0_u64), Just(0_u64));
    let small = amounts.prop_map(|(cpu, memory, disk, ..)| Resources {
        cpu_millicores: cpu * 1_000,
        memory_bytes: memory * 7_001,
        disk_bytes: disk * 33,
        ..Default::default()
    });
    prop_oneof![9 => small, 1 => machines()]
}

/// Twenty registered machines and eight that are not, so that joins meet the same ids again.
pub(crate) fn seats() -> impl Strategy<Value = Seat> {
    let registered = (1..=20_u64, 1..=2_u8).prop_map(|(node, signer)| Seat {
        node: NodeId::new(node),
        signer: Address::repeat_byte(signer),
    });
    let free = (1..=8_u8).prop_map(|signer| Seat {
        node: NodeId::UNREGISTERED,
        signer: Address::repeat_byte(signer),
    });
    prop_oneof![2 => registered, 1 => free]
}

pub(crate) fn capabilities() -> impl Strategy<Value = BTreeMap<WorkKind, Vec<EngineProfile>>> {
    let engines = || subsequence(vec![engine("wasm-48"), engine("other")], 0..=2);
    let kinds = select(vec![WorkKind::Wasm, WorkKind::Inference]);
    let all = (engines(), engines()).prop_map(|(wasm, inference)| {
        BTreeMap::from([(WorkKind::Wasm, wasm), (WorkKind::Inference, inference)])
    });
    prop_oneof![1 => btree_map(kinds, engines(), 0..=1), 5 => all]
}

pub(crate) fn candidates() -> impl Strategy<Value = Candidate> {
    let standing = (
        seats(),
        prop::bool::weighted(0.95),
        capabilities(),
        prop::option::weighted(0.95, tiers()),
    );
    let machine = (machines(), machines(), regions(), shares(), prices());
    let rest = (trusts(), stakes(), blob_sets(), quarantines(), prop::bool::weighted(0.7));
    (standing, machine, rest).prop_map(|(standing, machine, rest)| {
        let (seat, online, capabilities, tier) = standing;
        let (capacity, free, region, load, price) = machine;
        let (trust, stake, blobs, quarantine, paired) = rest;
        let paired = paired.then_some(CLIENT).into_iter().collect();
        Candidate {
            seat,
            online,
            capabilities,
            tier,
            trust,
            stake,
            capacity,
            free,
            region,
            load,
            price,
            blobs,
            quarantine,
            paired,
        }
    })
}

pub(crate) fn requests() -> impl Strategy<Value = Request> {
    let kinds = select(vec![WorkKind::Wasm, WorkKind::Wasm, WorkKind::Wasm, WorkKind::Inference]);
    let engines = prop::option::weighted(0.2, Just(engine("wasm-48")));
    let privacy = prop_oneof![
        4 => Just(Privacy::Public),
        1 => Just(Privacy::Private),
    ];
    let work = (kinds, engines, demands(), privacy);
    let least = (prop_oneof![6 => Just(Tier::One), 1 => tiers()], least_trusts(), most_prices());
    let inputs = btree_map((0..4_u8).prop_map(blob), 0..4_u64, 0..3);
    let policies = select(vec![Policy::Fast, Policy::Cheap, Policy::Auto]);
    let excluded = btree_set(seats().prop_map(CandidateId::of), 0..2);
    let rest = (prop::option::of(regions()), inputs, policies, excluded);
    (work, least, rest).prop_map(|(work, least, rest)| {
        let (kind, engine, resources, privacy) = work;
        let (tier, trust, max_price) = least;
        let (region, blobs, policy, excluded) = rest;
        Request {
            kind,
            engine,
            resources,
            tier,
            trust,
            client: CLIENT,
            privacy,
            max_price,
            region,
            blobs,
            policy,
            excluded,
        }
    })
}

pub(crate) fn weights() -> impl Strategy<Value = Weights> {
    let cuts = prop::collection::vec(0..=1_000_000_u32, 3);
    let any = cuts.prop_map(|mut cuts| {
        cuts.sort_unstable();
        let [a, b, c] = [cuts[0], cuts[1], cuts[2]];
        Weights::new(ppm(a), ppm(b - a), ppm(c - b), ppm(1_000_000 - c)).unwrap()
    });
    prop_oneof![Just(Weights::default()), any]
}

pub(crate) fn parameters() -> impl Strategy<Value = SchedulingParameters> {
    let distances = prop::collection::vec((1..=4_u16, 1..=4_u16, 0..400_u32), 0..5);
    let regions = distances.prop_map(|distances| {
        let pairs: BTreeMap<_, _> = distances
            .into_iter()
            .filter(|(one, other, _)| one < other)
            .map(|(one, other, round_trip_ms)| ((one, other), round_trip_ms))
            .collect();
        let distance = |((one, other), round_trip_ms)| {
            let (one, other) = (Region::new(one), Region::new(other));
            RegionDistance { one, other, round_trip_ms }
        };
        RegionTable::new(pairs.into_iter().map(distance)).unwrap()
    });
    (weights(), stakes(), shares(), 1..=300_u32, shares(), regions).prop_map(
        |(weights, full_stake, blob_share, far_ms, sufficient, regions)| SchedulingParameters {
            weights,
            full_stake,
            blob_share,
            far_ms: NonZeroU32::new(far_ms).unwrap(),
            sufficient,
            regions,
        },
    )
}

pub(crate) fn seeds() -> impl Strategy<Value = DrawSeed> {
    any::<[u8; 32]>().prop_map(DrawSeed::new)
}
