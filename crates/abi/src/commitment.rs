//! What the stored word of a job commits to, as `JobCodec` computes it.

use alloy_primitives::{Address, B256, keccak256};
use alloy_sol_types::SolValue;
use tallystick_types::JobId;

use crate::contracts::{Assignment, Job, Proposal};

/// Hash of a job as later calls bring it.
pub fn job_hash(job: &Job) -> B256 {
    keccak256(job.abi_encode())
}

/// Hash of an assignment.
pub fn assignment_hash(assignment: &Assignment) -> B256 {
    keccak256(assignment.abi_encode_params())
}

/// Hash of what follows the assignment; the challenger is zero before a challenge.
pub fn rest_hash(proposal: &Proposal, challenger: Address) -> B256 {
    keccak256((proposal.clone(), challenger).abi_encode_params())
}

/// What the word commits to. While the job is open, assignment and rest are zero; while it is
/// assigned, the rest is.
pub fn commitment(id: JobId, job: B256, assignment: B256, rest: B256) -> B256 {
    keccak256((B256::from(id), job, assignment, rest).abi_encode())
}
