//! The time of this machine.

use std::fmt;

use tallystick_types::WallTime;

/// Tells the time. Never goes back within one process; says nothing about the chain's time.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The moment it is.
    fn now(&self) -> WallTime;
}

/// A clock that stands until it is moved.
#[cfg(any(test, feature = "test-utils"))]
#[derive(Debug, Default)]
pub struct ManualClock(std::sync::atomic::AtomicU64);

#[cfg(any(test, feature = "test-utils"))]
impl ManualClock {
    /// A clock that shows a moment.
    pub const fn at(now: WallTime) -> Self {
        Self(std::sync::atomic::AtomicU64::new(now.get()))
    }

    /// Lets milliseconds pass.
    pub fn pass_ms(&self, milliseconds: u64) {
        self.0.fetch_add(milliseconds, std::sync::atomic::Ordering::Relaxed);
    }
}

#[cfg(any(test, feature = "test-utils"))]
impl Clock for ManualClock {
    fn now(&self) -> WallTime {
        WallTime::new(self.0.load(std::sync::atomic::Ordering::Relaxed))
    }
}
