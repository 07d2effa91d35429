//! Trees, roots and proofs.

use alloy_primitives::{B256, hex};
use serde_json::{Value, json};
use tallystick_types::OutputDigest;
use tallystick_types::merkle::{self, MerkleTree};

use super::sample::Sample;

/// Leaves of the trees: even and odd numbers, full and ragged lowest rows.
const SIZES: [u64; 7] = [1, 2, 3, 4, 5, 8, 13];

pub(super) fn cases() -> Value {
    let trees: Vec<Value> = SIZES.into_iter().map(tree).collect();
    json!({ "trees": trees, "slices": slices() })
}

/// A tree over data of different lengths.
fn tree(size: u64) -> Value {
    let mut sample = Sample::new("merkle", size);
    let data: Vec<Vec<u8>> = (0..size)
        .map(|index| {
            let length = usize::try_from(index).expect("at most 13").saturating_mul(5);
            sample.word().iter().copied().cycle().take(length).collect()
        })
        .collect();
    let leaves: Vec<B256> = data.iter().map(|data| merkle::leaf(data)).collect();
    let tree = MerkleTree::new(&leaves).expect("there is a leaf");
    let proofs: Vec<_> = (0..leaves.len()).map(|index| tree.proof(index)).collect();
    let data: Vec<String> = data.iter().map(hex::encode_prefixed).collect();
    json!({ "data": data, "leaves": leaves, "root": tree.root(), "proofs": proofs })
}

/// Leaves of slices' outputs: `abi.encode(uint256 index, bytes32 digest)`, hashed twice.
fn slices() -> Vec<Value> {
    [0, 1, 255, 256, u64::MAX]
        .into_iter()
        .map(|index| {
            let digest: OutputDigest = Sample::new("slices", index).word().into();
            let leaf = merkle::slice_leaf(index, digest);
            json!({ "index": index.to_string(), "digest": digest, "leaf": leaf })
        })
        .collect()
}
