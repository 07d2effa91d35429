//! Fulfils wishes: talks to nodes, fills the outbox, brings randomness, joins outputs.
//!
//! **In:** wishes, in their order. **Out:** inputs. Nothing here is remembered across a restart:
//! what is still wanted is read off the machine, and every wish is harmless when it comes again.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use alloy_primitives::{Bytes, U256, keccak256};
use sha2::{Digest, Sha256};
use tallystick_abi::Contract;
use tallystick_chain::outbox::{Intent, IntentKey, IntentStatus, OutcomeResult, Seq};
use tallystick_chain::view::SignedClaim;
use tallystick_ports::Beacon;
use tallystick_protocol::ledger::{Event, Evidence};
use tallystick_protocol::output::TaskOutput;
use tallystick_types::{
    Attestation, BeaconRound, JobId, OutputDigest, Seat, SliceRange, TaskIndex,
};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::machine::{ChainCall, ChainCallKind, Input, NodeOrder, NodeOutput, OutputPart, Wish};
use crate::orders;
use crate::shared::Shared;

/// How often outputs are looked for and time is noted.
const LOOK: Duration = Duration::from_millis(100);
/// After how many looks evidence that the chain did not act on is handed in again.
const REPORT_LOOKS: u64 = 50;

/// Fulfils wishes.
#[derive(Debug)]
pub(crate) struct Hands {
    shared: Shared,
    wishes: mpsc::Receiver<Vec<Wish>>,
    rounds: BTreeSet<BeaconRound>,
    awaited: BTreeMap<(JobId, TaskIndex), (Seat, SliceRange)>,
    reports: Vec<Evidence>,
    calls: BTreeMap<IntentKey, (JobId, ChainCallKind)>,
    outcomes: Seq,
    tasks: JoinSet<()>,
    looks: u64,
}

impl Hands {
    pub(crate) fn new(shared: Shared, wishes: mpsc::Receiver<Vec<Wish>>) -> Self {
        let outcomes = shared.outbox.watch().borrow().newest_outcome;
        Self {
            shared,
            wishes,
            rounds: BTreeSet::new(),
            awaited: BTreeMap::new(),
            reports: Vec::new(),
            calls: BTreeMap::new(),
            outcomes,
            tasks: JoinSet::new(),
            looks: 0,
        }
    }

