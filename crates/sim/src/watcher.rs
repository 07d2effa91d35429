//! Sees what passes between cores and their shells, and marks what is of interest.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256, keccak256};
use alloy_sol_types::SolCall;
use tallystick_abi::contracts::IJobManager;
use tallystick_abi::{Contract, Deployment};
use tallystick_chain::endpoint::Call;
use tallystick_chain::follow::House;
use tallystick_chain::outbox::Intent;
use tallystick_coordinator::machine::{ChainCall, Input, NodeOrder, Told, Wish};
use tallystick_ports::Beacon;
use tallystick_protocol::ledger::{CloseReason, Event, Evidence, Ledger, TaskState};
use tallystick_types::{BeaconRound, Canonical, JobId, ReceiptClaim, Seat, TaskIndex};
use tallystick_wire::worker::AgentBody;
use tallystick_worker::agent::{AgentSays, Effect};

use crate::chain::Chain;
use crate::disk::Disk;
use crate::kernel::Milliseconds;
use crate::oracles::Oracles;
use crate::outside::Here;
use crate::situations::Situation;

/// Milliseconds within which a draw is made whose randomness is final.
const DRAW: Milliseconds = 10_000;

/// A coordinator is about to take an input in.
pub(crate) fn takes(me: Seat, input: &Input, deployment: &Deployment, here: &mut Here<'_>) {
    let (chain, oracles) = (&here.out.chain, &mut here.out.tally.oracles);
    oracles.input(me, input, chain);
    if here.out.tally.census.broken_finality == 0 {
        oracles.seed_used(chain, input);
        if let Some(job) = Oracles::end_in(input) {
            oracles.end_believed(job, final_state(chain, deployment, job));
        }
    }
}

/// The claim that comes signed with an input, and by whom.
pub(crate) fn claim_in(input: &Input) -> Option<(ReceiptClaim, Seat)> {
    match input {
        Input::Ledger(Event::Attested { claim, attestation }) => Some((*claim, attestation.seat())),
        _ => None,
    }
}

/// A coordinator wishes for something.
pub(crate) fn wished(me: Seat, wish: &Wish, here: &mut Here<'_>) {
    match wish {
        Wish::ToNode(seat, order) => ordered(*seat, order, here),
        Wish::Chain(job, call) => {
            let me = here.me.pid;
            match call {
                ChainCall::Release { .. } => {
                    here.note(|| format!("gives the lease of job {job} back"));
                }
                ChainCall::Assign { .. } => here.out.tally.oracles.takes(me, *job),
                ChainCall::Enlist { .. } | ChainCall::Propose { .. } => {}
            }
        }
        Wish::AwaitRound(_) | Wish::JoinOutputs { .. } => {}
        Wish::Report(evidence) => {
            if let Evidence::TwoClaims { seat, claims: [(claim, _), _] } = &**evidence {
                let me = here.me.pid;
                here.out.tally.oracles.reported(me, claim.job, *seat);
            }
            here.mark(Situation::TwoClaimsReported);
            here.tempt_fate();
        }
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
                    let me = here.me.pid;
                    here.out.tally.oracles.cancelled(me, *job);
                    here.tempt_fate();
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
            if here.out.tally.oracles.asked_to_sign(here.me.pid, receipt) {
                here.mark(Situation::ReceiptSignerReplaced);
                here.tempt_fate();
            }
        }
        NodeOrder::Reveal(assignment) => here.out.tally.oracles.asked_to_open(*assignment),
        NodeOrder::Cancel(_) | NodeOrder::Output(_) | NodeOrder::Attest { .. } => {}
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
            let oracles = &mut here.out.tally.oracles;
            match effect {
                Effect::SignPledge { pledge, .. } => {
                    oracles.wants_signed(seat, *slot, keccak256(pledge.to_bytes()));
                }
                Effect::SignClaim { claim, .. } => {
                    let root = keccak256(
                        [claim.output_root.as_bytes(), claim.cost.get().to_be_bytes().as_slice()]
                            .concat(),
                    );
                    oracles.wants_signed(seat, *slot, root);
                }
                Effect::SignReceipt { receipt, .. } => {
                    oracles.wants_receipt(seat, *slot, receipt.digest());
                }
                _ => {}
            }
        }
        Effect::Send(says) => {
            if let AgentSays::AttestRefused { reason, detail, .. } = &**says {
                here.note(|| format!("refuses to sign: {reason:?}, {detail}"));
            }
        }
        _ => {}
    }
}

/// A node that follows the protocol says something.
pub(crate) fn says(seat: Seat, says: &AgentSays, disk: &Disk, here: &mut Here<'_>) {
    let oracles = &mut here.out.tally.oracles;
    let is_kept = |signature: &[u8]| disk.keeps(b"protection/", signature);
    match says {
        AgentSays::Commit { pledge, signature } => {
            oracles.signature_leaves(seat, is_kept(signature.as_bytes()));
            oracles.committed(pledge);
        }
        AgentSays::Attested { signature, .. } => {
            oracles.signature_leaves(seat, is_kept(signature.as_bytes()));
        }
        AgentSays::ReceiptSigned { receipt, signature, .. } => {
            oracles.signature_leaves(seat, is_kept(signature.as_bytes()));
            oracles.receipt_signed(seat, *receipt);
        }
        AgentSays::Reveal { assignment, opening, .. } => oracles.opened(*assignment, opening),
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

/// Tasks whose draw could be made, and since when.
pub(crate) type Draws = BTreeMap<(JobId, TaskIndex, BeaconRound), Milliseconds>;

/// Sees that no task of a coordinator waits for long for randomness that is final already.
pub(crate) fn draws(ledger: &Ledger, house: &House, due: &mut Draws, here: &mut Here<'_>) {
    let jobs = ledger.state().jobs.values();
    let tasks = jobs.flat_map(|job| job.tasks.values().map(|task| (job.head.id, task)));
    let waiting = tasks.filter_map(|(job, task)| match task.state {
        TaskState::Committed { round, .. } if house.seed(round).is_some() => {
            Some((job, task.index, round))
        }
        _ => None,
    });
    let now = here.now();
    *due = waiting.map(|it| (it, due.get(&it).copied().unwrap_or(now))).collect();
    let late = due.iter().find(|(_, since)| now.saturating_sub(**since) > DRAW);
    here.out.tally.oracles.undrawn(late.map(|((job, task, _), _)| (*job, *task)), here.name);
}

/// What the final block says of a job.
fn final_state(chain: &Chain, deployment: &Deployment, job: JobId) -> Option<u8> {
    let block = chain.block_at(chain.head(), chain.final_number())?;
    let data = IJobManager::statusOfCall { id: job.into() }.abi_encode().into();
    let to = deployment.address(Contract::JobManager);
    let call = Call { from: Address::ZERO, to, data, value: U256::ZERO };
    chain.call(block, &call).ok()?.get(31).copied()
}
