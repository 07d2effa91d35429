//! What an agent remembers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tallystick_protocol::commitment::TaskAssignment;
use tallystick_protocol::specification::{Input as WorkInput, Specification};
use tallystick_types::{
    Attempt, BlobDigest, IdentitySignature, JobId, Seat, SliceRange, SpecificationDigest,
    TaskIndex, WallTime,
};

use super::input::{ClaimRequest, KnownJob, Ran};
use super::journal::{Accepted, Attesting, Output, Record, TaskEnd};

/// One job of which this node has a part.
#[derive(Debug, Default)]
pub(crate) struct HeldJob {
    pub(crate) specifications: BTreeMap<SpecificationDigest, Arc<Specification>>,
    pub(crate) tasks: BTreeMap<TaskAssignment, HeldTask>,
    /// Claims that are signed, or going to be.
    pub(crate) claims: BTreeMap<Attempt, Attesting>,
    /// A claim that waits for what the chain says.
    pub(crate) asked: Option<Asked>,
    pub(crate) known: Option<KnownJob>,
    /// Since when the chain's final word is known that the job is over.
    pub(crate) over_since: Option<WallTime>,
}

/// One assignment.
#[derive(Debug)]
pub(crate) struct HeldTask {
    pub(crate) accepted: Accepted,
    pub(crate) specification: Arc<Specification>,
    pub(crate) state: TaskState,
    /// Who asked for the output, while it is being uploaded.
    pub(crate) uploading: Option<Seat>,
    /// The opening was asked for before there was a signed commitment.
    pub(crate) reveal_asked: bool,
    /// It was taken on before the last restart.
    pub(crate) restored: bool,
}

/// How far an assignment is.
#[derive(Debug)]
pub(crate) enum TaskState {
    /// Waits for blobs and for the chain to show the assignment.
    Preparing { missing: BTreeSet<BlobDigest>, cleared: bool, fetch_at: Option<WallTime> },
    /// Is being executed.
    Running,
    /// Executed, and no block is known yet from which a round could be named.
    Executed(Ran),
    /// Its output is in the journal.
    Committed { output: Output, signature: Option<IdentitySignature> },
    /// Ended without a commitment.
    Ended(TaskEnd),
}

/// A claim that is asked for.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) coordinator: Seat,
    pub(crate) request: ClaimRequest,
    pub(crate) until: WallTime,
}

impl TaskState {
    /// Takes a place.
    pub(crate) const fn is_live(&self) -> bool {
        matches!(self, Self::Preparing { .. } | Self::Running | Self::Executed(_))
    }

    /// Has a commitment.
    pub(crate) const fn is_committed(&self) -> bool {
        matches!(self, Self::Committed { .. })
    }

    /// What was committed to.
    pub(crate) const fn output(&self) -> Option<&Output> {
        match self {
            Self::Committed { output, .. } => Some(output),
            Self::Preparing { .. } | Self::Running | Self::Executed(_) | Self::Ended(_) => None,
        }
    }
}

impl HeldTask {
    /// Something is still expected of it: a commitment, or its opening.
    pub(crate) const fn is_open(&self) -> bool {
        self.state.is_live() || (self.state.is_committed() && !self.accepted.closed)
    }

    /// A task that begins, or begins again after a restart.
    pub(crate) fn new(accepted: Accepted, specification: Arc<Specification>) -> Self {
        let missing = needed(&specification, accepted.slices);
        let state = TaskState::Preparing { missing, cleared: false, fetch_at: None };
        Self {
            accepted,
            specification,
            state,
            uploading: None,
            reveal_asked: false,
            restored: false,
        }
    }
}

/// The blobs that slices need.
pub(crate) fn needed(specification: &Specification, slices: SliceRange) -> BTreeSet<BlobDigest> {
    let mut blobs = BTreeSet::from([BlobDigest::from(specification.program())]);
    blobs.extend(inputs(specification, slices));
    blobs
}

/// The inputs of slices. Of several blobs, each of which is a slice, just theirs.
pub(crate) fn inputs(specification: &Specification, slices: SliceRange) -> Vec<BlobDigest> {
    let index = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    match &specification.input {
        WorkInput::Blobs(inputs) => {
            let own = inputs.iter().skip(index(slices.first)).take(index(slices.count));
            own.map(|input| BlobDigest::from(input.digest)).collect()
        }
        input @ (WorkInput::Blob { .. } | WorkInput::Tiles { .. }) => input.blobs(),
    }
}

impl HeldJob {
    /// The newest try at a task.
    pub(crate) fn newest(&self, task: TaskIndex) -> Option<TaskAssignment> {
        let tries = self.tasks.keys().filter(|assignment| assignment.task == task);
        tries.max_by_key(|assignment| assignment.task_attempt).copied()
    }

    /// The outputs that this node committed to.
    pub(crate) fn outputs(&self) -> impl Iterator<Item = (&HeldTask, &Output)> {
        self.tasks.values().filter_map(|task| Some((task, task.state.output()?)))
    }

    /// Whether the claim is still to be signed that pays for what was done since the start.
    pub(crate) fn is_unpaid(&self) -> bool {
        let done = |task: &HeldTask| task.state.is_committed() && !task.restored;
        self.over_since.is_none()
            && self.tasks.values().any(done)
            && !self.claims.values().any(|claim| claim.judged)
    }

    /// Since when nothing can be asked any more, if so.
    pub(crate) fn quiet_since(&self) -> Option<WallTime> {
        if self.over_since.is_some() {
            return self.over_since;
        }
        let mut last = None;
        for task in self.tasks.values() {
            let TaskState::Ended(end) = &task.state else { return None };
            last = last.max(Some(end.at));
        }
        last.filter(|_| self.claims.is_empty())
    }

    /// All records of the job; their values do not matter where they are deleted.
    pub(crate) fn records(&self, job: JobId) -> Vec<Record> {
        let specification =
            |digest: &SpecificationDigest| Record::Specification(job, *digest, Vec::new());
        let mut records: Vec<Record> = self.specifications.keys().map(specification).collect();
        for (assignment, task) in &self.tasks {
            records.push(Record::Accepted(task.accepted.clone()));
            records.extend(task.state.output().map(|output| Record::Output(*assignment, *output)));
        }
        records.extend(self.claims.values().map(|claim| Record::Claim(*claim)));
        records.extend(self.over_since.map(|at| Record::End(job, at)));
        records
    }

    /// All blobs that were fetched or made for the job.
    pub(crate) fn blobs(&self) -> Vec<BlobDigest> {
        let mut blobs = BTreeSet::new();
        for task in self.tasks.values() {
            blobs.extend(needed(&task.specification, task.accepted.slices));
            blobs.extend(task.state.output().map(|output| output.blob));
        }
        blobs.into_iter().collect()
    }
}
