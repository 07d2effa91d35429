//! One endpoint of a chain: what it says to those who follow the chain and to those who send, and
//! how it goes wrong. There may be many for one chain, each with faults of its own.

mod fault;
mod following;
mod sending;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy::consensus::Header;
use alloy_primitives::{Address, B256, Bytes};
use tallystick_chain::endpoint::Header as SealedHeader;
use tallystick_chain::ingest::Finality;

pub use fault::{ALWAYS, Fault};
pub use sending::Asked;

use super::{Block, Chain};
use fault::Faults;

/// One endpoint.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The contracts whose logs and code hashes are asked for, in the order of the question.
    contracts: Vec<Address>,
    finality: Finality,
    faults: Faults,
    lag: u64,
    /// The newest block when it stopped to look, and the height of the last final one.
    stale: Option<(B256, u64)>,
}

/// What an endpoint speaks of in one answer.
struct View {
    head: Arc<Block>,
    safe: u64,
    last: u64,
    /// A block above the head that nobody made.
    tip: Option<SealedHeader>,
}

impl Endpoint {
    /// An endpoint without faults. Which answers a fault spoils follows from the seed.
    pub const fn new(contracts: Vec<Address>, finality: Finality, seed: u64) -> Self {
        Self { contracts, finality, faults: Faults::new(seed), lag: 0, stale: None }
    }

    /// Lets so many millionths of the answers that a fault can spoil be spoiled; zero ends it.
    pub fn set(&mut self, fault: Fault, share_ppm: u32) {
        self.faults.set(fault, share_ppm);
        if fault == Fault::StaleHead && share_ppm == 0 {
            self.stale = None;
        }
    }

    /// Sets how many blocks it is behind when `LaggingHead` strikes.
    pub const fn set_lag(&mut self, blocks: u64) {
        self.lag = blocks;
    }

    /// Ends all faults.
    pub fn heal(&mut self) {
        Fault::ALL.into_iter().for_each(|fault| self.set(fault, 0));
    }

    /// How many answers each fault spoiled.
    pub const fn census(&self) -> &BTreeMap<Fault, u64> {
        &self.faults.census
    }

    /// Whether an answer is lost on the way or refused without a look at the question.
    fn is_mute(&mut self) -> bool {
        self.faults.hits(Fault::NoAnswer) || self.faults.hits(Fault::TooManyRequests)
    }

    fn view(&mut self, chain: &Chain) -> View {
        let newest = chain.head();
        let (mut head, mut last) = (Arc::clone(newest), chain.final_number());
        if self.faults.strikes(Fault::Flapping)
            && let Some(abandoned) = chain.abandoned().last()
        {
            self.faults.count(Fault::Flapping);
            (head, last) = (Arc::clone(&abandoned.head), abandoned.last);
        }
        if self.faults.strikes(Fault::StaleHead) {
            let (hash, settled) = *self.stale.get_or_insert((newest.hash(), last));
            if let Some(block) = chain.block(hash).filter(|_| hash != newest.hash()) {
                self.faults.count(Fault::StaleHead);
                (head, last) = (Arc::clone(block), settled);
            }
        }
        if self.lag > 0 && self.faults.strikes(Fault::LaggingHead) {
            let below = head.number().saturating_sub(self.lag);
            if let Some(block) = chain.block_at(&head, below) {
                self.faults.count(Fault::LaggingHead);
                head = Arc::clone(block);
                last = last.min(below.saturating_sub(chain.settings().final_lag));
            }
        }
        let mut safe = head.number().saturating_sub(chain.settings().safe_lag).max(last);
        let mut tip = None;
        if self.faults.hits(Fault::LyingTip) {
            tip = Some(invented(&head));
            (safe, last) = (head.number(), head.number());
        }
        View { head, safe, last, tip }
    }
}

impl View {
    /// A block that the endpoint knows by its hash: blocks of abandoned branches too, but none
    /// above its head.
    fn block<'a>(&self, chain: &'a Chain, hash: B256) -> Option<&'a Arc<Block>> {
        chain.block(hash).filter(|block| block.number() <= self.head.number())
    }

    fn header_at(&self, chain: &Chain, number: u64) -> Option<SealedHeader> {
        if let Some(tip) = self.tip.as_ref().filter(|tip| tip.number == number) {
            return Some(tip.clone());
        }
        chain.block_at(&self.head, number).map(|block| block.header.clone())
    }

    /// The newest final block, as askers count it.
    fn last_final(&self, finality: Finality) -> Option<u64> {
        match finality {
            Finality::Depth { last, .. } => self.number().checked_sub(last),
            Finality::Tags => Some(self.last),
        }
    }

    fn number(&self) -> u64 {
        self.tip.as_ref().map_or(self.head.number(), |tip| tip.number)
    }
}

/// A child of a block that nobody made. Its hash is that of its fields, so that only others who do
/// not have it disprove it.
fn invented(parent: &Block) -> SealedHeader {
    SealedHeader::new(Header {
        parent_hash: parent.hash(),
        number: parent.number().saturating_add(1),
        timestamp: parent.time().saturating_add(1),
        gas_limit: parent.header.gas_limit,
        base_fee_per_gas: Some(parent.next_base_fee()),
        extra_data: Bytes::from_static(b"nobody made this"),
        ..super::mining::post_merge()
    })
}
