//! What an endpoint says to those who follow the chain.

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bloom};
use tallystick_chain::endpoint::{BlockReceipt, Header, RawLog};
use tallystick_chain::ingest::{Finality, Miss, Question, Reply};
use tallystick_types::ChainId;

use super::{Endpoint, Fault, View};
use crate::chain::{Block, Chain};

/// How far down another block is looked for whose logs can be passed off as those of this one.
const FURTHEST: u64 = 64;

impl Endpoint {
    /// Answers a question of ingest.
    pub fn answer(&mut self, chain: &Chain, question: Question) -> Result<Reply, Miss> {
        if self.is_mute() {
            return Err(Miss::NoAnswer);
        }
        let view = self.view(chain);
        match question {
            Question::Identity => {
                let hash = |address: &Address| chain.code_hash(&view.head, *address);
                let codes = self.contracts.iter().map(hash).collect();
                Ok(Reply::Identity(ChainId::new(chain.id()), codes))
            }
            Question::Heads => Ok(self.heads(chain, &view)),
            Question::HeaderAt(number) => {
                let header = view.header_at(chain, number);
                Ok(Reply::Header(header.map(|header| Box::new(self.stated(header)))))
            }
            Question::HeaderOf(hash) => {
                let tip = view.tip.as_ref().filter(|tip| tip.hash == hash);
                let header = tip.or_else(|| view.block(chain, hash).map(|block| &block.header));
                Ok(Reply::Header(header.map(|header| Box::new(self.stated(header.clone())))))
            }
            Question::Logs(hash) => self.logs(chain, &view, hash).map(Reply::Logs),
            Question::Receipts(hash) => self.receipts(chain, &view, hash).map(Reply::Receipts),
            Question::Range(first, last) => self.range(chain, &view, first, last),
        }
    }

    fn heads(&mut self, chain: &Chain, view: &View) -> Reply {
        let latest = view.tip.clone().unwrap_or_else(|| view.head.header.clone());
        let tagged = |number| match self.finality {
            Finality::Tags => view.header_at(chain, number),
            Finality::Depth { .. } => None,
        };
        let (safe, last) = (tagged(view.safe), tagged(view.last));
        Reply::Heads(Box::new([Some(self.stated(latest)), safe, last]))
    }

    /// A header as it is stated: with its own hash, and perhaps without its own fields.
    fn stated(&mut self, mut header: Header) -> Header {
        if self.faults.hits(Fault::ForgedHeader) {
            header.inner.receipts_root = alloy::consensus::EMPTY_ROOT_HASH;
            header.inner.logs_bloom = Bloom::ZERO;
            header.inner.timestamp = header.inner.timestamp.saturating_add(1);
        }
        header
    }

    fn logs(&mut self, chain: &Chain, view: &View, hash: B256) -> Result<Vec<RawLog>, Miss> {
        if view.tip.as_ref().is_some_and(|tip| tip.hash == hash) {
            return Ok(Vec::new());
        }
        let block = view.block(chain, hash).ok_or(Miss::NoAnswer)?;
        let logs = self.ours(block);
        if self.faults.strikes(Fault::ForeignLogs)
            && let Some(other) = self.another(chain, block)
        {
            self.faults.count(Fault::ForeignLogs);
            return Ok(self.ours(&other));
        }
        Ok(self.spoiled(logs))
    }

    fn receipts(
        &mut self,
        chain: &Chain,
        view: &View,
        hash: B256,
    ) -> Result<Vec<BlockReceipt>, Miss> {
        if view.tip.as_ref().is_some_and(|tip| tip.hash == hash) {
            return Ok(Vec::new());
        }
        let block = view.block(chain, hash).ok_or(Miss::NoAnswer)?;
        if self.faults.hits(Fault::NullReceipt) {
            return Err(Miss::NoAnswer);
        }
        if self.faults.strikes(Fault::ForeignLogs)
            && let Some(other) = self.another(chain, block)
        {
            self.faults.count(Fault::ForeignLogs);
            return Ok(other.receipts.to_vec());
        }
        let mut receipts = block.receipts.to_vec();
        if !receipts.is_empty() && self.faults.hits(Fault::EmptyLogs) {
            receipts.clear();
        }
        if !receipts.is_empty() && self.faults.hits(Fault::MissingLogs) {
            receipts.pop();
        }
        Ok(receipts)
    }

    fn range(&mut self, chain: &Chain, view: &View, first: u64, last: u64) -> Result<Reply, Miss> {
        if last > first && self.faults.hits(Fault::TooMuch) {
            return Err(Miss::TooMuch);
        }
        let heights = first..=last.min(view.head.number());
        let blocks = heights.filter_map(|height| chain.block_at(&view.head, height));
        let logs = blocks.flat_map(|block| {
            let place = (block.hash(), block.number());
            self.ours(block).into_iter().map(move |log| (place.0, place.1, log))
        });
        let logs: Vec<(B256, u64, RawLog)> = logs.collect();
        Ok(Reply::Range(self.spoiled(logs)))
    }

    /// Logs of which some may be missing.
    fn spoiled<T>(&mut self, mut logs: Vec<T>) -> Vec<T> {
        if !logs.is_empty() && self.faults.hits(Fault::EmptyLogs) {
            logs.clear();
        }
        if !logs.is_empty() && self.faults.hits(Fault::MissingLogs) {
            logs.remove(0);
        }
        logs
    }

    /// What the contracts logged in a block.
    fn ours(&self, block: &Block) -> Vec<RawLog> {
        let logs = block.receipts.iter().flat_map(|receipt| &receipt.logs);
        logs.filter(|log| self.contracts.contains(&log.address)).cloned().collect()
    }

    /// An older block with logs of the contracts, and other ones.
    fn another(&self, chain: &Chain, block: &Block) -> Option<Arc<Block>> {
        let lowest = block.number().saturating_sub(FURTHEST);
        let older = (lowest..block.number()).rev();
        let mut older = older.filter_map(|height| chain.block_at(block, height));
        older.find(|other| !self.ours(other).is_empty()).cloned()
    }
}
