//! What a node looks at before it signs the claim of a whole job.
//!
//! A node knows the output of its own tasks only, and its signature stands for all of them. So
//! whoever asks for it shows, for every task, the openings of enough nodes with their signatures.
//! Then no coordinator can get a signature for an output on which the nodes did not agree.

use std::collections::BTreeSet;

use ed25519_dalek::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};
use tallystick_types::{
    Canonical, IdentityKey, IdentitySignature, OutputRoot, ReceiptClaim, Seat, TaskIndex,
};

use crate::commitment::{Opening, Pledge, job_output_root};

/// One node's opened commitment, with its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedOpening {
    /// What it signed.
    pub pledge: Pledge,
    /// Its signature.
    pub signature: IdentitySignature,
    /// What the commitment hid.
    pub opening: Opening,
}

/// That enough nodes agree on the output of one task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskProof {
    /// The task.
    pub task: TaskIndex,
    /// Its output.
    pub output_root: OutputRoot,
    /// Who agrees.
    pub openings: Vec<SignedOpening>,
}

/// Why a claim is not signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// The tasks are not those from the first on, each once.
    #[error("task {task} is missing or out of its place")]
    OutOfPlace {
        /// The task that should have come.
        task: TaskIndex,
    },
    /// The tasks' outputs do not make the claimed one.
    #[error("the tasks' outputs do not make the output of the claim")]
    OtherRoot,
    /// A task without enough nodes that agree.
    #[error("{agreed} of {needed} needed nodes are shown to agree on task {task}")]
    TooFew {
        /// The task.
        task: TaskIndex,
        /// Nodes whose openings count.
        agreed: usize,
        /// Nodes that are needed.
        needed: usize,
    },
}

impl Pledge {
    /// Whether this key signed the pledge.
    pub fn is_signed_by(&self, key: IdentityKey, signature: &IdentitySignature) -> bool {
        let Ok(key) = VerifyingKey::from_bytes(key.as_bytes()) else { return false };
        let signature = Signature::from_bytes(signature.as_bytes());
        !key.is_weak() && key.verify_strict(&self.to_bytes(), &signature).is_ok()
    }
}

impl SignedOpening {
    /// Whether it is a node's word for this output of this task.
    fn counts(
        &self,
        claim: &ReceiptClaim,
        proof: &TaskProof,
        identity_of: &impl Fn(Seat) -> Option<IdentityKey>,
    ) -> bool {
        let assignment = &self.pledge.assignment;
        assignment.job == claim.job
            && assignment.attempt <= claim.attempt
            && assignment.task == proof.task
            && self.opening.output_root == proof.output_root
            && self.opening.commitment(assignment) == self.pledge.commitment
            && identity_of(assignment.seat)
                .is_some_and(|key| self.pledge.is_signed_by(key, &self.signature))
    }
}

