//! One job: its terms, its tasks, who signed, and where it stands.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tallystick_types::{
    Attempt, EvmSignature, JobId, OutputRoot, ReceiptClaim, Seat, SliceRange, TaskAttempt,
    TaskIndex, WallTime,
};

use super::event::{ChainFact, Finality};
use super::pairs;
use super::reason::{CloseReason, NoNode};
use super::request::JobRequest;
use super::task::{EndedTry, Task, TaskState};

/// A job with its tasks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// What its tasks need to know of it.
    pub head: Head,
    /// The tasks in the order of their slices.
    pub tasks: BTreeMap<TaskIndex, Task>,
    /// Where it stands.
    pub phase: JobPhase,
    /// Every node that was ever assigned to one of its tasks.
    pub seats: BTreeSet<Seat>,
    /// The nodes that the chain shows in the present attempt.
    pub enlisted: BTreeSet<Seat>,
    /// The nodes that the present attempt has on the chain, or may come to have: those shown there,
    /// those that got work in it, and those whose results it took over. A result needs a majority
    /// of them.
    pub members: BTreeSet<Seat>,
    /// The claims that nodes signed, of all attempts.
    #[serde(with = "pairs")]
    pub claims: BTreeMap<(Attempt, Seat), SignedClaim>,
    /// The last thing that the chain said of it. Not evidence unless final.
    pub observed: Option<(ChainFact, Finality)>,
    /// How its money went, by final evidence.
    pub settlement: Settlement,
}

/// What the tasks of a job need to know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The job.
    pub id: JobId,
    /// Its terms.
    pub request: JobRequest,
    /// The present attempt: the fencing token of the lease.
    pub attempt: Attempt,
    /// When it was submitted.
    pub submitted_at: WallTime,
    /// When all work ends.
    pub deadline: WallTime,
    /// When it ends because of dead letters, if nothing else moves.
    pub retry_by: Option<WallTime>,
    /// When work on one of its tasks last ended.
    pub busy_at: WallTime,
    /// Tasks that nodes work on.
    pub active: u32,
    /// Tasks that are verified.
    pub verified: u32,
    /// Tasks that are dead letters.
    pub dead: u32,
}

/// Where a job stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum JobPhase {
    /// Tasks are worked on.
    Working,
    /// Every task is verified; the nodes that agreed sign the claim.
    Attesting {
        /// The claim.
        claim: ReceiptClaim,
        /// Who was asked to sign.
        signers: BTreeSet<Seat>,
        /// Signatures that are needed.
        needed: u8,
        /// When no more are awaited.
        attest_by: WallTime,
    },
    /// All work is over.
    Closed {
        /// Why.
        reason: CloseReason,
        /// When.
        at: WallTime,
    },
}

/// A claim that a node signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedClaim {
    /// The claim.
    pub claim: ReceiptClaim,
    /// The node's signature.
    pub signature: EvmSignature,
    /// Whether a second claim with another output came; it counts for nothing then.
    pub contradicted: bool,
}

/// How the money of a job went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settlement {
    /// Nothing is final.
    Open,
    /// Paid.
    Settled,
    /// Returned.
    Refunded,
}

/// A part of the result, visible as soon as it is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartialResult<'a> {
    /// The task.
    pub task: TaskIndex,
    /// Its slices.
    pub slices: SliceRange,
    /// Merkle root over their outputs.
    pub output_root: OutputRoot,
    /// Who has the output.
    pub by: &'a [Seat],
}

/// Why a job stands where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why<'a> {
    /// Why it is closed, and since when.
    pub closed: Option<(CloseReason, WallTime)>,
    /// Its tasks.
    pub tasks: Vec<TaskWhy<'a>>,
}

/// Why a task stands where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskWhy<'a> {
    /// The task.
    pub task: TaskIndex,
    /// Where it stands.
    pub state: &'a TaskState,
    /// Why it waits for a node.
    pub waits: Option<NoNode>,
    /// Its tries without result, the oldest first.
    pub tries: &'a [EndedTry],
}

impl Head {
    /// The number before the first try of an attempt of the job: every attempt has 255 numbers of
    /// its own for the tries of each task.
    pub fn tries_before(attempt: Attempt) -> TaskAttempt {
        TaskAttempt::new(u16::from(attempt.get().saturating_sub(1)).saturating_mul(256))
    }

    /// The attempt of the job to which a try belongs.
    pub fn attempt_of(attempt: TaskAttempt) -> Attempt {
        let [upper, _] = attempt.get().to_be_bytes();
        Attempt::new(upper.saturating_add(1))
    }

    /// The next number of a try at a task, or nothing where those of the attempt are used up.
    pub fn next_try(&self, last: TaskAttempt) -> Option<TaskAttempt> {
        let before = Self::tries_before(self.attempt).get();
        let next = last.get().max(before).checked_add(1)?;
        (next.saturating_sub(before) <= 255).then_some(TaskAttempt::new(next))
    }
}

impl Job {
    /// Why it is closed, if it is.
    pub const fn close_reason(&self) -> Option<CloseReason> {
        match &self.phase {
            JobPhase::Closed { reason, .. } => Some(*reason),
            JobPhase::Working | JobPhase::Attesting { .. } => None,
        }
    }

