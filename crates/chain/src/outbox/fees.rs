//! What a transaction offers for its gas (EIP-1559). All prices in wei per unit of gas.

use serde::{Deserialize, Serialize};

/// An offer: never more than `cap` in all, `tip` of it for whoever builds the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Offer {
    pub(crate) cap: u128,
    pub(crate) tip: u128,
}

/// What the chain asks at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Market {
    pub(crate) base: u128,
    pub(crate) tip: u128,
}

/// Pools replace a transaction only for a price that is higher by a tenth; an eighth is safe.
const fn raised(price: u128) -> u128 {
    price.saturating_add(price.div_ceil(8)).saturating_add(1)
}

impl Market {
    /// The first offer for a wish, or nothing while the chain asks more than its cap.
    pub(crate) fn first_offer(self, most: u128) -> Option<Offer> {
        let asked = self.base.saturating_add(self.tip);
        (asked <= most).then(|| Offer { cap: self.comfortable().min(most), tip: self.tip })
    }

    /// An offer that replaces `last` in every pool, or nothing where the cap does not allow it.
    pub(crate) fn better_offer(self, last: Offer, most: u128) -> Option<Offer> {
        let least = raised(last.cap);
        let tip = raised(last.tip).max(self.tip);
        let cap = self.comfortable().min(most).max(least).max(tip);
        (cap <= most).then_some(Offer { cap, tip })
    }

    /// Whether the chain asks more than an offer gives.
    pub(crate) fn exceeds(self, offer: Offer) -> bool {
        offer.cap < self.base.saturating_add(self.tip) || offer.tip < self.tip
    }

    /// Room for six full blocks of rising base fee.
    const fn comfortable(self) -> u128 {
        self.base.saturating_mul(2).saturating_add(self.tip)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_offer_leaves_room_for_a_rising_base_fee() {
        let market = Market { base: 100, tip: 2 };
        assert_eq!(market.first_offer(1_000), Some(Offer { cap: 202, tip: 2 }));
        assert_eq!(market.first_offer(150), Some(Offer { cap: 150, tip: 2 }));
        assert_eq!(market.first_offer(101), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            ..Default::default()
        })]

        #[test]
        fn a_better_offer_is_an_eighth_better_in_both_fields_and_never_above_the_cap(
            base in 0..u128::from(u64::MAX), tip in 0..u128::from(u64::MAX),
            last_cap in 0..u128::from(u64::MAX), last_tip in 0..u128::from(u64::MAX),
            most in 0..u128::from(u64::MAX),
        ) {
            let last = Offer { cap: last_cap, tip: last_tip.min(last_cap) };
            if let Some(offer) = (Market { base, tip }).better_offer(last, most) {
                prop_assert!(offer.cap * 8 >= last.cap * 9 && offer.tip * 8 >= last.tip * 9);
                prop_assert!(offer.cap <= most && offer.tip <= offer.cap);
            }
        }
    }
}
