//! Chances that a seed decides, so that a run of faults can be told by one number.

use std::time::Duration;

/// A source of chances (SplitMix64): the same seed throws the same numbers.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Dice of a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Dice of their own for one purpose: what others throw does not change what these throw.
    pub fn of(seed: u64, purpose: &str) -> Self {
        let name = purpose.bytes().fold(0, |sum: u64, byte| {
            sum.wrapping_mul(0x0000_0100_0000_01b3).wrapping_add(byte.into())
        });
        Self(seed ^ name.rotate_left(17))
    }

    /// The next number.
    pub const fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// A number below `end`; zero where `end` is zero.
    pub fn below(&mut self, end: u64) -> u64 {
        self.throw().checked_rem(end).unwrap_or(0)
    }

    /// One of a list, unless it is empty.
    pub fn one<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        let place = self.below(of.len() as u64);
        of.get(usize::try_from(place).unwrap_or(0))
    }

    /// A time between two, in milliseconds.
    pub fn between(&mut self, least: Duration, most: Duration) -> Duration {
        let span = u64::try_from(most.saturating_sub(least).as_millis()).unwrap_or(u64::MAX);
        least.saturating_add(Duration::from_millis(self.below(span.saturating_add(1))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_throws_the_same_numbers_and_each_purpose_its_own() {
        let throws = |mut dice: Dice| [dice.throw(), dice.throw(), dice.throw()];
        assert_eq!(throws(Dice::of(7, "kills")), throws(Dice::of(7, "kills")));
        assert_ne!(throws(Dice::of(7, "kills")), throws(Dice::of(7, "times")));
        assert_ne!(throws(Dice::of(7, "kills")), throws(Dice::of(8, "kills")));
    }

    #[test]
    fn numbers_stay_in_their_range_and_reach_all_of_it() {
        let mut dice = Dice::new(1);
        let seen: std::collections::BTreeSet<u64> = (0..200).map(|_| dice.below(6)).collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
        assert_eq!(dice.below(0), 0);
        assert_eq!(dice.one::<u8>(&[]), None);
        let (least, most) = (Duration::from_millis(3), Duration::from_millis(5));
        assert!((0..100).all(|_| (least..=most).contains(&dice.between(least, most))));
    }
}
