//! What binds a node to its output before anyone shows an output.
//!
//! A commitment is `keccak256` of these 141 bytes, numbers big-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 8 | the letters `TALLYOPN` |
//! | 2 | version, 1 |
//! | 32 | job |
//! | 1 | attempt of the job |
//! | 4 | task |
//! | 2 | attempt of the task |
//! | 8 | node |
//! | 20 | signer of the node |
//! | 32 | output root of the task |
//! | 32 | salt |
//!
//! It binds the node, so a copy of somebody else's commitment opens for nobody but its author. What
//! the node signs with its identity key is a [`Pledge`]: `TALLYCMT`, the version, the assignment
//! as above, the commitment (32) and the beacon round from which the secondaries are drawn (8).

use alloy_primitives::keccak256;
use serde::{Deserialize, Serialize};
use tallystick_types::merkle::{MerkleError, MerkleTree, slice_leaf};
use tallystick_types::{
    Attempt, BeaconRound, Canonical, Commitment, EncodingError, JobId, NodeId, OutputDigest,
    OutputRoot, Reader, Salt, Seat, TaskAttempt, TaskIndex, Writer,
};

const OPENING: &[u8; 8] = b"TALLYOPN";
const PLEDGE: &[u8; 8] = b"TALLYCMT";
const VERSION: u16 = 1;

/// One node's assignment to one try at one task. Everything that a node says about its work names
/// it; a message with an old number is fenced off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskAssignment {
    /// The job.
    pub job: JobId,
    /// The attempt of the job: the fencing token of the coordinator's lease.
    pub attempt: Attempt,
    /// The task.
    pub task: TaskIndex,
    /// The try at the task.
    pub task_attempt: TaskAttempt,
    /// Who was assigned.
    pub seat: Seat,
}

/// What a commitment hides until it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// Merkle root over the outputs of the task's slices.
    pub output_root: OutputRoot,
    /// Random bytes of the node's choice, used once.
    pub salt: Salt,
}

/// What a node signs when it commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pledge {
    /// For which assignment.
    pub assignment: TaskAssignment,
    /// The commitment.
    pub commitment: Commitment,
    /// A round whose randomness does not exist yet; the primary's one draws the secondaries.
    pub round: BeaconRound,
}

impl Opening {
    /// The commitment that only this node can open, for this try alone.
    pub fn commitment(&self, assignment: &TaskAssignment) -> Commitment {
        let mut bytes = Vec::with_capacity(141);
        bytes.extend_from_slice(OPENING);
        bytes.extend_from_slice(&VERSION.to_be_bytes());
        bytes.extend_from_slice(&assignment.to_bytes());
        bytes.extend_from_slice(self.output_root.as_bytes());
        bytes.extend_from_slice(self.salt.as_bytes());
        Commitment::from(keccak256(bytes))
    }
}

/// The output root of a job: the Merkle root over its tasks' roots in order, each leaf made as
/// [`slice_leaf`] makes one, with the task's index and root.
pub fn job_output_root(
    tasks: impl IntoIterator<Item = (TaskIndex, OutputRoot)>,
) -> Result<OutputRoot, MerkleError> {
    let leaves: Vec<_> = tasks
        .into_iter()
        .map(|(task, root)| slice_leaf(u64::from(task.get()), OutputDigest::new(*root.as_bytes())))
        .collect();
    MerkleTree::new(&leaves).map(|tree| tree.output_root())
}

