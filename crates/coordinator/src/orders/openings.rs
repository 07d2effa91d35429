//! No proof is lost because it has more openings than its message.

use alloy_primitives::Address;
use tallystick_protocol::claim::SignedOpening;
use tallystick_protocol::commitment::{Opening, Pledge};
use tallystick_types::{
    Attempt, Attestations, BeaconRound, IdentitySignature, JobId, NodeId, OutputRoot, Salt, Seat,
    TaskAttempt, TaskIndex,
};

use super::*;

fn opening(node: u64) -> SignedOpening {
    let assignment = TaskAssignment {
        job: JobId::new([1; 32]),
        attempt: Attempt::new(1),
        task: TaskIndex::new(0),
        task_attempt: TaskAttempt::new(1),
        seat: Seat { node: NodeId::new(node), signer: Address::ZERO },
    };
    let opening = Opening { output_root: OutputRoot::new([2; 32]), salt: Salt::new([3; 32]) };
    let commitment = opening.commitment(&assignment);
    let pledge = Pledge { assignment, commitment, round: BeaconRound::new(4) };
    SignedOpening { pledge, signature: IdentitySignature::new([5; 64]), opening }
}

#[test]
fn a_proof_with_more_openings_than_a_message_takes_is_shown_with_a_quorum_of_them() {
    for count in [1, 16, 17, 40] {
        let openings: Vec<_> = (1..=count).map(opening).collect();
        let (task, output_root) = (TaskIndex::new(0), OutputRoot::new([2; 32]));
        let all = shown(&TaskProof { task, output_root, openings });
        let seats: Vec<u64> = all.openings.iter().map(|it| it.assignment.seat.node.get()).collect();
        let most = u64::try_from(Attestations::MOST).unwrap();
        assert_eq!(seats, (1..=count.min(most)).collect::<Vec<_>>());
    }
}