/// Checks that for every task so many different nodes signed exactly the output that the claim is
/// made of. `identity_of` tells the identity key of a seat, or nothing where the seat has no part
/// in the job.
pub fn check_claim(
    claim: &ReceiptClaim,
    needed: usize,
    proofs: &[TaskProof],
    identity_of: impl Fn(Seat) -> Option<IdentityKey>,
) -> Result<(), ClaimError> {
    for (expected, proof) in (0_u32..).map(TaskIndex::new).zip(proofs) {
        if proof.task != expected {
            return Err(ClaimError::OutOfPlace { task: expected });
        }
    }
    let roots = proofs.iter().map(|proof| (proof.task, proof.output_root));
    if job_output_root(roots).ok() != Some(claim.output_root) {
        return Err(ClaimError::OtherRoot);
    }
    for proof in proofs {
        let counts = |opening: &&SignedOpening| opening.counts(claim, proof, &identity_of);
        let seats: BTreeSet<Seat> = proof
            .openings
            .iter()
            .filter(counts)
            .map(|opening| opening.pledge.assignment.seat)
            .collect();
        if seats.len() < needed {
            let (task, agreed) = (proof.task, seats.len());
            return Err(ClaimError::TooFew { task, agreed, needed });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commitment::TaskAssignment;
    use alloy_primitives::Address;
    use ed25519_dalek::{Signer, SigningKey};
    use tallystick_types::{Amount, Attempt, BeaconRound, JobId, NodeId, Salt, TaskAttempt};

    const JOB: JobId = JobId::new([1; 32]);

    fn key(node: u8) -> SigningKey {
        SigningKey::from_bytes(&[node; 32])
    }

    fn identity(seat: Seat) -> Option<IdentityKey> {
        let node = u8::try_from(seat.node.get()).ok().filter(|node| *node < 9)?;
        Some(IdentityKey::new(key(node).verifying_key().to_bytes()))
    }

    fn opening(node: u8, task: u32, root: u8) -> SignedOpening {
        let seat = Seat { node: NodeId::new(node.into()), signer: Address::repeat_byte(node) };
        let assignment = TaskAssignment {
            job: JOB,
            attempt: Attempt::new(1),
            task: TaskIndex::new(task),
            task_attempt: TaskAttempt::new(1),
            seat,
        };
        let salt = Salt::new([node; 32]);
        let opening = Opening { output_root: OutputRoot::new([root; 32]), salt };
        let commitment = opening.commitment(&assignment);
        let pledge = Pledge { assignment, commitment, round: BeaconRound::new(5) };
        let signature = IdentitySignature::new(key(node).sign(&pledge.to_bytes()).to_bytes());
        SignedOpening { pledge, signature, opening }
    }

    fn proof(task: u32, root: u8, openings: Vec<SignedOpening>) -> TaskProof {
        let (task, output_root) = (TaskIndex::new(task), OutputRoot::new([root; 32]));
        TaskProof { task, output_root, openings }
    }

    fn proofs() -> Vec<TaskProof> {
        vec![
            proof(0, 7, vec![opening(1, 0, 7), opening(2, 0, 7)]),
            proof(1, 8, vec![opening(2, 1, 8), opening(3, 1, 8)]),
        ]
    }

    fn claim(proofs: &[TaskProof]) -> ReceiptClaim {
        let roots = proofs.iter().map(|proof| (proof.task, proof.output_root));
        let output_root = job_output_root(roots).unwrap();
        let (attempt, cost) = (Attempt::new(1), Amount::new(5));
        ReceiptClaim { job: JOB, attempt, output_root, cost }
    }

    #[test]
    fn a_claim_that_enough_nodes_opened_for_every_task_is_signed() {
        assert_eq!(check_claim(&claim(&proofs()), 2, &proofs(), identity), Ok(()));
    }

    #[test]
    fn an_output_that_too_few_signed_is_not() {
        let few = Err(ClaimError::TooFew { task: TaskIndex::new(1), agreed: 1, needed: 2 });
        let good = opening(2, 1, 8);
        let forged = SignedOpening { signature: opening(4, 1, 8).signature, ..opening(3, 1, 8) };
        let twice = good;
        let stranger = opening(9, 1, 8);
        let other_task = opening(3, 0, 8);
        let mut other_output = opening(3, 1, 9);
        other_output.opening.output_root = OutputRoot::new([8; 32]);
        for second in [forged, twice, stranger, other_task, other_output] {
            let mut shown = proofs();
            shown[1].openings = vec![good, second];
            assert_eq!(check_claim(&claim(&shown), 2, &shown, identity), few, "{second:?}");
        }
    }

    #[test]
    fn an_opening_of_another_job_or_a_later_attempt_counts_for_nothing() {
        let shown = proofs();
        let other = ReceiptClaim { job: JobId::new([2; 32]), ..claim(&shown) };
        assert!(matches!(
            check_claim(&other, 2, &shown, identity),
            Err(ClaimError::TooFew { agreed: 0, .. })
        ));
        let earlier = ReceiptClaim { attempt: Attempt::new(0), ..claim(&shown) };
        assert!(check_claim(&earlier, 2, &shown, identity).is_err());
    }

    #[test]
    fn tasks_that_are_missing_or_swapped_are_noticed() {
        let shown = proofs();
        let claim = claim(&shown);
        assert_eq!(check_claim(&claim, 2, &shown[..1], identity), Err(ClaimError::OtherRoot));
        let swapped: Vec<_> = shown.iter().rev().cloned().collect();
        let place = Err(ClaimError::OutOfPlace { task: TaskIndex::new(0) });
        assert_eq!(check_claim(&claim, 2, &swapped, identity), place);
        assert_eq!(check_claim(&claim, 2, &[], identity), Err(ClaimError::OtherRoot));
    }
}
