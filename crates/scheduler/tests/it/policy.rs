//! Which of several suitable candidates gets the task.

use tallystick_scheduler::{
    CandidateId, CandidateIndex, Request, ScanIndex, SchedulingParameters, WorkKind,
};
use tallystick_types::{Amount, Policy, Ppm};

use crate::sample::{candidate, engine, node, ppm, request, seed};

/// An expensive machine that is idle, a cheap one that is loaded, a cheaper one that is worse.
fn index(sufficient: u32) -> ScanIndex {
    let parameters =
        SchedulingParameters { sufficient: ppm(sufficient), ..SchedulingParameters::default() };
    let mut index = ScanIndex::new(parameters);
    for (number, price, load) in [(1, 10, 0), (2, 9, 500_000), (3, 8, 1_000_000)] {
        let mut candidate = candidate(number);
        candidate.price = Amount::new(price);
        candidate.load = ppm(load);
        candidate.capabilities.insert(WorkKind::Inference, vec![engine("wasm-48")]);
        index.upsert(candidate);
    }
    index
}

fn best(index: &ScanIndex, policy: Policy, kind: WorkKind) -> Option<CandidateId> {
    let request = Request { policy, kind, ..request() };
    index.best(&request, &seed(1)).map(|scored| scored.id())
}

#[test]
fn fast_takes_the_best_score_and_does_not_look_at_the_price() {
    assert_eq!(best(&index(0), Policy::Fast, WorkKind::Wasm), Some(node(1)));
}

// The three score 0.775, 0.725 and 0.675.
#[test]
fn cheap_takes_the_lowest_price_among_sufficient_scores() {
    assert_eq!(best(&index(0), Policy::Cheap, WorkKind::Wasm), Some(node(3)));
    assert_eq!(best(&index(675_000), Policy::Cheap, WorkKind::Wasm), Some(node(3)));
    assert_eq!(best(&index(675_001), Policy::Cheap, WorkKind::Wasm), Some(node(2)));
    assert_eq!(best(&index(725_001), Policy::Cheap, WorkKind::Wasm), Some(node(1)));
}

#[test]
fn cheap_takes_the_best_score_where_none_is_sufficient() {
    assert_eq!(best(&index(1_000_000), Policy::Cheap, WorkKind::Wasm), Some(node(1)));
}

#[test]
fn auto_is_fast_for_inference_and_cheap_for_the_rest() {
    assert_eq!(best(&index(0), Policy::Auto, WorkKind::Inference), Some(node(1)));
    assert_eq!(best(&index(0), Policy::Auto, WorkKind::Wasm), Some(node(3)));
}

#[test]
fn of_equal_prices_cheap_takes_the_better_score() {
    let mut index = index(0);
    for (number, load) in [(4, 900_000), (5, 800_000)] {
        let mut candidate = candidate(number);
        (candidate.price, candidate.load) = (Amount::new(1), ppm(load));
        index.upsert(candidate);
    }
    let request = Request { policy: Policy::Cheap, ..request() };
    for number in 0..20 {
        let best = index.best(&request, &seed(number));
        assert_eq!(best.map(|scored| scored.id()), Some(node(5)));
    }
}

#[test]
fn nobody_is_best_where_nobody_is_suitable() {
    let mut index = index(0);
    assert_eq!(best(&index, Policy::Fast, WorkKind::Text), None);
    for number in 1..=3 {
        index.mark_busy(node(number)).unwrap();
    }
    assert_eq!(best(&index, Policy::Fast, WorkKind::Wasm), None);
    assert!(index.mark_free(node(2)));
    assert_eq!(best(&index, Policy::Fast, WorkKind::Wasm), Some(node(2)));
}

#[test]
fn a_mark_outlives_an_upsert_and_not_a_removal() {
    let mut index = ScanIndex::default();
    index.upsert(candidate(1));
    index.mark_busy(node(1)).unwrap();
    index.upsert(candidate(1));
    assert!(index.get(node(1)).is_some_and(|entry| entry.busy));
    index.remove(node(1));
    index.upsert(candidate(1));
    assert!(index.get(node(1)).is_some_and(|entry| !entry.busy));
}

#[test]
fn a_share_of_load_is_seen_in_the_choice_down_to_one_part_per_million() {
    let mut index = ScanIndex::default();
    for (number, load) in [(1, ppm(1)), (2, Ppm::ZERO), (3, ppm(1))] {
        let mut candidate = candidate(number);
        candidate.load = load;
        index.upsert(candidate);
    }
    for number in 0..50 {
        let best = index.best(&request(), &seed(number));
        assert_eq!(best.map(|scored| scored.id()), Some(node(2)));
    }
}
