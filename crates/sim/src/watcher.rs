//! Sees what passes between cores and their shells, and marks what is of interest.

use tallystick_chain::outbox::Intent;
use tallystick_coordinator::machine::{ChainCall, NodeOrder, Told, Wish};
use tallystick_protocol::ledger::CloseReason;
use tallystick_types::Seat;
use tallystick_wire::worker::AgentBody;
use tallystick_worker::agent::{AgentSays, Effect};

use crate::outside::Here;
use crate::situations::Situation;

/// A coordinator wishes for something.
pub(crate) fn wished(me: Seat, wish: &Wish, here: &mut Here<'_>) {
    match wish {
        Wish::ToNode(seat, order) => ordered(*seat, order, here),
        Wish::Chain(job, call) => {
            if matches!(call, ChainCall::Release { .. }) {
                here.note(|| format!("gives the lease of job {job} back"));
            }
        }
        Wish::AwaitRound(_) | Wish::JoinOutputs { .. } => {}
        Wish::Report(_) => here.mark(Situation::TwoClaimsReported),
        Wish::Tell(job, told) => {
            here.note(|| format!("tells of job {job}: {told:?}"));
            let situation = match told {
                Told::Queued { .. } => Situation::TaskQueued,
                Told::Waiting(_) => Situation::JobWaited,
                Told::Escalated { .. } => Situation::TaskEscalated,
                Told::Verified { task, slices, output_root } => {
                    here.out.tally.oracles.verified(*job, *task, *slices, *output_root);
                    Situation::TaskVerified
                }
                Told::Reassigned { .. } => Situation::TaskReassigned,
                Told::Quarantined(seat, kind) => {
                    here.out.tally.oracles.accused(*job, *seat, *kind);
                    Situation::NodeQuarantined
                }
                Told::Receipt { .. } => Situation::ReceiptMade,
                Told::DeadLetter(..) => Situation::TaskDeadLettered,
                Told::Closed(reason) => {
                    let oracles = &mut here.out.tally.oracles;
                    oracles.closed(me, (*job, *reason), &here.out.chain);
                    if *reason != CloseReason::Cancelled {
                        return;
                    }
                    Situation::ClientCancelled
                }
                Told::Accepted { .. }
                | Told::Assigned(..)
                | Told::Acknowledged(_)
                | Told::Progress(..)
                | Told::Committed(..)
                | Told::Failed(..)
                | Told::Attested(_) => return,
            };
            here.mark(situation);
        }
    }
}

fn ordered(seat: Seat, order: &NodeOrder, here: &mut Here<'_>) {
    match order {
        NodeOrder::Assign { assignment, role, .. } => {
            here.note(|| {
                let it = assignment;
                format!("node {}: do task {} of {} as {role:?}", seat.node, it.task, it.job)
            });
            here.out.tally.oracles.drawn(assignment.job, assignment.task, seat);
            if *role == tallystick_protocol::ledger::Role::Secondary {
                here.mark(Situation::SecondariesDrawn);
            }
        }
        NodeOrder::Sign(receipt) => {
            if here.out.tally.oracles.asked_to_sign(receipt) {
                here.mark(Situation::ReceiptSignerReplaced);
            }
        }
        NodeOrder::Cancel(_)
        | NodeOrder::Reveal(_)
        | NodeOrder::Output(_)
        | NodeOrder::Attest { .. } => {}
    }
}

/// A node's words reach its coordinator.
pub(crate) fn heard(seat: Seat, body: &AgentBody, here: &mut Here<'_>) {
    match body {
        AgentBody::AttestRefused(refused) => {
            here.note(|| format!("node {} does not sign: {:?}", seat.node, refused.reason));
            here.mark(Situation::ClaimRefused);
        }
        AgentBody::Attested(attested) => {
            let second = here.out.tally.oracles.attested(seat, attested);
            here.mark_if(second, Situation::TwoClaimsSigned);
        }
        AgentBody::TaskFailed(failed) => {
            let (failure, detail) = (failed.failure, failed.detail.as_str());
            here.note(|| format!("node {} failed: {failure:?}, {detail}", seat.node));
        }
        _ => {}
    }
}

/// An agent wants something done.
pub(crate) fn performs(seat: Seat, effect: &Effect, here: &mut Here<'_>) {
    match effect {
        Effect::SignPledge { slot, .. }
        | Effect::SignClaim { slot, .. }
        | Effect::SignReceipt { slot, .. } => {
            let again = here.out.tally.oracles.signs(seat, *slot);
            here.mark_if(again, Situation::SignedAgain);
        }
        Effect::Send(says) => {
            if let AgentSays::AttestRefused { reason, detail, .. } = &**says {
                here.note(|| format!("refuses to sign: {reason:?}, {detail}"));
            }
        }
        _ => {}
    }
}

/// A settler hands a wish in.
pub(crate) fn settles(intent: &Intent, here: &mut Here<'_>) {
    if intent.purpose.starts_with("move") {
        here.mark(Situation::SettledInABatch);
    } else if intent.purpose.starts_with("advance") {
        here.mark(Situation::AdvanceWished);
    }
}
