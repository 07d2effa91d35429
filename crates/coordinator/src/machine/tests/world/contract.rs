//! The chain: how jobs stand there, and what calls do.

use std::collections::BTreeSet;

use tallystick_protocol::ledger::{ChainFact, Event, Finality};
use tallystick_types::{
    Attempt, Attestation, Attestations, BlockHash, ChainAnchor, ChainTime, JobId, NodeId, Seat,
};

use super::super::super::*;
use super::sample::START;
use super::{DOMAIN, Parcel, World};

/// How a job stands on the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Standing {
    Open,
    Assigned,
    Proposed,
    Settled,
    Refunded,
}

#[derive(Clone, Debug)]
pub(in super::super) struct OnChain {
    pub(in super::super) offer: Offer,
    pub(in super::super) standing: Standing,
    pub(in super::super) attempt: u8,
    pub(in super::super) nodes: Vec<Seat>,
}

impl World {
    /// The chain's last word on a job arrives.
    pub(super) fn word(&mut self, job: JobId) {
        let it = self.chain[&job].clone();
        let attempt = Attempt::new(it.attempt);
        let leased = self.machine.book(job).is_some_and(|book| book.lease.is_some());
        match it.standing {
            Standing::Open => {
                if leased {
                    self.step(Input::Unleased { job });
                }
                let offer = Offer { attempt: Attempt::new(it.attempt + 1), ..it.offer };
                self.step(Input::Offered { job, offer: Box::new(offer) });
            }
            Standing::Assigned => {
                let anchor = ChainAnchor {
                    chain: DOMAIN.chain,
                    contract: DOMAIN.job_manager,
                    block: 7,
                    block_hash: BlockHash::new([7; 32]),
                    block_time: ChainTime::new(START).unwrap(),
                };
                let lease = Lease { attempt, nodes: it.nodes, anchor };
                self.step(Input::Leased { job, lease });
            }
            Standing::Proposed => self.fact(job, ChainFact::Proposed { attempt }, Finality::Seen),
            Standing::Settled => self.fact(job, ChainFact::Settled, Finality::Final),
            Standing::Refunded => self.fact(job, ChainFact::Refunded, Finality::Final),
        }
    }

    fn fact(&mut self, job: JobId, fact: ChainFact, finality: Finality) {
        self.step(Input::Ledger(Event::ChainObserved { job, fact, finality }));
    }

    /// A call reaches the chain, or is lost.
    pub(super) fn call(&mut self, job: JobId, call: &ChainCall) {
        if let Some(left) = self.losses.get_mut(&call.kind()).filter(|left| **left > 0) {
            *left -= 1;
            return;
        }
        let most = self.attempts;
        let Some(it) = self.chain.get_mut(&job) else { return };
        let present = |attempt: &Attempt| attempt.get() == it.attempt;
        let assigned = it.standing == Standing::Assigned;
        let done = match call {
            ChainCall::Assign { attempt, nodes } => {
                let begins = it.standing == Standing::Open && attempt.get() == it.attempt + 1;
                if begins && are_nodes(nodes) {
                    (it.attempt, it.nodes) = (it.attempt + 1, nodes.clone());
                    it.standing = Standing::Assigned;
                }
                begins
            }
            ChainCall::Enlist { attempt, nodes } if assigned && present(attempt) => {
                let all = [it.nodes.clone(), nodes.clone()].concat();
                let fits = are_nodes(&all);
                if fits {
                    it.nodes = all;
                }
                fits
            }
            ChainCall::Propose { claim, attestations } if assigned && present(&claim.attempt) => {
                let seats: BTreeSet<Seat> = attestations.iter().map(Attestation::seat).collect();
                let majority = it.nodes.len() / 2 + 1;
                let needed = majority.max(it.offer.rules.quorum.into());
                assert!(seats.iter().all(|seat| it.nodes.contains(seat)), "strangers sign");
                assert!(seats.len() >= needed, "{} of {needed} sign: {it:?}", seats.len());
                it.standing = Standing::Proposed;
                true
            }
            ChainCall::Release { attempt } if assigned && present(attempt) => {
                it.nodes.clear();
                it.standing = if it.attempt >= most { Standing::Refunded } else { Standing::Open };
                true
            }
            ChainCall::Enlist { .. } | ChainCall::Propose { .. } | ChainCall::Release { .. } => {
                false
            }
        };
        if !done {
            self.say(Input::ChainCallFailed { job, call: call.kind() });
        }
        self.queue.push_back(Parcel::Word(job));
    }
}

/// What the contract asks of the nodes of an attempt.
fn are_nodes(nodes: &[Seat]) -> bool {
    let once: BTreeSet<NodeId> = nodes.iter().map(|seat| seat.node).collect();
    !nodes.is_empty() && once.len() == nodes.len() && nodes.len() <= Attestations::MOST
}
