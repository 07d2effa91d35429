//! Messages in words and in JSON.

use serde_json::{Value, json};
use tallystick_sdk::messages::{EventKind, JobEvent, JobStatus, NodeStatus};
use tallystick_types::Seat;

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
        EventKind::Closed(it) => format!("closed: {}", &*it.reason),
        EventKind::DeadLettered(it) => {
            format!("task {} is a dead letter: {}", it.task, &*it.reason)
        }
    }
}
