//! The whole state, and how one part of it is changed while the indexes follow.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{B256, keccak256};
use serde::{Deserialize, Serialize};
use tallystick_types::{Attempt, BeaconRound, JobId, Seconds, Seed, TaskIndex, WallTime};

use super::effect::Effect;
use super::job::{Head, Job, JobPhase};
use super::node::{Nodes, Pairings};
use super::selection::Selector;
use super::task::{Task, TaskState};
use super::turn::Turn;

/// What holds for all jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// How long a node counts as connected after a heartbeat: three heartbeats of 10 s.
    pub node_lease: Seconds,
    /// How much longer a node may take for its acknowledgement until the chain shows it in the
    /// attempt: nobody is sent work before.
    pub enlistment: Seconds,
    /// How many rounds of randomness are remembered, at least 1.
    pub rounds: u16,
    /// How many waiting tasks in a row may find no node before the rest waits for its time.
    pub searches: u16,
    /// How many archived jobs are remembered by name, so that no copy of an order starts one again.
    /// Orders older than that are for the archive to refuse.
    pub tombstones: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            node_lease: Seconds::new(30),
            enlistment: Seconds::new(60),
            rounds: 64,
            searches: 16,
            tombstones: 1 << 20,
        }
    }
}

/// All that the ledger knows. Equal journals make equal states.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// What holds for all jobs.
    pub settings: Settings,
    /// The number of the next event; the first is 0. Refused events count.
    pub next: u64,
    /// The latest moment that a tick told.
    pub now: WallTime,
    /// The jobs, closed ones until they are archived.
    pub jobs: BTreeMap<JobId, Job>,
    /// The nodes.
    pub nodes: Nodes,
    /// The pairings.
    pub pairings: Pairings,
    /// The randomness of the latest rounds.
    pub seeds: BTreeMap<BeaconRound, Seed>,
    /// What is remembered of jobs that were archived.
    pub(super) archived: BTreeMap<JobId, Tombstone>,
    /// The archived jobs by the event that archived them.
    pub(super) archived_at: BTreeMap<u64, JobId>,
    /// Tasks, or jobs as a whole, by the moment at which time alone changes them.
    pub(super) timers: BTreeSet<(WallTime, JobId, Option<TaskIndex>)>,
    /// Tasks that want a node: those with a result to check first, then who waits longest.
    pub(super) waiting: BTreeSet<(Urgency, u64, JobId, TaskIndex)>,
    /// Tasks by the round whose randomness they await.
    pub(super) awaiting: BTreeSet<(BeaconRound, JobId, TaskIndex)>,
    /// Where each task stands in the sets above.
    pub(super) entries: BTreeMap<JobId, BTreeMap<TaskIndex, Entry>>,
    /// The number of the next ticket for a waiting task.
    pub(super) ticket: u64,
}

/// What is remembered of a job that was archived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tombstone {
    /// Its last attempt here.
    pub(super) attempt: Attempt,
    /// Whether it is over on the chain and never comes again.
    pub(super) over: bool,
    /// The event that archived it.
    pub(super) at: u64,
}

/// Which waiting task goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Urgency {
    /// A result is there and wants to be checked.
    Check,
    /// Nothing is done yet.
    Start,
}

/// A task's places in the indexes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) timer: Option<WallTime>,
    pub(super) waits: Option<(Urgency, u64)>,
    pub(super) round: Option<BeaconRound>,
}

/// One event on its way through the state.
pub(super) struct Step<'a> {
    pub(super) state: &'a mut State,
    pub(super) selector: &'a dyn Selector,
    pub(super) effects: Vec<Effect>,
    pub(super) freed: bool,
}

impl State {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            next: 0,
            now: WallTime::new(0),
            jobs: BTreeMap::new(),
            nodes: Nodes::default(),
            pairings: Pairings::default(),
            seeds: BTreeMap::new(),
            archived: BTreeMap::new(),
            archived_at: BTreeMap::new(),
            timers: BTreeSet::new(),
            waiting: BTreeSet::new(),
            awaiting: BTreeSet::new(),
            entries: BTreeMap::new(),
            ticket: 0,
        }
    }

    /// A digest of everything, for comparing two ledgers: `keccak256` of the state as JSON.
    pub fn digest(&self) -> B256 {
        let bytes = serde_json::to_vec(self).expect("every key of a map is a text or a number");
        keccak256(bytes)
    }

    /// Forgets all of a job but its name.
    pub(super) fn bury(&mut self, job: JobId, attempt: Attempt, over: bool) {
        self.jobs.remove(&job);
        let at = self.next;
        self.archived.insert(job, Tombstone { attempt, over, at });
        self.archived_at.insert(at, job);
        let most = usize::try_from(self.settings.tombstones).unwrap_or(usize::MAX);
        while self.archived.len() > most {
            let Some((_, oldest)) = self.archived_at.pop_first() else { return };
            self.archived.remove(&oldest);
        }
    }

    /// A job that was archived is back.
    pub(super) fn exhume(&mut self, job: JobId) {
        if let Some(tombstone) = self.archived.remove(&job) {
            self.archived_at.remove(&tombstone.at);
        }
    }

    /// Brings the indexes in line with a task.
    fn index(&mut self, job: JobId, task: TaskIndex) {
        let found = self.jobs.get(&job).and_then(|it| it.tasks.get(&task).map(|task| (it, task)));
        let Some((owner, it)) = found else { return };
        let request = &owner.head.request;
        let timer = it.next_deadline(request);
        let urgency = match it.state {
            TaskState::Pending { .. } => Urgency::Start,
            TaskState::Dispatched
            | TaskState::Running
            | TaskState::Committed { .. }
            | TaskState::Verifying(_)
            | TaskState::Verified { .. }
            | TaskState::DeadLetter { .. }
            | TaskState::Stopped => Urgency::Check,
        };
        let wants = it.wants_node(request).then_some(urgency);
        let round = match it.state {
            TaskState::Committed { round, .. } => Some(round),
            TaskState::Pending { .. }
            | TaskState::Dispatched
            | TaskState::Running
            | TaskState::Verifying(_)
            | TaskState::Verified { .. }
            | TaskState::DeadLetter { .. }
            | TaskState::Stopped => None,
        };
        let before = self.entries.get(&job).and_then(|tasks| tasks.get(&task));
        let before = before.copied().unwrap_or_default();
        let waits = match (before.waits, wants) {
            (Some((old, number)), Some(new)) if old == new => Some((old, number)),
            (_, Some(new)) => {
                self.ticket = self.ticket.saturating_add(1);
                Some((new, self.ticket))
            }
            (_, None) => None,
        };
        self.replace(job, task, before, Entry { timer, waits, round });
    }

    fn replace(&mut self, job: JobId, task: TaskIndex, before: Entry, after: Entry) {
        if before == after {
            return;
        }
        if let Some(at) = before.timer {
            self.timers.remove(&(at, job, Some(task)));
        }
        if let Some((urgency, number)) = before.waits {
            self.waiting.remove(&(urgency, number, job, task));
        }
        if let Some(round) = before.round {
            self.awaiting.remove(&(round, job, task));
        }
        self.timers.extend(after.timer.map(|at| (at, job, Some(task))));
        self.waiting.extend(after.waits.map(|(urgency, number)| (urgency, number, job, task)));
        self.awaiting.extend(after.round.map(|round| (round, job, task)));
        let tasks = self.entries.entry(job).or_default();
        if after == Entry::default() {
            tasks.remove(&task);
        } else {
            tasks.insert(task, after);
        }
        if tasks.is_empty() {
            self.entries.remove(&job);
        }
    }
}

