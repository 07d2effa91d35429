//! Money and shares of it. Arithmetic is checked, rounding has its direction in the name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

const WHOLE: u32 = 1_000_000;

/// Money in base units of one token; which token stands beside it. No `+` and no floats.
///
/// In JSON it is a string of decimal digits, because JSON readers round large numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(u128);

/// A share in parts per million, at most the whole.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(try_from = "u32", into = "u32")]
pub struct Ppm(u32);

/// A ratio in parts per million that may exceed the whole, as stake locked to the price of a job.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Ratio(u32);

/// Why a text is no amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Something else than the digits 0 to 9, no digit, or a leading zero.
    #[error("an amount is written in decimal digits without sign, point or leading zero")]
    NotDecimal,
    /// More than 128 bits.
    #[error("the amount does not fit 128 bits; give it in base units of its token")]
    TooLarge,
}

/// Why a number is no share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{given} parts per million exceed the whole; give at most {WHOLE}")]
pub struct PpmError {
    /// What was given.
    pub given: u32,
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The largest amount a contract can hold.
    pub const MAX: Self = Self(u128::MAX);

    /// Takes base units.
    pub const fn new(base_units: u128) -> Self {
        Self(base_units)
    }

    /// The base units.
    pub const fn get(self) -> u128 {
        self.0
    }

    /// The sum, or nothing where it does not fit.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// The difference, or nothing where it would be negative.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(difference) => Some(Self(difference)),
            None => None,
        }
    }

    /// The multiple, or nothing where it does not fit.
    #[must_use]
    pub const fn checked_mul(self, times: u64) -> Option<Self> {
        match self.0.checked_mul(times as u128) {
            Some(product) => Some(Self(product)),
            None => None,
        }
    }

    /// The share of this amount, rounded down.
    #[must_use]
    #[expect(clippy::arithmetic_side_effects, reason = "a share is at most the whole")]
    pub const fn share_down(self, share: Ppm) -> Self {
        let whole = WHOLE as u128;
        let (millions, rest) = (self.0 / whole, self.0 % whole);
        Self(millions * share.0 as u128 + rest * share.0 as u128 / whole)
    }

    /// The share of this amount, rounded up.
    #[must_use]
    #[expect(clippy::arithmetic_side_effects, reason = "a share is at most the whole")]
    pub const fn share_up(self, share: Ppm) -> Self {
        let whole = WHOLE as u128;
        let (millions, rest) = (self.0 / whole, self.0 % whole);
        Self(millions * share.0 as u128 + (rest * share.0 as u128).div_ceil(whole))
    }

    /// The amount times a ratio, rounded up, or nothing where it does not fit.
    #[must_use]
    #[expect(clippy::arithmetic_side_effects, reason = "the divisor is not zero")]
    pub fn scale_up(self, ratio: Ratio) -> Option<Self> {
        let (whole, ratio) = (u128::from(WHOLE), u128::from(ratio.0));
        let (millions, rest) = (self.0 / whole, self.0 % whole);
        let part = rest.checked_mul(ratio)?.div_ceil(whole);
        millions.checked_mul(ratio)?.checked_add(part).map(Self)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits || (text.len() > 1 && text.starts_with('0')) {
            return Err(AmountError::NotDecimal);
        }
        text.parse().map(Self).map_err(|_| AmountError::TooLarge)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl Ppm {
    /// Nothing of it.
    pub const ZERO: Self = Self(0);

    /// All of it.
    pub const WHOLE: Self = Self(WHOLE);

    /// Takes parts per million.
    pub const fn new(parts: u32) -> Result<Self, PpmError> {
        if parts > WHOLE { Err(PpmError { given: parts }) } else { Ok(Self(parts)) }
    }

    /// The parts per million.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// What is missing to the whole.
    #[must_use]
    #[expect(clippy::arithmetic_side_effects, reason = "a share is at most the whole")]
    pub const fn rest(self) -> Self {
        Self(WHOLE - self.0)
    }
}

impl TryFrom<u32> for Ppm {
    type Error = PpmError;

    fn try_from(parts: u32) -> Result<Self, Self::Error> {
        Self::new(parts)
    }
}

impl From<Ppm> for u32 {
    fn from(share: Ppm) -> Self {
        share.0
    }
}

impl Ratio {
    /// Takes parts per million.
    pub const fn new(parts: u32) -> Self {
        Self(parts)
    }

    /// The parts per million.
    pub const fn get(self) -> u32 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_plain_decimal_digits_are_an_amount() {
        assert_eq!("0".parse(), Ok(Amount::ZERO));
        assert_eq!(u128::MAX.to_string().parse(), Ok(Amount::MAX));
        for text in ["", "+1", "-1", "1.0", "01", "0x1", "1 ", "1e3"] {
            assert_eq!(text.parse::<Amount>(), Err(AmountError::NotDecimal), "{text}");
        }
        let beyond = "340282366920938463463374607431768211456";
        assert_eq!(beyond.parse::<Amount>(), Err(AmountError::TooLarge));
    }

    #[test]
    fn a_number_in_json_is_refused_and_a_string_is_read() {
        assert!(serde_json::from_str::<Amount>("5").is_err());
        assert_eq!(serde_json::from_str::<Amount>("\"5\"").unwrap(), Amount::new(5));
    }

    #[test]
    fn more_than_the_whole_is_no_share() {
        assert_eq!(Ppm::new(WHOLE), Ok(Ppm::WHOLE));
        assert_eq!(Ppm::new(1_000_001), Err(PpmError { given: 1_000_001 }));
    }

    proptest! {
        #[test]
        fn a_share_and_the_rest_are_the_whole(units in any::<u128>(), parts in 0..=WHOLE) {
            let (amount, share) = (Amount(units), Ppm(parts));
            let sum = amount.share_down(share).checked_add(amount.share_up(share.rest()));
            prop_assert_eq!(sum, Some(amount));
        }

        #[test]
        fn rounding_moves_by_at_most_one_unit(units in any::<u128>(), parts in 0..=WHOLE) {
            let (amount, share) = (Amount(units), Ppm(parts));
            let (down, up) = (amount.share_down(share), amount.share_up(share));
            prop_assert!(down <= up && up <= amount);
            prop_assert!(up.checked_sub(down).unwrap() <= Amount(1));
        }

        #[test]
        fn a_ratio_below_the_whole_is_a_share(units in any::<u128>(), parts in 0..=WHOLE) {
            let amount = Amount(units);
            prop_assert_eq!(amount.scale_up(Ratio(parts)), Some(amount.share_up(Ppm(parts))));
        }

        #[test]
        fn amounts_survive_json(units in any::<u128>()) {
            let text = serde_json::to_string(&Amount(units)).unwrap();
            prop_assert_eq!(serde_json::from_str::<Amount>(&text).unwrap(), Amount(units));
        }
    }
}
