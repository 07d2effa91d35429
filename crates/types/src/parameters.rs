//! The parameters under which a job lives, whatever governance does later.

use alloy_primitives::U256;
use serde::{Deserialize, Serialize};

use crate::amount::{Ppm, Ratio};
use crate::bits::{Packer, PackingError, Unpacker};
use crate::id::ParametersVersion;
use crate::time::Seconds;

const VERSION_BITS: u32 = 24;

/// The parameters of one job. On the chain one word; the order of the fields is that of the bits,
/// lowest first, and each says its width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobParameters {
    /// Version of the network's parameters (24 bits).
    pub version: ParametersVersion,
    /// Share of the price for the coordinator (20 bits).
    pub coordinator_share: Ppm,
    /// Share of the price for all secondaries together (20 bits).
    pub secondaries_share: Ppm,
    /// Share of the price for the protocol (20 bits).
    pub protocol_share: Ppm,
    /// Bond of a challenge, as a share of the maximum price (20 bits).
    pub challenge_bond_share: Ppm,
    /// Stake locked per node, in relation to the maximum price (32 bits).
    pub lock_ratio: Ratio,
    /// Decimal places that the stake token has more than the payment token (8 bits).
    pub lock_shift: u8,
    /// Time in which a proposed result may be challenged (24 bits).
    pub challenge_window: Seconds,
    /// Time in which a challenge must be decided (24 bits).
    pub verdict_window: Seconds,
    /// Time for which one assignment or heartbeat holds the lease (24 bits).
    pub lease: Seconds,
    /// Longest time from creation to the deadline of the result (24 bits).
    pub max_job: Seconds,
    /// Assignments that a job may have (8 bits).
    pub max_attempts: u8,
    /// Whether new jobs are paused; never in a job's own (8 bits, 0 or 1).
    pub halted: bool,
}

impl JobParameters {
    /// The word of the contracts.
    pub fn pack(self) -> Result<U256, PackingError> {
        let mut packer = Packer::new();
        packer.put("version", u128::from(self.version.get()), VERSION_BITS)?;
        packer.put("coordinator_share", u128::from(self.coordinator_share.get()), 20)?;
        packer.put("secondaries_share", u128::from(self.secondaries_share.get()), 20)?;
        packer.put("protocol_share", u128::from(self.protocol_share.get()), 20)?;
        packer.put("challenge_bond_share", u128::from(self.challenge_bond_share.get()), 20)?;
        packer.put("lock_ratio", u128::from(self.lock_ratio.get()), 32)?;
        packer.put("lock_shift", u128::from(self.lock_shift), 8)?;
        packer.put("challenge_window", u128::from(self.challenge_window.get()), 24)?;
        packer.put("verdict_window", u128::from(self.verdict_window.get()), 24)?;
        packer.put("lease", u128::from(self.lease.get()), 24)?;
        packer.put("max_job", u128::from(self.max_job.get()), 24)?;
        packer.put("max_attempts", u128::from(self.max_attempts), 8)?;
        packer.put("halted", u128::from(self.halted), 8)?;
        Ok(packer.finish())
    }

    /// Reads a word of the contracts.
    pub fn unpack(word: U256) -> Result<Self, PackingError> {
        let mut fields = Unpacker::new(word);
        let parameters = Self {
            version: ParametersVersion::of_bits(fields.take(VERSION_BITS)),
            coordinator_share: share("coordinator_share", fields.take(20))?,
            secondaries_share: share("secondaries_share", fields.take(20))?,
            protocol_share: share("protocol_share", fields.take(20))?,
            challenge_bond_share: share("challenge_bond_share", fields.take(20))?,
            lock_ratio: Ratio::new(number(fields.take(32))),
            lock_shift: fields.take_byte(),
            challenge_window: Seconds::new(fields.take(24)),
            verdict_window: Seconds::new(fields.take(24)),
            lease: Seconds::new(fields.take(24)),
            max_job: Seconds::new(fields.take(24)),
            max_attempts: fields.take_byte(),
            halted: flag("halted", fields.take(8))?,
        };
        fields.finish()?;
        Ok(parameters)
    }
}

fn share(field: &'static str, bits: u64) -> Result<Ppm, PackingError> {
    Ppm::new(number(bits)).map_err(|_| PackingError::Meaningless { field, value: bits })
}

fn flag(field: &'static str, bits: u64) -> Result<bool, PackingError> {
    match bits {
        0 => Ok(false),
        1 => Ok(true),
        value => Err(PackingError::Meaningless { field, value }),
    }
}

/// The lowest 32 bits.
const fn number(bits: u64) -> u32 {
    let [a, b, c, d, ..] = bits.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_does_not_fit_is_named() {
        let parameters = JobParameters::unpack(U256::ZERO).unwrap();
        let long = JobParameters { lease: Seconds::new(1 << 24), ..parameters };
        let refused = PackingError::TooWide { field: "lease", value: 1 << 24, bits: 24 };
        assert_eq!(long.pack(), Err(refused));
    }

    #[test]
    fn a_share_above_the_whole_is_refused() {
        let word = U256::from(1_000_001_u64).wrapping_shl(44);
        let refused = PackingError::Meaningless { field: "secondaries_share", value: 1_000_001 };
        assert_eq!(JobParameters::unpack(word), Err(refused));
    }

    proptest! {
        #[test]
        fn any_word_is_refused_or_survives(limbs in any::<[u64; 4]>(), small in any::<bool>()) {
            // Clearing the highest bit of every share makes half of the words readable.
            let keep = if small {
                U256::from_limbs([
                    0x7fff_f7ff_ffff_ffff,
                    0xffff_ff7f_fff7_ffff,
                    u64::MAX,
                    u64::MAX.wrapping_shr(7),
                ])
            } else {
                U256::MAX
            };
            let word = U256::from_limbs(limbs) & keep;
            if let Ok(parameters) = JobParameters::unpack(word) {
                prop_assert_eq!(parameters.pack(), Ok(word));
            }
        }
    }
}
