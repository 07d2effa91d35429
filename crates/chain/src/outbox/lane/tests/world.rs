//! A chain to test against: blocks, a pool, prices, reorganisations, and endpoints that lag, lose
//! answers and forget.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{B256, U256, keccak256};

use super::super::super::answer::{SeenReceipt, SendAnswer, Sight, SignedTransaction, Trial};
use super::super::{IntentKey, Unsigned};
use crate::endpoint::SendClass;

pub(super) const CHAIN: u64 = 31_337;
/// Blocks that have to follow a final one.
pub(super) const FINALITY: usize = 6;

/// Reproducible chance (SplitMix64).
#[derive(Debug)]
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    pub(super) fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }
}

/// A transaction as the chain reads it.
#[derive(Clone, Debug)]
pub(super) struct Tx {
    pub(super) nonce: u64,
    pub(super) hash: B256,
    /// The wish that it fulfils; nothing for one that only uses up its nonce.
    pub(super) wish: Option<IntentKey>,
    cap: u128,
    tip: u128,
}

#[derive(Clone, Debug)]
struct Block {
    hash: B256,
    txs: Vec<(Tx, bool)>,
    /// Wishes that somebody else fulfilled here.
    others: Vec<IntentKey>,
}

#[derive(Debug)]
pub(super) struct World {
    blocks: Vec<Block>,
    pool: BTreeMap<u64, Tx>,
    pub(super) base_fee: u128,
    pub(super) balance: U256,
    forks: u64,
    /// The highest block that was ever final.
    last_final: usize,
    /// Wishes that the chain refuses in a trial.
    pub(super) hopeless: BTreeSet<IntentKey>,
    /// Wishes that somebody else is about to fulfil.
    pub(super) rivals: Vec<IntentKey>,
    /// One in so many transactions has no effect; zero for none.
    pub(super) failing: u64,
}

/// Turns a transaction into bytes that the world can read.
pub(super) fn sign(unsigned: &Unsigned) -> SignedTransaction {
    let price = (unsigned.max_fee_per_gas, unsigned.max_priority_fee_per_gas);
    let raw = postcard::to_allocvec(&(unsigned.nonce, &unsigned.data, price)).unwrap();
    SignedTransaction { tx: keccak256(&raw), raw: raw.into() }
}

fn read(raw: &[u8]) -> Tx {
    let (nonce, data, (cap, tip)): (u64, alloy_primitives::Bytes, (u128, u128)) =
        postcard::from_bytes(raw).unwrap();
    let wish = (!data.is_empty()).then(|| IntentKey::from(B256::from_slice(&data)));
    Tx { nonce, hash: keccak256(raw), wish, cap, tip }
}

impl World {
    pub(super) fn new() -> Self {
        let genesis = Block { hash: B256::ZERO, txs: vec![], others: vec![] };
        Self {
            blocks: vec![genesis],
            pool: BTreeMap::new(),
            base_fee: 50,
            balance: U256::from(u64::MAX),
            forks: 0,
            last_final: 0,
            hopeless: BTreeSet::new(),
            rivals: vec![],
            failing: 0,
        }
    }

    fn nonce_at(&self, height: usize) -> u64 {
        self.blocks.iter().take(height + 1).map(|block| block.txs.len() as u64).sum()
    }

    fn head(&self) -> usize {
        self.blocks.len() - 1
    }

    /// Lands of each wish in the whole chain.
    pub(super) fn effects(&self) -> BTreeMap<IntentKey, usize> {
        let mut effects = BTreeMap::new();
        for (tx, success) in self.blocks.iter().flat_map(|block| &block.txs) {
            if let (Some(wish), true) = (tx.wish, success) {
                *effects.entry(wish).or_default() += 1;
            }
        }
        effects
    }

    fn fulfilled_by_others(&self, wish: IntentKey, height: usize) -> bool {
        self.blocks.iter().take(height + 1).any(|block| block.others.contains(&wish))
    }

    pub(super) fn submit(&mut self, raw: &[u8]) -> SendAnswer {
        let tx = read(raw);
        let refused = |class| SendAnswer::Refused(class);
        if tx.nonce < self.nonce_at(self.head()) {
            return refused(SendClass::NonceTooLow);
        }
        if tx.cap < self.base_fee / 2 {
            return refused(SendClass::Underpriced);
        }
        if let Some(kept) = self.pool.get(&tx.nonce) {
            if kept.hash == tx.hash {
                return SendAnswer::Taken;
            }
            if tx.cap * 10 < kept.cap * 11 || tx.tip * 10 < kept.tip * 11 {
                return refused(SendClass::Underpriced);
            }
        }
        self.pool.insert(tx.nonce, tx);
        SendAnswer::Taken
    }

