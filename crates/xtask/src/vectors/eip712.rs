//! Orders, claims and consents with what people and machines sign of them.

use alloy_primitives::{B256, U256};
use serde_json::{Value, json};
use tallystick_abi::{JobDomain, RegistryDomain};
use tallystick_types::{Attempt, ChainId, JobOrder, ReceiptClaim};

use super::packing::rules_fields;
use super::sample::{CASES, Sample};
use super::word;

/// The chain of all cases: Arbitrum One's number, so that nobody takes it for a local chain's.
const CHAIN: u64 = 42_161;

pub(super) fn cases() -> Value {
    let mut sample = Sample::new("domain", 0);
    let chain = ChainId::new(CHAIN);
    let jobs = JobDomain { chain, job_manager: sample.address() };
    let registry = RegistryDomain { chain, registry: sample.address() };
    json!({
        "domain": {
            "chainId": chain,
            "jobManager": jobs.job_manager,
            "nodeRegistry": registry.registry,
        },
        "orders": (0..CASES).map(|case| order(&jobs, case)).collect::<Vec<_>>(),
        "claims": (0..CASES).map(|case| claim(&jobs, case)).collect::<Vec<_>>(),
        "consents": (0..CASES).map(|case| consent(registry, case)).collect::<Vec<_>>(),
    })
}

fn order(domain: &JobDomain, case: u64) -> Value {
    let mut sample = Sample::new("order", case);
    let nonce = U256::from_be_bytes(sample.word().0);
    let order = JobOrder { client: sample.address(), nonce, terms: sample.terms() };
    let terms = &order.terms;
    json!({
        "client": order.client,
        "nonce": word(order.nonce),
        "specification": terms.specification,
        "token": terms.token,
        "maxPrice": terms.price.max_price(),
        "tip": terms.price.tip(),
        "ratePerSecond": terms.price.rate_per_second(),
        "rules": rules_fields(&terms.rules),
        "priceWord": word(terms.price.pack()),
        "rulesWord": word(terms.rules.pack()),
        "digest": domain.order_digest(&order),
        "jobId": domain.job_id(&order),
    })
}

fn claim(domain: &JobDomain, case: u64) -> Value {
    let mut sample = Sample::new("claim", case);
    let claim = ReceiptClaim {
        job: sample.word().into(),
        attempt: Attempt::new(sample.byte()),
        output_root: sample.word().into(),
        cost: sample.amount(128),
    };
    let digest: B256 = domain.claim_digest(&claim);
    json!({
        "jobId": claim.job,
        "attempt": claim.attempt,
        "outputRoot": claim.output_root,
        "cost": claim.cost,
        "digest": digest,
    })
}

fn consent(domain: RegistryDomain, case: u64) -> Value {
    let operator = Sample::new("consent", case).address();
    json!({ "operator": operator, "digest": domain.consent_digest(operator) })
}
