//! What watchers of jobs are told, in the order in which it happened.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tallystick_types::{JobId, WallTime};
use tallystick_wire::client::{EventKind, JobEvent};
use tokio::sync::watch;

/// The most events that are kept of one job; a watcher that comes later than that misses the first.
const MOST_EVENTS: usize = 4_096;
/// The most jobs of which events are kept; the one that was silent longest goes first.
const MOST_JOBS: usize = 1_024;

/// The events of all jobs since this process began. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    held: Arc<Mutex<Held>>,
    news: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Held {
    jobs: BTreeMap<JobId, Events>,
    told: u64,
}

#[derive(Debug, Default)]
struct Events {
    events: VecDeque<JobEvent>,
    next: u64,
    touched: u64,
}

impl Feed {
    pub(crate) fn new() -> Self {
        Self { held: Arc::default(), news: watch::Sender::new(0) }
    }

    /// Tells everybody who watches a job.
    pub(crate) fn tell(&self, job: JobId, at_ms: WallTime, kind: EventKind) {
        let mut held = self.held();
        held.told = held.told.saturating_add(1);
        let told = held.told;
        let of = held.jobs.entry(job).or_default();
        of.next = of.next.saturating_add(1);
        of.touched = told;
        of.events.push_back(JobEvent { at_ms, sequence: of.next, kind: Some(kind) });
        if of.events.len() > MOST_EVENTS {
            of.events.pop_front();
        }
        if held.jobs.len() > MOST_JOBS
            && let Some((oldest, _)) = held.jobs.iter().min_by_key(|(_, of)| of.touched)
        {
            let oldest = *oldest;
            held.jobs.remove(&oldest);
        }
        drop(held);
        self.news.send_replace(told);
    }

    /// The events of a job after one of them.
    pub(crate) fn after(&self, job: JobId, sequence: u64) -> Vec<JobEvent> {
        let held = self.held();
        let events = held.jobs.get(&job).map(|of| of.events.iter());
        let later = |event: &&JobEvent| event.sequence > sequence;
        events.into_iter().flatten().filter(later).cloned().collect()
    }

    /// Changes whenever something was told.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
