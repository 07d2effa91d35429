//! The benchmark of admission: what a machine computes to show what it can do.
//!
//! A round multiplies two matrices of 64 by 64 words of 64 bits, modulo 2^64, and mixes the
//! product with fresh words, so that no round can be left out or joined with another. The words
//! come from SHA-256 over the coordinator's seed; whoever knows seed and rounds recomputes the
//! checksum. One round is one **work unit**: 2^18 multiplications with addition.

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

#[cfg(test)]
mod tests;

const SIDE: usize = 64;
const WORDS: usize = 4_096;

/// The most rounds that are asked for: a minute or two of a slow machine.
pub const MOST_ROUNDS: u64 = 1 << 16;

/// What the machine did, and what was seen of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// What the machine computed.
    pub checksum: B256,
    /// Work that it says it did, in work units.
    pub work_units: u64,
    /// How long it says that it took, in milliseconds.
    pub stated_ms: u64,
    /// How long the coordinator waited for it, in milliseconds; bounds what can be made up.
    pub observed_ms: u64,
    /// The largest block of memory that the machine says it could fill, in bytes.
    pub memory_bytes: u64,
}

/// What was asked, and the least that is admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demand {
    /// The seed that the machine got.
    pub seed: B256,
    /// The rounds that it was asked for.
    pub rounds: u64,
    /// Least speed, in work units per second.
    pub speed: u64,
    /// Least memory, in bytes.
    pub memory_bytes: u64,
}

/// What the benchmark made of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Low end: lite tasks only.
    One,
    /// At least 1,000 work units a second and 1 GiB.
    Two,
    /// At least 4,000 work units a second and 4 GiB.
    Three,
}

/// Why a machine is not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Rejection {
    /// Another amount of work than was asked for.
    #[error("{done} work units were done, {asked} were asked for")]
    OtherWork {
        /// What was asked for.
        asked: u64,
        /// What was done.
        done: u64,
    },
    /// The checksum is not that of the work.
    #[error("the checksum is not the one that the work leads to; run the benchmark unchanged")]
    WrongChecksum,
    /// Too slow.
    #[error("the machine does {actual} work units a second, at least {least} are needed")]
    TooSlow {
        /// The least.
        least: u64,
        /// What it does.
        actual: u64,
    },
    /// Too little memory.
    #[error("the machine could fill {actual} bytes of memory, at least {least} are needed")]
    TooLittleMemory {
        /// The least.
        least: u64,
        /// What it has.
        actual: u64,
    },
}

impl Tier {
    /// 1, 2 or 3.
    pub const fn number(self) -> u8 {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Three => 3,
        }
    }

    /// The tier of a measured machine.
    pub const fn of(speed: u64, memory_bytes: u64) -> Self {
        const GIB: u64 = 1 << 30;
        if speed >= 4_000 && memory_bytes >= 4 * GIB {
            Self::Three
        } else if speed >= 1_000 && memory_bytes >= GIB {
            Self::Two
        } else {
            Self::One
        }
    }
}

impl Measured {
    /// Work units per second, by the longer of the two times.
    pub fn speed(&self) -> u64 {
        let longer = self.stated_ms.max(self.observed_ms).max(1);
        self.work_units.saturating_mul(1_000).checked_div(longer).unwrap_or(0)
    }
}

/// Computes the checksum: SHA-256 over `TALLYADM`, the seed, the rounds as 8 bytes and the last
/// matrix row by row, 8 bytes a word; numbers big-endian.
pub fn checksum(seed: B256, rounds: u64) -> B256 {
    let mut state = matrix(seed, 0);
    for round in 1..=rounds {
        let fresh = matrix(seed, round);
        state = mixed(&multiplied(&state, &fresh), &fresh);
    }
    let mut hasher = Sha256::new();
    hasher.update(b"TALLYADM");
    hasher.update(seed);
    hasher.update(rounds.to_be_bytes());
    for word in state {
        hasher.update(word.to_be_bytes());
    }
    B256::new(hasher.finalize().into())
}

/// Judges a machine. Recomputes the checksum only where everything else is good.
pub fn judge(measured: &Measured, demand: &Demand) -> Result<Tier, Rejection> {
    let (asked, done) = (demand.rounds, measured.work_units);
    if asked != done {
        return Err(Rejection::OtherWork { asked, done });
    }
    let (least, actual) = (demand.memory_bytes, measured.memory_bytes);
    if actual < least {
        return Err(Rejection::TooLittleMemory { least, actual });
    }
    let (least, actual) = (demand.speed, measured.speed());
    if actual < least {
        return Err(Rejection::TooSlow { least, actual });
    }
    if checksum(demand.seed, demand.rounds) != measured.checksum {
        return Err(Rejection::WrongChecksum);
    }
    Ok(Tier::of(actual, measured.memory_bytes))
}

/// The words of one round: SplitMix64, started with the first 8 bytes of SHA-256 over `TALLYADM`,
/// the seed and the round.
fn matrix(seed: B256, round: u64) -> Vec<u64> {
    let mut hasher = Sha256::new();
    hasher.update(b"TALLYADM");
    hasher.update(seed);
    hasher.update(round.to_be_bytes());
    let [a, b, c, d, e, f, g, h, ..]: [u8; 32] = hasher.finalize().into();
    let mut state = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
    let next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let word = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    };
    std::iter::repeat_with(next).take(WORDS).collect()
}

/// Adds row by row, so that memory is read in its order.
fn multiplied(left: &[u64], right: &[u64]) -> Vec<u64> {
    let mut product = Vec::with_capacity(WORDS);
    for row in left.chunks_exact(SIDE) {
        let mut sums = [0_u64; SIDE];
        for (factor, line) in row.iter().zip(right.chunks_exact(SIDE)) {
            for (sum, word) in sums.iter_mut().zip(line) {
                *sum = sum.wrapping_add(factor.wrapping_mul(*word));
            }
        }
        product.extend_from_slice(&sums);
    }
    product
}

/// Turns the words, so that the low bits, which products of even numbers lose, come from the
/// high ones.
fn mixed(product: &[u64], fresh: &[u64]) -> Vec<u64> {
    let mix = |(word, new): (&u64, &u64)| word.rotate_left(29).wrapping_add(*new);
    product.iter().zip(fresh).map(mix).collect()
}
