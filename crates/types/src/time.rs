//! Moments and durations. The chain's time and a machine's time are different types.

use std::fmt;

use serde::{Deserialize, Serialize};

const CHAIN_BITS: u32 = 40;
const CHAIN_MAX: u64 = (1 << CHAIN_BITS) - 1;

/// A moment as a block states it, in Unix seconds, at most 40 bits as in the contracts.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(try_from = "u64", into = "u64")]
pub struct ChainTime(u64);

/// A moment as a machine's clock states it, in Unix milliseconds. Never compare it with a block's.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct WallTime(u64);

/// A duration in seconds.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Seconds(u64);

/// Why a number is no moment of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{given} is past the last moment the contracts know; give Unix seconds, not milliseconds")]
pub struct TimeError {
    /// What was given.
    pub given: u64,
}

impl ChainTime {
    /// The first moment; in contracts often "never".
    pub const ZERO: Self = Self(0);

    /// The last moment that fits the contracts.
    pub const MAX: Self = Self(CHAIN_MAX);

    /// Takes Unix seconds.
    pub const fn new(unix_seconds: u64) -> Result<Self, TimeError> {
        if unix_seconds > CHAIN_MAX {
            Err(TimeError { given: unix_seconds })
        } else {
            Ok(Self(unix_seconds))
        }
    }

    /// Unix seconds.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// A later moment, or nothing past the last one.
    #[must_use]
    pub fn checked_add(self, duration: Seconds) -> Option<Self> {
        Self::new(self.0.checked_add(duration.0)?).ok()
    }

    /// The time since an earlier moment, or nothing where that one is later.
    #[must_use]
    pub fn checked_since(self, earlier: Self) -> Option<Seconds> {
        self.0.checked_sub(earlier.0).map(Seconds)
    }
}

impl TryFrom<u64> for ChainTime {
    type Error = TimeError;

    fn try_from(unix_seconds: u64) -> Result<Self, Self::Error> {
        Self::new(unix_seconds)
    }
}

impl From<ChainTime> for u64 {
    fn from(time: ChainTime) -> Self {
        time.0
    }
}

impl fmt::Display for ChainTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", self.0)
    }
}

impl WallTime {
    /// Takes Unix milliseconds.
    pub const fn new(unix_ms: u64) -> Self {
        Self(unix_ms)
    }

    /// Unix milliseconds.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The moment a duration later; the last moment there is where that would be past it.
    #[must_use]
    pub const fn after(self, duration: Seconds) -> Self {
        Self(self.0.saturating_add(duration.0.saturating_mul(1_000)))
    }
}

impl fmt::Display for WallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

impl Seconds {
    /// Takes seconds.
    pub const fn new(seconds: u64) -> Self {
        Self(seconds)
    }

    /// The seconds.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_are_no_moment_of_the_chain() {
        assert!(ChainTime::new(1_750_000_000).is_ok());
        assert_eq!(ChainTime::new(1_750_000_000_000), Err(TimeError { given: 1_750_000_000_000 }));
        assert!(serde_json::from_str::<ChainTime>("1750000000000").is_err());
    }

    #[test]
    fn a_machine_counts_milliseconds_and_stops_at_the_last() {
        assert_eq!(WallTime::new(5).after(Seconds::new(2)), WallTime::new(2_005));
        assert_eq!(WallTime::new(5).after(Seconds::new(u64::MAX)), WallTime::new(u64::MAX));
    }

    #[test]
    fn time_does_not_run_past_its_ends() {
        assert_eq!(ChainTime::MAX.checked_add(Seconds::new(1)), None);
        assert_eq!(ChainTime::ZERO.checked_since(ChainTime::MAX), None);
        let later = ChainTime::ZERO.checked_add(Seconds::new(5)).unwrap();
        assert_eq!(later.checked_since(ChainTime::ZERO), Some(Seconds::new(5)));
    }
}
