//! Randomness that nobody could know beforehand.

use tallystick_types::{BeaconRound, Seed};

/// Tells the randomness of rounds. A round is named before its randomness exists.
pub trait Beacon {
    /// The randomness of a round, once it never changes any more.
    fn seed(&self, round: BeaconRound) -> Option<Seed>;
}
