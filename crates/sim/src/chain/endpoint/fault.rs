//! What an endpoint can do wrong, and how often it did.

use std::collections::BTreeMap;

use alloy_primitives::{B256, U256};

use crate::chain::choice::falls;

/// One way in which an endpoint goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// It speaks of a block below the newest one.
    LaggingHead,
    /// It speaks of the head of the branch that was abandoned last.
    Flapping,
    /// It speaks of the block that was newest when this began, and of nothing that came later.
    StaleHead,
    /// It states a block above its head that nobody made, and that its head is final.
    LyingTip,
    /// It states a header with other fields than those that its hash is made of.
    ForgedHeader,
    /// It states that nothing was logged.
    EmptyLogs,
    /// It leaves out one log.
    MissingLogs,
    /// It states what an older block has: logs as if they were of this block, or its receipts.
    ForeignLogs,
    /// It states that there is no receipt.
    NullReceipt,
    /// It does not answer.
    NoAnswer,
    /// It says that it is asked too often.
    TooManyRequests,
    /// It says that the range is too wide.
    TooMuch,
    /// It says that it took a transaction, and forgets it.
    DroppedSend,
    /// It takes a transaction, and its answer is lost.
    LostAnswer,
}

/// Always, in millionths.
pub const ALWAYS: u32 = 1_000_000;

/// Which faults an endpoint has, and what became of that.
#[derive(Clone, Debug)]
pub(super) struct Faults {
    seed: u64,
    rolls: u64,
    shares: BTreeMap<Fault, u32>,
    pub(super) census: BTreeMap<Fault, u64>,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::LaggingHead,
        Self::Flapping,
        Self::StaleHead,
        Self::LyingTip,
        Self::ForgedHeader,
        Self::EmptyLogs,
        Self::MissingLogs,
        Self::ForeignLogs,
        Self::NullReceipt,
        Self::NoAnswer,
        Self::TooManyRequests,
        Self::TooMuch,
        Self::DroppedSend,
        Self::LostAnswer,
    ];
}

impl Faults {
    pub(super) const fn new(seed: u64) -> Self {
        Self { seed, rolls: 0, shares: BTreeMap::new(), census: BTreeMap::new() }
    }

    pub(super) fn set(&mut self, fault: Fault, share_ppm: u32) {
        if share_ppm == 0 {
            self.shares.remove(&fault);
        } else {
            self.shares.insert(fault, share_ppm);
        }
    }

    /// Whether a fault is to be tried now. Call [`Self::count`] where it showed.
    pub(super) fn strikes(&mut self, fault: Fault) -> bool {
        let Some(share) = self.shares.get(&fault).copied() else { return false };
        self.rolls = self.rolls.wrapping_add(1);
        falls(self.seed, B256::from(U256::from(self.rolls).reverse_bits()), share)
    }

    pub(super) fn count(&mut self, fault: Fault) {
        let count = self.census.entry(fault).or_default();
        *count = count.saturating_add(1);
    }

    /// Tries a fault that shows wherever it is tried.
    pub(super) fn hits(&mut self, fault: Fault) -> bool {
        let hit = self.strikes(fault);
        if hit {
            self.count(fault);
        }
        hit
    }
}
