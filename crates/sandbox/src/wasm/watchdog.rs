//! The backstop of real time: one thread per sandbox that ticks only while something runs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use wasmtime::EngineWeak;

use super::failure::LocalFault;

/// Least time between two ticks in milliseconds. At a tick a run looks at clock and cancellation.
pub(super) const TICK_MS: u64 = 5;

/// Cancels a run from another thread. Clones cancel the same runs.
#[derive(Clone, Debug, Default)]
pub struct Cancellation {
    cancelled: Arc<AtomicBool>,
}

impl Cancellation {
    /// Ends the run at its next tick, and a wait for compilation or a slot within some ticks.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether [`Cancellation::cancel`] was called.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    running: usize,
    closed: bool,
}

impl Shared {
    /// The state is two plain values, so that a panic elsewhere cannot leave it half changed.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts runs, bounds how many there are at once, and ticks for them.
#[derive(Debug)]
pub(super) struct Watchdog {
    shared: Arc<Shared>,
    ticker: Option<JoinHandle<()>>,
    slots: usize,
}

impl Watchdog {
    pub(super) fn start(engine: EngineWeak, slots: usize) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let watched = Arc::clone(&shared);
        let ticker = std::thread::Builder::new()
            .name("sandbox-watchdog".to_owned())
            .spawn(move || tick(&watched, &engine))?;
        Ok(Self { shared, ticker: Some(ticker), slots })
    }

    /// Waits for a free slot: that wait is the back-pressure. Cancelled, it gives up.
    pub(super) fn enter(&self, cancellation: &Cancellation) -> Result<Running<'_>, LocalFault> {
        let mut state = self.shared.lock();
        while !cancellation.is_cancelled() && state.running >= self.slots {
            let tick = Duration::from_millis(TICK_MS);
            let changed = &self.shared.changed;
            (state, _) = changed.wait_timeout(state, tick).unwrap_or_else(PoisonError::into_inner);
        }
        if cancellation.is_cancelled() {
            return Err(LocalFault::Cancelled);
        }
        state.running += 1;
        if state.running == 1 {
            self.shared.changed.notify_all();
        }
        Ok(Running { shared: &self.shared })
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
        if let Some(ticker) = self.ticker.take() {
            // A ticker that panicked has nothing left to stop.
            let _ = ticker.join();
        }
    }
}

/// A slot in use; dropping it frees the slot.
pub(super) struct Running<'w> {
    shared: &'w Shared,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.shared.lock().running -= 1;
        self.shared.changed.notify_all();
    }
}

fn tick(shared: &Shared, engine: &EngineWeak) {
    let mut state = shared.lock();
    while !state.closed {
        if state.running == 0 {
            state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            continue;
        }
        drop(state);
        std::thread::sleep(Duration::from_millis(TICK_MS));
        let Some(engine) = engine.upgrade() else { return };
        engine.increment_epoch();
        state = shared.lock();
    }
}
