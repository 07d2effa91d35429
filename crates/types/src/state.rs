//! Where a job stands on the chain.

use alloy_primitives::{B256, U256};
use serde::{Deserialize, Serialize};

use crate::bits::{Packer, PackingError, Unpacker};
use crate::id::{Attempt, Sequence};
use crate::terms::coded;
use crate::time::ChainTime;

coded! {
    /// Where a job stands. The numbers are those of the contracts.
    JobState, "state" {
        /// Nobody ordered it.
        None = 0,
        /// Ordered and paid for; waits for a coordinator.
        Open = 1,
        /// A coordinator holds its lease and nodes work on it.
        Assigned = 2,
        /// A quorum signed a result that may be challenged.
        Proposed = 3,
        /// The result was denied and waits for a verdict.
        Challenged = 4,
        /// Paid. Final.
        Settled = 5,
        /// The money went back. Final.
        Refunded = 6,
        /// Final, and its slot serves a later job. Never stored; the events tell how it ended.
        Closed = 7,
    }
}

impl JobState {
    /// Whether nothing moves for the job any more.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Settled | Self::Refunded | Self::Closed)
    }
}

/// All that the chain stores of a job, in one word, lowest bits first: state (8 bits), attempt (8),
/// deadline (40), seized (16), sequence (24), commitment (160).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobWord {
    /// Where the job stands.
    pub state: JobState,
    /// Assignments so far.
    pub attempt: Attempt,
    /// End of the present state; zero in a final one.
    pub deadline: ChainTime,
    /// Bit `i`: node `i` of the assignment was convicted and lost its lock.
    pub seized: u16,
    /// Which of the slot's jobs this is.
    pub sequence: Sequence,
    /// First 160 bits of a hash over everything else, the lower 96 zero.
    pub commitment: B256,
}

impl JobWord {
    /// The word of the contracts. Bits of the commitment below the first 160 are dropped.
    pub fn pack(self) -> U256 {
        let mut packer = Packer::new();
        packer.put_bounded("state", self.state.code(), 8);
        packer.put_bounded("attempt", self.attempt.get(), 8);
        packer.put_bounded("deadline", self.deadline.get(), 40);
        packer.put_bounded("seized", self.seized, 16);
        packer.put_bounded("sequence", self.sequence.get(), 24);
        packer.finish() | upper(self.commitment)
    }

    /// Reads a word of the contracts.
    pub fn unpack(word: U256) -> Result<Self, PackingError> {
        let mut fields = Unpacker::new(word);
        let state = JobState::from_code(fields.take_byte())?;
        let attempt = Attempt::new(fields.take_byte());
        let unix_seconds = fields.take(40);
        let [low, high, ..] = fields.take(16).to_le_bytes();
        Ok(Self {
            state,
            attempt,
            deadline: ChainTime::new(unix_seconds).map_err(|error| PackingError::Meaningless {
                field: "deadline",
                value: error.given,
            })?,
            seized: u16::from_le_bytes([low, high]),
            sequence: Sequence::of_bits(fields.take(24)),
            commitment: upper(word.into()).into(),
        })
    }

    /// Whether the word commits to the hash.
    pub fn commits_to(self, hash: B256) -> bool {
        upper(self.commitment) == upper(hash)
    }
}

/// The first 160 bits.
fn upper(hash: B256) -> U256 {
    U256::from_be_bytes(hash.0).wrapping_shr(96).wrapping_shl(96)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_state_the_contracts_do_not_have_is_refused() {
        let refused = JobWord::unpack(U256::from(8));
        assert_eq!(refused, Err(PackingError::Meaningless { field: "state", value: 8 }));
    }

    proptest! {
        #[test]
        fn any_word_is_refused_or_survives(limbs in any::<[u64; 4]>(), state in 0..7_u64) {
            let word = U256::from_limbs([limbs[0] & !0xff | state, limbs[1], limbs[2], limbs[3]]);
            let read = JobWord::unpack(word).unwrap();
            prop_assert_eq!(read.pack(), word);
            prop_assert!(read.commits_to(word.into()));
            prop_assert!(!read.commits_to((word ^ U256::from(1).wrapping_shl(96)).into()));
        }
    }
}