impl Canonical for TaskAssignment {
    fn encode(&self, writer: &mut Writer) {
        writer.raw(self.job.as_bytes());
        writer.byte(self.attempt.get());
        writer.raw(&self.task.get().to_be_bytes());
        writer.u16(self.task_attempt.get());
        writer.u64(self.seat.node.get());
        writer.raw(self.seat.signer.as_slice());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, EncodingError> {
        Ok(Self {
            job: JobId::new(reader.raw()?),
            attempt: Attempt::new(reader.byte()?),
            task: TaskIndex::new(u32::from_be_bytes(reader.raw()?)),
            task_attempt: TaskAttempt::new(reader.u16()?),
            seat: Seat { node: NodeId::new(reader.u64()?), signer: reader.address()? },
        })
    }
}

impl Canonical for Pledge {
    fn encode(&self, writer: &mut Writer) {
        writer.raw(PLEDGE);
        writer.u16(VERSION);
        self.assignment.encode(writer);
        writer.raw(self.commitment.as_bytes());
        writer.u64(self.round.get());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, EncodingError> {
        if reader.raw()? != *PLEDGE {
            return Err(EncodingError::WrongKind);
        }
        match reader.u16()? {
            VERSION => Ok(Self {
                assignment: TaskAssignment::decode(reader)?,
                commitment: Commitment::new(reader.raw()?),
                round: BeaconRound::new(reader.u64()?),
            }),
            version => Err(EncodingError::UnknownVersion { version }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::Address;

    fn assignment() -> TaskAssignment {
        TaskAssignment {
            job: JobId::new([1; 32]),
            attempt: Attempt::new(2),
            task: TaskIndex::new(3),
            task_attempt: TaskAttempt::new(4),
            seat: Seat { node: NodeId::new(5), signer: Address::repeat_byte(6) },
        }
    }

    fn opening() -> Opening {
        Opening { output_root: OutputRoot::new([7; 32]), salt: Salt::new([8; 32]) }
    }

    #[test]
    fn a_commitment_is_the_hash_of_the_documented_bytes() {
        let mut bytes = b"TALLYOPN\x00\x01".to_vec();
        bytes.extend([1; 32]);
        bytes.extend([2, 0, 0, 0, 3, 0, 4, 0, 0, 0, 0, 0, 0, 0, 5]);
        bytes.extend([6; 20]);
        bytes.extend([7; 32]);
        bytes.extend([8; 32]);
        assert_eq!(opening().commitment(&assignment()), keccak256(bytes).into());
    }

    #[test]
    fn nothing_that_a_commitment_binds_can_be_exchanged() {
        let (bound, shown) = (assignment(), opening());
        let other_seat = Seat { node: NodeId::new(9), ..bound.seat };
        let others = [
            TaskAssignment { job: JobId::new([9; 32]), ..bound },
            TaskAssignment { attempt: Attempt::new(9), ..bound },
            TaskAssignment { task: TaskIndex::new(9), ..bound },
            TaskAssignment { task_attempt: TaskAttempt::new(9), ..bound },
            TaskAssignment { seat: other_seat, ..bound },
        ];
        for other in others {
            assert_ne!(shown.commitment(&other), shown.commitment(&bound));
        }
        let salted = Opening { salt: Salt::new([9; 32]), ..shown };
        assert_ne!(salted.commitment(&bound), shown.commitment(&bound));
    }

    #[test]
    fn a_pledge_is_read_as_it_was_written() {
        let commitment = opening().commitment(&assignment());
        let round = BeaconRound::new(77);
        let pledge = Pledge { assignment: assignment(), commitment, round };
        let bytes = pledge.to_bytes();
        assert_eq!(Pledge::from_bytes(&bytes), Ok(pledge));
        let mut other = bytes.clone();
        other[0] ^= 1;
        assert_eq!(Pledge::from_bytes(&other), Err(EncodingError::WrongKind));
        let mut newer = bytes;
        newer[9] = 2;
        assert_eq!(Pledge::from_bytes(&newer), Err(EncodingError::UnknownVersion { version: 2 }));
    }

    #[test]
    fn the_root_of_a_job_knows_the_order_of_its_tasks() {
        let of = |task, byte| (TaskIndex::new(task), OutputRoot::new([byte; 32]));
        let ordered = job_output_root([of(0, 1), of(1, 2)]);
        assert!(ordered.is_ok());
        assert_ne!(ordered, job_output_root([of(0, 2), of(1, 1)]));
        assert_eq!(job_output_root([]), Err(MerkleError::Empty));
    }
}