impl Step<'_> {
    /// Changes one task, then what follows from it for the job and the indexes. Nothing where there
    /// is no such task.
    pub(super) fn with_task<R>(
        &mut self,
        job: JobId,
        task: TaskIndex,
        change: impl FnOnce(&Head, &mut Task, &mut Turn<'_>) -> R,
    ) -> Option<R> {
        let state = &mut *self.state;
        let owner = state.jobs.get_mut(&job)?;
        let it = owner.tasks.get_mut(&task)?;
        let mut turn = Turn {
            now: state.now,
            enlistment: state.settings.enlistment,
            nodes: &mut state.nodes,
            pairings: &state.pairings,
            seeds: &state.seeds,
            selector: self.selector,
            effects: &mut self.effects,
            seats: &owner.seats,
            members: &owner.members,
            enlisted: &owner.enlisted,
            assigned: Vec::new(),
            freed: false,
            close: None,
        };
        let active = owner.head.active;
        owner.head.count(it, u32::checked_sub);
        let result = change(&owner.head, it, &mut turn);
        owner.head.count(it, u32::checked_add);
        if owner.head.active < active {
            owner.head.busy_at = turn.now;
        }
        let (assigned, freed, close) = (turn.assigned, turn.freed, turn.close);
        owner.members.extend(assigned.iter().copied());
        owner.seats.extend(assigned);
        self.freed |= freed;
        self.state.index(job, task);
        if let Some(reason) = close {
            self.close(job, reason);
        } else {
            self.review(job);
        }
        Some(result)
    }

    /// Gives free nodes to the tasks that wait, in their order.
    pub(super) fn serve(&mut self) {
        if !self.freed {
            return;
        }
        let mut fruitless = 0;
        let waiting: Vec<_> =
            self.state.waiting.iter().map(|(_, _, job, task)| (*job, *task)).collect();
        for (job, task) in waiting {
            let any_free = self.state.nodes.iter().any(|(_, node)| node.is_free());
            if !any_free || fruitless >= self.state.settings.searches {
                break;
            }
            let served = self.with_task(job, task, |head, task, turn| {
                let before = task.replicas.len();
                if matches!(task.state, TaskState::Pending { .. }) {
                    task.search(head, turn);
                } else {
                    task.advance(head, turn);
                }
                task.replicas.len() > before
            });
            if served != Some(true) {
                fruitless = fruitless.saturating_add(1);
            }
        }
    }

    /// Brings the timer of a job as a whole in line.
    pub(super) fn retime(&mut self, job: JobId, before: Option<WallTime>) {
        let after = self.state.jobs.get(&job).and_then(Job::next_deadline);
        if before != after {
            if let Some(at) = before {
                self.state.timers.remove(&(at, job, None));
            }
            self.state.timers.extend(after.map(|at| (at, job, None)));
        }
    }

    /// Whether a job still works on its tasks.
    pub(super) fn is_working(&self, job: JobId) -> bool {
        let phase = self.state.jobs.get(&job).map(|job| &job.phase);
        matches!(phase, Some(JobPhase::Working))
    }
}

impl Head {
    /// Counts a task in or out.
    fn count(&mut self, task: &Task, change: fn(u32, u32) -> Option<u32>) {
        let counter = match task.state {
            TaskState::Dispatched
            | TaskState::Running
            | TaskState::Committed { .. }
            | TaskState::Verifying(_) => &mut self.active,
            TaskState::Verified { .. } => &mut self.verified,
            TaskState::DeadLetter { .. } => &mut self.dead,
            TaskState::Pending { .. } | TaskState::Stopped => return,
        };
        *counter = change(*counter, 1).expect("a task is counted out as often as in");
    }
}
