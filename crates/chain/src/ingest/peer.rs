//! An endpoint as the machine sees it: what it is asked, what it says, how far it is trusted.

use alloy_primitives::B256;
use tallystick_types::{ChainId, WallTime};

use super::RawLog;
use crate::endpoint::{BlockReceipt, Header};

/// What a lie weighs in failed answers.
const LIE: u32 = 100;

/// How long an endpoint is left alone after one failed answer; each further one doubles it.
const PAUSE_MS: u64 = 250;

/// How often that doubles at most: up to half a minute. An endpoint that swallows questions would
/// otherwise hold up every round until the time limit of its calls.
const DOUBLINGS: u32 = 7;

/// What one endpoint is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// The chain's number and the code hashes of the contracts.
    Identity,
    /// The newest block, and the tags where the chain has them.
    Heads,
    /// The header at a height.
    HeaderAt(u64),
    /// The header with a hash.
    HeaderOf(B256),
    /// Our logs in a block.
    Logs(B256),
    /// All receipts of a block.
    Receipts(B256),
    /// Our logs from one height to another, both included.
    Range(u64, u64),
}

/// What one endpoint says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// To `Identity`: the chain, and the code hashes in the order of the contracts.
    Identity(ChainId, Vec<B256>),
    /// To `Heads`: the newest, the safe and the final block.
    Heads(Box<[Option<Header>; 3]>),
    /// To `HeaderAt` and `HeaderOf`.
    Header(Option<Box<Header>>),
    /// To `Logs`.
    Logs(Vec<RawLog>),
    /// To `Receipts`.
    Receipts(Vec<BlockReceipt>),
    /// To `Range`: each log with hash and height of its block.
    Range(Vec<(B256, u64, RawLog)>),
}

/// No answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Miss {
    /// For whatever reason.
    NoAnswer,
    /// A smaller range might be answered.
    TooMuch,
}

/// Whether an endpoint belongs to the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Not known yet.
    Unknown,
    /// It has the chain and the contracts.
    Fit,
    /// It has another chain, or other contracts.
    Foreign,
}

/// What can be said about an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerStatus {
    /// Whether it belongs to the chain.
    pub standing: Standing,
    /// The highest block it stated last.
    pub head: Option<u64>,
    /// Failed answers, of which good ones take one away each. A lie counts as a hundred. The
    /// endpoint with the fewest is asked first.
    pub strikes: u32,
    /// How often something it said was proved wrong.
    pub lies: u32,
    /// The final block it stated last.
    pub last: Option<u64>,
    /// Failed answers since the last good one.
    misses: u32,
    /// It is not asked before.
    due: WallTime,
}

impl PeerStatus {
    pub(super) const NEW: Self = Self {
        standing: Standing::Unknown,
        head: None,
        strikes: 0,
        lies: 0,
        last: None,
        misses: 0,
        due: WallTime::new(0),
    };

    pub(super) fn is_due(&self, now: WallTime) -> bool {
        now >= self.due
    }

    pub(super) const fn answered(&mut self) {
        self.strikes = self.strikes.saturating_sub(1);
        self.misses = 0;
    }

    pub(super) fn missed(&mut self, now: WallTime) {
        self.strikes = self.strikes.saturating_add(1);
        let pause = PAUSE_MS << self.misses.min(DOUBLINGS);
        self.due = WallTime::new(now.get().saturating_add(pause));
        self.misses = self.misses.saturating_add(1);
    }

    /// Puts off the next question for as long as to an endpoint that never answers.
    pub(super) fn leave_alone(&mut self, now: WallTime) {
        self.misses = DOUBLINGS;
        self.missed(now);
    }

    pub(super) const fn lied(&mut self) {
        self.strikes = self.strikes.saturating_add(LIE);
        self.lies = self.lies.saturating_add(1);
    }
}
