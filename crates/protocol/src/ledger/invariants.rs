//! What holds between any two events.

use std::collections::BTreeMap;

use tallystick_types::{Attestations, JobId, Privacy, Seat, TaskIndex};

use super::job::{Head, Job, JobPhase, Settlement};
use super::node::{Engagement, same_node};
use super::reason::CloseReason;
use super::selection::Role;
use super::state::{Entry, State};
use super::task::{Replica, Stage, Task, TaskState};

/// A rule that does not hold, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rule} (job {job:?}, task {task:?})")]
pub struct Violation {
    /// The rule, as a sentence that should be true.
    pub rule: &'static str,
    /// The job in which it does not hold.
    pub job: Option<JobId>,
    /// The task in which it does not hold.
    pub task: Option<TaskIndex>,
}

type Work = BTreeMap<(Seat, JobId, TaskIndex), Engagement>;

/// Checks every rule of the ledger on a state, and names the first that does not hold.
pub fn check_invariants(state: &State) -> Result<(), Violation> {
    check_invariants_of(state, |_| true)
}

/// The same, where the rules of a job by itself are checked for some jobs alone. A job that has
/// work for a node has to be among them.
pub fn check_invariants_of(
    state: &State,
    looks_at: impl Fn(&Job) -> bool,
) -> Result<(), Violation> {
    let mut work = Work::new();
    for job in state.jobs.values().filter(|job| looks_at(job)) {
        check_job(state, job)?;
        for task in job.tasks.values() {
            let checked = check_try(&job.head, task)
                .and_then(|()| check_replicas(state, &job.head, task))
                .and_then(|()| check_result(&job.head, task));
            checked.map_err(|rule| violation(rule, job, Some(task)))?;
            collect(job, task, &mut work);
        }
    }
    check_nodes(state, &work)?;
    check_indexes(state)
}

fn violation(rule: &'static str, job: &Job, task: Option<&Task>) -> Violation {
    Violation { rule, job: Some(job.head.id), task: task.map(|task| task.index) }
}

fn require(holds: bool, rule: &'static str) -> Result<(), &'static str> {
    if holds { Ok(()) } else { Err(rule) }
}

fn check_job(state: &State, job: &Job) -> Result<(), Violation> {
    let count = |is: fn(&Task) -> bool| {
        let tasks = job.tasks.values().filter(|task| is(task)).count();
        u32::try_from(tasks).expect("a job has at most 2^16 tasks")
    };
    let verified = count(|task| matches!(task.state, TaskState::Verified { .. }));
    let dead = count(|task| matches!(task.state, TaskState::DeadLetter { .. }));
    let all = count(|_| true);
    let head = &job.head;
    let closed = job.close_reason();
    let checked = require(
        (head.active, head.verified, head.dead) == (count(Task::is_active), verified, dead),
        "a job counts its tasks right",
    )
    .and_then(|()| match &job.phase {
        JobPhase::Working => require(verified < all, "a working job has unverified tasks"),
        JobPhase::Attesting { claim, needed, signers, .. } => require(
            verified == all && claim.attempt == head.attempt,
            "a job attests all of its tasks under its present attempt",
        )
        .and_then(|()| {
            let enough = usize::from(*needed) >= usize::from(head.request.quorum)
                && usize::from(*needed).saturating_mul(2) > signers.len()
                && usize::from(*needed).saturating_mul(2) > job.enlisted.len();
            require(enough, "a claim needs a majority of its signers, the attempt and the quorum")
        }),
        JobPhase::Closed { .. } => {
            require(count(Task::is_over) == all, "nothing goes on in a closed job")
        }
    })
    .and_then(|()| {
        let complete = closed != Some(CloseReason::Completed) || verified == all;
        require(complete, "a completed job is verified in every part")
    })
    .and_then(|()| {
        let over = job.settlement == Settlement::Open || closed.is_some();
        require(over, "a settled or refunded job is closed")
    })
    .and_then(|()| {
        let timed = closed.is_some()
            || job.next_deadline().is_some_and(|at| state.timers.contains(&(at, head.id, None)));
        require(timed, "an open job ends by time if by nothing else")
    });
    checked.map_err(|rule| violation(rule, job, None))
}

fn check_try(head: &Head, task: &Task) -> Result<(), &'static str> {
    let primary = task.replicas.first();
    let stage = primary.map(|primary| primary.stage);
    let alone = task.replicas.len() == 1;
    match &task.state {
        TaskState::Pending { .. } | TaskState::DeadLetter { .. } | TaskState::Stopped => {
            require(task.replicas.is_empty(), "nobody takes part between tries")
        }
        TaskState::Dispatched => {
            let asked = matches!(stage, Some(Stage::Asked { .. }));
            require(alone && asked, "a dispatched task has a primary that was asked and no other")
        }
        TaskState::Running => {
            let works = matches!(stage, Some(Stage::Working { .. }));
            require(alone && works, "a running task has a primary that works and no other")
        }
        TaskState::Committed { .. } => {
            let bound = stage == Some(Stage::Committed { asked: false });
            require(alone && bound, "no secondary is drawn before the seed, nobody opens")
        }
        TaskState::Verifying(_) | TaskState::Verified { .. } => require(
            primary.is_some_and(Replica::has_committed),
            "secondaries stand behind a primary that committed",
        ),
    }?;
    require(
        !task.is_active() || Head::attempt_of(task.attempt) == head.attempt,
        "nobody works under an attempt of the job that is over",
    )?;
    require(task.deliveries <= head.request.limits.deliveries, "tries stay within their limit")?;
    let numbers = task.history.iter().map(|ended| ended.attempt);
    require(
        numbers.clone().zip(numbers.skip(1)).all(|(earlier, later)| earlier < later),
        "no number of a try is used twice",
    )
}

