//! How well a candidate suits a task, in integers, so that every machine finds the same.
//!
//! ```text
//! score = 0.4 resource_fit + 0.3 stake_weight + 0.2 locality + 0.1 load_balance
//! ```
//!
//! The weights are those of [`Weights`]. A term is a share in parts per million; every division
//! rounds down. The score is the sum of weight times term in parts per trillion, where nothing is
//! rounded.

use std::fmt;

use alloy_primitives::U256;
use serde::{Deserialize, Serialize};
use tallystick_types::Ppm;

use crate::candidate::Candidate;
use crate::parameters::{SchedulingParameters, Weights};
use crate::request::Request;
use crate::resources::Resource;

const WHOLE: u32 = Ppm::WHOLE.get();

/// The four terms, each in [0, 1].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// How much of what is free stays free when the task runs: the mean of
    /// `(free - demanded) / free` over the resources that are demanded; the whole where none is.
    /// It follows `LeastAllocated` of Kubernetes' `NodeResourcesFit`, over what is free, so that
    /// owning more than a task can use is worth less and less. Free resources come from
    /// heartbeats, demands from the specification.
    pub resource_fit: Ppm,
    /// Stake as trust: `min(1, stake / full_stake)`. Linear, so that splitting stake over several
    /// machines gains nothing, and capped, so that nobody buys every task. Stake comes from the
    /// chain.
    pub stake_weight: Ppm,
    /// Closeness to user and data: `blob_share * held + (1 - blob_share) * near`. `held` is the
    /// share of the input's bytes that the machine holds, `near` is `1 - round_trip / far_ms`, at
    /// least 0. Where the request has no input, `near` alone; where it has no region, `held`
    /// alone; with neither, the whole. Blobs come from heartbeats, regions from the registry,
    /// distances from governance.
    pub locality: Ppm,
    /// Less-loaded preferred: `1 - load`. Load comes from heartbeats.
    pub load_balance: Ppm,
}

/// A weighted sum of terms in parts per trillion, from 0 to 10^12.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Score(u64);

impl Terms {
    /// The terms of a candidate. They mean something where the candidate passes the filters; where
    /// less is free than demanded, that resource counts as zero.
    pub fn of(candidate: &Candidate, request: &Request, parameters: &SchedulingParameters) -> Self {
        Self {
            resource_fit: resource_fit(candidate, request),
            stake_weight: share_of(candidate.stake.get(), parameters.full_stake.get()),
            locality: locality(candidate, request, parameters),
            load_balance: candidate.load.rest(),
        }
    }

    /// Their weighted sum.
    pub fn score(&self, weights: &Weights) -> Score {
        let part =
            |weight: Ppm, term: Ppm| u64::from(weight.get()).saturating_mul(u64::from(term.get()));
        let parts = [
            part(weights.resource_fit(), self.resource_fit),
            part(weights.stake_weight(), self.stake_weight),
            part(weights.locality(), self.locality),
            part(weights.load_balance(), self.load_balance),
        ];
        Score(parts.into_iter().fold(0, u64::saturating_add))
    }
}

impl Score {
    /// The best possible.
    pub const WHOLE: Self = Self(1_000_000_000_000);

    /// The score that is a given share of the best possible.
    pub fn of_share(share: Ppm) -> Self {
        Self(u64::from(share.get()).saturating_mul(u64::from(WHOLE)))
    }

    /// Parts per trillion.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Score {
    /// As a decimal fraction with all twelve places, so that scores that differ look different.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0.div_euclid(Self::WHOLE.0), self.0.rem_euclid(Self::WHOLE.0));
        write!(f, "{whole}.{rest:012}")
    }
}

fn resource_fit(candidate: &Candidate, request: &Request) -> Ppm {
    let shares = Resource::ALL.into_iter().filter_map(|resource| {
        let demanded = request.resources.get(resource);
        let free = candidate.free.get(resource);
        let left = u128::from(free.saturating_sub(demanded));
        (demanded > 0).then(|| if left == 0 { Ppm::ZERO } else { share_of(left, free.into()) })
    });
    mean(shares).unwrap_or(Ppm::WHOLE)
}

