//! What an operator decides.

use std::collections::BTreeMap;

use alloy_primitives::Address;
use tallystick_abi::JobDomain;
use tallystick_types::{Amount, Seconds};

/// How a settler works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettlementConfig {
    /// The chain and its `JobManager`.
    pub domain: JobDomain,
    /// Whether jobs are moved on that nobody cares for: open beyond their time, without a living
    /// lease, challenged without a verdict.
    pub advance_lapsed: bool,
    /// The least tip for which a job is touched, by token, in its base units. Jobs in tokens that
    /// are not named are touched for any tip, also none.
    pub least_tip: BTreeMap<Address, Amount>,
    /// Never pay more than this per unit of gas, in wei.
    pub max_fee_per_gas: u128,
    /// Most calls of one transaction, 1 to 64.
    pub batch_calls: usize,
    /// Most gas that the calls of one transaction may need together.
    pub batch_gas: u64,
    /// How long a transaction of several calls stands until it is composed anew. It may have to
    /// wait for a price, and meanwhile others may do its work.
    pub batch_stands: Seconds,
    /// Wait after a call that had no effect; doubles with each further one, up to a day.
    pub retry_after: Seconds,
    /// Settlements of one result that may fail until the job is advanced instead: that closes a
    /// job unpaid whose client does not let its money be pulled, and frees the stake behind it.
    pub settle_tries: u32,
}

/// Why a configuration cannot be worked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The contract takes 1 to 64 calls.
    #[error("a batch has 1 to {} calls, not {given}; 32 is a good number", SettlementConfig::MOST)]
    BatchCalls {
        /// What was given.
        given: usize,
    },
    /// Nothing can be tried no times.
    #[error("settle_tries is 0; give at least 1, so that results are paid")]
    SettleTries,
}

impl SettlementConfig {
    /// Most calls that `JobManager.batch` takes.
    pub const MOST: usize = 64;

    /// Settles everything, whatever its tip.
    pub const fn new(domain: JobDomain) -> Self {
        Self {
            domain,
            advance_lapsed: true,
            least_tip: BTreeMap::new(),
            max_fee_per_gas: 100_000_000_000,
            batch_calls: 32,
            // Some chains refuse transactions of more than 2^24.
            batch_gas: 15_000_000,
            batch_stands: Seconds::new(1_800),
            retry_after: Seconds::new(60),
            settle_tries: 3,
        }
    }

    /// Whether one can work with it.
    pub const fn check(&self) -> Result<(), ConfigError> {
        if self.batch_calls == 0 || self.batch_calls > Self::MOST {
            return Err(ConfigError::BatchCalls { given: self.batch_calls });
        }
        if self.settle_tries == 0 { Err(ConfigError::SettleTries) } else { Ok(()) }
    }
}
