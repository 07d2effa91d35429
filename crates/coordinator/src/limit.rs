//! How often somebody may ask for something.

use std::collections::VecDeque;

use tallystick_types::{Seconds, WallTime};

/// Counts what was asked within the last while, by whom, and refuses what is too much. In memory:
/// a restart forgets.
#[derive(Debug)]
pub(crate) struct Limiter<K> {
    within: Seconds,
    /// The most of one.
    each: usize,
    /// The most of all together, which bounds the memory as well.
    all: usize,
    asked: VecDeque<(WallTime, K)>,
}

impl<K: PartialEq> Limiter<K> {
    pub(crate) const fn new(within: Seconds, each: usize, all: usize) -> Self {
        Self { within, each, all, asked: VecDeque::new() }
    }

    /// Notes that somebody asks; false where that is too often, which counts nothing.
    pub(crate) fn admits(&mut self, who: K, now: WallTime) -> bool {
        let over = |(at, _): &(WallTime, K)| at.after(self.within) <= now;
        while self.asked.front().is_some_and(over) {
            self.asked.pop_front();
        }
        let of_one = self.asked.iter().filter(|(_, other)| *other == who).count();
        if of_one >= self.each || self.asked.len() >= self.all {
            return false;
        }
        self.asked.push_back((now, who));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_and_all_have_their_limit_and_time_makes_room() {
        let mut limiter = Limiter::new(Seconds::new(10), 2, 3);
        let at = |seconds: u64| WallTime::new(seconds * 1_000);
        assert!(limiter.admits('a', at(0)));
        assert!(limiter.admits('a', at(5)));
        assert!(!limiter.admits('a', at(9)));
        assert!(limiter.admits('b', at(9)));
        assert!(!limiter.admits('c', at(9)), "three were asked for in all");
        assert!(limiter.admits('a', at(10)));
        assert!(!limiter.admits('c', at(14)));
        assert!(limiter.admits('c', at(15)));
    }
}
