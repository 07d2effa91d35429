//! What stored words commit to.

use alloy_primitives::{Address, B256};
use serde_json::{Value, json};
use tallystick_abi::commitment::{assignment_hash, commitment, job_hash, rest_hash};
use tallystick_abi::{Assignment, Job, contracts};
use tallystick_types::JobId;

use super::sample::{CASES, Sample};
use super::word;

pub(super) fn cases() -> Value {
    json!({ "commitments": (0..CASES).map(one).collect::<Vec<_>>() })
}

fn one(case: u64) -> Value {
    let mut sample = Sample::new("commitment", case);
    let id = JobId::from(sample.word());
    let job = Job {
        client: sample.address(),
        token: sample.address(),
        price: sample.price(),
        rules: sample.rules(),
        parameters: sample.parameters(),
    };
    let job = job.to_contract().expect("samples have the widths of their fields");
    let assignment = Assignment {
        started_at: sample.time(),
        coordinator: sample.seat(),
        nodes: (0..case).map(|_| sample.seat()).collect(),
    };
    let assignment = contracts::Assignment::from(&assignment);
    let signers = u16::try_from(sample.number(16)).expect("16 bits fit");
    let proposal = contracts::Proposal::of(sample.word().into(), sample.amount(128), signers);
    let challenger = if case.is_multiple_of(2) { Address::ZERO } else { sample.address() };
    let hashes = (job_hash(&job), assignment_hash(&assignment), rest_hash(&proposal, challenger));
    let nodes: Vec<String> = assignment.nodes.iter().map(|seat| word(*seat)).collect();
    json!({
        "id": id,
        "client": job.client,
        "token": job.token,
        "priceWord": word(job.price),
        "rulesWord": word(job.rules),
        "parametersWord": word(job.parameters),
        "startedAt": assignment.startedAt.to::<u64>(),
        "coordinator": word(assignment.coordinator),
        "nodes": nodes,
        "outputRoot": proposal.outputRoot,
        "price": proposal.price.to_string(),
        "signers": proposal.signers,
        "challenger": challenger,
        "jobHash": hashes.0,
        "assignmentHash": hashes.1,
        "restHash": hashes.2,
        "openCommitment": commitment(id, hashes.0, B256::ZERO, B256::ZERO),
        "assignedCommitment": commitment(id, hashes.0, hashes.1, B256::ZERO),
        "proposedCommitment": commitment(id, hashes.0, hashes.1, hashes.2),
    })
}
