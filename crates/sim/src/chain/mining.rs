//! New blocks, and branches that take the place of others.

use std::sync::Arc;

use alloy::consensus::Header;
use alloy_primitives::{Address, B256, Bytes, keccak256};
use revm::context::ContextTr;
use revm::{DatabaseCommit, ExecuteEvm};

use super::block::{Block, Draft, Mined};
use super::choice::{Choice, falls};
use super::evm::{Evm, Outcome, Surroundings};
use super::state::State;
use super::transaction::Signed;
use super::{Abandoned, Chain};

/// Who gets the tips.
const MINER: Address = Address::repeat_byte(0x77);

/// A branch that takes the place of the newest blocks.
#[derive(Clone, Debug)]
pub struct Branch {
    /// How many blocks it takes the place of.
    pub depth: u64,
    /// Its blocks: the time in seconds since 1970, and what each takes from the pool.
    pub blocks: Vec<(u64, Choice)>,
    /// What becomes of the transactions of the old blocks.
    pub returned: Returned,
    /// Whether final blocks may be replaced: the one thing that chains promise not to do.
    pub breaks_finality: bool,
}

/// Which transactions of abandoned blocks wait for a block again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returned {
    /// All for which the pool still has a place.
    All,
    /// None.
    None,
    /// All but so many millionths, as the seed decides.
    Some {
        /// Decides which.
        seed: u64,
        /// Millionths that are lost.
        lost_ppm: u32,
    },
}

/// Why a branch cannot take the place of the newest blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReorganiseError {
    /// It would replace a final block.
    #[error("a branch from block {fork} would replace block {last}, which is final; allow it to")]
    Final {
        /// Height of the block below the branch.
        fork: u64,
        /// Height of the last final block.
        last: u64,
    },
    /// There are not so many blocks.
    #[error("{depth} blocks cannot be replaced, the head is block {head}; replace fewer")]
    TooDeep {
        /// How many were to be replaced.
        depth: u64,
        /// Height of the newest block.
        head: u64,
    },
}

impl Chain {
    /// Adds a block. `now` is its time in seconds since 1970; a block is at least a second younger
    /// than its parent.
    pub fn mine(&mut self, now: u64, choice: &Choice) -> Arc<Block> {
        let salt = u64::try_from(self.abandoned.len()).unwrap_or(u64::MAX);
        let parent = &self.head;
        let number = parent.number().saturating_add(1);
        let mut draft = Draft::new(Header {
            parent_hash: parent.hash(),
            beneficiary: MINER,
            number,
            timestamp: now.max(parent.time().saturating_add(1)),
            gas_limit: self.settings.gas_limit,
            base_fee_per_gas: Some(self.base_fee()),
            mix_hash: keccak256([parent.hash().as_slice(), &salt.to_be_bytes()].concat()),
            // Branches differ even where they state the same times and transactions.
            extra_data: Bytes::from(salt.to_be_bytes().to_vec()),
            ..post_merge()
        });
        let state = self.fill(&mut draft, choice);
        let block = Arc::new(draft.seal(state));
        for mined in &block.transactions {
            self.places.entry(mined.tx.hash).or_default().push(block.hash());
        }
        self.next_base_fee = None;
        self.blocks.insert(block.hash(), Arc::clone(&block));
        self.pool.forget_used(&block.state);
        self.set_head(Arc::clone(&block));
        block
    }

    /// Runs what the choice takes; the state after that.
    fn fill(&self, draft: &mut Draft, choice: &Choice) -> State {
        let surroundings = Surroundings::of(&draft.header, self.id);
        let mut queue = self.pool.queue(&self.head.state, surroundings.base_fee, choice);
        let mut evm = surroundings.evm(self.head.state.clone());
        while choice.most.is_none_or(|most| draft.mined.len() < most) {
            let Some(tx) = queue.pop() else { break };
            if tx.gas > draft.gas_left() {
                continue;
            }
            if run(&mut evm, draft, &tx) {
                queue.line_up(tx.from, tx.nonce.saturating_add(1));
            }
        }
        evm.ctx.journaled_state.database
    }

    /// Replaces the newest blocks by a branch; the block below it.
    pub fn reorganise(&mut self, branch: &Branch) -> Result<Arc<Block>, ReorganiseError> {
        let (depth, head) = (branch.depth, self.head.number());
        let fork = head.checked_sub(depth).ok_or(ReorganiseError::TooDeep { depth, head })?;
        if fork < self.last && !branch.breaks_finality {
            return Err(ReorganiseError::Final { fork, last: self.last });
        }
        let old = Arc::clone(&self.head);
        let fork = self.block_at(&old, fork).cloned();
        let fork = fork.ok_or(ReorganiseError::TooDeep { depth, head })?;
        self.abandoned.push(Abandoned { head: Arc::clone(&old), last: self.last });
        self.last = self.last.min(fork.number());
        self.head = Arc::clone(&fork);
        self.give_back(&old, fork.number(), branch.returned);
        for (time, choice) in &branch.blocks {
            self.mine(*time, choice);
        }
        Ok(fork)
    }

    /// Lets the transactions of the blocks above a height wait again.
    fn give_back(&mut self, old: &Block, fork: u64, returned: Returned) {
        let heights = fork.saturating_add(1)..=old.number();
        let blocks = heights.filter_map(|height| self.block_at(old, height).cloned());
        let blocks: Vec<Arc<Block>> = blocks.collect();
        for mined in blocks.iter().flat_map(|block| &block.transactions) {
            let kept = match returned {
                Returned::All => true,
                Returned::None => false,
                Returned::Some { seed, lost_ppm } => !falls(seed, mined.tx.hash, lost_ppm),
            };
            if kept {
                // Where another one waits in its place, the pool keeps that.
                let _ = self.submit(&mined.tx);
            }
        }
    }

    fn set_head(&mut self, head: Arc<Block>) {
        self.last = self.last.max(head.number().saturating_sub(self.settings.final_lag));
        self.head = head;
    }
}

impl Surroundings {
    /// Those of the block with a header.
    pub(super) fn of(header: &Header, chain: u64) -> Self {
        Self {
            chain,
            number: header.number,
            time: header.timestamp,
            base_fee: header.base_fee_per_gas.unwrap_or_default(),
            gas_limit: header.gas_limit,
            coinbase: header.beneficiary,
            randomness: header.mix_hash,
        }
    }
}

/// Fields that have had one value since Ethereum's proof of stake.
pub(super) fn post_merge() -> Header {
    Header {
        withdrawals_root: Some(alloy::consensus::EMPTY_ROOT_HASH),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(B256::ZERO),
        requests_hash: Some(alloy::eips::eip7685::EMPTY_REQUESTS_HASH),
        ..Header::default()
    }
}

/// Runs one transaction; false where it cannot be in this block.
fn run(evm: &mut Evm, draft: &mut Draft, tx: &Arc<Signed>) -> bool {
    let Ok(done) = evm.transact(tx.environment()) else { return false };
    evm.ctx.db_mut().commit(done.state);
    let base_fee = u128::from(draft.header.base_fee_per_gas.unwrap_or_default());
    let mined = Mined {
        tx: Arc::clone(tx),
        outcome: Outcome::of(&done.result),
        gas_used: done.result.tx_gas_used(),
        gas_price: base_fee.saturating_add(tx.tip_at(base_fee).unwrap_or_default()),
    };
    draft.add(mined, done.result.into_logs());
    true
}