    /// When something happens to it by time alone, its tasks left aside.
    pub fn next_deadline(&self) -> Option<WallTime> {
        match &self.phase {
            JobPhase::Working => {
                Some(self.head.retry_by.map_or(self.head.deadline, |at| at.min(self.head.deadline)))
            }
            JobPhase::Attesting { attest_by, .. } => Some(*attest_by),
            JobPhase::Closed { .. } => None,
        }
    }

    /// Nodes that the present attempt cannot do without: who works on a task, who has a verified
    /// output, who is to sign.
    pub fn wanted(&self) -> BTreeSet<Seat> {
        let mut seats = BTreeSet::new();
        for task in self.tasks.values() {
            match &task.state {
                TaskState::Verified { by, .. } => seats.extend(by.iter().copied()),
                TaskState::Pending { .. }
                | TaskState::Dispatched
                | TaskState::Running
                | TaskState::Committed { .. }
                | TaskState::Verifying(_)
                | TaskState::DeadLetter { .. }
                | TaskState::Stopped => {
                    let live = task.replicas.iter().filter(|replica| replica.is_live());
                    seats.extend(live.map(|replica| replica.seat));
                }
            }
        }
        match &self.phase {
            JobPhase::Attesting { signers, .. } => signers.clone(),
            JobPhase::Working | JobPhase::Closed { reason: CloseReason::Completed, .. } => seats,
            JobPhase::Closed { .. } => BTreeSet::new(),
        }
    }

    /// Whether all of its results are there and too few nodes of the attempt have them: others got
    /// work and left, and count on the chain all the same. Only another attempt helps, with those
    /// nodes alone that agreed.
    pub fn is_outnumbered(&self) -> bool {
        match &self.phase {
            JobPhase::Attesting { signers, needed, .. } => usize::from(*needed) > signers.len(),
            JobPhase::Working | JobPhase::Closed { .. } => false,
        }
    }

    /// The parts of the result that are verified, in the order of their slices.
    pub fn results(&self) -> impl Iterator<Item = PartialResult<'_>> {
        self.tasks.values().filter_map(|task| {
            let TaskState::Verified { output_root, by, .. } = &task.state else { return None };
            let (output_root, slices) = (*output_root, task.slices);
            Some(PartialResult { task: task.index, slices, output_root, by })
        })
    }

    /// The tasks that are dead letters.
    pub fn dead_letters(&self) -> impl Iterator<Item = &Task> {
        self.tasks.values().filter(|task| matches!(task.state, TaskState::DeadLetter { .. }))
    }

    /// Why it stands where it stands.
    pub fn why(&self) -> Why<'_> {
        let closed = match &self.phase {
            JobPhase::Closed { reason, at } => Some((*reason, *at)),
            JobPhase::Working | JobPhase::Attesting { .. } => None,
        };
        let waits = |task: &Task| {
            let TaskState::Pending { reason, .. } = task.state else { return None };
            reason
        };
        let tasks = self.tasks.values().map(|task| {
            let Task { index, state, history, .. } = task;
            TaskWhy { task: *index, state, waits: waits(task), tries: history }
        });
        Why { closed, tasks: tasks.collect() }
    }

    /// The present attempt is another one: of the nodes of the last those with results matter on.
    pub(super) fn join_attempt(&mut self, attempt: Attempt, enlisted: BTreeSet<Seat>) {
        let results = self.results().flat_map(|result| result.by.iter().copied());
        self.members = results.chain(enlisted.iter().copied()).collect();
        self.head.attempt = attempt;
        self.enlisted = enlisted;
    }

    /// Signatures that a claim needs. Where the chain rules who works it wants a majority of all
    /// nodes of the attempt, whatever became of them.
    pub(super) fn signatures_needed(&self, signers: usize) -> u8 {
        let among = if self.enlisted.is_empty() { signers } else { self.members.len() };
        u8::try_from(self.head.request.needed(among.max(signers))).unwrap_or(u8::MAX)
    }

    /// The nodes of the attempt changed.
    pub(super) fn count_signers(&mut self) {
        let JobPhase::Attesting { signers, .. } = &self.phase else { return };
        let among = self.signatures_needed(signers.len());
        if let JobPhase::Attesting { needed, .. } = &mut self.phase {
            *needed = among;
        }
        self.wait_while_outnumbered();
    }

    /// Without signatures to wait for, a claim waits for another attempt until the job's time ends.
    pub(super) fn wait_while_outnumbered(&mut self) {
        let (outnumbered, deadline) = (self.is_outnumbered(), self.head.deadline);
        if let JobPhase::Attesting { attest_by, .. } = &mut self.phase
            && outnumbered
        {
            *attest_by = deadline.max(*attest_by);
        }
    }

    /// Signers of the present claim whose signatures count.
    pub(super) fn signed(&self) -> Vec<(Seat, EvmSignature)> {
        let JobPhase::Attesting { claim, signers, .. } = &self.phase else { return Vec::new() };
        let counts = |signed: &SignedClaim| signed.claim == *claim && !signed.contradicted;
        let of = |seat: &Seat| self.claims.get(&(claim.attempt, *seat)).filter(|it| counts(it));
        signers.iter().filter_map(|seat| of(seat).map(|it| (*seat, it.signature))).collect()
    }
}
