//! What waits in the pipelines of a node, read off the rooms.

use tallystick_chain::outbox::IntentStatus;
use tallystick_chain::view::JobView;
use tallystick_types::{ChainTime, JobState, Seat, Seconds, WallTime};

use super::Observed;
use super::progress::{Item, Progress};

type Waiting = Vec<(Item, Seconds)>;

/// Takes note of what waits now in every pipeline that the node has.
pub(super) fn look(observed: &Observed, progress: &mut Progress, now: WallTime) {
    let (chain, money) = (observed.times.chain, observed.times.money);
    if chain > Seconds::new(0) {
        progress.look("chain", now, [(number(observed.house.heights().head), chain)]);
    }
    if let Some(outbox) = &observed.outbox {
        let board = outbox.watch().borrow().clone();
        // What is in a block waits for finality, which is the chain's own affair.
        let open = board.wishes.iter().filter(|(_, status)| !is_in_a_block(status));
        progress.look("outbox", now, open.map(|(key, _)| (key.as_bytes().to_vec(), money)));
    }
    if let Some(me) = observed.me {
        progress.look("lease", now, leases(observed, me));
        progress.look("payment", now, payments(observed, me));
    }
    if let Some(receipts) = &observed.collector {
        let status = *receipts.borrow();
        let waits = (status.wanted > 0).then(|| (number(status.kept), money));
        progress.look("receipt", now, waits);
    }
    if let Some(worker) = &observed.worker {
        let alone = worker.borrow().connected.is_none();
        progress.look("session", now, alone.then(|| (Item::new(), money)));
    }
}

const fn is_in_a_block(status: &IntentStatus) -> bool {
    matches!(status, IntentStatus::Included { .. } | IntentStatus::Ended(_))
}

fn number(number: u64) -> Item {
    number.to_be_bytes().to_vec()
}

/// Leases of this coordinator: each must be renewed, or its job proposed, before its end.
fn leases(observed: &Observed, me: Seat) -> Waiting {
    let Some(now) = chain_time(observed) else { return Vec::new() };
    let views = observed.house.read();
    let jobs = views.latest().jobs_in(JobState::Assigned);
    let mine = jobs.filter(|job| coordinates(job, me));
    mine.map(|job| {
        let left = job.deadline.checked_since(now).unwrap_or_default();
        (of(job), left)
    })
    .collect()
}

/// Results that this node helped to make, whose time to be paid has come.
fn payments(observed: &Observed, me: Seat) -> Waiting {
    let Some(now) = chain_time(observed) else { return Vec::new() };
    let views = observed.house.read();
    let jobs = views.latest().jobs_in(JobState::Proposed).take_while(|job| job.deadline <= now);
    let mine = jobs.filter(|job| coordinates(job, me) || job.index_of(me).is_some());
    mine.map(|job| (of(job), observed.times.money)).collect()
}

fn coordinates(job: &JobView, me: Seat) -> bool {
    job.assignment.as_ref().is_some_and(|assignment| assignment.coordinator == me)
}

/// A job in its present state: with another deadline it is another thing that waits.
fn of(job: &JobView) -> Item {
    [job.id.as_bytes().as_slice(), &job.deadline.get().to_be_bytes()].concat()
}

/// The time of the newest block.
fn chain_time(observed: &Observed) -> Option<ChainTime> {
    let head = observed.house.block(observed.house.heights().head).ok().flatten()?;
    Some(head.time)
}

#[cfg(test)]
mod tests {
    const ALERTS: &str = include_str!("../../../../docs/operations/alerts.yml");
    const DASHBOARD: &str = include_str!("../../../../docs/operations/dashboard.json");
    const RUNBOOK: &str = include_str!("../../../../docs/operations/runbook.md");
    const SOURCES: [&str; 2] = [include_str!("../observe.rs"), include_str!("pipelines.rs")];

    #[test]
    fn alerts_and_dashboard_speak_of_metrics_that_exist() {
        for text in [ALERTS, DASHBOARD] {
            let names = text.split("tally_").skip(1).map(|rest| {
                let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
                rest.split(|c| !is_name(c)).next().unwrap()
            });
            for name in names {
                let quoted = format!("\"{name}\"");
                assert!(SOURCES[0].contains(&quoted), "nobody shows tally_{name}");
            }
        }
    }

    #[test]
    fn every_alert_and_every_pipeline_has_its_page_in_the_runbook() {
        let anchors: Vec<String> = RUNBOOK
            .lines()
            .filter_map(|line| line.strip_prefix("## "))
            .map(|title| title.to_lowercase().replace(' ', "-"))
            .collect();
        let alerts = ALERTS.split("runbook.md#").skip(1);
        let alerts = alerts.map(|rest| rest.split(['\n', '"']).next().unwrap());
        let pipelines = SOURCES[1].split("progress.look(\"").skip(1);
        let pipelines = pipelines.map(|rest| rest.split('"').next().unwrap());
        let of_pipelines = "{{ $labels.pipeline }}";
        for page in alerts.chain(pipelines).filter(|page| *page != of_pipelines) {
            assert!(anchors.iter().any(|anchor| anchor == page), "no page for {page}");
        }
    }
}