    /// Works until `stop` is ready or nobody wishes any more.
    pub(crate) async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = &mut stop => return,
                wishes = self.wishes.recv() => match wishes {
                    Some(wishes) => for wish in wishes { self.fulfil(wish).await },
                    None => return,
                },
                _ = looks.tick() => self.look().await,
                Some(_done) = self.tasks.join_next(), if !self.tasks.is_empty() => {}
            }
        }
    }

    async fn fulfil(&mut self, wish: Wish) {
        match wish {
            Wish::ToNode(seat, order) => self.order(seat, order).await,
            Wish::Chain(job, call) => self.call(job, &call).await,
            Wish::AwaitRound(round) => {
                self.rounds.insert(round);
            }
            Wish::JoinOutputs { job, parts } => self.join(job, parts),
            Wish::Report(evidence) => {
                self.report(&evidence).await;
                self.reports.push(*evidence);
            }
            Wish::Tell(job, told) => {
                for kind in orders::event(told) {
                    self.shared.feed.tell(job, self.shared.clock.now(), kind);
                }
            }
        }
    }

    async fn order(&mut self, seat: Seat, order: NodeOrder) {
        if let NodeOrder::Output(assignment) = &order {
            let (job, task) = (assignment.job, assignment.task);
            let slices = self.shared.desk.ask(move |machine, _| {
                machine.ledger().job(job).and_then(|it| it.tasks.get(&task)).map(|it| it.slices)
            });
            if let Ok(Some(slices)) = slices.await {
                self.awaited.insert((job, task), (seat, slices));
            }
        }
        let bodies = orders::bodies(order, &self.shared.blobs);
        self.shared.sessions.tell(seat, bodies);
    }

    /// Puts a call into the outbox, made from the chain's last word on the job. Where that does
    /// not fit any more nothing is sent: the machine hears of the change and asks again.
    async fn call(&mut self, job: JobId, call: &ChainCall) {
        let data = {
            let house = self.shared.house.read();
            let Some(view) = house.latest().job(job) else { return };
            match call {
                ChainCall::Assign { nodes, .. } => view.assign_call(self.shared.me.node, nodes),
                ChainCall::Enlist { nodes, .. } => view.enlist_call(nodes),
                ChainCall::Propose { claim, attestations } => {
                    let stands = |attestation: &&Attestation| {
                        let index = view.index_of(attestation.seat());
                        index.is_none_or(|index| view.seized & (1 << index) == 0)
                    };
                    let stand: Vec<_> = attestations.iter().filter(stands).copied().collect();
                    view.propose_call(claim.output_root, claim.cost, &stand)
                }
                ChainCall::Release { .. } => view.release_call(),
            }
        };
        match data {
            Ok(data) => {
                let purpose = format!("{:?} job {job}", call.kind());
                let Some(key) = self.open_key(&data) else { return };
                if self.enqueue(Contract::JobManager, (key, data), purpose).await {
                    self.calls.insert(key, (job, call.kind()));
                }
            }
            Err(error) => tracing::debug!(%job, call = ?call.kind(), %error, "chain.call.void"),
        }
    }

    /// The key of a call that is wanted: the first one under which the same call is not over. A
    /// later attempt may need the very call of an earlier one, and one that the chain refused may
    /// be taken later; under a key that is over the outbox would send nothing.
    fn open_key(&self, data: &Bytes) -> Option<IntentKey> {
        let hash = keccak256(data);
        for number in 0_u32.. {
            let key = self.key(Contract::JobManager, &[&hash[..], &number.to_be_bytes()].concat());
            match self.shared.outbox.status(key) {
                Ok(Some(IntentStatus::Ended(_))) => {}
                Ok(Some(_) | None) => return Some(key),
                Err(error) => {
                    tracing::warn!(%error, "outbox.status.failed");
                    return None;
                }
            }
        }
        None
    }

    fn key(&self, to: Contract, about: &[u8]) -> IntentKey {
        let contract = self.shared.deployment.address(to);
        IntentKey::of(self.shared.domain.chain, contract, "call", about)
    }

    async fn enqueue(
        &self,
        to: Contract,
        (key, data): (IntentKey, Bytes),
        purpose: String,
    ) -> bool {
        let intent = Intent {
            key,
            to: self.shared.deployment.address(to),
            data,
            value: U256::ZERO,
            deadline: None,
            max_fee_per_gas: self.shared.config.max_fee_per_gas.into(),
            least_gas: 0,
            guard: None,
            purpose,
        };
        match self.shared.outbox.enqueue(intent).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(%error, "outbox.enqueue.failed");
                false
            }
        }
    }

    /// Hands evidence to the contract that slashes, made from the chain's last word on the job.
    async fn report(&self, evidence: &Evidence) {
        let Evidence::TwoClaims { seat, claims: [(first, one), (second, other)] } = evidence else {
            return;
        };
        let claim = |claim: &tallystick_types::ReceiptClaim, signature| SignedClaim {
            output_root: claim.output_root,
            cost: claim.cost,
            signature,
        };
        let data = {
            let house = self.shared.house.read();
            let Some(view) = house.latest().job(first.job) else { return };
            view.report_call(*seat, &claim(first, *one), &claim(second, *other))
        };
        match data {
            Ok(data) => {
                let purpose = format!("report node {} of job {}", seat.node, first.job);
                // Said again and again, and once is enough: what the chain refuses stays refused
                // until the job changes, and with it the call.
                let key = self.key(Contract::SlashingManager, keccak256(&data).as_slice());
                self.enqueue(Contract::SlashingManager, (key, data), purpose).await;
            }
            Err(error) => tracing::debug!(job = %first.job, %error, "chain.report.void"),
        }
    }

    fn join(&mut self, job: JobId, parts: Vec<OutputPart>) {
        let shared = self.shared.clone();
        self.tasks.spawn(async move {
            let blobs = shared.blobs.clone();
            let joined = tokio::task::spawn_blocking(move || joined(&blobs, &parts)).await;
            if let Ok(Some((output, bytes))) = joined {
                // The desk is gone only when everything stops.
                let _stopped = shared.desk.tell(Input::OutputJoined { job, output, bytes }).await;
            }
        });
    }

    /// What has to be looked at now and then.
    async fn look(&mut self) {
        self.looks = self.looks.wrapping_add(1);
        // An empty look makes the desk note the time.
        let _stopped = self.shared.desk.look(|_| Vec::new()).await;
        self.bring_randomness().await;
        self.take_outputs().await;
        self.hear_outcomes().await;
        if self.looks.is_multiple_of(REPORT_LOOKS) {
            self.report_again().await;
        }
    }

    async fn bring_randomness(&mut self) {
        let known: Vec<_> = self
            .rounds
            .iter()
            .filter_map(|round| self.shared.house.seed(*round).map(|seed| (*round, seed)))
            .collect();
        for (round, seed) in known {
            self.rounds.remove(&round);
            let event = Event::SeedKnown { round, seed };
            let _stopped = self.shared.desk.tell(Input::Ledger(event)).await;
        }
    }

    /// Outputs that came in are compared with what was committed to.
    async fn take_outputs(&mut self) {
        let awaited: Vec<_> = self.awaited.iter().map(|(key, it)| (*key, *it)).collect();
        for ((job, task), (seat, slices)) in awaited {
            let said = self.shared.desk.ask(move |machine, _| {
                let book = machine.book(job)?;
                if book.outputs.contains_key(&task) {
                    return None;
                }
                book.said.get(&(task, seat)).copied()
            });
            let Ok(Some((output_root, output))) = said.await else {
                self.awaited.remove(&(job, task));
                continue;
            };
            if !self.shared.blobs.has(output.blob) {
                continue;
            }
            self.awaited.remove(&(job, task));
            let shared = self.shared.clone();
            self.tasks.spawn(async move {
                let blobs = shared.blobs.clone();
                let good = tokio::task::spawn_blocking(move || {
                    let bytes = blobs.get(output.blob).ok()?;
                    TaskOutput::from_bytes(slices, &bytes, output_root).ok()?;
                    let bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                    Some(NodeOutput { bytes, ..output })
                });
                if let Ok(Some(output)) = good.await {
                    let input = Input::OutputStored { job, task, output_root, output };
                    let _stopped = shared.desk.tell(input).await;
                }
            });
        }
    }

    /// Calls that ended without effect are told to the machine.
    async fn hear_outcomes(&mut self) {
        let Ok(outcomes) = self.shared.outbox.outcomes(self.outcomes, 256) else { return };
        for (seq, outcome) in outcomes {
            self.outcomes = seq;
            let Some((job, call)) = self.calls.get(&outcome.key).copied() else { continue };
            match outcome.result {
                OutcomeResult::Included { .. } => continue,
                OutcomeResult::Done { .. } | OutcomeResult::Superseded => {}
                OutcomeResult::Expired => {
                    let _stopped =
                        self.shared.desk.tell(Input::ChainCallFailed { job, call }).await;
                }
                OutcomeResult::GaveUp { reason } => {
                    tracing::warn!(%job, ?call, reason, "chain.call.refused");
                    let _stopped =
                        self.shared.desk.tell(Input::ChainCallFailed { job, call }).await;
                }
            }
            self.calls.remove(&outcome.key);
        }
    }

    /// Evidence that the chain has acted on is dropped; the rest is handed in as the job stands.
    async fn report_again(&mut self) {
        let open = {
            let house = self.shared.house.read();
            let is_open = |evidence: &Evidence| {
                let Evidence::TwoClaims { seat, claims: [(claim, _), _] } = evidence else {
                    return false;
                };
                let Some(job) = house.latest().job(claim.job) else { return true };
                job.index_of(*seat).is_none_or(|index| job.seized & (1 << index) == 0)
            };
            self.reports.retain(is_open);
            self.reports.clone()
        };
        for evidence in open {
            self.report(&evidence).await;
        }
    }
}

/// SHA-256 and length of all outputs joined, slice after slice.
fn joined(
    blobs: &tallystick_blobs::BlobStore,
    parts: &[OutputPart],
) -> Option<(OutputDigest, u64)> {
    let (mut hasher, mut length) = (Sha256::new(), 0_u64);
    for part in parts {
        let bytes = blobs.get(part.blob).ok()?;
        let output = TaskOutput::from_bytes(part.slices, &bytes, part.output_root).ok()?;
        for slice in output.outputs() {
            hasher.update(slice);
            length = length.saturating_add(u64::try_from(slice.len()).unwrap_or(u64::MAX));
        }
    }
    Some((OutputDigest::new(hasher.finalize().into()), length))
}

#[cfg(test)]
mod tests;
