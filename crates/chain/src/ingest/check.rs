//! What of an answer can be proved without asking anyone else.

use std::collections::VecDeque;

use alloy::trie::root::ordered_trie_root_encoded;
use alloy_primitives::{Address, B256, Bloom, BloomInput};
use tallystick_types::ChainTime;

use super::{Place, RawLog};
use crate::endpoint::{BlockReceipt, Header};

/// One block in so many has its receipts checked although its filter says that it has none of
/// our logs. Which ones follows from their hashes.
const SAMPLED: u8 = 64;

/// How many proved headers are remembered: several looks of several endpoints at one block.
const REMEMBERED: usize = 8;

/// The headers that were proved last. Endpoints state the same one again and again, and to compare
/// it costs a hundredth of hashing it.
#[derive(Debug, Default)]
pub(super) struct Proofs(VecDeque<(Header, Block)>);

impl Proofs {
    /// Takes a header whose hash is the one of its fields.
    pub(super) fn block(&mut self, header: &Header) -> Option<Block> {
        let known = self.0.iter().find(|(known, _)| known.hash == header.hash && known == header);
        if let Some((_, block)) = known {
            return Some(block.clone());
        }
        let block = Block::of_header(header)?;
        self.0.truncate(REMEMBERED - 1);
        self.0.push_front((header.clone(), block.clone()));
        Some(block)
    }
}

/// A header whose hash was recomputed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) number: u64,
    pub(super) hash: B256,
    pub(super) parent: B256,
    pub(super) time: ChainTime,
    receipts_root: B256,
    bloom: Bloom,
}

impl Block {
    fn of_header(header: &Header) -> Option<Self> {
        let sound = header.inner.hash_slow() == header.hash;
        let time = ChainTime::new(header.timestamp).ok()?;
        sound.then_some(Self {
            number: header.number,
            hash: header.hash,
            parent: header.parent_hash,
            time,
            receipts_root: header.receipts_root,
            bloom: header.logs_bloom,
        })
    }

    pub(super) const fn place(&self) -> Place {
        Place { number: self.number, hash: self.hash }
    }

    /// Whether only the receipts prove what our contracts logged here.
    /// `hashes` are those of our contracts' addresses.
    pub(super) fn needs_receipts(&self, hashes: &[B256]) -> bool {
        let ours = |hash: &B256| self.bloom.contains_input(BloomInput::Hash(*hash));
        hashes.iter().any(ours) || self.hash[0].is_multiple_of(SAMPLED)
    }

    /// Our logs in the receipts; nothing where these are not the receipts of this block.
    pub(super) fn logs_of(
        &self,
        receipts: Vec<BlockReceipt>,
        addresses: &[Address],
    ) -> Option<Vec<RawLog>> {
        let encoded: Vec<&[u8]> = receipts.iter().map(|it| it.encoded.as_slice()).collect();
        if ordered_trie_root_encoded(&encoded) != self.receipts_root {
            return None;
        }
        let logs = receipts.into_iter().flat_map(|receipt| receipt.logs);
        Some(logs.filter(|log| addresses.contains(&log.address)).collect())
    }
}
