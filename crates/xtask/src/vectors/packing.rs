//! Fields and the words that hold them.

use serde_json::{Value, json};
use tallystick_types::{
    Amount, Attempt, ChainTime, Funding, JobParameters, JobPrice, JobRules, JobState, JobWord,
    NodeId, ParametersVersion, Seat, ServiceLevel, Trust, Verification,
};

use super::sample::{CASES, Sample};
use super::word;

pub(super) fn cases() -> Value {
    let mut prices = vec![price(full_price())];
    let mut rules = vec![rules_case(full_rules())];
    let mut parameters = Vec::new();
    let mut seats =
        vec![seat(Seat { node: NodeId::UNREGISTERED, ..Sample::new("seat", 0).seat() })];
    let mut words = Vec::new();
    for case in 0..CASES {
        prices.push(price(Sample::new("price", case).price()));
        rules.push(rules_case(Sample::new("rules", case).rules()));
        parameters.push(parameters_case(Sample::new("parameters", case).parameters()));
        seats.push(seat(Sample::new("seat", case).seat()));
        words.push(job_word(case));
    }
    json!({
        "prices": prices, "rules": rules, "parameters": parameters, "seats": seats, "words": words
    })
}

/// Every field at its end, so that a field one bit off shows.
fn full_price() -> JobPrice {
    let most = Amount::new(u128::MAX.wrapping_shr(32));
    JobPrice::new(most, most, Amount::new(u128::from(u64::MAX))).expect("the widths of the fields")
}

fn full_rules() -> JobRules {
    JobRules {
        funding: Funding::PullAtSettlement,
        verification: Verification::Fingerprint,
        trust: Trust::Vetted,
        replicas: u8::MAX,
        quorum: u8::MAX,
        assign_by: ChainTime::MAX,
        complete_by: ChainTime::MAX,
        service_level: ServiceLevel::new(u64::MAX),
        parameters_version: ParametersVersion::new(0xff_ffff).expect("24 bits"),
    }
}

fn price(price: JobPrice) -> Value {
    json!({
        "maxPrice": price.max_price(),
        "ratePerSecond": price.rate_per_second(),
        "tip": price.tip(),
        "word": word(price.pack()),
    })
}

pub(super) fn rules_fields(rules: &JobRules) -> Value {
    json!({
        "funding": rules.funding.code(),
        "verification": rules.verification.code(),
        "trust": rules.trust.code(),
        "replicas": rules.replicas,
        "quorum": rules.quorum,
        "assignBy": rules.assign_by,
        "completeBy": rules.complete_by,
        "serviceLevel": rules.service_level.to_string(),
        "parametersVersion": rules.parameters_version,
    })
}

fn rules_case(rules: JobRules) -> Value {
    let mut case = rules_fields(&rules);
    case["word"] = json!(word(rules.pack()));
    case
}

fn parameters_case(parameters: JobParameters) -> Value {
    json!({
        "version": parameters.version,
        "coordinatorPpm": parameters.coordinator_share,
        "secondariesPpm": parameters.secondaries_share,
        "protocolPpm": parameters.protocol_share,
        "challengeBondPpm": parameters.challenge_bond_share,
        "lockPpm": parameters.lock_ratio,
        "lockShift": parameters.lock_shift,
        "challengeWindowSeconds": parameters.challenge_window,
        "verdictWindowSeconds": parameters.verdict_window,
        "leaseSeconds": parameters.lease,
        "maxJobSeconds": parameters.max_job,
        "maxAttempts": parameters.max_attempts,
        "word": word(parameters.pack().expect("samples have the widths of their fields")),
    })
}

fn seat(seat: Seat) -> Value {
    json!({
        "node": seat.node.to_string(),
        "signer": seat.signer,
        "account": seat.account(),
        "word": word(seat.pack()),
    })
}

fn job_word(case: u64) -> Value {
    let mut sample = Sample::new("word", case);
    let hash = sample.word();
    let packed = JobWord {
        state: JobState::from_code(sample.byte() % 7).expect("there are seven"),
        attempt: Attempt::new(sample.byte()),
        deadline: sample.time(),
        seized: u16::try_from(sample.number(16)).expect("16 bits fit"),
        sequence: sample.sequence(),
        commitment: hash,
    };
    json!({
        "state": packed.state.code(),
        "attempt": packed.attempt,
        "deadline": packed.deadline,
        "seized": packed.seized,
        "sequence": packed.sequence,
        "hash": hash,
        "word": word(packed.pack()),
    })
}
