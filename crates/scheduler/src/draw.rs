//! Draws that anyone can repeat: from a seed, the set of names and the stakes behind them, and
//! from nothing else.
//!
//! All hashes are Keccak-256 over words of 32 bytes, as a contract would compute them.

use std::fmt;

use alloy_primitives::{B256, U256, keccak256};
use serde::{Deserialize, Serialize};
use tallystick_types::{Attempt, JobId};

use crate::candidate::CandidateId;

const SEED: &[u8; 32] = b"tallystick scheduler seed       ";
const TIE: &[u8; 32] = b"tallystick scheduler tie        ";
const STAKE: &[u8; 32] = b"tallystick scheduler stake draw ";

/// What a draw follows from. Whoever fixes it late enough that nobody could choose by it makes the
/// draw fair; here it is only a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DrawSeed(B256);

impl DrawSeed {
    /// Takes a seed as it is. Two draws from one seed are not independent; see [`Self::bind`].
    pub const fn new(seed: [u8; 32]) -> Self {
        Self(B256::new(seed))
    }

    /// The seed of one draw, out of randomness that serves many, such as a block hash or a beacon
    /// round: `keccak256("tallystick scheduler seed" ‖ randomness ‖ job ‖ task ‖ attempt ‖ draw)`,
    /// the text padded with spaces to 32 bytes, numbers as `uint256`.
    ///
    /// `task` is the task's index in its job; `draw` counts the draws of one attempt, so that an
    /// escalation draws anew.
    pub fn bind(randomness: B256, job: JobId, task: u64, attempt: Attempt, draw: u32) -> Self {
        let words = [
            *SEED,
            randomness.0,
            *job.as_bytes(),
            word(task),
            word(attempt.get().into()),
            word(draw.into()),
        ];
        Self(keccak256(words.as_flattened()))
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0.0
    }

    /// The lot of one name when equals are drawn from:
    /// `keccak256("tallystick scheduler tie" ‖ seed ‖ name)`. The lowest lot wins.
    pub fn lot(&self, id: CandidateId) -> B256 {
        keccak256([*TIE, self.0.0, id.word().0].as_flattened())
    }

    /// The number of one step of a stake draw:
    /// `keccak256("tallystick scheduler stake draw" ‖ seed ‖ step)`.
    fn number(&self, step: u64) -> U256 {
        keccak256([*STAKE, self.0.0, word(step)].as_flattened()).into()
    }
}

impl fmt::Display for DrawSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

fn word(number: u64) -> [u8; 32] {
    U256::from(number).to_be_bytes()
}

/// Draws `count` of the stakes without replacement and gives their places, in the order drawn.
///
/// Step `i`, from 0: with `total` the sum of the stakes that are left, the point is number `i`
/// modulo `total`; drawn is the first in the given order at which the running sum of stakes exceeds
/// the point. When only zero stakes are left, each counts as one. The bias of the modulus is below
/// `total / 2^256`, less than 2^-64 for 2^64 candidates of any stake.
pub(crate) fn by_stake(seed: &DrawSeed, stakes: &[u128], count: usize) -> Vec<usize> {
    let mut left: Vec<(usize, U256)> =
        stakes.iter().enumerate().map(|(place, stake)| (place, U256::from(*stake))).collect();
    let mut drawn = Vec::with_capacity(count.min(left.len()));
    for step in (0_u64..).take(count.min(left.len())) {
        if left.iter().all(|(_, stake)| stake.is_zero()) {
            left.iter_mut().for_each(|(_, stake)| *stake = U256::ONE);
        }
        let total = left.iter().fold(U256::ZERO, |sum, (_, stake)| sum.saturating_add(*stake));
        let point = seed.number(step).checked_rem(total).expect("a stake that counts is left");
        let mut sum = U256::ZERO;
        let hit = left.iter().position(|(_, stake)| {
            sum = sum.saturating_add(*stake);
            sum > point
        });
        drawn.push(left.remove(hit.expect("the point is below the sum of all stakes")).0);
    }
    drawn
}
