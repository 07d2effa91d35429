//! Lots among equals, and draws by stake.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{B256, U256, keccak256};
use proptest::prelude::*;
use tallystick_scheduler::{
    Candidate, CandidateId, CandidateIndex, DrawSeed, ScanIndex, SchedulingParameters,
};
use tallystick_types::{Amount, Attempt, JobId};

use crate::sample::{self, candidate, node, request, seed, tly};

/// Nodes 1, 2, … with these stakes; node 0 is nobody.
fn index(stakes: &[Amount]) -> ScanIndex {
    let mut index = ScanIndex::default();
    for (number, stake) in (1..).zip(stakes) {
        index.upsert(Candidate { stake: *stake, ..candidate(number) });
    }
    index
}

fn drawn(index: &ScanIndex, seed: &DrawSeed, count: u8) -> Vec<CandidateId> {
    let drawn = index.draw(&request(), node(0), seed, count);
    drawn.iter().map(|scored| scored.id()).collect()
}

/// How far counts are from what was expected: chi-square.
fn distance<K: Ord>(counts: &BTreeMap<K, u64>, expected: &BTreeMap<K, f64>) -> f64 {
    assert!(counts.keys().all(|key| expected.contains_key(key)));
    let part = |(key, expected): (&K, &f64)| {
        let difference = counts.get(key).copied().unwrap_or(0) as f64 - expected;
        difference * difference / expected
    };
    expected.iter().map(part).sum()
}

#[test]
fn pairs_are_drawn_as_often_as_their_stakes_say() {
    const ROUNDS: u64 = 20_000;
    let stakes = [1, 2, 3, 4];
    let index = index(&stakes.map(tly));
    let mut counts = BTreeMap::new();
    for number in 0..ROUNDS {
        *counts.entry(drawn(&index, &seed(number), 2)).or_insert(0) += 1;
    }
    let mut expected = BTreeMap::new();
    for (one, first) in (1..).zip(stakes) {
        for (other, second) in (1..).zip(stakes).filter(|(other, _)| *other != one) {
            let chance = first as f64 / 10.0 * second as f64 / (10 - first) as f64;
            expected.insert(vec![node(one), node(other)], chance * ROUNDS as f64);
        }
    }
    // Eleven degrees of freedom: a fair draw exceeds 50 once in a million.
    let distance = distance(&counts, &expected);
    assert!(distance < 50.0, "{distance}: {counts:?}");
}

#[test]
fn the_measure_of_distance_sees_a_draw_that_ignores_stake() {
    let counts = BTreeMap::from([(1, 10_000), (2, 10_000)]);
    let expected = BTreeMap::from([(1, 5_000.0), (2, 15_000.0)]);
    assert!(distance(&counts, &expected) > 50.0);
}

#[test]
fn equals_win_the_primary_equally_often() {
    const ROUNDS: u64 = 8_000;
    let index = index(&[tly(5); 4]);
    let mut counts = BTreeMap::new();
    for number in 0..ROUNDS {
        let best = index.best(&request(), &seed(number)).unwrap();
        *counts.entry(best.id()).or_insert(0) += 1;
    }
    let expected = (1..=4).map(|number| (node(number), ROUNDS as f64 / 4.0)).collect();
    // Three degrees of freedom: a fair lot exceeds 31 once in a million.
    let distance = distance(&counts, &expected);
    assert!(distance < 31.0, "{distance}: {counts:?}");
}

#[test]
fn candidates_without_stake_are_drawn_last_and_then_equally() {
    const ROUNDS: u64 = 6_000;
    let index = index(&[Amount::ZERO, tly(1), Amount::ZERO, Amount::ZERO]);
    let mut counts = BTreeMap::new();
    for number in 0..ROUNDS {
        let drawn = drawn(&index, &seed(number), 2);
        assert_eq!(drawn[0], node(2));
        *counts.entry(drawn[1]).or_insert(0) += 1;
    }
    let expected = [1, 3, 4].map(|number| (node(number), ROUNDS as f64 / 3.0)).into();
    // Two degrees of freedom: a fair draw exceeds 28 once in a million.
    let distance = distance(&counts, &expected);
    assert!(distance < 28.0, "{distance}: {counts:?}");
}

