//! The agent of a node, pure: what happened goes in, what is to be done comes out.
//!
//! [`Agent::step`] reads no clock, disk or socket. Everything that must survive a crash is in the
//! [`Effect::Store`] that it asks for before it asks for what follows from it, so an agent that is
//! restored from the store goes on where the last one was: it executes again what has no output
//! yet, and has signed again, with the stored signature, what has one.

mod attest;
mod config;
mod effect;
mod held;
mod input;
mod journal;
mod receipt;
mod restore;
mod task;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use tallystick_protocol::commitment::TaskAssignment;
use tallystick_types::{BlobDigest, JobId, Seat, Seconds, WallTime};

pub use config::{AgentConfig, Maxima, NodeSecret};
pub use effect::{AgentSays, Effect, RunOrder};
pub(crate) use input::sha256;
pub use input::{
    ClaimRequest, CoordinatorSays, FetchFailure, Input, KnownJob, Moment, Ran, RunFailure,
    TaskOrder,
};
pub use journal::JournalError;
pub use restore::RestoreError;

use held::{HeldJob, TaskState};
use journal::Record;

/// Time between two looks at what the chain says of jobs that are not being worked on.
const REVIEW: Seconds = Seconds::new(60);

/// The agent of one node.
#[derive(Debug)]
pub struct Agent {
    config: AgentConfig,
    seat: Seat,
    secret: NodeSecret,
    moment: Moment,
    /// Whose session is open.
    session: Option<Seat>,
    /// The coordinator gives no more work in this session.
    drained: bool,
    /// The operator stops the node.
    stopping: bool,
    /// [`Effect::Leave`] was said in this session.
    left: bool,
    jobs: BTreeMap<JobId, HeldJob>,
    fetching: BTreeSet<(JobId, BlobDigest)>,
    review_at: WallTime,
    effects: Vec<Effect>,
}

impl Agent {
    /// Takes the next thing that happened and says what is to be done, in this order.
    pub fn step(&mut self, moment: Moment, input: Input) -> Vec<Effect> {
        self.moment = moment;
        match input {
            Input::Tick => self.tick(),
            Input::Connected { coordinator } => self.connected(coordinator),
            Input::Disconnected => self.session = None,
            Input::Heard(says) => self.heard(says),
            Input::Stop => self.stopping = true,
            Input::Crowded => self.forget_half(),
            Input::Fact { job, known } => self.learn(job, known),
            Input::Fetched { job, blob, outcome } => self.fetched(job, blob, outcome),
            Input::Progressed { assignment, slices } => self.progressed(assignment, slices),
            Input::Ran { assignment, outcome } => self.ran(assignment, outcome),
            Input::Uploaded { assignment, done } => self.uploaded(assignment, done),
            Input::PledgeSigned { assignment, outcome } => self.pledged(assignment, outcome),
            Input::ClaimSigned { job, attempt, outcome } => {
                self.claim_signed(job, attempt, outcome);
            }
            Input::ReceiptSigned { job, receipt, outcome } => {
                self.receipt_signed(job, receipt, outcome);
            }
        }
        self.leave_when_finished();
        std::mem::take(&mut self.effects)
    }

    /// The assignments that are worked on, and those whose commitment is still to be opened.
    pub fn running(&self) -> Vec<TaskAssignment> {
        let jobs = self.jobs.values().filter(|job| job.over_since.is_none());
        let tasks = jobs.flat_map(|job| &job.tasks);
        tasks.filter(|(_, task)| task.is_open()).map(first).copied().collect()
    }

    /// Input blobs that are here for tasks, once each. Outputs are nobody's business before they
    /// are opened.
    pub fn inputs(&self) -> BTreeSet<BlobDigest> {
        let tasks = self.jobs.values().flat_map(|job| job.tasks.values());
        let here = tasks.filter(|task| {
            matches!(task.state, TaskState::Running | TaskState::Executed(_))
                || task.state.is_committed()
        });
        here.flat_map(|task| held::inputs(&task.specification, task.accepted.slices)).collect()
    }

    /// Assignments that take a place.
    pub fn busy(&self) -> usize {
        self.tasks().filter(|(_, state)| state.is_live()).count()
    }

    fn tasks(&self) -> impl Iterator<Item = (TaskAssignment, &TaskState)> {
        let tasks = self.jobs.values().flat_map(|job| &job.tasks);
        tasks.map(|(assignment, task)| (*assignment, &task.state))
    }

