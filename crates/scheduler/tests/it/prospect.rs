//! Whether enough machines are there, with the counts of the filters.

use std::collections::BTreeMap;

use tallystick_scheduler::{Candidate, Entry, Prospect, Quarantine, Reason, Request, Tier};
use tallystick_types::Trust;

use crate::sample::{candidate, request};

/// A change of a candidate, and whether it is marked as busy.
type Case = (fn(&mut Candidate), bool);

fn prospect(cases: &[Case], needed: u8) -> Prospect {
    let request: Request = request();
    let mut candidates = Vec::new();
    for (number, (change, busy)) in (1..).zip(cases) {
        let mut candidate = candidate(number);
        change(&mut candidate);
        candidates.push((candidate, *busy));
    }
    let entries = candidates.iter().map(|(candidate, busy)| Entry { candidate, busy: *busy });
    Prospect::of(entries, &request, needed)
}

const FIT: Case = (|_| {}, false);
const BUSY: Case = (|_| {}, true);
const OFFLINE: Case = (|it| it.online = false, false);
const SMALL: Case = (|it| it.capacity.memory_bytes = 1, false);
const UNTRUSTED: Case = (|it| it.trust = Trust::Any, false);
const SLOW: Case = (|it| it.tier = Some(Tier::One), false);
const CAUGHT: Case = (|it| it.quarantine = Quarantine::Until { tests_left: 1 }, false);

#[test]
fn what_no_waiting_helps_is_impossible_and_counted_by_filter() {
    let cases = [FIT, SMALL, SMALL, UNTRUSTED, SLOW, OFFLINE];
    let found = prospect(&cases, 3);
    let counts =
        [(Reason::Tier, 1), (Reason::Trust, 1), (Reason::Capacity, 2), (Reason::Offline, 1)];
    assert_eq!(found.rejected, BTreeMap::from(counts));
    assert_eq!((found.known, found.capable(), found.present(), found.free()), (6, 2, 1, 1));
    assert!(found.is_impossible());
    let words = found.to_string();
    assert!(words.contains("needs 3 nodes, and of the 6 known ones 2 can ever do"), "{words}");
    assert!(words.contains("(1: tier too low, 1: not trusted enough, 2: machine too small"));
    assert!(words.contains("fewer replicas"), "{words}");
}

#[test]
fn machines_that_are_away_or_busy_may_come() {
    let away = prospect(&[FIT, OFFLINE, CAUGHT], 3);
    assert_eq!((away.capable(), away.present(), away.is_impossible()), (3, 1, false));
    assert!(away.to_string().contains("1 that can do this work are here (1: offline, 1: in quar"));
    let busy = prospect(&[BUSY, BUSY, BUSY], 3);
    assert_eq!((busy.present(), busy.free(), busy.is_impossible()), (3, 0, false));
    assert!(busy.to_string().contains("0 that can do this work are free (3: busy); it waits"));
}

#[test]
fn filters_are_called_as_they_are_serialised() {
    for reason in Reason::ALL {
        let name = serde_json::to_value(reason).unwrap();
        assert_eq!(name, reason.name());
    }
}

#[test]
fn nobody_is_not_enough_for_anything() {
    assert!(prospect(&[], 1).is_impossible());
    assert!(!prospect(&[FIT], 1).is_impossible());
    assert_eq!(prospect(&[FIT], 1).free(), 1);
}
