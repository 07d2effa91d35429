//! What wishes lead to, and what has to be looked at until they are fulfilled. It talks to nobody:
//! it says what is to be said, handed in or joined, and takes what came of it.
//!
//! Nothing here is remembered across a restart: what is still wanted is read off the machine, and
//! every wish is harmless when it comes again.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};
use tallystick_blobs::BlobStore;
use tallystick_chain::follow::House;
use tallystick_chain::outbox::{Intent, IntentKey, OutboxHandle, OutcomeResult, RecordError, Seq};
use tallystick_ports::Beacon;
use tallystick_protocol::ledger::{Event, Evidence};
use tallystick_protocol::output::TaskOutput;
use tallystick_types::{BeaconRound, JobId, OutputDigest, OutputRoot, Seat, SliceRange, TaskIndex};
use tallystick_wire::client::EventKind;
use tallystick_wire::worker::CoordinatorBody;

use crate::machine::{ChainCallKind, Input, Machine, NodeOrder, NodeOutput, OutputPart, Wish};
use crate::orders;
use crate::outlook::Outlook;

/// Outcomes that are read at a time.
const OUTCOMES: usize = 256;

/// One thing to do with the world.
#[derive(Debug)]
pub enum Chore {
    /// Say this to a node, in this order.
    Say(Seat, Vec<CoordinatorBody>),
    /// Hand this to the outbox.
    HandIn(Box<Intent>),
    /// Join outputs, see [`joined`], and bring [`Input::OutputJoined`].
    Join(JobId, Vec<OutputPart>),
    /// Tell whoever watches a job.
    Tell(JobId, Vec<EventKind>),
}

/// What is under way.
#[derive(Debug)]
pub struct Chores {
    rounds: BTreeSet<BeaconRound>,
    awaited: BTreeMap<(JobId, TaskIndex), (Seat, SliceRange)>,
    reports: Vec<Evidence>,
    calls: BTreeMap<IntentKey, (JobId, ChainCallKind)>,
    outcomes: Seq,
}

/// An output that a node was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Awaited {
    /// The job.
    pub job: JobId,
    /// The task.
    pub task: TaskIndex,
    /// Who was asked.
    pub seat: Seat,
    /// The slices of the task.
    pub slices: SliceRange,
}

/// An output as a node described it.
pub type Described = (OutputRoot, NodeOutput);

impl Chores {
    /// Nothing under way; outcomes up to this one are of no interest.
    pub const fn new(outcomes: Seq) -> Self {
        Self {
            rounds: BTreeSet::new(),
            awaited: BTreeMap::new(),
            reports: Vec::new(),
            calls: BTreeMap::new(),
            outcomes,
        }
    }

    /// The job and task whose slices have to be told with [`Self::expect`] before a wish is
    /// fulfilled.
    pub const fn asks_for(wish: &Wish) -> Option<(JobId, TaskIndex, Seat)> {
        match wish {
            Wish::ToNode(seat, NodeOrder::Output(it)) => Some((it.job, it.task, *seat)),
            _ => None,
        }
    }

    /// The slices of a task, as the machine knows them.
    pub fn slices(machine: &Machine, job: JobId, task: TaskIndex) -> Option<SliceRange> {
        machine.ledger().job(job).and_then(|it| it.tasks.get(&task)).map(|it| it.slices)
    }

    /// Looks out for an output from now on.
    pub fn expect(&mut self, it: Awaited) {
        self.awaited.insert((it.job, it.task), (it.seat, it.slices));
    }

    /// What a wish leads to at once. Calls that are over are known from the outbox.
    pub fn fulfil(
        &mut self,
        wish: Wish,
        outlook: &Outlook<'_>,
        outbox: &OutboxHandle,
    ) -> Option<Chore> {
        match wish {
            Wish::ToNode(seat, order) => {
                Some(Chore::Say(seat, orders::bodies(order, outlook.blobs)))
            }
            Wish::Chain(job, call) => match outlook.call(job, &call, outbox)? {
                Ok(intent) => {
                    self.calls.insert(intent.key, (job, call.kind()));
                    Some(Chore::HandIn(Box::new(intent)))
                }
                Err(error) => {
                    tracing::debug!(%job, call = ?call.kind(), %error, "chain.call.void");
                    None
                }
            },
            Wish::AwaitRound(round) => {
                self.rounds.insert(round);
                None
            }
            Wish::JoinOutputs { job, parts } => Some(Chore::Join(job, parts)),
            Wish::Report(evidence) => {
                let intent = report(&evidence, outlook);
                self.reports.push(*evidence);
                intent.map(|intent| Chore::HandIn(Box::new(intent)))
            }
            Wish::Tell(job, told) => Some(Chore::Tell(job, orders::event(told))),
        }
    }

