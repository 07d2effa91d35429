//! A chain with forks, and endpoints that lag, lose answers and lie.

use std::collections::BTreeMap;

use alloy::trie::root::ordered_trie_root_encoded;
use alloy_primitives::{Bytes, Log as PlainLog, logs_bloom};

use super::*;
use crate::endpoint::{BlockReceipt, Header};

pub(super) const CHAIN: ChainId = ChainId::new(4_242);
pub(super) const OURS: Address = Address::repeat_byte(0x0a);
pub(super) const FOREIGN: Address = Address::repeat_byte(0x0b);
pub(super) const CODE: B256 = B256::repeat_byte(0xc0);
/// First topic of logs that the reader does not understand.
pub(super) const STRANGE: B256 = B256::repeat_byte(0x55);

/// Small numbers from a seed.
#[derive(Clone, Debug)]
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((mixed ^ (mixed >> 27)) >> 11) % limit
    }

    pub(super) fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }
}

#[derive(Clone, Debug)]
pub(super) struct SimBlock {
    pub(super) header: Header,
    pub(super) receipts: Vec<BlockReceipt>,
}

/// All blocks of all branches, and the branch that counts.
#[derive(Debug)]
pub(super) struct World {
    pub(super) blocks: BTreeMap<B256, SimBlock>,
    pub(super) branch: Vec<B256>,
    pub(super) last: usize,
    pub(super) dice: Dice,
}

/// What one endpoint believes, and how it behaves.
#[derive(Clone, Debug)]
pub(super) struct SimPeer {
    pub(super) branch: Vec<B256>,
    pub(super) last: usize,
    pub(super) lies: bool,
    /// Always states ranges without their first logs, and for a hash the header of a sibling.
    pub(super) hides: bool,
    /// One answer in so many is lost.
    pub(super) loses: Option<u64>,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut world =
            Self { blocks: BTreeMap::new(), branch: Vec::new(), last: 0, dice: Dice(seed) };
        world.extend(1);
        world
    }

    pub(super) fn head(&self) -> u64 {
        self.branch.len() as u64 - 1
    }

    pub(super) fn extend(&mut self, blocks: u64) {
        for _ in 0..blocks {
            let parent = self.branch.last().copied().unwrap_or_default();
            let block = made_block(parent, self.branch.len() as u64, &mut self.dice);
            self.branch.push(block.header.hash);
            self.blocks.insert(block.header.hash, block);
        }
    }

    /// Replaces so many blocks, never final ones, by others and one more.
    pub(super) fn reorganise(&mut self, depth: u64) {
        let depth = depth.min(self.head() - self.last as u64);
        self.branch.truncate(self.branch.len() - depth as usize);
        let longer = self.dice.below(2);
        self.extend(depth + longer);
    }

    pub(super) fn settle(&mut self, behind: u64) {
        let last = self.head().saturating_sub(behind) as usize;
        self.last = self.last.max(last);
    }

    pub(super) fn peer(&self) -> SimPeer {
        SimPeer {
            branch: self.branch.clone(),
            last: self.last,
            lies: false,
            hides: false,
            loses: None,
        }
    }

    pub(super) fn our_logs(&self, hash: B256) -> Vec<RawLog> {
        let logs = self.blocks[&hash].receipts.iter().flat_map(|receipt| receipt.logs.clone());
        logs.filter(|log| log.address == OURS).collect()
    }

    /// What a scan of the branch finds that began above height zero.
    pub(super) fn fresh_scan(&self) -> Vec<(B256, RawLog)> {
        let of_one = |hash: &B256| {
            let logs = self.our_logs(*hash).into_iter().filter(understood);
            logs.map(|log| (*hash, log)).collect::<Vec<_>>()
        };
        self.branch.iter().skip(1).flat_map(of_one).collect()
    }

    pub(super) fn answer(&mut self, peer: &SimPeer, question: Question) -> Result<Reply, Miss> {
        if peer.loses.is_some_and(|many| self.dice.one_in(many)) {
            return Err(Miss::NoAnswer);
        }
        let header = |hash: &B256| self.blocks.get(hash).map(|block| block.header.clone());
        let at = |height: u64| peer.branch.get(height as usize).and_then(header);
        let reply = match question {
            Question::Identity => Reply::Identity(CHAIN, vec![CODE]),
            Question::Heads => {
                let head = peer.branch.len() as u64 - 1;
                let safe = head.saturating_sub(2).max(peer.last as u64);
                Reply::Heads(Box::new([at(head), at(safe), at(peer.last as u64)]))
            }
            Question::HeaderAt(height) => Reply::Header(at(height).map(Box::new)),
            Question::HeaderOf(hash) if peer.hides => {
                let asked = self.blocks[&hash].header.clone();
                let sibling = made_block(asked.parent_hash, asked.number, &mut self.dice);
                let header = Box::new(sibling.header.clone());
                self.blocks.insert(header.hash, sibling);
                Reply::Header(Some(header))
            }
            Question::HeaderOf(hash) => Reply::Header(header(&hash).map(Box::new)),
            Question::Logs(hash) => Reply::Logs(self.our_logs(hash)),
            Question::Receipts(hash) => Reply::Receipts(self.blocks[&hash].receipts.clone()),
            Question::Range(first, last) if last - first > 3 && self.dice.one_in(3) => {
                return Err(Miss::TooMuch);
            }
            Question::Range(first, last) => {
                let heights = first..=last.min(peer.branch.len() as u64 - 1);
                let hashes = heights.map(|height| (height, peer.branch[height as usize]));
                let logs = |(height, hash)| {
                    let logs = self.our_logs(hash).into_iter();
                    logs.map(move |log| (hash, height, log)).collect::<Vec<_>>()
                };
                let hidden = if peer.hides { 2 } else { 0 };
                Reply::Range(hashes.flat_map(logs).skip(hidden).collect())
            }
        };
        Ok(if peer.lies { self.lie(reply) } else { reply })
    }

    fn lie(&mut self, mut reply: Reply) -> Reply {
        // It is right often enough to be listened to again.
        let how = self.dice.below(12);
        match &mut reply {
            Reply::Heads(heads) => {
                for header in heads.iter_mut().flatten() {
                    self.forge(header, how);
                }
            }
            Reply::Header(Some(header)) => self.forge(header, how),
            Reply::Logs(logs) => logs.clear(),
            Reply::Receipts(receipts) if how < 3 => receipts.clear(),
            Reply::Receipts(receipts) if how < 6 => {
                for receipt in receipts.iter_mut() {
                    receipt.logs.pop();
                    receipt.encoded = encoded(&receipt.logs);
                }
            }
            Reply::Range(logs) if how < 6 => logs.truncate(1),
            Reply::Range(_) | Reply::Receipts(_) | Reply::Header(None) | Reply::Identity(..) => {}
        }
        reply
    }

    /// A header that is sound and of a block that never was, or one whose hash is not its own.
    fn forge(&mut self, header: &mut Header, how: u64) {
        match how {
            0 => header.inner.extra_data = Bytes::from_static(b"not mine"),
            1 | 2 => {
                let higher = self.dice.below(3) * self.dice.below(20);
                let made = made_block(header.parent_hash, header.number + higher, &mut self.dice);
                *header = made.header.clone();
                self.blocks.entry(header.hash).or_insert(made);
            }
            _ => {}
        }
    }
}