#[test]
fn stakes_whose_sum_has_more_than_128_bits_are_drawn_from() {
    let index = index(&[Amount::MAX; 5]);
    let mut seen = BTreeSet::new();
    for number in 0..100 {
        let drawn = drawn(&index, &seed(number), 5);
        seen.insert(drawn[0]);
        assert_eq!(drawn.into_iter().collect::<BTreeSet<_>>().len(), 5);
    }
    assert_eq!(seen.len(), 5);
}

#[test]
fn the_primary_is_never_drawn() {
    let index = index(&[tly(1), tly(1_000_000), tly(1)]);
    for number in 0..50 {
        let drawn = index.draw(&request(), node(2), &seed(number), 3);
        assert_eq!(drawn.len(), 2);
        assert!(drawn.iter().all(|scored| scored.id() != node(2)));
    }
}

#[test]
fn a_bound_seed_is_the_hash_that_the_documentation_says() {
    let (randomness, job) = (B256::repeat_byte(1), JobId::new([2; 32]));
    let numbers = [3_u64, 4, 5].map(|number| U256::from(number).to_be_bytes::<32>());
    let mut bytes = format!("{:32}", "tallystick scheduler seed").into_bytes();
    bytes.extend_from_slice(randomness.as_slice());
    bytes.extend_from_slice(job.as_bytes());
    bytes.extend_from_slice(numbers.as_flattened());
    let bound = DrawSeed::bind(randomness, job, 3, Attempt::new(4), 5);
    assert_eq!(bound.as_bytes(), &keccak256(bytes).0);
}

#[test]
fn every_part_of_a_bound_seed_makes_another_draw() {
    let bind = |randomness, job, task, attempt, draw| {
        let randomness = B256::repeat_byte(randomness);
        DrawSeed::bind(randomness, JobId::new([job; 32]), task, Attempt::new(attempt), draw)
    };
    let seeds = [
        bind(0, 0, 0, 0, 0),
        bind(1, 0, 0, 0, 0),
        bind(0, 1, 0, 0, 0),
        bind(0, 0, 1, 0, 0),
        bind(0, 0, 0, 1, 0),
        bind(0, 0, 0, 0, 1),
    ];
    let distinct: BTreeSet<_> = seeds.iter().map(|seed| *seed.as_bytes()).collect();
    assert_eq!(distinct.len(), seeds.len());
}

proptest! {
    #[test]
    fn a_draw_takes_everybody_once_and_nobody_twice(
        stakes in prop::collection::vec(sample::stakes(), 0..12), seed in sample::seeds(),
        count in 0..15_u8
    ) {
        let index = index(&stakes);
        let drawn = drawn(&index, &seed, count);
        prop_assert_eq!(drawn.len(), stakes.len().min(count.into()));
        let distinct: BTreeSet<_> = drawn.iter().collect();
        prop_assert_eq!(distinct.len(), drawn.len());
    }

    #[test]
    fn asking_for_more_adds_to_the_same_draw(
        stakes in prop::collection::vec(sample::stakes(), 0..12), seed in sample::seeds(),
        count in 0..15_u8
    ) {
        let index = index(&stakes);
        let all = drawn(&index, &seed, u8::MAX);
        let some = drawn(&index, &seed, count);
        prop_assert!(all.starts_with(&some));
    }

    #[test]
    fn the_order_in_which_candidates_come_changes_nothing(
        candidates in prop::collection::vec(sample::candidates(), 0..20).prop_map(|candidates| {
            let by_id = candidates.into_iter().map(|candidate| (candidate.id(), candidate));
            by_id.collect::<BTreeMap<_, _>>().into_values().collect::<Vec<_>>()
        }).prop_flat_map(|candidates| (Just(candidates.clone()), Just(candidates).prop_shuffle())),
        request in sample::requests(), parameters in sample::parameters(),
        seed in sample::seeds()
    ) {
        let (one, other) = candidates;
        let [one, other] = [one, other].map(|candidates| {
            let mut index = ScanIndex::new(SchedulingParameters::clone(&parameters));
            for candidate in candidates {
                index.upsert(candidate);
            }
            let primary = index.decide_primary(&request, &seed);
            (primary, index.decide_secondaries(&request, node(1), &seed, 3))
        });
        prop_assert_eq!(one, other);
    }
}
