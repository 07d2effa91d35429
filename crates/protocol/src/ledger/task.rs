//! One task: its tries, who takes part in the present one, and where it stands.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tallystick_types::{
    BeaconRound, IdentitySignature, OutputRoot, Ppm, Seat, Seed, SliceRange, TaskAttempt,
    TaskIndex, Verification, WallTime,
};

use super::job::Head;
use super::pairs;
use super::reason::{NoNode, ReplicaEnd, TryEnd};
use super::request::JobRequest;
use super::selection::Role;
use crate::commitment::{Opening, Pledge, TaskAssignment};

/// A task of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// Its place in the job.
    pub index: TaskIndex,
    /// The slices it covers.
    pub slices: SliceRange,
    /// The last try: the fencing token of everything said about the task.
    pub attempt: TaskAttempt,
    /// Tries since the task was submitted or retried by hand.
    pub deliveries: u16,
    /// Where it stands.
    pub state: TaskState,
    /// Who takes part in the present try, the primary first. Empty between tries.
    pub replicas: Vec<Replica>,
    /// Secondaries drawn for a try that ended: the next one takes them before it draws.
    pub kept: BTreeSet<Seat>,
    /// Nodes that let a try down; used again only when nobody else is there.
    pub avoided: BTreeSet<Seat>,
    /// Nodes that were caught; never used again for this task.
    pub barred: BTreeSet<Seat>,
    /// What nodes signed, of all tries.
    #[serde(with = "pairs")]
    pub pledges: BTreeMap<(TaskAttempt, Seat), Signed>,
    /// What came from assignments that were over. Recorded; nothing follows from it.
    pub late: BTreeSet<Late>,
    /// The tries that ended without result.
    pub history: Vec<EndedTry>,
}

/// Where a task stands. One member per box of `docs/flows/task.md`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TaskState {
    /// Waits for a node.
    Pending {
        /// Since when.
        since: WallTime,
        /// When to search again.
        retry_at: WallTime,
        /// Why the last search found nobody.
        reason: Option<NoNode>,
        /// Whether watchers know that it waits.
        queued: bool,
    },
    /// Sent to the primary.
    Dispatched,
    /// Acknowledged by the primary.
    Running,
    /// The primary committed; the randomness for the draw is awaited.
    Committed {
        /// The round that the commitment named.
        round: BeaconRound,
        /// When it is too late.
        seed_by: WallTime,
    },
    /// Secondaries work, commit and open.
    Verifying(Verifying),
    /// A quorum has the same output.
    Verified {
        /// The output.
        output_root: OutputRoot,
        /// Who agreed, the first one to be paid as executor.
        by: Vec<Seat>,
        /// The try that led to it.
        attempt: TaskAttempt,
        /// When.
        at: WallTime,
    },
    /// Tries are used up. Kept until somebody retries it or the job ends.
    DeadLetter {
        /// Since when.
        since: WallTime,
        /// Why the last try ended.
        why: TryEnd,
    },
    /// The job was closed before the task was done.
    Stopped,
}

/// How far the check of a result is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verifying {
    /// The randomness of the draws; nothing where the job wants no secondaries.
    pub seed: Option<Seed>,
    /// How often results differed.
    pub escalations: u8,
    /// When commitments are too late.
    pub commit_by: WallTime,
    /// When to draw again after a draw found nobody.
    pub retry_at: WallTime,
    /// When openings are too late; nothing while commitments are awaited.
    pub reveal_by: Option<WallTime>,
}

/// A node in the present try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replica {
    /// The node.
    pub seat: Seat,
    /// What it is.
    pub role: Role,
    /// How far it is.
    pub stage: Stage,
}

/// How far a node is with a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Stage {
    /// The task was sent.
    Asked {
        /// When an acknowledgement is too late.
        acknowledge_by: WallTime,
    },
    /// It executes.
    Working {
        /// When a commitment is too late.
        commit_by: WallTime,
        /// Share of the work done, as it says.
        done: Ppm,
    },
    /// It committed.
    Committed {
        /// Whether it was asked to open.
        asked: bool,
    },
    /// It opened its commitment.
    Revealed {
        /// What the commitment hid.
        opening: Opening,
    },
    /// It is out of this try.
    Gone {
        /// Why.
        why: ReplicaEnd,
    },
}

/// A pledge with its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// What was signed.
    pub pledge: Pledge,
    /// By the identity key.
    pub signature: IdentitySignature,
    /// Whether a second, different pledge came.
    pub contradicted: bool,
}

/// Something that came too late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Late {
    /// The try it belonged to.
    pub attempt: TaskAttempt,
    /// From whom.
    pub seat: Seat,
    /// What it was.
    pub what: Message,
}

/// What a node can say of its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// It has the task.
    Acknowledgement,
    /// How far it is.
    Progress,
    /// Its commitment.
    Commitment,
    /// Its opening.
    Reveal,
    /// That it gives up.
    Failure,
}

/// A try that ended without result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndedTry {
    /// Its number.
    pub attempt: TaskAttempt,
    /// When it ended.
    pub at: WallTime,
    /// Why.
    pub why: TryEnd,
    /// Who took part, and how each stood at the end.
    pub replicas: Vec<Replica>,
}

impl Replica {
    /// Whether it still counts.
    pub const fn is_live(&self) -> bool {
        !matches!(self.stage, Stage::Gone { .. })
    }

    /// Whether it committed and still counts.
    pub const fn has_committed(&self) -> bool {
        matches!(self.stage, Stage::Committed { .. } | Stage::Revealed { .. })
    }

