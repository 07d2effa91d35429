//! The way of an assignment: taken on, prepared, executed, committed, opened.

use std::sync::Arc;

use tallystick_planted::{Bug, planted};
use tallystick_ports::{SigningError, SigningKind, SigningSlot};
use tallystick_protocol::commitment::TaskAssignment;
use tallystick_protocol::ledger::Failure;
use tallystick_protocol::specification::{Specification, Work};
use tallystick_types::{
    Attempt, BeaconRound, BlobDigest, IdentitySignature, JobId, JobState, Ppm, Salt, Seat,
    SpecificationDigest, TaskAttempt,
};

use super::effect::{AgentSays, Effect, RunOrder};
use super::held::{HeldTask, TaskState};
use super::input::{FetchFailure, KnownJob, Ran, RunFailure, TaskOrder, sha256};
use super::journal::{Accepted, Output, Record, TaskEnd};
use super::{Agent, first};

/// Why an assignment is not taken on, or a request about one not met.
struct Refused(Failure, &'static str);

const fn refused<T>(detail: &'static str) -> Result<T, Refused> {
    Err(Refused(Failure::Refused, detail))
}

impl Agent {
    pub(super) fn assign(&mut self, coordinator: Seat, order: TaskOrder) {
        let assignment = order.assignment;
        if self.task(assignment).is_some() {
            self.answer(coordinator, assignment);
            return;
        }
        self.make_room();
        match self.admit(&order) {
            Ok(specification) => self.accept(coordinator, order, specification),
            Err(Refused(failure, detail)) => self.say_failed(assignment, failure, detail),
        }
    }

    /// Says again where a known assignment stands.
    fn answer(&mut self, coordinator: Seat, assignment: TaskAssignment) {
        if let Err(Refused(failure, detail)) = self.checked(coordinator, assignment) {
            self.say_failed(assignment, failure, detail);
            return;
        }
        let Some(task) = self.task(assignment) else { return };
        match &task.state {
            TaskState::Ended(end) => {
                let (failure, detail) = (end.failure, end.detail.clone());
                self.say(AgentSays::Failed { assignment, failure, detail });
            }
            TaskState::Committed { output, signature: Some(signature) } => {
                let (pledge, signature) = (output.pledge(assignment), *signature);
                self.say(AgentSays::Commit { pledge, signature });
            }
            TaskState::Committed { output, signature: None } => {
                let output = *output;
                self.sign_pledge(assignment, &output);
            }
            TaskState::Preparing { .. } | TaskState::Running | TaskState::Executed(_) => {
                self.say(AgentSays::Ack(assignment));
            }
        }
    }

    /// Whether a coordinator may speak for an assignment that is the newest try at its task.
    fn checked(&self, coordinator: Seat, assignment: TaskAssignment) -> Result<(), Refused> {
        let held = self.jobs.get(&assignment.job);
        let known = held.and_then(|job| Some((job, job.tasks.get(&assignment)?)));
        let Some((job, task)) = known else { return refused("the assignment is not known here") };
        if job.newest(assignment.task) != Some(assignment) {
            return refused("there is a newer try at the task");
        }
        if task.accepted.coordinator != coordinator {
            return refused("another coordinator assigned the task");
        }
        Ok(())
    }

    fn admit(&self, order: &TaskOrder) -> Result<Specification, Refused> {
        let assignment = &order.assignment;
        if self.stopping || self.drained {
            return Err(Refused(Failure::Draining, "the node takes no new work"));
        }
        if assignment.seat != self.seat {
            return refused("the assignment names another node");
        }
        let held = self.jobs.get(&assignment.job);
        let newest = held.and_then(|job| job.newest(assignment.task));
        if newest.is_some_and(|newest| newest.task_attempt >= assignment.task_attempt) {
            return refused("there is a newer try at the task");
        }
        if assignment.attempt == Attempt::new(0) || assignment.task_attempt == TaskAttempt::new(0) {
            return refused("attempts count from 1");
        }
        let same_task =
            |other: &TaskAssignment| (other.job, other.task) == (assignment.job, assignment.task);
        let live = self.tasks().filter(|(other, state)| state.is_live() && !same_task(other));
        if live.count() >= usize::from(self.config.places) {
            return refused("every place is taken");
        }
        if self.tasks().count() >= self.config.most_held {
            return refused("the node remembers as many assignments as it may");
        }
        if order.check.is_some() {
            return refused("the node checks no results by fingerprint");
        }
        self.read(order)
    }

    /// Reads the specification and compares it with what this node can do.
    fn read(&self, order: &TaskOrder) -> Result<Specification, Refused> {
        if SpecificationDigest::from(sha256(&order.specification)) != order.digest {
            return refused("the specification does not have its digest");
        }
        let Ok(specification) = Specification::from_bytes(&order.specification) else {
            return refused("the specification cannot be read");
        };
        if specification.engine != self.config.engine {
            return refused("the node has another engine");
        }
        let maxima = &self.config.maxima;
        let Work::Wasm { units, memory_bytes, output_bytes, .. } = &specification.work;
        if *units > maxima.units
            || *memory_bytes > maxima.memory_bytes
            || *output_bytes > maxima.output_bytes
            || specification.input.bytes() > maxima.input_bytes
        {
            return refused("the task may take more than the node gives to one");
        }
        let (slices, per_task) = (order.slices, specification.slices_per_task);
        let first = u64::from(order.assignment.task.get()).checked_mul(per_task);
        if Some(slices.first) != first || slices.count == 0 || slices.count > per_task {
            return refused("the slices are not those of the task");
        }
        Ok(specification)
    }

    fn accept(&mut self, coordinator: Seat, order: TaskOrder, specification: Specification) {
        let TaskOrder { assignment, role, slices, execution_limit, digest, .. } = order;
        self.supersede(assignment);
        let at = self.moment.now;
        let deadline = at.after(execution_limit.min(self.config.maxima.execution));
        let accepted = Accepted {
            assignment,
            coordinator,
            role,
            slices,
            specification: digest,
            at,
            deadline,
            end: None,
            closed: false,
        };
        let job = self.jobs.entry(assignment.job).or_default();
        let specification = job.specifications.entry(digest).or_insert(Arc::new(specification));
        let task = HeldTask::new(accepted.clone(), Arc::clone(specification));
        job.tasks.insert(assignment, task);
        let described = Record::Specification(assignment.job, digest, order.specification);
        if !planted(Bug::WorkInMemory) {
            self.store([described, Record::Accepted(accepted)]);
        }
        self.say(AgentSays::Ack(assignment));
        self.effects.push(Effect::LookUp { job: assignment.job });
        self.prepare(assignment);
    }

    /// Ends older tries at the task of a new one; their commitments are not opened any more.
    fn supersede(&mut self, newer: TaskAssignment) {
        let older = |other: &TaskAssignment| (other.job, other.task) == (newer.job, newer.task);
        let tries = self.tasks().filter(|(other, _)| older(other));
        let tries: Vec<_> = tries.map(|(other, state)| (other, state.is_live())).collect();
        for (assignment, live) in tries {
            if live {
                self.end_task(assignment, Failure::Refused, "there is a newer try at the task");
            } else {
                self.close(assignment);
            }
        }
    }

    /// Fetches what is missing and nobody fetches yet, or runs what is ready.
    fn prepare(&mut self, assignment: TaskAssignment) {
        let Some(job) = self.jobs.get_mut(&assignment.job) else { return };
        let Some(task) = job.tasks.get_mut(&assignment) else { return };
        let TaskState::Preparing { missing, cleared, fetch_at } = &mut task.state else { return };
        if missing.is_empty() && *cleared {
            task.state = TaskState::Running;
            self.effects.push(Effect::Run(Box::new(RunOrder {
                assignment,
                specification: Arc::clone(&task.specification),
                slices: task.accepted.slices,
                deadline: task.accepted.deadline,
                most_output_bytes: self.config.maxima.output_bytes,
            })));
            return;
        }
        if fetch_at.is_some_and(|at| self.moment.now < at) {
            return;
        }
        *fetch_at = None;
        let program = BlobDigest::from(task.specification.program());
        for blob in missing.iter().copied() {
            let maxima = &self.config.maxima;
            let of_program = blob == program;
            let most_bytes = if of_program { maxima.program_bytes } else { maxima.input_bytes };
            let job = assignment.job;
            if self.fetching.insert((job, blob)) {
                self.effects.push(Effect::Fetch { job, blob, most_bytes });
            }
        }
    }

    pub(super) fn fetched(
        &mut self,
        job: JobId,
        blob: BlobDigest,
        outcome: Result<(), FetchFailure>,
    ) {
        self.fetching.remove(&(job, blob));
        let again = self.moment.now.after(self.config.fetch_retry);
        let mut waiting = Vec::new();
        let Some(held) = self.jobs.get_mut(&job) else { return };
        for task in held.tasks.values_mut() {
            let TaskState::Preparing { missing, fetch_at, .. } = &mut task.state else { continue };
            if !missing.contains(&blob) {
                continue;
            }
            waiting.push(task.accepted.assignment);
            match outcome {
                Ok(()) => {
                    missing.remove(&blob);
                }
                Err(FetchFailure::Unreachable) => *fetch_at = Some(again),
                Err(FetchFailure::Unavailable | FetchFailure::Machine) => {}
            }
        }
        for assignment in waiting {
            match outcome {
                Ok(()) => self.prepare(assignment),
                Err(FetchFailure::Unreachable) => {}
                Err(FetchFailure::Unavailable) => {
                    let detail = "a blob could not be fetched, or was another one";
                    self.end_task(assignment, Failure::InputUnavailable, detail);
                }
                Err(FetchFailure::Machine) => {
                    self.end_task(assignment, Failure::Internal, "a blob could not be kept");
                }
            }
        }
    }

    /// Judges the tasks of a job that wait for the chain to show their assignment.
    pub(super) fn clear_tasks(&mut self, job: JobId) {
        let Some(held) = self.jobs.get_mut(&job) else { return };
        let Some(known) = &held.known else { return };
        let (mut ready, mut over) = (Vec::new(), Vec::new());
        for (assignment, task) in &mut held.tasks {
            if task.state.is_live() && is_over(known, assignment) {
                over.push(*assignment);
            } else if let TaskState::Preparing { cleared, .. } = &mut task.state
                && !*cleared
                && shows(known, &task.accepted)
            {
                *cleared = true;
                ready.push(*assignment);
            }
        }
        for assignment in over {
            let detail = "by the chain the attempt is over";
            self.end_task(assignment, Failure::Refused, detail);
        }
        for assignment in ready {
            self.prepare(assignment);
        }
    }

    /// Applies time to every live task.
    pub(super) fn watch_tasks(&mut self) {
        let now = self.moment.now;
        for assignment in self.tasks().map(first).collect::<Vec<_>>() {
            let Some(task) = self.task(assignment) else { continue };
            let (at, deadline) = (task.accepted.at, task.accepted.deadline);
            match &task.state {
                TaskState::Committed { .. } | TaskState::Ended(_) => {}
                state if now >= deadline => {
                    let failure = late(state);
                    self.end_task(assignment, failure, "the time for the task is over");
                }
                TaskState::Preparing { cleared: false, .. }
                    if now >= at.after(self.config.fact_wait) =>
                {
                    let detail = "the chain does not show the assignment";
                    self.end_task(assignment, Failure::Refused, detail);
                }
                TaskState::Preparing { cleared, .. } => {
                    if !*cleared {
                        self.effects.push(Effect::LookUp { job: assignment.job });
                    }
                    self.prepare(assignment);
                }
                TaskState::Executed(ran) => {
                    let ran = *ran;
                    self.commit(assignment, ran);
                }
                TaskState::Running => {}
            }
        }
    }

    pub(super) fn progressed(&mut self, assignment: TaskAssignment, slices: u64) {
        let running = |task: &&HeldTask| matches!(task.state, TaskState::Running);
        let Some(task) = self.task(assignment).filter(running) else { return };
        let parts = u128::from(slices) * 1_000_000 / u128::from(task.accepted.slices.count.max(1));
        let done = u32::try_from(parts).ok().and_then(|parts| Ppm::new(parts).ok());
        let heard = self.session == Some(task.accepted.coordinator);
        if let Some(done) = done.filter(|_| heard) {
            self.say(AgentSays::Progress { assignment, done });
        }
    }

    pub(super) fn ran(&mut self, assignment: TaskAssignment, outcome: Result<Ran, RunFailure>) {
        let Some(task) = self.task(assignment) else { return };
        // The answer of a run that was given up.
        if !matches!(task.state, TaskState::Running) {
            return;
        }
        match outcome {
            Ok(ran) => self.commit(assignment, ran),
            Err(RunFailure { failure, detail }) => self.end_task(assignment, failure, &detail),
        }
    }

    /// J2, then the signature. Without a known block no round can be named, so the task waits.
    fn commit(&mut self, assignment: TaskAssignment, ran: Ran) {
        let salt = self.secret.salt(&assignment);
        let (head, distance) = (self.moment.head, self.config.round_distance.max(1));
        let Some(task) = self.task_mut(assignment) else { return };
        let Some(round) = head.and_then(|head| head.checked_add(distance)) else {
            task.state = TaskState::Executed(ran);
            return;
        };
        let output = Output {
            root: ran.output_root,
            blob: ran.output_blob,
            bytes: ran.output_bytes,
            usage: ran.usage,
            job_slices: ran.job_slices,
            salt,
            round: BeaconRound::new(round),
        };
        task.state = TaskState::Committed { output, signature: None };
        if !planted(Bug::OutputInMemory) {
            self.store([Record::Output(assignment, output)]);
        }
        self.sign_pledge(assignment, &output);
    }

    fn sign_pledge(&mut self, assignment: TaskAssignment, output: &Output) {
        let TaskAssignment { job, attempt, task, task_attempt, .. } = assignment;
        let slot = SigningSlot { job, attempt, kind: SigningKind::Pledge { task, task_attempt } };
        self.effects.push(Effect::SignPledge { slot, pledge: output.pledge(assignment) });
    }

    pub(super) fn pledged(
        &mut self,
        assignment: TaskAssignment,
        outcome: Result<IdentitySignature, SigningError>,
    ) {
        let Some(task) = self.task_mut(assignment) else { return };
        let reveal_asked = task.reveal_asked;
        let coordinator = task.accepted.coordinator;
        let TaskState::Committed { output, signature } = &mut task.state else { return };
        match outcome {
            Ok(signed) => {
                *signature = Some(signed);
                let pledge = output.pledge(assignment);
                if self.session == Some(coordinator) {
                    self.say(AgentSays::Commit { pledge, signature: signed });
                    if reveal_asked || planted(Bug::OpensUnasked) {
                        self.reveal(coordinator, assignment);
                    }
                }
            }
            Err(error) => {
                self.close(assignment);
                if self.session == Some(coordinator) {
                    self.say_failed(assignment, Failure::Internal, &error.to_string());
                }
            }
        }
    }

    pub(super) fn reveal(&mut self, coordinator: Seat, assignment: TaskAssignment) {
        if let Err(Refused(failure, detail)) = self.checked(coordinator, assignment) {
            self.say_failed(assignment, failure, detail);
            return;
        }
        let Some(task) = self.task_mut(assignment) else { return };
        match &task.state {
            TaskState::Committed { output, signature: Some(_) } => {
                let salt = if planted(Bug::OpensOther) { Salt::default() } else { output.salt };
                let says = AgentSays::Reveal {
                    assignment,
                    opening: Output { salt, ..*output }.opening(),
                    output_blob: output.blob,
                    output_bytes: output.bytes,
                    usage: output.usage,
                };
                self.close(assignment);
                self.say(says);
            }
            TaskState::Committed { signature: None, .. } if task.accepted.closed => {
                let detail = "the commitment could not be signed";
                self.say_failed(assignment, Failure::Internal, detail);
            }
            // Opening comes after the commitment, and so does this answer.
            TaskState::Committed { .. }
            | TaskState::Preparing { .. }
            | TaskState::Running
            | TaskState::Executed(_) => task.reveal_asked = true,
            TaskState::Ended(_) => self.answer(coordinator, assignment),
        }
    }

    pub(super) fn upload(&mut self, coordinator: Seat, assignment: TaskAssignment) {
        let holder = self.jobs.get(&assignment.job).and_then(|job| job.known.as_ref());
        let holds = holder.is_some_and(|known| known.fact.coordinator == Some(coordinator));
        let Some(task) = self.task_mut(assignment) else {
            let detail = "the assignment is not known here";
            self.say_failed(assignment, Failure::Refused, detail);
            return;
        };
        let may = holds || task.accepted.coordinator == coordinator;
        let output = task.state.output().filter(|_| may).map(|output| output.blob);
        match output {
            Some(_) if task.uploading.is_some() => {}
            Some(blob) => {
                task.uploading = Some(coordinator);
                self.effects.push(Effect::Upload { assignment, blob });
            }
            None => {
                let detail = "there is no output for this coordinator";
                self.say_failed(assignment, Failure::Refused, detail);
            }
        }
    }

    pub(super) fn uploaded(&mut self, assignment: TaskAssignment, done: bool) {
        let Some(task) = self.task_mut(assignment) else { return };
        let asked = task.uploading;
        task.uploading = asked.filter(|_| planted(Bug::UploadsOnce));
        if !done && asked.is_some() && asked == self.session {
            self.say_failed(assignment, Failure::Internal, "the output could not be uploaded");
        }
    }

    /// The coordinator is done with an assignment. What was signed stays.
    pub(super) fn cancel(&mut self, coordinator: Seat, assignment: TaskAssignment) {
        let Some(task) = self.task_mut(assignment) else { return };
        if task.accepted.coordinator != coordinator {
            return;
        }
        match &task.state {
            TaskState::Committed { .. } => self.close(assignment),
            TaskState::Ended(_) => {}
            TaskState::Preparing { .. } | TaskState::Running | TaskState::Executed(_) => {
                self.end_quietly(assignment, Failure::Refused, "the coordinator cancelled it");
            }
        }
    }

    /// On a new session: what the coordinator may have missed.
    pub(super) fn say_again(&mut self, coordinator: Seat) {
        let mut again = Vec::new();
        for job in self.jobs.values().filter(|job| job.over_since.is_none()) {
            for (assignment, task) in &job.tasks {
                let newest = job.newest(assignment.task) == Some(*assignment);
                if task.is_open() && newest && task.accepted.coordinator == coordinator {
                    again.push(*assignment);
                }
            }
        }
        for assignment in again {
            self.answer(coordinator, assignment);
        }
    }

    fn end_task(&mut self, assignment: TaskAssignment, failure: Failure, detail: &str) {
        self.end_quietly(assignment, failure, detail);
        let coordinator = self.task(assignment).map(|task| task.accepted.coordinator);
        if self.session == coordinator {
            self.say_failed(assignment, failure, detail);
        }
    }

    /// Notes that nothing more is expected of a commitment.
    fn close(&mut self, assignment: TaskAssignment) {
        let open = |task: &&mut HeldTask| task.state.is_committed() && !task.accepted.closed;
        let Some(task) = self.task_mut(assignment).filter(open) else { return };
        task.accepted.closed = true;
        let accepted = task.accepted.clone();
        self.store([Record::Accepted(accepted)]);
    }

    /// Ends a live task, in the journal as well, so that no restart begins it again.
    fn end_quietly(&mut self, assignment: TaskAssignment, failure: Failure, detail: &str) {
        let at = self.moment.now;
        let Some(task) = self.task_mut(assignment) else { return };
        let was_running = matches!(task.state, TaskState::Running);
        let end = TaskEnd { failure, detail: detail.to_owned(), at };
        task.accepted.end = Some(end.clone());
        task.state = TaskState::Ended(end);
        let accepted = task.accepted.clone();
        if was_running {
            self.effects.push(Effect::CancelRun { assignment });
        }
        self.store([Record::Accepted(accepted)]);
    }

    /// Refuses what the coordinator of the session asked, or gives a task up.
    fn say_failed(&mut self, assignment: TaskAssignment, failure: Failure, detail: &str) {
        self.say(AgentSays::Failed { assignment, failure, detail: detail.to_owned() });
    }

    fn task(&self, assignment: TaskAssignment) -> Option<&HeldTask> {
        self.jobs.get(&assignment.job)?.tasks.get(&assignment)
    }

    fn task_mut(&mut self, assignment: TaskAssignment) -> Option<&mut HeldTask> {
        self.jobs.get_mut(&assignment.job)?.tasks.get_mut(&assignment)
    }
}

/// Whether the chain shows that this coordinator assigned this node and this work.
fn shows(known: &KnownJob, accepted: &Accepted) -> bool {
    let fact = &known.fact;
    fact.state == JobState::Assigned
        && fact.attempt == accepted.assignment.attempt
        && fact.coordinator == Some(accepted.coordinator)
        && fact.specification == accepted.specification
        && fact.seats.contains(&accepted.assignment.seat)
}

/// Whether the chain shows for good that nothing comes of an assignment any more: what stands in a
/// block that may still go ends no work that is paid.
fn is_over(known: &KnownJob, assignment: &TaskAssignment) -> bool {
    known.fact.ended || known.fact.attempt_over >= assignment.attempt
}

/// What a task lacked when its time was over.
fn late(state: &TaskState) -> Failure {
    match state {
        TaskState::Preparing { missing, .. } if !missing.is_empty() => Failure::InputUnavailable,
        TaskState::Executed(_) => Failure::Internal,
        TaskState::Preparing { .. }
        | TaskState::Running
        | TaskState::Committed { .. }
        | TaskState::Ended(_) => Failure::TimedOut,
    }
}
