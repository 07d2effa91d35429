//! Whether every pipeline of a node gets on: when it last did, and by when it must again.
//!
//! A pipeline is a set of things that wait: wishes for the chain, results for their money, receipts
//! for their archive. It got on when one of them left the set. One that stays longer than its time
//! makes the pipeline late, even while others pass it by.

use std::collections::BTreeMap;

use tallystick_types::{Seconds, WallTime};

/// The name of a thing that waits, unique within its pipeline.
pub(super) type Item = Vec<u8>;

/// All pipelines of a node.
#[derive(Debug, Default)]
pub(super) struct Progress(BTreeMap<&'static str, Pipeline>);

#[derive(Debug)]
struct Pipeline {
    /// What waits, since when, and by when it must be through.
    waiting: BTreeMap<Item, Waiting>,
    progressed: WallTime,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    since: WallTime,
    due: WallTime,
}

/// How a pipeline is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) pipeline: &'static str,
    /// How much waits.
    pub(super) waiting: usize,
    /// When something last got through, or nothing waited.
    pub(super) progressed: WallTime,
    /// When the next thing must be through; nothing where none waits.
    pub(super) expected: Option<WallTime>,
    /// Since when the longest waits.
    pub(super) since: Option<WallTime>,
}

impl Progress {
    /// Takes note of what waits now, each with the time that it has from its first sight.
    pub(super) fn look(
        &mut self,
        pipeline: &'static str,
        now: WallTime,
        items: impl IntoIterator<Item = (Item, Seconds)>,
    ) {
        let new = || Pipeline { waiting: BTreeMap::new(), progressed: now };
        let known = self.0.entry(pipeline).or_insert_with(new);
        let mut waiting = BTreeMap::new();
        for (item, time) in items {
            let first = Waiting { since: now, due: now.after(time) };
            let since = known.waiting.remove(&item).unwrap_or(first);
            waiting.insert(item, since);
        }
        // What is left of the old set got through.
        if waiting.is_empty() || !known.waiting.is_empty() {
            known.progressed = now;
        }
        known.waiting = waiting;
    }

    /// How the pipelines are, in the order of their names.
    pub(super) fn standings(&self) -> impl Iterator<Item = Standing> {
        self.0.iter().map(|(pipeline, known)| Standing {
            pipeline,
            waiting: known.waiting.len(),
            progressed: known.progressed,
            expected: known.waiting.values().map(|it| it.due).min(),
            since: known.waiting.values().map(|it| it.since).min(),
        })
    }
}

impl Standing {
    /// Why the pipeline is late; nothing where it is not.
    pub(super) fn late(&self, now: WallTime) -> Option<String> {
        let (expected, since) = (self.expected?, self.since?);
        let seconds = now.get().saturating_sub(since.get()) / 1_000;
        (now > expected).then(|| {
            format!(
                "{} is late: {} wait, the oldest for {seconds} s; \
                 see docs/operations/runbook.md#{}",
                self.pipeline, self.waiting, self.pipeline
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Seconds = Seconds::new(60);

    fn at(seconds: u64) -> WallTime {
        WallTime::new(seconds * 1_000)
    }

    fn after(looks: &[(u64, &[u8])]) -> Standing {
        let mut progress = Progress::default();
        for (second, names) in looks {
            let items = names.iter().map(|name| (vec![*name], TIME));
            progress.look("outbox", at(*second), items);
        }
        progress.standings().next().unwrap()
    }

    #[test]
    fn nothing_is_expected_where_nothing_waits() {
        let standing = after(&[(10, &[]), (500, &[])]);
        assert_eq!((standing.progressed, standing.expected), (at(500), None));
        assert_eq!(standing.late(at(9_000)), None);
    }

    #[test]
    fn the_oldest_thing_decides_though_others_pass_it_by() {
        let standing = after(&[(10, b"ab"), (20, b"ac"), (69, b"ad")]);
        assert_eq!(standing.progressed, at(69));
        assert_eq!(standing.expected, Some(at(70)));
        assert_eq!(standing.late(at(70)), None);
        let late = standing.late(at(71)).unwrap();
        assert!(late.contains("outbox is late: 2 wait, the oldest for 61 s"), "{late}");
    }

    #[test]
    fn what_comes_back_has_its_time_anew() {
        let standing = after(&[(10, b"a"), (20, b""), (30, b"a")]);
        assert_eq!(standing.expected, Some(at(90)));
        assert_eq!(standing.progressed, at(20));
    }

    #[test]
    fn time_that_passes_without_a_change_is_no_progress() {
        let standing = after(&[(10, b"a"), (40, b"a"), (50, b"ab")]);
        assert_eq!(standing.progressed, at(10));
    }
}