fn locality(candidate: &Candidate, request: &Request, parameters: &SchedulingParameters) -> Ppm {
    let near = request.region.map(|client| {
        let round_trip_ms = parameters.regions.round_trip_ms(candidate.region, client);
        let far_ms = parameters.far_ms.get();
        share_of(round_trip_ms.unwrap_or(far_ms).into(), far_ms.into()).rest()
    });
    match (held(candidate, request), near) {
        (None, None) => Ppm::WHOLE,
        (Some(only), None) | (None, Some(only)) => only,
        (Some(held), Some(near)) => blend(parameters.blob_share, held, near),
    }
}

/// The share of the input's bytes that the candidate holds; nothing where the input has no bytes.
fn held(candidate: &Candidate, request: &Request) -> Option<Ppm> {
    let sum = |total: u128, bytes: &u64| total.saturating_add(u128::from(*bytes));
    let all = request.blobs.values().fold(0, sum);
    let here = request.blobs.iter().filter(|(digest, _)| candidate.blobs.contains(digest));
    let held = here.map(|(_, bytes)| bytes).fold(0, sum);
    (all > 0).then(|| share_of(held, all))
}

/// `share * one + (1 - share) * other`, rounded down.
fn blend(share: Ppm, one: Ppm, other: Ppm) -> Ppm {
    let product = |a: Ppm, b: Ppm| u128::from(a.get()).saturating_mul(u128::from(b.get()));
    let sum = product(share, one).saturating_add(product(share.rest(), other));
    ppm(sum.div_euclid(u128::from(WHOLE)))
}

/// The mean rounded down, or nothing where there is nothing.
fn mean(shares: impl Iterator<Item = Ppm>) -> Option<Ppm> {
    let (sum, count) = shares.fold((0_u128, 0_u128), |(sum, count), share| {
        (sum.saturating_add(u128::from(share.get())), count.saturating_add(1))
    });
    sum.checked_div(count).map(ppm)
}

/// `part / whole` rounded down, at most the whole; a part of nothing is the whole.
fn share_of(part: u128, whole: u128) -> Ppm {
    if part >= whole {
        return Ppm::WHOLE;
    }
    match part.checked_mul(u128::from(WHOLE)) {
        Some(product) => ppm(product.checked_div(whole).expect("the whole exceeds a part")),
        None => {
            let product = U256::from(part).saturating_mul(U256::from(WHOLE));
            let quotient = product.checked_div(U256::from(whole));
            ppm(quotient.expect("the whole exceeds a part").saturating_to())
        }
    }
}

/// A number that is at most the whole by the way it was made.
fn ppm(parts: u128) -> Ppm {
    let parts = u32::try_from(parts).ok().map(Ppm::new);
    parts.expect("a mean or part of shares fits").expect("a mean or part of shares is a share")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_share_of_numbers_too_large_for_one_product_is_exact() {
        let half = u128::MAX.div_euclid(2);
        assert_eq!(share_of(half, u128::MAX).get(), 499_999);
        assert_eq!(share_of(u128::MAX - 1, u128::MAX).get(), 999_999);
        assert_eq!(share_of(0, 0), Ppm::WHOLE);
    }

    #[test]
    fn scores_print_all_their_places() {
        assert_eq!(Score::WHOLE.to_string(), "1.000000000000");
        assert_eq!(Score(5).to_string(), "0.000000000005");
        assert_eq!(Score::of_share(Ppm::WHOLE), Score::WHOLE);
    }

    proptest! {
        #[test]
        fn a_share_is_the_same_by_either_way_of_computing_it(
            part in 0..=u128::from(u64::MAX), whole in 1..=u128::from(u64::MAX)
        ) {
            let wide = |number: u128| number.checked_shl(64).unwrap();
            prop_assert_eq!(share_of(part, whole), share_of(wide(part), wide(whole)));
        }
    }
}
