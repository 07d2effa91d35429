//! Amounts as people write them: tokens with a decimal point, and back.

use tallystick_types::Amount;

use crate::failure::Failure;

/// A token with all that is needed to show amounts of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unit {
    pub(crate) address: alloy_primitives::Address,
    pub(crate) symbol: String,
    pub(crate) decimals: u8,
}

impl Unit {
    /// Reads `12.5` as so many tokens.
    pub(crate) fn read(&self, text: &str) -> Result<Amount, Failure> {
        let places = usize::from(self.decimals);
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let wrong = || {
            let symbol = &self.symbol;
            Failure::misused(format!(
                "{text:?} is no amount of {symbol}; write it as 12.5, with at most {places} \
                 decimal places"
            ))
        };
        if whole.is_empty() || !digits(whole) || !digits(part) || part.len() > places {
            return Err(wrong());
        }
        let units = format!("{whole}{part:0<places$}");
        units.parse().map(Amount::new).map_err(|_| wrong())
    }

    /// Shows base units as tokens.
    pub(crate) fn show(&self, amount: Amount) -> String {
        let places = usize::from(self.decimals);
        let digits = format!("{:0>width$}", amount.get(), width = places + 1);
        let (whole, part) = digits.split_at(digits.len() - places);
        let part = part.trim_end_matches('0');
        let point = if part.is_empty() { "" } else { "." };
        format!("{whole}{point}{part} {}", self.symbol)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(decimals: u8) -> Unit {
        let address = alloy_primitives::Address::ZERO;
        Unit { address, symbol: "TLY".into(), decimals }
    }

    #[test]
    fn amounts_are_read_and_shown_exactly() {
        for (text, units) in [("1", 1_000_000), ("0.000001", 1), ("12.5", 12_500_000)] {
            assert_eq!(unit(6).read(text).unwrap(), Amount::new(units));
            assert_eq!(unit(6).show(Amount::new(units)), format!("{text} TLY"));
        }
        assert_eq!(unit(0).show(Amount::new(7)), "7 TLY");
        assert_eq!(unit(18).show(Amount::new(1)), "0.000000000000000001 TLY");
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in
            ["", ".5", "-1", "+1", "1,5", "1e3", "0.0000001", "1.2.3", "9".repeat(40).as_str()]
        {
            assert!(unit(6).read(text).is_err(), "{text}");
        }
    }
}