    fn heard(&mut self, says: CoordinatorSays) {
        // What comes after the end of a session belongs to nobody who could be answered.
        let Some(coordinator) = self.session else { return };
        match says {
            CoordinatorSays::Assign(order) => self.assign(coordinator, *order),
            CoordinatorSays::Cancel { assignment } => self.cancel(coordinator, assignment),
            CoordinatorSays::Reveal { assignment } => self.reveal(coordinator, assignment),
            CoordinatorSays::Output { assignment } => self.upload(coordinator, assignment),
            CoordinatorSays::Attest(request) => self.attest(coordinator, *request),
            CoordinatorSays::SignReceipt(bytes) => self.sign_receipt(&bytes),
            CoordinatorSays::ClaimJudged { job, attempt } => self.claim_judged(job, attempt),
            CoordinatorSays::Drain => self.drained = true,
        }
    }

    fn connected(&mut self, coordinator: Seat) {
        self.session = Some(coordinator);
        self.drained = false;
        self.left = false;
        self.say_again(coordinator);
        self.claims_again(coordinator);
    }

    fn tick(&mut self) {
        self.watch_tasks();
        self.watch_claims();
        if self.moment.now >= self.review_at {
            self.review_at = self.moment.now.after(REVIEW);
            self.forget_finished();
            let jobs = self.jobs.keys().copied();
            self.effects.extend(jobs.map(|job| Effect::LookUp { job }));
        }
    }

    fn learn(&mut self, job: JobId, known: Option<Box<KnownJob>>) {
        // A missing answer proves nothing.
        let (Some(known), Some(held)) = (known, self.jobs.get_mut(&job)) else { return };
        if known.fact.ended && held.over_since.is_none() {
            held.over_since = Some(self.moment.now);
            self.store([Record::End(job, self.moment.now)]);
        }
        let Some(held) = self.jobs.get_mut(&job) else { return };
        held.known = Some(*known);
        self.clear_tasks(job);
        self.try_claim(job);
    }

    /// Forgets jobs for which nothing can be asked any more: over for long by the chain's final
    /// word, or without anything signed and idle for as long.
    fn forget_finished(&mut self) {
        let (now, keep) = (self.moment.now, self.config.keep_ended);
        let finished = |held: &HeldJob| held.quiet_since().is_some_and(|at| at.after(keep) <= now);
        let jobs: Vec<JobId> =
            self.jobs.iter().filter(|(_, held)| finished(held)).map(first).copied().collect();
        jobs.into_iter().for_each(|job| self.forget(job));
    }

    /// Where the memory is full, forgets what nothing can be asked about any more, the longest
    /// quiet first, until there is room for an assignment or nothing of that kind is left.
    fn make_room(&mut self) {
        while self.tasks().count() >= self.config.most_held {
            let Some((_, job)) = self.quiet().min() else { return };
            self.forget(job);
        }
    }

    /// Forgets the longest quiet half of what nothing can be asked about any more, so that its
    /// blobs can go.
    fn forget_half(&mut self) {
        let quiet: BTreeSet<(WallTime, JobId)> = self.quiet().collect();
        let half = quiet.len().div_ceil(2);
        quiet.into_iter().take(half).for_each(|(_, job)| self.forget(job));
    }

    /// What nothing can be asked about any more, and since when.
    fn quiet(&self) -> impl Iterator<Item = (WallTime, JobId)> {
        self.jobs.iter().filter_map(|(job, held)| Some((held.quiet_since()?, *job)))
    }

    fn forget(&mut self, job: JobId) {
        let Some(held) = self.jobs.remove(&job) else { return };
        let mut batch = tallystick_ports::Batch::default();
        for record in held.records(job) {
            record.delete(&mut batch);
        }
        self.effects.push(Effect::Store(batch));
        self.effects.push(Effect::Forget { job, blobs: held.blobs() });
    }

    fn leave_when_finished(&mut self) {
        let wanted = self.stopping || self.drained;
        let stopping = self.stopping;
        let open = |held: &HeldJob| {
            // Who stops for good is paid first; another coordinator may ask again.
            held.asked.is_some() || (stopping && held.is_unpaid())
        };
        if wanted && !self.left && self.running().is_empty() && !self.jobs.values().any(open) {
            self.left = true;
            self.say(AgentSays::Leaving);
            self.effects.push(Effect::Leave);
        }
    }

    fn store(&mut self, records: impl IntoIterator<Item = Record>) {
        let mut batch = tallystick_ports::Batch::default();
        for record in records {
            record.put(&mut batch);
        }
        self.effects.push(Effect::Store(batch));
    }

    fn say(&mut self, says: AgentSays) {
        if self.session.is_some() {
            self.effects.push(Effect::Send(Box::new(says)));
        }
    }
}

fn first<A, B>(pair: (A, B)) -> A {
    pair.0
}
