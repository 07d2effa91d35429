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
    touched: u64,
}

impl Feed {
    /// A feed that begins now. Its numbers begin with the milliseconds of the clock, so that a
    /// watcher who heard of events before a restart hears of those after it.
    pub(crate) fn new(now: WallTime) -> Self {
        let told = now.get();
        let held = Held { jobs: BTreeMap::new(), told };
        Self { held: Arc::new(Mutex::new(held)), news: watch::Sender::new(told) }
    }

    /// Tells everybody who watches a job.
    pub(crate) fn tell(&self, job: JobId, at_ms: WallTime, kind: EventKind) {
        let mut held = self.held();
        held.told = held.told.saturating_add(1);
        let told = held.told;
        let of = held.jobs.entry(job).or_default();
        of.touched = told;
        // Counted over all jobs: a job that was forgotten does not begin at one again.
        of.events.push_back(JobEvent { at_ms, sequence: told, kind: Some(kind) });
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

#[cfg(test)]
mod tests {
    use super::*;
    use tallystick_wire::client::Accepted;

    fn job(number: usize) -> JobId {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&u64::try_from(number).unwrap().to_be_bytes());
        JobId::new(bytes)
    }

    fn tell(feed: &Feed, number: usize, tasks: u32) {
        feed.tell(job(number), WallTime::new(7), EventKind::Accepted(Accepted { tasks }));
    }

    fn tasks(events: &[JobEvent]) -> Vec<u32> {
        let tasks = events.iter().map(|event| match &event.kind {
            Some(EventKind::Accepted(it)) => it.tasks,
            other => panic!("{other:?}"),
        });
        tasks.collect()
    }

    #[test]
    fn events_of_a_job_come_in_order_after_a_sequence() {
        let feed = Feed::new(WallTime::new(0));
        for number in 10..14 {
            tell(&feed, 1, number);
            tell(&feed, 2, 99);
        }
        let all = feed.after(job(1), 0);
        assert_eq!(tasks(&all), [10, 11, 12, 13]);
        assert!(all.windows(2).all(|pair| pair[0].sequence < pair[1].sequence));
        assert_eq!(tasks(&feed.after(job(1), all[1].sequence)), [12, 13]);
        assert!(feed.after(job(1), all[3].sequence).is_empty());
        assert!(feed.after(job(3), 0).is_empty());
    }

    #[test]
    fn the_oldest_events_go_when_there_are_too_many() {
        let feed = Feed::new(WallTime::new(0));
        let most = u32::try_from(MOST_EVENTS).unwrap();
        for number in 0..most + 3 {
            tell(&feed, 1, number);
        }
        assert_eq!(tasks(&feed.after(job(1), 0)), (3..most + 3).collect::<Vec<_>>());
    }

    #[test]
    fn the_job_that_was_silent_longest_goes_first() {
        let feed = Feed::new(WallTime::new(0));
        for number in 0..MOST_JOBS {
            tell(&feed, number, 1);
        }
        tell(&feed, 0, 2);
        tell(&feed, MOST_JOBS, 1);
        assert_eq!(tasks(&feed.after(job(0), 0)), [1, 2]);
        assert!(feed.after(job(1), 0).is_empty());
        assert_eq!(feed.after(job(2), 0).len(), 1);
        assert_eq!(feed.after(job(MOST_JOBS), 0).len(), 1);
    }

    #[test]
    fn a_watcher_of_a_forgotten_job_hears_what_comes_next() {
        let feed = Feed::new(WallTime::new(0));
        tell(&feed, 0, 1);
        tell(&feed, 0, 2);
        let last = feed.after(job(0), 0)[1].sequence;
        for number in 1..=MOST_JOBS {
            tell(&feed, number, 1);
        }
        assert!(feed.after(job(0), 0).is_empty());
        tell(&feed, 0, 3);
        assert_eq!(tasks(&feed.after(job(0), last)), [3]);
    }

    #[test]
    fn watchers_are_woken() {
        let feed = Feed::new(WallTime::new(0));
        let mut watcher = feed.watch();
        assert!(!watcher.has_changed().unwrap());
        tell(&feed, 1, 1);
        assert!(watcher.has_changed().unwrap());
        watcher.mark_unchanged();
        tell(&feed, 2, 1);
        assert!(watcher.has_changed().unwrap());
    }
}
