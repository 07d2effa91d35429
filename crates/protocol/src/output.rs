//! The output of one task: the outputs of its slices, as nodes hand it on.
//!
//! The bytes are, per slice in order, the length as 8 bytes, big-endian, and the output itself. The
//! root over the slices' digests is what nodes commit to; each leaf has the number of the slice in
//! its job, so outputs of different tasks never have equal roots by chance.

use sha2::{Digest, Sha256};
use tallystick_types::merkle::{MerkleError, MerkleTree, slice_leaf};
use tallystick_types::{BlobDigest, OutputDigest, OutputRoot, SliceRange};

const LENGTH: usize = 8;

/// The outputs of a contiguous range of slices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskOutput {
    slices: SliceRange,
    outputs: Vec<Vec<u8>>,
}

/// Why bytes are not the output of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutputError {
    /// As many outputs as slices are needed.
    #[error("{found} outputs are not those of {expected} slices")]
    Count {
        /// Slices of the task.
        expected: u64,
        /// Outputs that were given.
        found: u64,
    },
    /// The bytes end inside an output.
    #[error("the output ends early; ask another node for it")]
    Cut,
    /// The task has no slices, or too many.
    #[error("the slices make no tree")]
    Tree(#[from] MerkleError),
    /// The outputs are not those that were committed to.
    #[error("the output has the root {found}, committed was {expected}; ask another node for it")]
    OtherRoot {
        /// The commitment.
        expected: OutputRoot,
        /// The root of these outputs.
        found: OutputRoot,
    },
}

impl TaskOutput {
    /// Takes the outputs of slices in their order.
    pub fn new(slices: SliceRange, outputs: Vec<Vec<u8>>) -> Result<Self, OutputError> {
        let found = u64::try_from(outputs.len()).expect("a length in memory fits 64 bits");
        if found != slices.count {
            return Err(OutputError::Count { expected: slices.count, found });
        }
        Ok(Self { slices, outputs })
    }

    /// The bytes that are handed on.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for output in &self.outputs {
            let length = u64::try_from(output.len()).expect("a length in memory fits 64 bits");
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(output);
        }
        bytes
    }

    /// Reads the bytes of a task's output and compares them with the root that was committed to.
    pub fn from_bytes(
        slices: SliceRange,
        bytes: &[u8],
        expected: OutputRoot,
    ) -> Result<Self, OutputError> {
        let read = Self::read(slices, bytes)?;
        let found = read.root()?;
        if found == expected { Ok(read) } else { Err(OutputError::OtherRoot { expected, found }) }
    }

    /// Reads the bytes of a task's output, for whoever compares the root later, as part of a job's.
    pub fn read(slices: SliceRange, bytes: &[u8]) -> Result<Self, OutputError> {
        let (mut rest, mut outputs) = (bytes, Vec::new());
        while let Some((length, after)) = rest.split_first_chunk::<LENGTH>() {
            let length = usize::try_from(u64::from_be_bytes(*length)).unwrap_or(usize::MAX);
            let (output, after) = after.split_at_checked(length).ok_or(OutputError::Cut)?;
            outputs.push(output.to_vec());
            rest = after;
        }
        if rest.is_empty() { Self::new(slices, outputs) } else { Err(OutputError::Cut) }
    }

    /// What nodes commit to.
    pub fn root(&self) -> Result<OutputRoot, OutputError> {
        let leaf = |(index, output): (u64, &Vec<u8>)| {
            slice_leaf(index, OutputDigest::new(Sha256::digest(output).into()))
        };
        let leaves: Vec<_> = (self.slices.first..).zip(&self.outputs).map(leaf).collect();
        Ok(MerkleTree::new(&leaves)?.output_root())
    }

    /// The address of the bytes.
    pub fn digest(&self) -> BlobDigest {
        BlobDigest::new(Sha256::digest(self.to_bytes()).into())
    }

    /// The outputs in the order of the slices.
    pub fn outputs(&self) -> &[Vec<u8>] {
        &self.outputs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SLICES: SliceRange = SliceRange { first: 6, count: 3 };

    fn output() -> TaskOutput {
        TaskOutput::new(SLICES, vec![b"one".to_vec(), Vec::new(), b"three".to_vec()]).unwrap()
    }

    #[test]
    fn an_output_is_read_as_it_was_written() {
        let written = output();
        let root = written.root().unwrap();
        assert_eq!(TaskOutput::from_bytes(SLICES, &written.to_bytes(), root), Ok(written));
    }

    #[test]
    fn another_output_is_refused_and_so_is_the_same_one_of_other_slices() {
        let root = output().root().unwrap();
        let mut bytes = output().to_bytes();
        bytes[8] ^= 1;
        let other = TaskOutput::from_bytes(SLICES, &bytes, root);
        assert!(matches!(other, Err(OutputError::OtherRoot { .. })));
        let moved = SliceRange { first: 7, ..SLICES };
        let moved = TaskOutput::from_bytes(moved, &output().to_bytes(), root);
        assert!(matches!(moved, Err(OutputError::OtherRoot { .. })));
        let fewer = SliceRange { count: 2, ..SLICES };
        let fewer = TaskOutput::from_bytes(fewer, &output().to_bytes(), root);
        assert_eq!(fewer, Err(OutputError::Count { expected: 2, found: 3 }));
    }

    #[test]
    fn bytes_that_end_early_are_named_as_such() {
        let (bytes, root) = (output().to_bytes(), output().root().unwrap());
        for end in 1..bytes.len() {
            let cut = TaskOutput::from_bytes(SLICES, &bytes[..end], root);
            assert!(matches!(cut, Err(OutputError::Cut | OutputError::Count { .. })), "{end}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_pass_for_an_output_they_are_not(bytes: Vec<u8>, count in 0..4_u64) {
            let root = OutputRoot::new([7; 32]);
            let slices = SliceRange { first: 0, count };
            prop_assert!(TaskOutput::from_bytes(slices, &bytes, root).is_err());
        }
    }
}
