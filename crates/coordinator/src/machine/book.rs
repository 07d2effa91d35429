//! What a coordinator knows of a job besides the ledger: its lease, its outputs, its receipt.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tallystick_protocol::ledger::{ChainFact, Evidence, Job};
use tallystick_scheduler::Request;
use tallystick_types::{
    Attempt, Attestation, BlobDigest, ChainTime, JobId, OutputDigest, OutputRoot, Receipt,
    ReceiptClaim, Seat, Seconds, SignedReceipt, TaskIndex, Usage, WallTime,
};

use super::input::{Lease, NodeOutput, Offer};

/// How long before the end of a job it is too late to bring a result to the chain.
const CLOSING: Seconds = Seconds::new(30);

/// Everything beside the ledger that belongs to one job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Book {
    /// What was offered.
    pub offer: Offer,
    /// The lease, while the chain shows it.
    pub lease: Option<Lease>,
    /// When the lease was last asked for.
    pub taking: Option<WallTime>,
    /// When nodes were last asked to be added, while that is not seen on the chain.
    pub enlisting: Option<WallTime>,
    /// When the chain was last asked to take the lease back.
    pub releasing: Option<WallTime>,
    /// When the outputs were last to be joined, while that is not done.
    pub joining: Option<WallTime>,
    /// The last thing that the chain said of the job, until it takes that back.
    pub shown: Option<ChainFact>,
    /// Claims that contradict each other, for the contract that slashes.
    pub reports: Vec<Evidence>,
    /// Where nodes said that their outputs are.
    pub said: BTreeMap<(TaskIndex, Seat), (OutputRoot, NodeOutput)>,
    /// Outputs that are here.
    pub outputs: BTreeMap<TaskIndex, (OutputRoot, NodeOutput)>,
    /// Whom the output of a task was last asked of, and when.
    pub asked: BTreeMap<TaskIndex, (Seat, WallTime)>,
    /// How far the receipt is.
    pub receipt: ReceiptStage,
    /// Decisions about its tasks as JSON, the latest last.
    pub decisions: Vec<String>,
}

/// How far a receipt is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ReceiptStage {
    /// The work is not over.
    None,
    /// The claim has its signatures; outputs are awaited.
    Gathering(Agreed),
    /// The outputs are here and are being joined.
    Joining(Agreed),
    /// A node was asked to sign the receipt.
    Signing {
        /// What it covers.
        agreed: Agreed,
        /// The receipt as it was shown.
        receipt: Box<Receipt>,
        /// When the node was asked.
        since: WallTime,
    },
    /// Signed and kept.
    Signed {
        /// The signatures under the claim.
        agreed: Agreed,
        /// The receipt.
        receipt: Box<SignedReceipt>,
        /// When the chain was last asked to take it.
        proposed: Option<WallTime>,
    },
}

/// A claim with the signatures that make it a result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Agreed {
    /// The claim.
    pub claim: ReceiptClaim,
    /// Its signatures.
    pub attestations: Vec<Attestation>,
    /// The whole output and its length, once it is joined.
    pub output: Option<(OutputDigest, u64)>,
}

impl Book {
    /// The most decisions that are kept of one job.
    pub const MOST_DECISIONS: usize = 256;

    /// The most bytes of all of them.
    pub const MOST_DECISION_BYTES: usize = 1 << 20;

    /// The book of a job that was offered.
    pub fn new(offer: Offer) -> Self {
        Self {
            offer,
            lease: None,
            taking: None,
            enlisting: None,
            releasing: None,
            joining: None,
            shown: None,
            reports: Vec::new(),
            said: BTreeMap::new(),
            outputs: BTreeMap::new(),
            asked: BTreeMap::new(),
            receipt: ReceiptStage::None,
            decisions: Vec::new(),
        }
    }

    /// Whether the chain shows a node in the present attempt.
    pub fn has(&self, seat: Seat) -> bool {
        self.lease.as_ref().is_some_and(|lease| lease.nodes.contains(&seat))
    }

    /// The lease, where it is that of an attempt.
    pub fn lease_of(&self, attempt: Attempt) -> Option<&Lease> {
        self.lease.as_ref().filter(|lease| lease.attempt == attempt)
    }

    /// Notes a decision; the oldest go where there are too many. A search that is repeated with
    /// the same outcome is one decision.
    pub fn decided(&mut self, decision: String) {
        if self.decisions.contains(&decision) {
            return;
        }
        self.decisions.push(decision);
        let mut bytes: usize = self.decisions.iter().map(String::len).sum();
        let mut over = self.decisions.len().saturating_sub(Self::MOST_DECISIONS);
        let dropped = self.decisions.iter().take_while(|decision| {
            let goes = over > 0 || bytes > Self::MOST_DECISION_BYTES;
            over = over.saturating_sub(1);
            bytes = bytes.saturating_sub(decision.len());
            goes
        });
        let dropped = dropped.count();
        self.decisions.drain(..dropped);
    }

    /// Whether it is too late to take the lease.
    pub fn is_late(&self, now: WallTime) -> bool {
        now.get() / 1_000 >= self.last_moment().get() || self.is_closing(now)
    }

    /// Whether no result can come to the chain in time any more. Its lease cannot be renewed beyond
    /// the end of the job, and is given back while that is still possible: one that lapses costs a
    /// share of what it locked.
    pub fn is_closing(&self, now: WallTime) -> bool {
        now.after(CLOSING).get() / 1_000 >= self.offer.rules.complete_by.get()
    }

    /// Whether the chain was seen to have a result, or to be done with the job.
    pub const fn is_proposed(&self) -> bool {
        use ChainFact::{Proposed, Refunded, Settled};
        matches!(self.shown, Some(Proposed { .. } | Settled | Refunded))
    }

    /// When anybody can send the money back at the latest, while there is no result.
    pub const fn refund_at(&self) -> ChainTime {
        match self.lease {
            Some(_) => self.offer.rules.complete_by,
            None => self.last_moment(),
        }
    }

    /// The first moment at which it is too late to take the lease.
    const fn last_moment(&self) -> ChainTime {
        let rules = &self.offer.rules;
        let first = self.offer.attempt.get() <= 1;
        if first { rules.assign_by } else { rules.complete_by }
    }

    /// What a task of the job demands of a machine.
    pub fn demands(&self) -> Request {
        self.offer.terms().demands()
    }

    /// What the work used in all: as whoever's output was taken says, task by task.
    pub fn usage(&self, bytes_out: u64) -> Usage {
        let mut usage = Usage { bytes_out, ..Usage::default() };
        for (_, output) in self.outputs.values() {
            let part = &output.usage;
            usage.work_units = usage.work_units.saturating_add(part.work_units);
            usage.memory_bytes = usage.memory_bytes.max(part.memory_bytes);
            usage.bytes_in = usage.bytes_in.saturating_add(part.bytes_in);
        }
        usage
    }

    /// The blobs that nodes work with.
    pub fn work(&self) -> Vec<BlobDigest> {
        let mut blobs = self.offer.specification.blobs();
        blobs.push(BlobDigest::new(*self.offer.specification.digest().as_bytes()));
        blobs
    }
}

/// The nodes that have the output of a task, those whose output is nearest first: who executed,
/// then who agreed.
pub fn holders(job: &Job, task: TaskIndex) -> Vec<Seat> {
    let found = job.results().find(|result| result.task == task);
    found.map(|result| result.by.to_vec()).unwrap_or_default()
}

/// A job that is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("job {0} is not known here; ask another coordinator, or look at the chain")]
pub struct UnknownJob(pub JobId);