fn check_replicas(state: &State, head: &Head, task: &Task) -> Result<(), &'static str> {
    require(task.replicas.len() <= Attestations::MOST, "a try has at most 16 nodes")?;
    for (place, replica) in task.replicas.iter().enumerate() {
        let role = if place == 0 { Role::Primary } else { Role::Secondary };
        require(replica.role == role, "the first node is the primary, the others check it")?;
        let mut earlier = task.replicas.iter().take(place);
        let twice = earlier.any(|other| same_node(other.seat, replica.seat));
        require(!twice, "nobody takes part in a try twice")?;
        let pledged = task.pledges.contains_key(&(task.attempt, replica.seat));
        require(pledged || !replica.has_committed(), "who committed has signed it")?;
        if !task.is_active() || !replica.is_live() {
            continue;
        }
        require(!task.barred.contains(&replica.seat), "who was caught takes no further part")?;
        let paired = state.pairings.of(head.request.client);
        let allowed = head.request.privacy == Privacy::Public
            || replica.has_revealed()
            || paired.is_some_and(|paired| paired.contains(&replica.seat));
        require(allowed, "a private task is with paired nodes only")?;
    }
    Ok(())
}

fn check_result(head: &Head, task: &Task) -> Result<(), &'static str> {
    for replica in &task.replicas {
        if let Stage::Revealed { opening } = replica.stage {
            let pledge = task.pledges.get(&(task.attempt, replica.seat));
            let assignment = pledge.map(|signed| signed.pledge.assignment);
            let bound = assignment.map(|assignment| opening.commitment(&assignment));
            let fits = bound == pledge.map(|signed| signed.pledge.commitment);
            require(fits, "an opening fits its commitment")?;
        }
    }
    let TaskState::Verified { output_root, by, attempt, .. } = &task.state else { return Ok(()) };
    let agrees = |replica: &&Replica| match replica.stage {
        Stage::Revealed { opening } => opening.output_root == *output_root,
        Stage::Asked { .. }
        | Stage::Working { .. }
        | Stage::Committed { .. }
        | Stage::Gone { .. } => false,
    };
    let agreeing: Vec<Seat> = task.replicas.iter().filter(agrees).map(|one| one.seat).collect();
    require(*attempt == task.attempt, "a result comes from the last try")?;
    require(*by == agreeing, "those who agreed are named")?;
    require(
        by.len() >= head.request.needed(task.revealed()),
        "nothing is verified without a quorum of equal openings",
    )
}

/// What nodes have to do by the word of the tasks.
fn collect(job: &Job, task: &Task, work: &mut Work) {
    for replica in task.replicas.iter().filter(|_| task.is_active()) {
        let engagement = match replica.stage {
            Stage::Asked { .. } | Stage::Working { .. } => Engagement::Executing,
            Stage::Committed { .. } => Engagement::Committed,
            Stage::Revealed { .. } | Stage::Gone { .. } => continue,
        };
        work.insert((replica.seat, job.head.id, task.index), engagement);
    }
}

fn check_nodes(state: &State, work: &Work) -> Result<(), Violation> {
    let mut known = Work::new();
    for (seat, node) in state.nodes.iter() {
        let tasks = node.work.iter().map(|((job, task), bound)| ((seat, *job, *task), *bound));
        known.extend(tasks);
        if !node.online && !node.work.is_empty() {
            let rule = "a node that is away has no work";
            return Err(Violation { rule, job: None, task: None });
        }
    }
    let rule = "nodes and tasks agree on who does what";
    if known == *work { Ok(()) } else { Err(Violation { rule, job: None, task: None }) }
}

fn check_indexes(state: &State) -> Result<(), Violation> {
    let mut expected: BTreeMap<(JobId, TaskIndex), Entry> = BTreeMap::new();
    for (job, tasks) in &state.entries {
        expected.extend(tasks.iter().map(|(task, entry)| ((*job, *task), *entry)));
    }
    for job in state.jobs.values() {
        for task in job.tasks.values() {
            let entry = expected.remove(&(job.head.id, task.index)).unwrap_or_default();
            let (id, index) = (job.head.id, task.index);
            let timer = task.next_deadline(&job.head.request);
            let timed = timer == entry.timer
                && timer.is_none_or(|at| state.timers.contains(&(at, id, Some(index))));
            let queued = entry.waits.is_some() == task.wants_node(&job.head.request)
                && entry.waits.is_none_or(|(urgency, number)| {
                    state.waiting.contains(&(urgency, number, id, index))
                });
            let idle = task.is_over() || timer.is_some();
            if !(timed && queued && idle) {
                let rule = "every task that is not over waits for a moment, and is found again";
                return Err(violation(rule, job, Some(task)));
            }
        }
    }
    let rule = "no index names what is not there";
    if expected.is_empty() { Ok(()) } else { Err(Violation { rule, job: None, task: None }) }
}
