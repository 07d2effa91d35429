//! Chunks: the unit in which blobs are verified, read and sent.
//!
//! A leaf of the tree is `abi.encode(uint256 index, uint256 size, bytes32 digest)`, hashed as
//! [`merkle::leaf`] does it. Proofs of that tree carry no directions, so the place of the chunk
//! stands in the leaf; so does the size of the blob, or a root would fit a blob cut at a border.

use alloy_primitives::B256;
use sha2::{Digest, Sha256};
use tallystick_types::merkle::{self, MerkleTree};
use tallystick_types::{BlobDigest, ChunkRoot};

/// Bytes of every chunk but the last, which has the rest. A part of the protocol: another size
/// makes another root. Small enough for any message, large enough that proofs are under 1 %.
pub const CHUNK_BYTES: usize = 64 * 1024;

/// The largest blob that has a root, in bytes: 1 TiB.
pub const LARGEST_BLOB: u64 = (MerkleTree::MOST as u64) * (CHUNK_BYTES as u64);

/// SHA-256 of one chunk.
pub type ChunkDigest = [u8; 32];

/// How many chunks a blob of `size` bytes has. The empty blob has one empty chunk.
pub const fn chunks_of(size: u64) -> u64 {
    match size.div_ceil(CHUNK_BYTES as u64) {
        0 => 1,
        chunks => chunks,
    }
}

/// Bytes of chunk `index` of a blob of `size` bytes; 0 past the end.
pub fn chunk_length(size: u64, index: u64) -> usize {
    let start = index.saturating_mul(CHUNK_BYTES as u64);
    let rest = size.saturating_sub(start);
    usize::try_from(rest).map_or(CHUNK_BYTES, |rest| rest.min(CHUNK_BYTES))
}

/// SHA-256 of one chunk's bytes.
pub fn chunk_digest(bytes: &[u8]) -> ChunkDigest {
    Sha256::digest(bytes).into()
}

/// The leaf of one chunk of a blob of `size` bytes.
pub fn chunk_leaf(size: u64, index: u64, digest: &ChunkDigest) -> B256 {
    let mut data = [0; 96];
    data[24..32].copy_from_slice(&index.to_be_bytes());
    data[56..64].copy_from_slice(&size.to_be_bytes());
    data[64..].copy_from_slice(digest);
    merkle::leaf(&data)
}

/// What hashing a whole blob found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hashed {
    /// The address of the bytes.
    pub digest: BlobDigest,
    /// How many bytes.
    pub size: u64,
    /// The digest of every chunk, in order; at least one.
    pub chunks: Vec<ChunkDigest>,
}

/// The tree over the chunks of one blob.
#[derive(Clone, Debug)]
pub struct ChunkTree {
    tree: MerkleTree,
}

impl ChunkTree {
    /// Builds the tree, or nothing for no chunks or more than a tree takes.
    pub fn new(size: u64, chunks: &[ChunkDigest]) -> Option<Self> {
        let leaves: Vec<B256> =
            (0..).zip(chunks).map(|(index, digest)| chunk_leaf(size, index, digest)).collect();
        MerkleTree::new(&leaves).ok().map(|tree| Self { tree })
    }

    /// The root.
    pub fn root(&self) -> ChunkRoot {
        self.tree.root().into()
    }

    /// The proof of one chunk, or nothing where there is no such chunk.
    pub fn proof(&self, index: u64) -> Option<Vec<B256>> {
        self.tree.proof(usize::try_from(index).ok()?)
    }
}

/// Hashes bytes as they come, whole and by chunk. The first chunk is hashed once for both.
#[derive(Clone, Debug, Default)]
pub struct ChunkHasher {
    /// The state over everything before the running chunk; absent during the first.
    whole: Option<Sha256>,
    running: Sha256,
    filled: usize,
    size: u64,
    chunks: Vec<ChunkDigest>,
}

impl ChunkHasher {
    /// Bytes so far.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Takes the next bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.filled == CHUNK_BYTES {
                self.close_chunk();
            }
            let taken = bytes.len().min(CHUNK_BYTES - self.filled);
            let (now, later) = bytes.split_at(taken);
            self.running.update(now);
            if let Some(whole) = &mut self.whole {
                whole.update(now);
            }
            self.filled += taken;
            self.size += taken as u64;
            bytes = later;
        }
    }

    /// The digests of everything.
    pub fn finish(mut self) -> Hashed {
        self.close_chunk();
        let whole = self.whole.map(|whole| whole.finalize().into());
        let digest = whole.or_else(|| self.chunks.first().copied()).unwrap_or_default();
        Hashed { digest: BlobDigest::new(digest), size: self.size, chunks: self.chunks }
    }

    /// While there is one chunk its state is that of the whole.
    fn close_chunk(&mut self) {
        self.whole.get_or_insert_with(|| self.running.clone());
        self.chunks.push(std::mem::take(&mut self.running).finalize().into());
        self.filled = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashed(bytes: &[u8], step: usize) -> Hashed {
        let mut hasher = ChunkHasher::default();
        bytes.chunks(step).for_each(|part| hasher.update(part));
        hasher.finish()
    }

    #[test]
    fn the_digest_is_sha_256_whatever_the_steps() {
        for size in [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES] {
            let bytes: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
            let found = hashed(&bytes, 70_001);
            assert_eq!(found.digest.as_bytes(), &chunk_digest(&bytes));
            assert_eq!(found.chunks.len() as u64, chunks_of(size as u64));
            assert_eq!(found, hashed(&bytes, 4_096));
            for (index, digest) in (0..).zip(&found.chunks) {
                let start = index as usize * CHUNK_BYTES;
                let end = start + chunk_length(size as u64, index);
                assert_eq!(*digest, chunk_digest(&bytes[start..end]));
            }
        }
    }

    #[test]
    fn a_leaf_is_the_encoding_of_solidity() {
        let mut data = vec![0; 31];
        data.push(5);
        data.extend([0; 31]);
        data.push(9);
        data.extend([0xcd; 32]);
        assert_eq!(chunk_leaf(9, 5, &[0xcd; 32]), merkle::leaf(&data));
    }

    #[test]
    fn a_root_fits_no_other_size() {
        let chunks = [[1; 32], [2; 32]];
        let size = 2 * CHUNK_BYTES as u64;
        let tree = ChunkTree::new(size, &chunks).unwrap();
        let other = ChunkTree::new(size - 1, &chunks).unwrap();
        assert_ne!(tree.root(), other.root());
        assert!(ChunkTree::new(0, &[]).is_none());
    }
}
