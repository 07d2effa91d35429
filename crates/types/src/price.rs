//! What a job may cost.

use alloy_primitives::U256;
use serde::{Deserialize, Serialize};

use crate::amount::Amount;
use crate::bits::{Packer, PackingError, Unpacker};

const AMOUNT_BITS: u32 = 96;
const TIP_BITS: u32 = 64;

/// The price of a job, in base units of its token. On the chain one word, lowest bits first: most
/// that the work may cost (96 bits), price of a second (96), tip (64).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Amounts", into = "Amounts")]
pub struct JobPrice(Amounts);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Amounts {
    max_price: Amount,
    rate_per_second: Amount,
    tip: Amount,
}

impl JobPrice {
    /// Joins the three amounts. Fails where one is wider than the contracts' room for it.
    ///
    /// - `max_price`: most that the work may cost, without the tip;
    /// - `rate_per_second`: price of a second of running time, zero for work with one price;
    /// - `tip`: for whoever submits the settlement, or the refund of a job nobody took.
    pub fn new(
        max_price: Amount,
        rate_per_second: Amount,
        tip: Amount,
    ) -> Result<Self, PackingError> {
        Amounts { max_price, rate_per_second, tip }.try_into()
    }

    /// Most that the work may cost, without the tip.
    pub const fn max_price(self) -> Amount {
        self.0.max_price
    }

    /// Price of one second of running time; zero for work with one price.
    pub const fn rate_per_second(self) -> Amount {
        self.0.rate_per_second
    }

    /// For whoever submits the settlement, or the refund of a job nobody took.
    pub const fn tip(self) -> Amount {
        self.0.tip
    }

    /// The word of the contracts.
    pub fn pack(self) -> U256 {
        self.0.pack().expect("the amounts were packed before")
    }

    /// Reads a word of the contracts. Every word is a price.
    pub fn unpack(word: U256) -> Self {
        let mut fields = Unpacker::new(word);
        Self(Amounts {
            max_price: Amount::new(fields.take_wide(AMOUNT_BITS)),
            rate_per_second: Amount::new(fields.take_wide(AMOUNT_BITS)),
            tip: Amount::new(fields.take_wide(TIP_BITS)),
        })
    }
}

impl Amounts {
    fn pack(self) -> Result<U256, PackingError> {
        let mut packer = Packer::new();
        packer.put("max_price", self.max_price.get(), AMOUNT_BITS)?;
        packer.put("rate_per_second", self.rate_per_second.get(), AMOUNT_BITS)?;
        packer.put("tip", self.tip.get(), TIP_BITS)?;
        Ok(packer.finish())
    }
}

impl TryFrom<Amounts> for JobPrice {
    type Error = PackingError;

    fn try_from(amounts: Amounts) -> Result<Self, Self::Error> {
        amounts.pack().map(|_| Self(amounts))
    }
}

impl From<JobPrice> for Amounts {
    fn from(price: JobPrice) -> Self {
        price.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_amount_without_room_is_named() {
        let most = Amount::new(u128::MAX.wrapping_shr(32));
        assert!(JobPrice::new(most, most, Amount::new(u128::from(u64::MAX))).is_ok());
        let refused = JobPrice::new(most, most, Amount::new(1 << 64));
        assert_eq!(
            refused,
            Err(PackingError::TooWide { field: "tip", value: 1 << 64, bits: TIP_BITS })
        );
        assert!(JobPrice::new(Amount::MAX, most, Amount::ZERO).is_err());
    }

    proptest! {
        #[test]
        fn every_word_survives(limbs in any::<[u64; 4]>()) {
            let word = U256::from_limbs(limbs);
            prop_assert_eq!(JobPrice::unpack(word).pack(), word);
        }

        #[test]
        fn prices_survive_json(limbs in any::<[u64; 4]>()) {
            let price = JobPrice::unpack(U256::from_limbs(limbs));
            let text = serde_json::to_string(&price).unwrap();
            prop_assert_eq!(serde_json::from_str::<JobPrice>(&text).unwrap(), price);
        }
    }
}