    /// Randomness of awaited rounds that is final now.
    pub fn seeds(&mut self, house: &House) -> Vec<Input> {
        let known: Vec<_> =
            self.rounds.iter().filter_map(|round| Some((*round, house.seed(*round)?))).collect();
        let bring = |(round, seed)| {
            self.rounds.remove(&round);
            Input::Ledger(Event::SeedKnown { round, seed })
        };
        known.into_iter().map(bring).collect()
    }

    /// The outputs that are looked out for.
    pub fn awaited(&self) -> Vec<Awaited> {
        let awaited = self.awaited.iter();
        awaited
            .map(|((job, task), (seat, slices))| Awaited {
                job: *job,
                task: *task,
                seat: *seat,
                slices: *slices,
            })
            .collect()
    }

    /// What a node said of an awaited output; nothing where it is of no use any more.
    pub fn described(machine: &Machine, it: Awaited) -> Option<Described> {
        let book = machine.book(it.job)?;
        if book.outputs.contains_key(&it.task) {
            return None;
        }
        book.said.get(&(it.task, it.seat)).copied()
    }

    /// Looks out for an output no more.
    pub fn give_up(&mut self, it: Awaited) {
        self.awaited.remove(&(it.job, it.task));
    }

    /// Calls that ended without effect since the last look.
    ///
    /// # Errors
    ///
    /// Where the outbox cannot be read.
    pub fn outcomes(&mut self, outbox: &OutboxHandle) -> Result<Vec<Input>, RecordError> {
        let mut failed = Vec::new();
        for (seq, outcome) in outbox.outcomes(self.outcomes, OUTCOMES)? {
            self.outcomes = seq;
            fail::fail_point!("chores.outcome.read");
            let Some((job, call)) = self.calls.get(&outcome.key).copied() else { continue };
            match outcome.result {
                OutcomeResult::Included { .. } => continue,
                OutcomeResult::Done { .. } | OutcomeResult::Superseded => {}
                OutcomeResult::Expired => failed.push(Input::ChainCallFailed { job, call }),
                OutcomeResult::GaveUp { reason } => {
                    tracing::warn!(%job, ?call, reason, "chain.call.refused");
                    failed.push(Input::ChainCallFailed { job, call });
                }
            }
            self.calls.remove(&outcome.key);
        }
        Ok(failed)
    }

    /// Evidence that the chain has acted on is dropped; the rest is to be handed in as the job
    /// stands.
    pub fn reports(&mut self, outlook: &Outlook<'_>) -> Vec<Intent> {
        self.reports.retain(|evidence| outlook.is_unpunished(evidence));
        self.reports.iter().filter_map(|evidence| report(evidence, outlook)).collect()
    }
}

fn report(evidence: &Evidence, outlook: &Outlook<'_>) -> Option<Intent> {
    match outlook.report(evidence)? {
        Ok(intent) => Some(intent),
        Err(error) => {
            tracing::debug!(%error, "chain.report.void");
            None
        }
    }
}

/// An output that came in, where it is the one that was committed to.
pub fn checked(blobs: &BlobStore, slices: SliceRange, described: Described) -> Option<NodeOutput> {
    let (output_root, output) = described;
    let bytes = blobs.get(output.blob).ok()?;
    TaskOutput::from_bytes(slices, &bytes, output_root).ok()?;
    let bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    Some(NodeOutput { bytes, ..output })
}

/// SHA-256 and length of all outputs joined, slice after slice.
pub fn joined(blobs: &BlobStore, parts: &[OutputPart]) -> Option<(OutputDigest, u64)> {
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
