//! Which of the waiting transactions a block takes, and in which order.

use alloy_primitives::B256;

/// A millionth is the unit of shares.
const WHOLE: u64 = 1_000_000;

/// What a miner does with what waits. The same choice over the same pool takes the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// What is left out and how the rest is shuffled follow from this and the hashes alone.
    pub seed: u64,
    /// Millionths of the waiting transactions that are left out, with those of the same account
    /// that follow.
    pub left_out_ppm: u32,
    /// Whether the order is any that the nonces allow, instead of that of the market.
    pub shuffled: bool,
    /// Most transactions that it takes, if there is such a limit.
    pub most: Option<usize>,
}

impl Choice {
    /// Takes everything that the market would.
    pub const ALL: Self = Self { seed: 0, left_out_ppm: 0, shuffled: false, most: None };

    /// Takes nothing.
    pub const NONE: Self = Self { most: Some(0), ..Self::ALL };

    /// Leaves out some and shuffles the rest.
    pub const fn wild(seed: u64, left_out_ppm: u32) -> Self {
        Self { seed, left_out_ppm, shuffled: true, most: None }
    }

    pub(super) fn leaves_out(&self, tx: B256) -> bool {
        falls(self.seed, tx, self.left_out_ppm)
    }

    /// Its place in the shuffled order, the highest first.
    pub(super) fn score(&self, tx: B256) -> Option<u128> {
        self.shuffled.then(|| mixed(self.seed.wrapping_add(1), tx).into())
    }
}

/// Whether a thing is among so many millionths of all things, as a seed decides.
pub(super) fn falls(seed: u64, thing: B256, share_ppm: u32) -> bool {
    mixed(seed, thing) % WHOLE < u64::from(share_ppm)
}

fn mixed(seed: u64, thing: B256) -> u64 {
    let (first, _) = thing.split_first_chunk().expect("a hash has 32 bytes");
    let mut word = u64::from_le_bytes(*first) ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}
