//! The figures of the score, which governance sets.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use tallystick_types::{Amount, Ppm};

use crate::region::RegionTable;

/// How much each term counts. Together they are the whole, so a score is in [0, 1] as its terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Shares", into = "Shares")]
pub struct Weights(Shares);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shares {
    resource_fit: Ppm,
    stake_weight: Ppm,
    locality: Ppm,
    load_balance: Ppm,
}

/// Why four shares are no weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the four weights add up to {sum} parts per million; make that {}", Ppm::WHOLE.get())]
pub struct WeightsError {
    /// What they add up to, in parts per million.
    pub sum: u32,
}

/// Everything that turns facts into a score.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchedulingParameters {
    /// How much each term counts.
    pub weights: Weights,
    /// Stake from which on the stake term is the whole, in base units of the stake token. Zero:
    /// it is the whole for everybody.
    pub full_stake: Amount,
    /// How much of locality is about holding the input; the rest is about being near.
    pub blob_share: Ppm,
    /// Round trip from which on a region is as far as can be, in milliseconds.
    pub far_ms: NonZeroU32,
    /// The least score that the policy CHEAP takes for sufficient, as a share of the best possible.
    pub sufficient: Ppm,
    /// How far regions are apart.
    pub regions: RegionTable,
}

impl Weights {
    /// Joins four shares that add up to the whole, in the order of the formula.
    pub const fn new(
        resource_fit: Ppm,
        stake_weight: Ppm,
        locality: Ppm,
        load_balance: Ppm,
    ) -> Result<Self, WeightsError> {
        let shares = Shares { resource_fit, stake_weight, locality, load_balance };
        let sum = resource_fit
            .get()
            .saturating_add(stake_weight.get())
            .saturating_add(locality.get())
            .saturating_add(load_balance.get());
        if sum == Ppm::WHOLE.get() { Ok(Self(shares)) } else { Err(WeightsError { sum }) }
    }

    /// Weight of the resource fit.
    pub const fn resource_fit(&self) -> Ppm {
        self.0.resource_fit
    }

    /// Weight of the stake.
    pub const fn stake_weight(&self) -> Ppm {
        self.0.stake_weight
    }

    /// Weight of the locality.
    pub const fn locality(&self) -> Ppm {
        self.0.locality
    }

    /// Weight of the load balance.
    pub const fn load_balance(&self) -> Ppm {
        self.0.load_balance
    }
}

impl Default for Weights {
    /// 0.4 resource fit, 0.3 stake weight, 0.2 locality, 0.1 load balance.
    fn default() -> Self {
        let [fit, stake, locality, load] = [400_000, 300_000, 200_000, 100_000].map(share);
        Self::new(fit, stake, locality, load).expect("four, three, two and one tenths are one")
    }
}

impl TryFrom<Shares> for Weights {
    type Error = WeightsError;

    fn try_from(shares: Shares) -> Result<Self, Self::Error> {
        let Shares { resource_fit, stake_weight, locality, load_balance } = shares;
        Self::new(resource_fit, stake_weight, locality, load_balance)
    }
}

impl From<Weights> for Shares {
    fn from(weights: Weights) -> Self {
        weights.0
    }
}

impl Default for SchedulingParameters {
    /// The weights of [`Weights::default`]; full weight from 100,000 staked tokens of 18 decimals;
    /// half of locality for blobs; far from 300 ms on, about the longest way around the globe by
    /// cable; half of the best possible score is sufficient; no region is near another.
    fn default() -> Self {
        Self {
            weights: Weights::default(),
            full_stake: Amount::new(100_000_000_000_000_000_000_000),
            blob_share: share(500_000),
            far_ms: NonZeroU32::new(300).expect("300 is not zero"),
            sufficient: share(500_000),
            regions: RegionTable::default(),
        }
    }
}

fn share(parts: u32) -> Ppm {
    Ppm::new(parts).expect("a share of these defaults is at most the whole")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_that_do_not_add_up_to_one_are_refused_with_their_sum() {
        let refused = Weights::new(share(400_000), share(300_000), share(200_000), share(99_999));
        assert_eq!(refused, Err(WeightsError { sum: 999_999 }));
        let whole = Ppm::WHOLE;
        assert_eq!(Weights::new(whole, whole, whole, whole), Err(WeightsError { sum: 4_000_000 }));
        assert!(Weights::new(whole, Ppm::ZERO, Ppm::ZERO, Ppm::ZERO).is_ok());
    }

    #[test]
    fn parameters_survive_json_and_bad_weights_do_not_enter_by_it() {
        let parameters = SchedulingParameters::default();
        let text = serde_json::to_string(&parameters).unwrap();
        assert_eq!(serde_json::from_str::<SchedulingParameters>(&text).unwrap(), parameters);
        let bad = text.replace("\"resource_fit\":400000", "\"resource_fit\":400001");
        let error = serde_json::from_str::<SchedulingParameters>(&bad).unwrap_err().to_string();
        assert!(error.contains("1000001"), "{error}");
    }
}
