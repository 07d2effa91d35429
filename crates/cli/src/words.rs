//! Messages in words and in JSON.

use serde_json::{Value, json};
use tallystick_sdk::messages::{EventKind, JobEvent, JobStatus, NodeStatus};
use tallystick_types::{ChainTime, Seat};

/// A member of an enum in the words of people.
pub(crate) fn member(value: impl std::fmt::Debug) -> String {
    let mut words = String::new();
    for letter in format!("{value:?}").chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

/// A node in few letters: its number, or its signer where it has none.
pub(crate) fn seat(seat: Seat) -> String {
    if seat.node.get() == 0 { seat.signer.to_string() } else { format!("node {}", seat.node) }
}

/// A moment of the chain as a date and time, UTC.
pub(crate) fn moment(time: ChainTime) -> String {
    let (days, seconds) = (time.get() / 86_400, time.get() % 86_400);
    // Years that begin in March, in cycles of 400: leap days come last.
    let days = days + 719_468;
    let (cycle, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * month + 2) / 5 + 1, (month + 2) % 12 + 1);
    let year = 400 * cycle + year + u64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Where a job stands.
pub(crate) fn status(status: &JobStatus) -> Value {
    let seats: Vec<_> = status.nodes.iter().copied().map(seat).collect();
    json!({
        "job": status.job,
        "phase": member(status.phase),
        "finality": member(status.finality),
        "attempt": status.attempt,
        "tasks": status.tasks_total,
        "verified": status.tasks_verified,
        "active": status.tasks_active,
        "dead": status.tasks_dead,
        "cost": status.cost,
        "client": status.client,
        "token": status.token,
        "private": status.private,
        "nodes": seats,
        "created_at_ms": status.created_at_ms,
        "updated_at_ms": status.updated_at_ms,
        "waits": status.waiting.as_ref().map(|it| it.reason.to_string()),
        "refund_at": status.waiting.as_ref().map(|it| moment(it.refund_at_seconds)),
        "close_reason": (!status.close_reason.is_empty()).then(|| status.close_reason.to_string()),
    })
}

/// A node as the coordinator knows it.
pub(crate) fn node(node: &NodeStatus) -> Value {
    let kinds: Vec<_> = node.kinds.iter().map(|kind| kind.to_string()).collect();
    json!({
        "node": node.seat.node,
        "signer": node.seat.signer,
        "online": node.online,
        "draining": node.draining,
        "quarantined": node.quarantined,
        "tier": node.tier,
        "load_percent": node.load_ppm.get() / 10_000,
        "busy": node.busy,
        "places": node.places,
        "speed": node.speed,
        "stake": node.stake,
        "region": node.region,
        "kinds": kinds,
        "software": node.software.to_string(),
        "last_seen_ms": node.last_seen_ms,
    })
}

/// What happened, as one line.
pub(crate) fn event(event: &JobEvent) -> String {
    let Some(kind) = &event.kind else { return "something that a later version tells".to_owned() };
    match kind {
        EventKind::Accepted(it) => format!("accepted with {} tasks", it.tasks),
        EventKind::Queued(it) => format!("task {} waits: {}", it.task, &*it.reason),
        EventKind::Assigned(it) => {
            let role = if it.primary { "primary" } else { "secondary" };
            format!("task {} to {} as {role}", it.at.task, seat(it.at.seat))
        }
        EventKind::Acknowledged(it) => {
            format!("task {} taken by {}", it.at.task, seat(it.at.seat))
        }
        EventKind::Progress(it) => {
            let percent = it.done_ppm.get() / 10_000;
            format!("task {} at {percent} % on {}", it.at.task, seat(it.at.seat))
        }
        EventKind::Committed(it) => {
            format!("task {} committed by {}", it.at.task, seat(it.at.seat))
        }
        EventKind::Drawn(it) => {
            let seats: Vec<_> = it.seats.iter().copied().map(seat).collect();
            format!("task {} drew {} in round {}", it.task, seats.join(", "), it.round)
        }
        EventKind::Verified(it) => format!("task {} verified: {}", it.task, it.output_root),
        EventKind::Reassigned(it) => format!("task {} goes elsewhere: {}", it.task, &*it.reason),
        EventKind::Escalated(it) => {
            format!("task {} escalates for the {}. time", it.task, it.number)
        }
        EventKind::Outvoted(it) => format!("task {}: {} outvoted", it.at.task, seat(it.at.seat)),
        EventKind::Quarantined(it) => {
            format!("{} quarantined: {}", seat(it.seat), member(it.offence))
        }
        EventKind::Evidence(it) => {
            format!("evidence against {}: {}", seat(it.seat), member(it.offence))
        }
        EventKind::Attested(it) => format!("attested by {}", seat(it.seat)),
        EventKind::Receipt(it) => format!("receipt {}", it.digest),
        EventKind::Proposed(it) => {
            format!("proposed in {} ({})", it.transaction, member(it.finality))
        }
        EventKind::Settled(it) => {
            format!("settled in {} ({})", it.transaction, member(it.finality))
        }
        EventKind::Refunded(it) => {
            format!("refunded in {} ({})", it.transaction, member(it.finality))
        }
        EventKind::Waiting(it) => {
            let (why, when) = (&*it.reason, moment(it.refund_at_seconds));
            format!("waits: {why}; without a result the money goes back from {when} on")
        }
        EventKind::Closed(it) => format!("closed: {}", &*it.reason),
        EventKind::DeadLettered(it) => {
            format!("task {} is a dead letter: {}", it.task, &*it.reason)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_dates_of_the_calendar() {
        let dates = [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_750_000_600, "2025-06-15T15:16:40Z"),
            (1_767_225_599, "2025-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ];
        for (seconds, date) in dates {
            assert_eq!(moment(ChainTime::new(seconds).unwrap()), date);
        }
    }
}
