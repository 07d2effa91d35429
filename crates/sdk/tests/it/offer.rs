//! A coordinator that lies in its quote gets no signature.

use alloy_primitives::Address;
use tallystick_sdk::messages::QuoteResponse;
use tallystick_sdk::order::{Demand, Lie, Offer};
use tallystick_sdk::specify::Prepared;
use tallystick_types::{
    Amount, ChainTime, Funding, JobPrice, JobRules, JobTerms, ParametersVersion, Policy, Seconds,
    ServiceLevel, SpecificationDigest, Trust, Verification, WallTime,
};

use crate::sample::prepared;

const NOW: WallTime = WallTime::new(1_750_000_000_000);

fn at(seconds: u64) -> ChainTime {
    ChainTime::new(1_750_000_000 + seconds).unwrap()
}

pub(crate) fn demand() -> Demand {
    Demand {
        token: Address::repeat_byte(0x22),
        replicas: 3,
        quorum: 0,
        trust: Trust::Staked,
        verification: Verification::Deterministic,
        region: None,
        most: Some(Amount::new(1_010)),
        parameters_version: Some(ParametersVersion::new(4).unwrap()),
        within: Seconds::new(7_200),
    }
}

fn price(price: u128, rate: u128, tip: u128) -> JobPrice {
    JobPrice::new(Amount::new(price), Amount::new(rate), Amount::new(tip)).unwrap()
}

fn honest(prepared: &Prepared) -> QuoteResponse {
    QuoteResponse {
        max_price: Amount::new(1_000),
        tip: Amount::new(10),
        slices: 5,
        tasks: 3,
        policy: Policy::Cheap,
        terms: JobTerms {
            specification: prepared.specification.digest(),
            token: demand().token,
            price: price(1_000, 0, 10),
            rules: JobRules {
                funding: Funding::Balance,
                verification: Verification::Deterministic,
                trust: Trust::Staked,
                replicas: 3,
                quorum: 2,
                assign_by: at(600),
                complete_by: at(3_600),
                service_level: ServiceLevel::new(0),
                parameters_version: ParametersVersion::new(4).unwrap(),
            },
        },
        expires_at_ms: WallTime::new(NOW.get() + 60_000),
    }
}

/// What a lying coordinator changes, and what the lie is called.
type Row = (&'static str, fn(&mut QuoteResponse), fn(&Lie) -> bool);

const LIES: &[Row] = &[
    (
        "other work",
        |quote| quote.terms.specification = SpecificationDigest::new([1; 32]),
        |lie| matches!(lie, Lie::Specification { .. }),
    ),
    (
        "other token",
        |quote| quote.terms.token = Address::repeat_byte(1),
        |lie| matches!(lie, Lie::Token { .. }),
    ),
    (
        "dearer in what is signed",
        |quote| quote.terms.price = price(1_001, 0, 10),
        |lie| matches!(lie, Lie::Price { what: "the price", .. }),
    ),
    (
        "a larger tip in what is signed",
        |quote| quote.terms.price = price(1_000, 0, 11),
        |lie| matches!(lie, Lie::Price { what: "the tip", .. }),
    ),
    (
        "a price for every second",
        |quote| quote.terms.price = price(1_000, 1, 10),
        |lie| matches!(lie, Lie::Price { what: "the price of a second", .. }),
    ),
    (
        "dearer than allowed",
        |quote| {
            quote.max_price = Amount::new(1_001);
            quote.terms.price = price(1_001, 0, 10);
        },
        |lie| matches!(lie, Lie::TooDear { .. }),
    ),
    ("fewer replicas", |quote| quote.terms.rules.replicas = 1, is_rule),
    ("a smaller quorum", |quote| quote.terms.rules.quorum = 1, is_rule),
    ("anyone may execute", |quote| quote.terms.rules.trust = Trust::Any, is_rule),
    (
        "no challenge window",
        |quote| quote.terms.rules.verification = Verification::Attested,
        is_rule,
    ),
    (
        "a service level that nobody asked for",
        |quote| quote.terms.rules.service_level = ServiceLevel::new(1),
        is_rule,
    ),
    (
        "pulled from the wallet later",
        |quote| quote.terms.rules.funding = Funding::PullAtSettlement,
        is_rule,
    ),
    (
        "other parameters",
        |quote| quote.terms.rules.parameters_version = ParametersVersion::new(3).unwrap(),
        is_rule,
    ),
    ("more slices", |quote| quote.slices = 6, is_rule),
    ("more tasks", |quote| quote.tasks = 5, is_rule),
    ("no policy", |quote| quote.policy = Policy::Auto, is_rule),
    ("over before it begins", |quote| quote.terms.rules.assign_by = at(0), is_time),
    ("ends before it begins", |quote| quote.terms.rules.complete_by = at(600), is_time),
    ("holds the money for years", |quote| quote.terms.rules.complete_by = at(7_201), is_time),
    ("over already", |quote| quote.expires_at_ms = WallTime::new(1), is_time),
];

fn is_rule(lie: &Lie) -> bool {
    matches!(lie, Lie::Rule { .. })
}

fn is_time(lie: &Lie) -> bool {
    matches!(lie, Lie::Time { .. })
}

#[test]
fn an_honest_quote_becomes_an_offer() {
    let prepared = prepared();
    let offer = Offer::check(&prepared, &demand(), honest(&prepared), NOW).unwrap();
    assert_eq!(offer.total(), Amount::new(1_010));
    assert_eq!(offer.terms(), &honest(&prepared).terms);
}

#[test]
fn every_lie_is_found_and_named() {
    let prepared = prepared();
    for (what, change, is_it) in LIES {
        let mut quote = honest(&prepared);
        change(&mut quote);
        let lie = Offer::check(&prepared, &demand(), quote, NOW).unwrap_err();
        assert!(is_it(&lie), "{what}: {lie}");
    }
}

#[test]
fn what_was_left_open_may_be_filled_in() {
    let prepared = prepared();
    let open = Demand { most: None, parameters_version: None, quorum: 2, ..demand() };
    let mut quote = honest(&prepared);
    quote.terms.rules.funding = Funding::Allowance;
    quote.policy = Policy::Fast;
    assert!(Offer::check(&prepared, &open, quote, NOW).is_ok());
}
