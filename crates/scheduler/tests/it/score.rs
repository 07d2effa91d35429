//! The four terms and their sum.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tallystick_scheduler::{
    Candidate, Region, RegionDistance, RegionTable, Request, Resources, SchedulingParameters,
    Score, Scored, Terms,
};
use tallystick_types::{Amount, Ppm};

use crate::formula;
use crate::sample::{self, blob, candidate, ppm, request, tly};

fn terms(candidate: &Candidate, request: &Request) -> Terms {
    let one = |one, other, round_trip_ms| RegionDistance {
        one: Region::new(one),
        other: Region::new(other),
        round_trip_ms,
    };
    let regions = RegionTable::new([one(1, 2, 75), one(1, 3, 301)]).unwrap();
    Terms::of(candidate, request, &SchedulingParameters { regions, ..Default::default() })
}

#[test]
fn the_score_is_four_three_two_and_one_tenths_of_the_terms() {
    let mut candidate = candidate(1);
    candidate.load = ppm(250_000);
    candidate.region = Region::new(2);
    let terms = terms(&candidate, &request());
    let expected = Terms {
        // 7 of 8 cores and 12 of 16 kB stay free.
        resource_fit: ppm((875_000 + 750_000) / 2),
        stake_weight: ppm(500_000),
        locality: ppm(750_000),
        load_balance: ppm(750_000),
    };
    assert_eq!(terms, expected);
    let score = terms.score(&SchedulingParameters::default().weights);
    assert_eq!(score.to_string(), "0.700000000000");
}

#[test]
fn a_task_that_demands_nothing_fits_wholly() {
    let request = Request { resources: Resources::default(), ..request() };
    assert_eq!(terms(&candidate(1), &request).resource_fit, Ppm::WHOLE);
}

#[test]
fn quotients_are_rounded_down() {
    let (mut candidate, mut request) = (candidate(1), request());
    candidate.free.cpu_millicores = 3;
    request.resources = Resources { cpu_millicores: 1, ..Default::default() };
    assert_eq!(terms(&candidate, &request).resource_fit, ppm(666_666));
}

#[test]
fn stake_beyond_full_stake_counts_no_more() {
    let mut candidate = candidate(1);
    for (stake, weight) in [(tly(100_000), 1_000_000), (Amount::MAX, 1_000_000), (tly(1), 10)] {
        candidate.stake = stake;
        assert_eq!(terms(&candidate, &request()).stake_weight, ppm(weight));
    }
}

#[test]
fn locality_falls_with_distance_and_is_nothing_where_it_is_unknown() {
    let mut candidate = candidate(1);
    for (region, near) in [(1, 1_000_000), (2, 750_000), (3, 0), (4, 0)] {
        candidate.region = Region::new(region);
        assert_eq!(terms(&candidate, &request()).locality, ppm(near), "region {region}");
    }
}

#[test]
fn held_input_counts_by_bytes_and_for_half_of_locality() {
    let (mut candidate, mut request) = (candidate(1), request());
    candidate.blobs = BTreeSet::from([blob(1), blob(9)]);
    request.blobs = BTreeMap::from([(blob(1), 300), (blob(2), 100)]);
    assert_eq!(terms(&candidate, &request).locality, ppm((750_000 + 1_000_000) / 2));
    request.region = None;
    assert_eq!(terms(&candidate, &request).locality, ppm(750_000));
    request.blobs.clear();
    assert_eq!(terms(&candidate, &request).locality, Ppm::WHOLE);
}

fn extremes() -> impl Strategy<Value = (Candidate, Request)> {
    let numbers = any::<[u64; 10]>();
    (sample::candidates(), sample::requests(), numbers, any::<[u64; 2]>(), any::<u128>()).prop_map(
        |(mut candidate, mut request, numbers, bytes, stake)| {
            let resources = |at: usize| Resources {
                cpu_millicores: numbers[at],
                memory_bytes: numbers[at + 1],
                disk_bytes: numbers[at + 2],
                accelerators: numbers[at + 3],
                accelerator_memory_bytes: numbers[at + 4],
            };
            candidate.free = resources(0);
            candidate.stake = Amount::new(stake);
            request.resources = resources(5);
            request.blobs = BTreeMap::from([(blob(1), bytes[0]), (blob(2), bytes[1])]);
            (candidate, request)
        },
    )
}

