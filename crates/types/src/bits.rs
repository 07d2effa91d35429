//! Fields of some bits each in one word of the contracts, lowest bits first.

use alloy_primitives::U256;

/// Why a word is not what it should be, or fields do not fit one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackingError {
    /// A field is larger than its bits.
    #[error("{field} is {value}, which does not fit {bits} bits")]
    TooWide {
        /// Name of the field.
        field: &'static str,
        /// What it should hold.
        value: u128,
        /// What it has room for.
        bits: u32,
    },
    /// A field holds a number without meaning.
    #[error("{field} is {value}, which has no meaning; the word is of another kind or version")]
    Meaningless {
        /// Name of the field.
        field: &'static str,
        /// What it holds.
        value: u64,
    },
    /// Bits above the last field are set.
    #[error("bits above the last field are set; the word is of another kind or version")]
    Leftover,
}

/// Joins fields to a word.
pub(crate) struct Packer {
    word: U256,
    at: usize,
}

/// Takes a word apart.
pub(crate) struct Unpacker {
    word: U256,
    at: usize,
}

impl Packer {
    pub(crate) const fn new() -> Self {
        Self { word: U256::ZERO, at: 0 }
    }

    /// Adds a field above the others.
    pub(crate) fn put(
        &mut self,
        field: &'static str,
        value: u128,
        bits: u32,
    ) -> Result<(), PackingError> {
        if value & !mask(bits) != 0 {
            return Err(PackingError::TooWide { field, value, bits });
        }
        self.word |= U256::from(value).wrapping_shl(self.at);
        self.at = self.at.saturating_add(bits as usize);
        Ok(())
    }

    /// Adds a field whose type is as narrow as its bits.
    pub(crate) fn put_bounded(&mut self, field: &'static str, value: impl Into<u128>, bits: u32) {
        self.put(field, value.into(), bits)
            .expect("the type of the field is as narrow as its bits");
    }

    pub(crate) const fn finish(self) -> U256 {
        self.word
    }
}

impl Unpacker {
    pub(crate) const fn new(word: U256) -> Self {
        Self { word, at: 0 }
    }

    /// The next field, of at most 128 bits.
    pub(crate) fn take_wide(&mut self, bits: u32) -> u128 {
        let [low, high, ..] = *self.rest().as_limbs();
        self.at = self.at.saturating_add(bits as usize);
        (u128::from(high).wrapping_shl(64) | u128::from(low)) & mask(bits)
    }

    /// The next field, of at most 64 bits.
    pub(crate) fn take(&mut self, bits: u32) -> u64 {
        let [low, ..] = *self.rest().as_limbs();
        self.at = self.at.saturating_add(bits as usize);
        low & low_mask(bits)
    }

    /// The next field, of at most 8 bits.
    pub(crate) fn take_byte(&mut self) -> u8 {
        self.take(8).to_le_bytes()[0]
    }

    /// Whatever was not taken.
    pub(crate) fn rest(&self) -> U256 {
        self.word.wrapping_shr(self.at)
    }

    /// Refuses a word with bits above the last field.
    pub(crate) fn finish(self) -> Result<(), PackingError> {
        if self.rest().is_zero() { Ok(()) } else { Err(PackingError::Leftover) }
    }
}

/// The lowest bits, at most 128.
const fn mask(bits: u32) -> u128 {
    u128::MAX.wrapping_shr(128_u32.saturating_sub(bits))
}

/// The lowest bits, at most 64.
const fn low_mask(bits: u32) -> u64 {
    u64::MAX.wrapping_shr(64_u32.saturating_sub(bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_lie_above_each_other() {
        let mut packer = Packer::new();
        packer.put("low", 0x12, 8).unwrap();
        packer.put("middle", 0xabc, 12).unwrap();
        packer.put("high", u128::from(u64::MAX), 64).unwrap();
        let word = packer.finish();
        assert_eq!(word, U256::from(0x000f_ffff_ffff_ffff_fffa_bc12_u128));

        let mut unpacker = Unpacker::new(word);
        assert_eq!(unpacker.take_byte(), 0x12);
        assert_eq!(unpacker.take(12), 0xabc);
        assert_eq!(unpacker.take(64), u64::MAX);
        assert_eq!(unpacker.finish(), Ok(()));
    }

    #[test]
    fn what_does_not_fit_and_what_is_left_over_are_refused() {
        let refused = Packer::new().put("share", 16, 4);
        assert_eq!(refused, Err(PackingError::TooWide { field: "share", value: 16, bits: 4 }));
        assert_eq!(Unpacker::new(U256::MAX).finish(), Err(PackingError::Leftover));
    }
}