    /// Whether it opened its commitment and still counts.
    pub const fn has_revealed(&self) -> bool {
        matches!(self.stage, Stage::Revealed { .. })
    }

    /// When its silence has consequences by itself.
    pub const fn deadline(&self) -> Option<WallTime> {
        match self.stage {
            Stage::Asked { acknowledge_by } => Some(acknowledge_by),
            Stage::Working { commit_by, .. } => Some(commit_by),
            Stage::Committed { .. } | Stage::Revealed { .. } | Stage::Gone { .. } => None,
        }
    }
}

impl Task {
    /// A task that nobody tried yet.
    pub(super) fn new(
        index: TaskIndex,
        slices: SliceRange,
        before: TaskAttempt,
        now: WallTime,
    ) -> Self {
        Self {
            index,
            slices,
            attempt: before,
            deliveries: 0,
            state: TaskState::Pending { since: now, retry_at: now, reason: None, queued: false },
            replicas: Vec::new(),
            kept: BTreeSet::new(),
            avoided: BTreeSet::new(),
            barred: BTreeSet::new(),
            pledges: BTreeMap::new(),
            late: BTreeSet::new(),
            history: Vec::new(),
        }
    }

    /// Whether nodes work on it.
    pub const fn is_active(&self) -> bool {
        matches!(
            self.state,
            TaskState::Dispatched
                | TaskState::Running
                | TaskState::Committed { .. }
                | TaskState::Verifying(_)
        )
    }

    /// Whether nothing moves by itself any more.
    pub const fn is_over(&self) -> bool {
        matches!(
            self.state,
            TaskState::Verified { .. } | TaskState::DeadLetter { .. } | TaskState::Stopped
        )
    }

    /// Nodes that count in the present try.
    pub fn live(&self) -> usize {
        self.replicas.iter().filter(|replica| replica.is_live()).count()
    }

    /// Nodes that committed and count in the present try.
    pub fn committed(&self) -> usize {
        self.replicas.iter().filter(|replica| replica.has_committed()).count()
    }

    /// Nodes that opened and count in the present try.
    pub fn revealed(&self) -> usize {
        self.replicas.iter().filter(|replica| replica.has_revealed()).count()
    }

    /// How many nodes the present try wants.
    pub fn wanted(&self, request: &JobRequest) -> usize {
        let more = match self.state {
            TaskState::Verifying(verifying) => verifying.escalations,
            TaskState::Pending { .. }
            | TaskState::Dispatched
            | TaskState::Running
            | TaskState::Committed { .. }
            | TaskState::Verified { .. }
            | TaskState::DeadLetter { .. }
            | TaskState::Stopped => 0,
        };
        usize::from(request.replicas).saturating_add(usize::from(more))
    }

    /// Whether it waits for the primary to open, because secondaries check its very output.
    pub fn awaits_primary(&self, request: &JobRequest) -> bool {
        request.verification == Verification::Fingerprint
            && self.replicas.first().is_some_and(|primary| !primary.has_revealed())
    }

    /// The output that a node of a role is to check: that of the primary, where results are
    /// compared by fingerprint.
    pub fn output_to_check(&self, request: &JobRequest, role: Role) -> Option<OutputRoot> {
        let checks = request.verification == Verification::Fingerprint && role == Role::Secondary;
        match self.replicas.first()?.stage {
            Stage::Revealed { opening } if checks => Some(opening.output_root),
            Stage::Asked { .. }
            | Stage::Working { .. }
            | Stage::Committed { .. }
            | Stage::Revealed { .. }
            | Stage::Gone { .. } => None,
        }
    }

    /// Whether a free node would help now.
    pub fn wants_node(&self, request: &JobRequest) -> bool {
        match self.state {
            TaskState::Pending { .. } => true,
            TaskState::Verifying(Verifying { seed: Some(_), reveal_by: None, .. }) => {
                !self.awaits_primary(request) && self.may_draw(request)
            }
            TaskState::Verifying(_)
            | TaskState::Dispatched
            | TaskState::Running
            | TaskState::Committed { .. }
            | TaskState::Verified { .. }
            | TaskState::DeadLetter { .. }
            | TaskState::Stopped => false,
        }
    }

    /// When something happens to it by time alone.
    pub fn next_deadline(&self, request: &JobRequest) -> Option<WallTime> {
        match &self.state {
            TaskState::Pending { retry_at, .. } => Some(*retry_at),
            TaskState::Dispatched | TaskState::Running => {
                self.replicas.first().and_then(Replica::deadline)
            }
            TaskState::Committed { seed_by, .. } => Some(*seed_by),
            TaskState::Verifying(verifying) => verifying.reveal_by.or_else(|| {
                let retry = self.wants_node(request).then_some(verifying.retry_at);
                let silence = self.replicas.iter().filter_map(Replica::deadline).min();
                [Some(verifying.commit_by), retry, silence].into_iter().flatten().min()
            }),
            TaskState::Verified { .. } | TaskState::DeadLetter { .. } | TaskState::Stopped => None,
        }
    }

    /// Whether this assignment was ever made.
    pub fn was_assigned(&self, assignment: &TaskAssignment) -> bool {
        let (attempt, seat) = (assignment.task_attempt, assignment.seat);
        let among = |replicas: &[Replica]| replicas.iter().any(|replica| replica.seat == seat);
        if assignment.attempt != Head::attempt_of(attempt) {
            return false;
        }
        (attempt == self.attempt && among(&self.replicas))
            || self.history.iter().any(|ended| ended.attempt == attempt && among(&ended.replicas))
    }
}
