//! A block: header, what was done in it, and the state after it.

use std::sync::Arc;

use alloy::consensus::{Header, Receipt, ReceiptEnvelope};
use alloy::eips::Encodable2718;
use alloy::eips::eip1559::BaseFeeParams;
use alloy::trie::root::ordered_trie_root_encoded;
use alloy_primitives::{B256, Log};
use tallystick_chain::endpoint::{BlockReceipt, Header as SealedHeader, RawLog};

use super::evm::Outcome;
use super::state::State;
use super::transaction::Signed;

/// A block.
#[derive(Clone, Debug)]
pub struct Block {
    /// Its header with its hash.
    pub header: SealedHeader,
    /// Its transactions in order.
    pub transactions: Vec<Mined>,
    /// Their receipts.
    pub receipts: Arc<[BlockReceipt]>,
    pub(super) state: State,
}

/// What one transaction did.
#[derive(Clone, Debug)]
pub struct Mined {
    /// The transaction.
    pub tx: Arc<Signed>,
    /// What came of it.
    pub outcome: Outcome,
    /// Gas that it used.
    pub gas_used: u64,
    /// Wei paid for each unit of gas.
    pub gas_price: u128,
}

/// What a block is made of before it has a hash.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) header: Header,
    pub(super) mined: Vec<Mined>,
    receipts: Vec<BlockReceipt>,
    logs: u64,
}

impl Block {
    /// Its hash.
    pub const fn hash(&self) -> B256 {
        self.header.hash
    }

    /// Its height.
    pub const fn number(&self) -> u64 {
        self.header.inner.number
    }

    /// The time it states, in seconds since 1970.
    pub const fn time(&self) -> u64 {
        self.header.inner.timestamp
    }

    /// Base fee of the block after it by EIP-1559, in wei per unit of gas.
    pub fn next_base_fee(&self) -> u64 {
        self.header.inner.next_block_base_fee(BaseFeeParams::ethereum()).unwrap_or_default()
    }
}

impl Draft {
    pub(super) fn new(header: Header) -> Self {
        Self { header, ..Self::default() }
    }

    pub(super) const fn gas_left(&self) -> u64 {
        self.header.gas_limit.saturating_sub(self.header.gas_used)
    }

    pub(super) fn add(&mut self, mined: Mined, logs: Vec<Log>) {
        self.header.gas_used = self.header.gas_used.saturating_add(mined.gas_used);
        let receipt = Receipt {
            status: mined.outcome.is_done().into(),
            cumulative_gas_used: self.header.gas_used,
            logs,
        };
        let receipt = receipt.with_bloom();
        self.header.logs_bloom |= receipt.logs_bloom;
        let raw = (self.logs..).zip(receipt.receipt.logs.iter());
        let tx = mined.tx.hash;
        let raw: Vec<RawLog> = raw.map(|(index, log)| raw_log(log, tx, index)).collect();
        self.logs = raw.last().map_or(self.logs, |last| last.index.saturating_add(1));
        let envelope = ReceiptEnvelope::from_typed(mined.tx.kind(), receipt);
        self.receipts.push(BlockReceipt { tx, encoded: envelope.encoded_2718(), logs: raw });
        self.mined.push(mined);
    }

    /// Puts the roots in and seals it. The state root stands for the state, and is no trie's:
    /// nobody here proves anything about accounts.
    pub(super) fn seal(mut self, mut state: State) -> Block {
        let encoded: Vec<&[u8]> = self.receipts.iter().map(|it| it.encoded.as_slice()).collect();
        self.header.receipts_root = ordered_trie_root_encoded(&encoded);
        let raw: Vec<&[u8]> = self.mined.iter().map(|mined| mined.tx.raw.as_ref()).collect();
        self.header.transactions_root = ordered_trie_root_encoded(&raw);
        self.header.state_root = state.digest();
        let header = SealedHeader::new(self.header);
        state.seal(header.hash);
        Block { header, transactions: self.mined, receipts: self.receipts.into(), state }
    }
}

fn raw_log(log: &Log, tx: B256, index: u64) -> RawLog {
    RawLog {
        address: log.address,
        topics: log.topics().to_vec(),
        data: log.data.data.clone(),
        tx,
        index,
    }
}