proptest! {
    #[test]
    fn terms_and_score_are_between_nothing_and_the_whole_for_any_facts(
        (candidate, request) in extremes(), parameters in sample::parameters()
    ) {
        let Scored { terms, score, .. } = Scored::of(&candidate, &request, &parameters);
        let all = [terms.resource_fit, terms.stake_weight, terms.locality, terms.load_balance];
        prop_assert!(all.into_iter().all(|term| term <= Ppm::WHOLE));
        prop_assert!(score <= Score::WHOLE);
        let ends = [all.into_iter().min(), all.into_iter().max()];
        let [least, most] = ends.map(|end| Score::of_share(end.unwrap()));
        prop_assert!(least <= score && score <= most);
    }

    #[test]
    fn terms_are_those_of_the_plain_formula_wherever_enough_is_free(
        candidate in sample::candidates(), request in sample::requests(),
        parameters in sample::parameters()
    ) {
        let (free, takes) = (candidate.free, request.resources);
        let free = Resources {
            cpu_millicores: free.cpu_millicores.max(takes.cpu_millicores),
            memory_bytes: free.memory_bytes.max(takes.memory_bytes),
            disk_bytes: free.disk_bytes.max(takes.disk_bytes),
            accelerators: free.accelerators.max(takes.accelerators),
            accelerator_memory_bytes:
                free.accelerator_memory_bytes.max(takes.accelerator_memory_bytes),
        };
        let candidate = Candidate { free, ..candidate };
        let Scored { terms, score, .. } = Scored::of(&candidate, &request, &parameters);
        let all = [terms.resource_fit, terms.stake_weight, terms.locality, terms.load_balance];
        let expected = formula::terms(&candidate, &request, &parameters);
        prop_assert_eq!(all.map(|term| u128::from(term.get())), expected);
        prop_assert_eq!(u128::from(score.get()), formula::score(&candidate, &request, &parameters));
    }

    #[test]
    fn more_stake_never_weighs_less_and_touches_no_other_term(
        candidate in sample::candidates(), request in sample::requests(),
        parameters in sample::parameters(), stakes in any::<[u128; 2]>()
    ) {
        let [less, more] = [stakes[0].min(stakes[1]), stakes[0].max(stakes[1])].map(|stake| {
            let candidate = Candidate { stake: Amount::new(stake), ..candidate.clone() };
            Scored::of(&candidate, &request, &parameters)
        });
        prop_assert!(less.terms.stake_weight <= more.terms.stake_weight);
        prop_assert!(less.score <= more.score);
        let other = Terms { stake_weight: less.terms.stake_weight, ..more.terms };
        prop_assert_eq!(other, less.terms);
    }

    #[test]
    fn more_free_less_load_and_more_blobs_never_score_less(
        candidate in sample::candidates(), request in sample::requests(),
        parameters in sample::parameters(), free in sample::machines(), load in sample::shares()
    ) {
        let add = |one: u64, other: u64| one.saturating_add(other);
        let before = &candidate.free;
        let better = Candidate {
            free: Resources {
                cpu_millicores: add(before.cpu_millicores, free.cpu_millicores),
                memory_bytes: add(before.memory_bytes, free.memory_bytes),
                disk_bytes: add(before.disk_bytes, free.disk_bytes),
                accelerators: add(before.accelerators, free.accelerators),
                accelerator_memory_bytes: before.accelerator_memory_bytes,
            },
            load: candidate.load.min(load),
            blobs: (0..4).map(blob).collect(),
            ..candidate.clone()
        };
        let [before, after] =
            [&candidate, &better].map(|it| Scored::of(it, &request, &parameters).score);
        prop_assert!(before <= after);
    }
}
