//! Randomness from one seed, in one stream for each concern: a draw that is added in one place
//! shifts no other.

/// A stream of numbers. SplitMix64: small, quick, the same for ever.
#[derive(Clone, Debug)]
pub struct Dice(u64);

/// A millionth is the unit of shares.
const WHOLE: u64 = 1_000_000;

impl Dice {
    /// The stream of a concern.
    pub fn of(seed: u64, concern: &str) -> Self {
        let mut dice = Self(seed ^ 0x7461_6c6c_7973_7469);
        for byte in concern.bytes() {
            dice.0 = dice.next().wrapping_add(byte.into());
        }
        dice
    }

    /// The next number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// A number below another, which must not be zero.
    pub const fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }

    /// A number from one to another, both included.
    pub const fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.next() % (most - least + 1)
    }

    /// True in so many of a million cases.
    pub const fn falls(&mut self, share_ppm: u64) -> bool {
        self.next() % WHOLE < share_ppm
    }

    /// One of several; nothing of none.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        let count = u64::try_from(of.len()).ok().filter(|count| *count > 0)?;
        of.get(usize::try_from(self.below(count)).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_and_a_concern_give_one_stream_and_others_give_another() {
        let draw = |seed, concern| {
            let mut dice = Dice::of(seed, concern);
            (0..8).map(|_| dice.next()).collect::<Vec<_>>()
        };
        assert_eq!(draw(1, "network"), draw(1, "network"));
        assert_ne!(draw(1, "network"), draw(2, "network"));
        assert_ne!(draw(1, "network"), draw(1, "disk"));
        assert_ne!(draw(1, "ab"), draw(1, "ba"));
    }
}
