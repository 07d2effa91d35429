//! Virtual time: what is to happen, in one order, and a hash over all that happened.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use tallystick_ports::Clock;
use tallystick_types::WallTime;

/// Milliseconds since 1970, as the simulation counts them.
pub type Milliseconds = u64;

/// Events in the order of their times; of equal times the one that was planned first.
#[derive(Debug)]
pub struct Queue<E> {
    now: Arc<AtomicU64>,
    planned: u64,
    events: BTreeMap<(Milliseconds, u64), E>,
}

impl<E> Queue<E> {
    /// Nothing to happen yet.
    pub fn new(now: Milliseconds) -> Self {
        Self { now: Arc::new(AtomicU64::new(now)), planned: 0, events: BTreeMap::new() }
    }

    /// The moment it is.
    pub fn now(&self) -> Milliseconds {
        self.now.load(Ordering::Relaxed)
    }

    /// Plans an event; one of the past happens next.
    pub fn plan(&mut self, at: Milliseconds, event: E) {
        self.planned = self.planned.saturating_add(1);
        self.events.insert((at.max(self.now()), self.planned), event);
    }

    /// The next event, with its number. Time moves there.
    pub fn take(&mut self) -> Option<(u64, E)> {
        let ((at, number), event) = self.events.pop_first()?;
        self.now.store(at, Ordering::Relaxed);
        Some((number, event))
    }

    /// A clock of a machine, which is that much ahead of the time, or behind it.
    pub fn clock(&self, skew_ms: i64) -> MachineClock {
        let (now, skew) = (Arc::clone(&self.now), Arc::new(AtomicI64::new(skew_ms)));
        MachineClock { now, skew }
    }
}

/// The clock of one machine.
#[derive(Clone, Debug)]
pub struct MachineClock {
    now: Arc<AtomicU64>,
    skew: Arc<AtomicI64>,
}

impl Clock for MachineClock {
    fn now(&self) -> WallTime {
        let now = self.now.load(Ordering::Relaxed);
        WallTime::new(now.saturating_add_signed(self.skew.load(Ordering::Relaxed)))
    }
}

/// A hash over everything that happened (FNV-1a, 64 bits): two runs of a seed have equal ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Audit(u64);

impl Default for Audit {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Audit {
    /// Takes bytes in.
    pub fn note(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    /// Takes numbers in.
    pub fn note_numbers(&mut self, numbers: &[u64]) {
        for number in numbers {
            self.note(&number.to_le_bytes());
        }
    }

    /// The hash so far.
    pub const fn hash(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_by_time_and_then_in_the_order_in_which_they_were_planned() {
        let mut queue = Queue::new(100);
        for (at, name) in [(300, "late"), (200, "first"), (200, "second"), (50, "past")] {
            queue.plan(at, name);
        }
        let order: Vec<_> = std::iter::from_fn(|| queue.take().map(|(_, name)| name)).collect();
        assert_eq!(order, ["past", "first", "second", "late"]);
        assert_eq!(queue.now(), 300);
    }

    #[test]
    fn a_skewed_clock_goes_with_the_time() {
        let mut queue = Queue::new(1_000);
        let clock = queue.clock(-400);
        queue.plan(5_000, ());
        queue.take();
        assert_eq!(clock.now(), WallTime::new(4_600));
    }
}
