//! Who may not get a task.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tallystick_scheduler::{
    Candidate, Entry, Quarantine, Reason, Rejection, Request, Resource, Resources, Tier, WorkKind,
    reject,
};
use tallystick_types::{Amount, Trust};

use crate::formula;
use crate::sample::{CLIENT, candidate, candidates, engine, request, requests};

/// What spoils a candidate or a request for one reason, with the rejection that follows. `true`
/// in the last place is the mark as busy.
type Flaw = (fn(&mut Candidate, &mut Request), Rejection, bool);

fn flaws() -> Vec<Flaw> {
    let (most, asked) = (Amount::new(10), Amount::new(11));
    let [memory, cpu] = [Resource::Memory, Resource::Cpu];
    let tiers = (Tier::Two, Tier::One);
    let too_small = Rejection::Capacity { resource: memory, demanded: 4_000, capacity: 3_999 };
    let too_full = Rejection::Free { resource: cpu, demanded: 1_000, free: 999 };
    let trust = Rejection::Trust { demanded: Trust::Staked, actual: Trust::Any };
    vec![
        (|it, _| it.paired.clear(), Rejection::NotPaired { client: CLIENT }, false),
        (
            |it, _| it.capabilities = BTreeMap::from([(WorkKind::Text, Vec::new())]),
            Rejection::Kind { demanded: WorkKind::Wasm },
            false,
        ),
        (
            |_, request| request.engine = Some(engine("wasm-49")),
            Rejection::Engine { demanded: engine("wasm-49") },
            false,
        ),
        (
            |it, _| it.tier = Some(Tier::One),
            Rejection::Tier { demanded: tiers.0, actual: tiers.1 },
            false,
        ),
        (|it, _| it.trust = Trust::Any, trust, false),
        (|it, _| it.price = Amount::new(11), Rejection::Price { most, asked }, false),
        (|it, _| it.capacity.memory_bytes = 3_999, too_small, false),
        (|it, request| request.excluded.extend([it.id()]), Rejection::Excluded, false),
        (|it, _| it.online = false, Rejection::Offline, false),
        (|it, _| it.tier = None, Rejection::NotAdmitted, false),
        (
            |it, _| it.quarantine = Quarantine::Until { tests_left: 2 },
            Rejection::Quarantined { tests_left: 2 },
            false,
        ),
        (|_, _| {}, Rejection::Busy, true),
        (|it, _| it.free.cpu_millicores = 999, too_full, false),
    ]
}

fn outcome(candidate: &Candidate, busy: bool, request: &Request) -> Option<Rejection> {
    reject(Entry { candidate, busy }, request)
}

#[test]
fn a_candidate_without_flaw_is_suitable() {
    assert_eq!(outcome(&candidate(1), false, &request()), None);
}

#[test]
fn every_reason_is_found_and_carries_its_values() {
    for (spoil, expected, busy) in flaws() {
        let (mut candidate, mut request) = (candidate(1), request());
        spoil(&mut candidate, &mut request);
        assert_eq!(outcome(&candidate, busy, &request), Some(expected));
    }
    let reasons: Vec<_> = flaws().iter().map(|(_, rejection, _)| rejection.reason()).collect();
    assert_eq!(reasons, Reason::ALL);
}

#[test]
fn of_several_reasons_the_first_in_the_list_counts() {
    let flaws = flaws();
    for (place, (_, first, _)) in flaws.iter().enumerate() {
        let (mut candidate, mut request) = (candidate(1), request());
        // From the last, so that a tier that is too low stands before one that is missing.
        for (spoil, ..) in flaws.iter().skip(place).rev() {
            spoil(&mut candidate, &mut request);
        }
        let busy = flaws.iter().skip(place).any(|(.., busy)| *busy);
        assert_eq!(outcome(&candidate, busy, &request).as_ref(), Some(first));
    }
}

#[test]
fn lasting_reasons_stand_before_passing_ones() {
    assert!(Reason::ALL.is_sorted() && Reason::ALL.map(Reason::passes).is_sorted());
    assert!(!Reason::Capacity.passes() && Reason::Excluded.passes());
}

#[test]
fn exactly_what_is_demanded_is_enough() {
    let (mut candidate, mut request) = (candidate(1), request());
    request.resources = Resources { disk_bytes: 5, accelerators: 1, ..request.resources };
    candidate.capacity = request.resources;
    candidate.free = request.resources;
    assert_eq!(outcome(&candidate, false, &request), None);
}

#[test]
fn any_engine_will_do_where_none_is_named() {
    let (mut candidate, mut request) = (candidate(1), request());
    request.engine = None;
    candidate.capabilities = BTreeMap::from([(WorkKind::Wasm, Vec::new())]);
    assert_eq!(outcome(&candidate, false, &request), None);
}

proptest! {
    #[test]
    fn whoever_is_not_rejected_suits_and_whoever_suits_is_not_rejected(
        candidate in candidates(), request in requests(), busy in any::<bool>()
    ) {
        let rejected = outcome(&candidate, busy, &request).is_some();
        prop_assert_eq!(!rejected, formula::suits(&(candidate, busy), &request));
    }
}
