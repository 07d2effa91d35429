//! The time of this machine.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use tallystick_ports::Clock;
use tallystick_types::WallTime;

/// The system's clock, which never goes back: while it is set back, it stands.
#[derive(Debug, Default)]
pub struct SystemClock(AtomicU64);

impl Clock for SystemClock {
    fn now(&self) -> WallTime {
        #[expect(clippy::disallowed_methods, reason = "this is the clock that others take")]
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        WallTime::new(self.0.fetch_max(now, Ordering::Relaxed).max(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_never_goes_back() {
        let clock = SystemClock::default();
        assert!(clock.now() > WallTime::new(1_700_000_000_000));
        clock.0.store(u64::MAX / 2, Ordering::Relaxed);
        assert_eq!(clock.now(), WallTime::new(u64::MAX / 2));
    }
}