/// Whether the reader of these tests can decode a log.
pub(super) fn understood(log: &RawLog) -> bool {
    log.topics.first() != Some(&STRANGE)
}

fn made_block(parent: B256, number: u64, dice: &mut Dice) -> SimBlock {
    let mut receipts = Vec::new();
    let mut index = 0;
    for _ in 0..dice.below(3) {
        let tx = B256::from(U256::from(dice.below(u64::MAX)));
        let mut logs = Vec::new();
        for _ in 0..dice.below(3) {
            let address = if dice.one_in(3) { FOREIGN } else { OURS };
            let topic = if dice.one_in(9) { STRANGE } else { B256::repeat_byte(1) };
            let data = Bytes::from(dice.below(1_000).to_be_bytes());
            logs.push(RawLog { address, topics: vec![topic], data, tx, index });
            index += 1;
        }
        receipts.push(BlockReceipt { tx, encoded: encoded(&logs), logs });
    }
    let parts: Vec<&[u8]> = receipts.iter().map(|it| it.encoded.as_slice()).collect();
    let plain =
        |log: &RawLog| PlainLog::new_unchecked(log.address, log.topics.clone(), log.data.clone());
    let plain: Vec<_> = receipts.iter().flat_map(|it| it.logs.iter().map(plain)).collect();
    let header = alloy::consensus::Header {
        parent_hash: parent,
        number,
        timestamp: 1_700_000_000 + number,
        receipts_root: ordered_trie_root_encoded(&parts),
        logs_bloom: logs_bloom(&plain),
        // Forks must differ even where they hold the same logs.
        extra_data: Bytes::from(dice.below(u64::MAX).to_be_bytes()),
        ..Default::default()
    };
    SimBlock { header: Header::new(header), receipts }
}

fn encoded(logs: &Vec<RawLog>) -> Vec<u8> {
    postcard::to_stdvec(logs).unwrap()
}
