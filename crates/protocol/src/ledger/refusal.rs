//! Why an event changes nothing.

use tallystick_types::{Attempt, BeaconRound, JobId, Seat, TaskIndex};

use super::reason::CloseReason;
use super::request::RequestError;
use crate::commitment::TaskAssignment;

/// An event that the ledger refuses. The state is as before, but for the number of the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such job, or it is archived.
    #[error("job {job} is not in this ledger; look in the archive or ask another coordinator")]
    UnknownJob {
        /// The job.
        job: JobId,
    },
    /// The job has no such task.
    #[error("job {job} has no task {task}")]
    UnknownTask {
        /// The job.
        job: JobId,
        /// The task.
        task: TaskIndex,
    },
    /// The job is here already, or was and is over.
    #[error("job {job} is or was here already with attempt {attempt}")]
    JobExists {
        /// The job.
        job: JobId,
        /// Its attempt.
        attempt: Attempt,
    },
    /// The job is closed.
    #[error("job {job} is closed: {reason}")]
    JobClosed {
        /// The job.
        job: JobId,
        /// Why.
        reason: CloseReason,
    },
    /// The job cannot be forgotten yet.
    #[error("job {job} is still worked on or not final on the chain; wait for that")]
    NotOver {
        /// The job.
        job: JobId,
    },
    /// The request makes no sense.
    #[error("the request for job {job} is refused")]
    Request {
        /// The job.
        job: JobId,
        /// What is wrong.
        #[source]
        source: RequestError,
    },
    /// The node is not connected.
    #[error("node {} is not connected; it has to join again", .seat.node)]
    UnknownNode {
        /// The node.
        seat: Seat,
    },
    /// The node takes no task at all.
    #[error("node {} offers no place for a task; give at least 1", .seat.node)]
    NoPlace {
        /// The node.
        seat: Seat,
    },
    /// The node was never assigned to this.
    #[error("node {} was never given this try at task {}", .assignment.seat.node, .assignment.task)]
    NotAssigned {
        /// What it claims to work on.
        assignment: TaskAssignment,
    },
    /// The node took no part in the job.
    #[error("node {} took no part in job {job}", .seat.node)]
    NotTakingPart {
        /// The job.
        job: JobId,
        /// The node.
        seat: Seat,
    },
    /// The node opens before it was asked, so others could copy.
    #[error("node {} opens before it was asked; wait for the request", .assignment.seat.node)]
    RevealTooEarly {
        /// Of which assignment.
        assignment: TaskAssignment,
    },
    /// The opening is not that of the commitment.
    #[error("the opening of node {} does not fit its commitment", .assignment.seat.node)]
    OpeningMismatch {
        /// Of which assignment.
        assignment: TaskAssignment,
    },
    /// The round has another seed.
    #[error("round {round} has another seed already; the source of randomness contradicts itself")]
    SeedContradicts {
        /// The round.
        round: BeaconRound,
    },
    /// The task is no dead letter.
    #[error("task {task} of job {job} is no dead letter")]
    NotDeadLetter {
        /// The job.
        job: JobId,
        /// The task.
        task: TaskIndex,
    },
    /// The numbers of tries are used up.
    #[error("task {task} of job {job} had all tries of its attempt; order the job again")]
    TriesUsedUp {
        /// The job.
        job: JobId,
        /// The task.
        task: TaskIndex,
    },
    /// A claim for an attempt that has not begun.
    #[error("job {job} has no attempt {attempt} yet")]
    FutureAttempt {
        /// The job.
        job: JobId,
        /// The attempt.
        attempt: Attempt,
    },
    /// The chain ended the job in two ways.
    #[error("the chain says of job {job} what its own final word excludes; stop and look")]
    FinalityViolated {
        /// The job.
        job: JobId,
    },
}
