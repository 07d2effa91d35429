//! What the stored word of a job commits to, as `JobCodec` computes it.

use alloy_primitives::{Address, B256, keccak256};
use alloy_sol_types::SolValue;

use crate::contracts::{Assignment, Job, Proposal};

/// Hash of an assignment.
pub fn assignment_hash(assignment: &Assignment) -> B256 {
    let mut bytes = assignment.startedAt.to_be_bytes::<5>().to_vec();
    bytes.extend(assignment.coordinator.to_be_bytes::<32>());
    for seat in &assignment.nodes {
        bytes.extend(seat.to_be_bytes::<32>());
    }
    keccak256(bytes)
}

/// Hash of what follows the assignment; the challenger is zero before a challenge.
pub fn rest_hash(proposal: &Proposal, challenger: Address) -> B256 {
    keccak256((proposal.clone(), challenger).abi_encode_params())
}

/// What the word commits to. While the job is open, both hashes are zero; while it is assigned, the
/// rest is.
pub fn commitment(job: &Job, assignment: B256, rest: B256) -> B256 {
    keccak256((job.clone(), assignment, rest).abi_encode_params())
}
