//! Merkle trees as OpenZeppelin's `MerkleProof` checks them.
//!
//! A leaf is hashed twice, so that no inner node passes for a leaf; a pair is hashed in ascending
//! order, so that a proof needs no directions. A proof therefore says that something is in the tree
//! and not where: whatever has a place carries it inside its leaf (see [`slice_leaf`]). The tree
//! has the shape of OpenZeppelin's `StandardMerkleTree` with leaves in the given order.

use alloy_primitives::{B256, keccak256};

use crate::id::{OutputDigest, OutputRoot};

/// A tree with all its nodes: the root first, the children of node `i` at `2i + 1` and `2i + 2`,
/// the leaves last and backwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerkleTree {
    nodes: Vec<B256>,
    leaves: usize,
}

/// Why there is no tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MerkleError {
    /// A tree of nothing has no root.
    #[error("a tree needs at least one leaf")]
    Empty,
    /// More leaves than a tree takes.
    #[error("{given} leaves are more than the {} of a tree; split the input", MerkleTree::MOST)]
    TooMany {
        /// How many.
        given: usize,
    },
}

/// The leaf of some data: `keccak256(keccak256(data))`.
pub fn leaf(data: &[u8]) -> B256 {
    keccak256(keccak256(data))
}

/// The leaf of one slice's output: the data is `abi.encode(uint256 index, bytes32 digest)`.
pub fn slice_leaf(index: u64, output: OutputDigest) -> B256 {
    let mut data = [0; 64];
    let (number, digest) = data.split_at_mut(32);
    for (place, byte) in number.iter_mut().rev().zip(index.to_le_bytes()) {
        *place = byte;
    }
    digest.copy_from_slice(output.as_bytes());
    leaf(&data)
}

/// Whether the proof leads from the leaf to the root.
pub fn verify(root: B256, leaf: B256, proof: &[B256]) -> bool {
    proof.iter().fold(leaf, |node, sibling| parent(node, *sibling)) == root
}

fn parent(a: B256, b: B256) -> B256 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    keccak256([low.0, high.0].as_flattened())
}

impl MerkleTree {
    /// The most leaves of one tree: proofs have at most 24 steps.
    pub const MOST: usize = 1 << 24;

    /// Builds the tree over leaves made by [`leaf`] or [`slice_leaf`].
    #[expect(clippy::arithmetic_side_effects, reason = "there are 1 to 2^24 leaves")]
    pub fn new(leaves: &[B256]) -> Result<Self, MerkleError> {
        let count = leaves.len();
        if count == 0 {
            return Err(MerkleError::Empty);
        }
        if count > Self::MOST {
            return Err(MerkleError::TooMany { given: count });
        }
        let inner = count - 1;
        let mut nodes = vec![B256::ZERO; inner];
        nodes.extend(leaves.iter().rev());
        for place in (0..inner).rev() {
            nodes[place] = parent(nodes[2 * place + 1], nodes[2 * place + 2]);
        }
        Ok(Self { nodes, leaves: count })
    }

    /// The root.
    pub fn root(&self) -> B256 {
        self.nodes[0]
    }

    /// The root of a tree over slices' outputs.
    pub fn output_root(&self) -> OutputRoot {
        self.root().into()
    }

    /// How many leaves there are.
    pub const fn leaves(&self) -> usize {
        self.leaves
    }

    /// The path from a leaf to the root, or nothing where there is no such leaf.
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "a place above 0 has a sibling and a parent"
    )]
    pub fn proof(&self, index: usize) -> Option<Vec<B256>> {
        if index >= self.leaves {
            return None;
        }
        let mut place = self.nodes.len() - 1 - index;
        let mut proof = Vec::new();
        while place > 0 {
            let sibling = if place.is_multiple_of(2) { place - 1 } else { place + 1 };
            proof.push(self.nodes[sibling]);
            place = (place - 1) / 2;
        }
        Some(proof)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::U256;
    use proptest::prelude::*;

    fn leaves(count: usize) -> Vec<B256> {
        (0..count).map(|index| leaf(&index.to_be_bytes())).collect()
    }

    #[test]
    fn a_tree_of_one_leaf_is_the_leaf() {
        let tree = MerkleTree::new(&leaves(1)).unwrap();
        assert_eq!(tree.root(), leaves(1)[0]);
        assert_eq!(tree.proof(0), Some(vec![]));
        assert_eq!(tree.proof(1), None);
        assert_eq!(MerkleTree::new(&[]), Err(MerkleError::Empty));
    }

    #[test]
    fn a_slice_leaf_is_the_encoding_of_solidity() {
        let digest = OutputDigest::new([0xcd; 32]);
        let data = [U256::from(5).to_be_bytes(), *digest.as_bytes()].concat();
        assert_eq!(slice_leaf(5, digest), keccak256(keccak256(data)));
    }

    #[test]
    fn a_pair_is_hashed_in_ascending_order() {
        let (low, high) = (B256::repeat_byte(1), B256::repeat_byte(2));
        assert_eq!(parent(low, high), parent(high, low));
        assert_eq!(parent(low, high), keccak256([[1; 32], [2; 32]].as_flattened()));
    }

    proptest! {
        #[test]
        fn every_proof_verifies(count in 1_usize..70) {
            let leaves = leaves(count);
            let tree = MerkleTree::new(&leaves).unwrap();
            for (index, leaf) in leaves.iter().enumerate() {
                prop_assert!(verify(tree.root(), *leaf, &tree.proof(index).unwrap()));
            }
        }

        #[test]
        fn a_mutated_proof_does_not_verify(
            count in 2_usize..70, pick in any::<prop::sample::Index>(),
            step in any::<prop::sample::Index>(), bit in 0_usize..256,
        ) {
            let leaves = leaves(count);
            let tree = MerkleTree::new(&leaves).unwrap();
            let index = pick.index(count);
            let mut proof = tree.proof(index).unwrap();
            let place = step.index(proof.len());
            proof[place].0[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(!verify(tree.root(), leaves[index], &proof));
        }

        #[test]
        fn another_leaf_and_a_shorter_proof_do_not_verify(
            count in 2_usize..70, pick in any::<prop::sample::Index>()
        ) {
            let leaves = leaves(count);
            let tree = MerkleTree::new(&leaves).unwrap();
            let index = pick.index(count);
            let proof = tree.proof(index).unwrap();
            prop_assert!(!verify(tree.root(), leaf(b"stranger"), &proof));
            let (_, shorter) = proof.split_last().unwrap();
            prop_assert!(!verify(tree.root(), leaves[index], shorter));
        }

        #[test]
        fn no_change_of_a_leaf_keeps_the_root(
            count in 1_usize..70, pick in any::<prop::sample::Index>()
        ) {
            let mut leaves = leaves(count);
            let root = MerkleTree::new(&leaves).unwrap().root();
            leaves[pick.index(count)] = leaf(b"other");
            prop_assert_ne!(MerkleTree::new(&leaves).unwrap().root(), root);
        }
    }
}