    pub(super) fn mine(&mut self, chance: &mut Chance) {
        let mut nonce = self.nonce_at(self.head());
        let mut txs = vec![];
        let others: Vec<IntentKey> = std::mem::take(&mut self.rivals);
        while let Some(tx) = self.pool.get(&nonce).filter(|tx| tx.cap >= self.base_fee).cloned() {
            if txs.len() == 3 {
                break;
            }
            self.pool.remove(&nonce);
            let late = tx.wish.is_some_and(|wish| {
                self.fulfilled_by_others(wish, self.head()) || others.contains(&wish)
            });
            let failed = self.failing > 0 && chance.one_in(self.failing);
            txs.push((tx, !late && !failed));
            nonce += 1;
        }
        let height = self.blocks.len() as u64;
        let hash = keccak256([height.to_be_bytes(), self.forks.to_be_bytes()].concat());
        self.blocks.push(Block { hash, txs, others });
        self.last_final = self.last_final.max(self.head().saturating_sub(FINALITY));
    }

    /// Drops the newest blocks, never a final one. Pools get back half of what was in them.
    pub(super) fn reorganise(&mut self, chance: &mut Chance) {
        self.forks += 1;
        let deepest = (self.head() - self.last_final) as u64;
        for _ in 0..chance.below(deepest + 1) {
            for (tx, _) in self.blocks.pop().unwrap().txs {
                if chance.one_in(2) {
                    self.pool.insert(tx.nonce, tx);
                }
            }
        }
    }

    pub(super) fn evict(&mut self, chance: &mut Chance) {
        self.pool.retain(|_, _| !chance.one_in(3));
    }

    /// The pool is gone, as after a restart of the endpoint.
    pub(super) fn forget_pool(&mut self) {
        self.pool.clear();
    }

    pub(super) fn pool_size(&self) -> usize {
        self.pool.len()
    }

    /// What an endpoint sees whose newest block is so many behind.
    pub(super) fn look(&self, nonces: &[(u64, Vec<B256>)], behind: usize) -> Sight {
        let head = self.head().saturating_sub(behind);
        let last_final = head.saturating_sub(FINALITY);
        let latest_nonce = self.nonce_at(head);
        let mut pending_nonce = latest_nonce;
        while self.pool.contains_key(&pending_nonce) {
            pending_nonce += 1;
        }
        let find = |(nonce, hashes): &(u64, Vec<B256>)| {
            let blocks = self.blocks.iter().enumerate().take(head + 1);
            let mut txs = blocks.flat_map(|(height, block)| {
                block.txs.iter().map(move |(tx, success)| (height, block.hash, tx.hash, *success))
            });
            let found = txs.find(|(_, _, tx, _)| hashes.contains(tx))?;
            let (height, block_hash, tx, success) = found;
            let (block, is_final) = (height as u64, height <= last_final);
            Some((*nonce, SeenReceipt { tx, block, block_hash, success, is_final }))
        };
        Sight {
            chain: CHAIN,
            head: head as u64,
            base_fee: self.base_fee,
            tip: 2,
            final_nonce: self.nonce_at(last_final),
            latest_nonce,
            pending_nonce,
            balance: self.balance,
            receipts: nonces.iter().filter_map(find).collect(),
            unread: BTreeSet::new(),
        }
    }

    pub(super) fn attempt(&self, wish: IntentKey) -> Trial {
        let last_final = self.head().saturating_sub(FINALITY);
        if self.fulfilled_by_others(wish, self.head()) {
            return Trial::GuardDone { is_final: self.fulfilled_by_others(wish, last_final) };
        }
        if self.hopeless.contains(&wish) {
            return Trial::Refused("JobManagerTooLate".to_owned());
        }
        Trial::Gas(50_000)
    }

    /// Somebody else uses the account.
    pub(super) fn foreign(&mut self) {
        let nonce = self.nonce_at(self.head());
        let hash = keccak256(nonce.to_be_bytes());
        self.pool.insert(nonce, Tx { nonce, hash, wish: None, cap: u128::MAX / 100, tip: 0 });
    }
}
