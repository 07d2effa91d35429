//! Decides everything that a coordinator does: the ledger, the scheduler, and what lies between
//! them and the chain. No clock, no I/O; an [`Input`] goes in, [`Wish`]es come out.

mod book;
mod choose;
mod input;
mod lease;
mod outstanding;
mod prospect;
mod receipts;
mod upkeep;
mod wish;

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tallystick_journal::Stored;
use tallystick_planted::{Bug, planted};
use tallystick_protocol::ledger::{
    Action, CloseReason, Effect, Event, Evidence, Ledger, Notice, OutboxEntry, Refusal, Settings,
    Settlement, State as LedgerState,
};
use tallystick_scheduler::{Candidate, CandidateId, SchedulingParameters};
use tallystick_types::{Attempt, BlobDigest, JobId, Seconds, TaskIndex};

pub use book::{Agreed, Book, ReceiptStage, UnknownJob, holders};
pub use input::{ChainCallKind, Input, Lease, NodeOutput, Offer};
pub use prospect::{Terms, Waiting};
pub use wish::{At, ChainCall, JobResult, NodeOrder, OutputPart, Row, Told, Wish};

use choose::Chooser;
use prospect::Weighed;

/// After how long something that was asked of a node or the chain is asked again.
const PATIENCE: Seconds = Seconds::new(10);

/// How long a job that is over stays here, so that clients can still ask why.
const RETENTION: Seconds = Seconds::new(3_600);

/// The whole of one coordinator.
#[derive(Debug)]
pub struct Machine {
    ledger: Ledger,
    candidates: BTreeMap<CandidateId, Candidate>,
    parameters: SchedulingParameters,
    books: BTreeMap<JobId, Book>,
    /// What jobs wait for, as far as it was looked at.
    weighed: BTreeMap<JobId, Weighed>,
}

/// Everything a machine knows, as a snapshot holds it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MachineState {
    ledger: LedgerState,
    candidates: Vec<Candidate>,
    parameters: SchedulingParameters,
    books: Vec<(JobId, Book)>,
}

impl Stored for MachineState {
    const VERSION: u8 = 1;
    const NAME: &'static str = "coordinator state";
}

/// What follows from an input.
#[derive(Debug, Default)]
pub struct Stepped {
    /// What is to be done.
    pub wishes: Vec<Wish>,
    /// What is to be kept together with the input.
    pub rows: Vec<Row>,
    /// Why the ledger took no notice, where it did not.
    pub refusal: Option<Refusal>,
}

impl Machine {
    /// A coordinator before its first input.
    pub fn new(settings: Settings, parameters: SchedulingParameters) -> Self {
        let ledger = Ledger::new(settings);
        let (candidates, books, weighed) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { ledger, candidates, parameters, books, weighed }
    }

    /// A coordinator as a snapshot has it.
    pub fn restore(state: MachineState) -> Self {
        let by_id = |candidate: Candidate| (candidate.id(), candidate);
        Self {
            ledger: Ledger::restore(state.ledger),
            candidates: state.candidates.into_iter().map(by_id).collect(),
            parameters: state.parameters,
            books: state.books.into_iter().collect(),
            weighed: BTreeMap::new(),
        }
    }

    /// Everything it knows.
    pub fn state(&self) -> MachineState {
        MachineState {
            ledger: self.ledger.state().clone(),
            candidates: self.candidates.values().cloned().collect(),
            parameters: self.parameters.clone(),
            books: self.books.iter().map(|(job, book)| (*job, book.clone())).collect(),
        }
    }

    /// The jobs and tasks.
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What is known of a job besides the ledger.
    pub fn book(&self, job: JobId) -> Option<&Book> {
        self.books.get(&job)
    }

    /// The jobs that were offered, in the order of their ids.
    pub fn books(&self) -> impl Iterator<Item = (JobId, &Book)> {
        self.books.iter().map(|(job, book)| (*job, book))
    }

    /// Every blob that has to stay here: what jobs work with until their money went for good, and
    /// what came out of them until they are forgotten.
    pub fn needs(&self) -> BTreeSet<BlobDigest> {
        let mut needs = BTreeSet::new();
        for (job, book) in &self.books {
            needs.extend(book.outputs.values().map(|(_, output)| output.blob));
            let known = self.ledger.job(*job);
            if known.is_none_or(|job| job.settlement == Settlement::Open) {
                needs.extend(book.work());
            }
        }
        needs
    }

    /// The machines that are known.
    pub fn candidates(&self) -> impl Iterator<Item = &Candidate> {
        self.candidates.values()
    }

    /// Applies the next input of the journal.
    pub fn step(&mut self, input: Input) -> Stepped {
        let mut stepped = Stepped::default();
        self.apply(input, &mut stepped);
        stepped
    }

    fn apply(&mut self, input: Input, out: &mut Stepped) {
        match input {
            Input::Ledger(event) => self.heard(event, out),
            Input::Candidate(candidate) => {
                self.candidates.insert(candidate.id(), *candidate);
                self.take_jobs(out);
            }
            Input::Offered { job, offer } => self.offered(job, *offer, out),
            Input::Leased { job, lease } => self.leased(job, lease, out),
            Input::Unleased { job } => self.unleased(job, out),
            Input::Revealed { assignment, opening, output } => {
                self.event(Event::Revealed { assignment, opening }, out);
                // What the ledger refuses may be about tasks that do not exist.
                if out.refusal.is_none()
                    && let Some(book) = self.books.get_mut(&assignment.job)
                {
                    let key = (assignment.task, assignment.seat);
                    book.said.insert(key, (opening.output_root, output));
                }
            }
            Input::OutputStored { job, task, output_root, output } => {
                self.stored(job, task, (output_root, output));
                self.gather(job, out);
            }
            Input::OutputJoined { job, output, bytes } => self.joined(job, (output, bytes), out),
            Input::ReceiptSigned { receipt } => self.signed(*receipt, out),
            Input::ChainCallFailed { job, call } => self.call_failed(job, call),
        }
    }

    /// Steps the ledger and turns its effects into wishes.
    fn event(&mut self, event: Event, out: &mut Stepped) {
        let told = Told::of(&event);
        let is_tick = matches!(event, Event::Tick { .. });
        let taken_on = match &event {
            Event::Acknowledged { assignment } => Some(*assignment),
            _ => None,
        };
        let chooser = Chooser {
            candidates: &self.candidates,
            parameters: &self.parameters,
            books: &self.books,
            decisions: RefCell::default(),
        };
        let result = self.ledger.step(event, &chooser);
        for (job, decision) in chooser.decisions.into_inner() {
            if let Some(book) = self.books.get_mut(&job) {
                book.decided(decision);
            }
        }
        match result {
            Ok(effects) => {
                out.wishes.extend(told.map(|(job, told)| Wish::Tell(job, told)));
                for effect in effects {
                    self.perform(effect, out);
                }
                out.wishes.extend(taken_on.and_then(|it| self.stop_order(it)));
            }
            Err(refusal) => out.refusal = Some(refusal),
        }
        if is_tick {
            self.nudge(out);
        }
    }

    fn perform(&mut self, effect: Effect, out: &mut Stepped) {
        let Effect { key, action } = effect;
        let job = key.job;
        match action {
            Action::Dispatch { assignment, role, .. } => {
                let (task, task_attempt) = (assignment.task, assignment.task_attempt);
                let at = At { task, task_attempt, seat: assignment.seat };
                out.wishes.push(Wish::Tell(job, Told::Assigned(at, role)));
                out.wishes.extend(self.task_order(job, task, assignment.seat));
                self.enlist(job, out);
            }
            Action::Cancel { assignment } => {
                out.wishes.push(Wish::ToNode(assignment.seat, NodeOrder::Cancel(assignment)));
            }
            Action::DrawSecondaries { round } => out.wishes.push(Wish::AwaitRound(round)),
            Action::Escalate { number } => {
                if let Some(task) = key.task {
                    let told = Told::Escalated { task, task_attempt: key.attempt, number };
                    out.wishes.push(Wish::Tell(job, told));
                }
            }
            Action::Reveal { assignment } => {
                out.wishes.extend(self.task_order(job, assignment.task, assignment.seat));
            }
            Action::Attest { seat, .. } => {
                out.wishes.extend(self.attest_order(job, seat));
                self.enlist(job, out);
                self.release(job, out);
            }
            Action::FinaliseReceipt { claim, attestations, .. } => {
                if let Some(book) = self.books.get_mut(&job) {
                    let agreed = Agreed { claim, attestations, output: None };
                    book.receipt = ReceiptStage::Gathering(agreed);
                }
                self.gather(job, out);
            }
            // The result is proposed when the receipt is kept, not before.
            Action::Outbox(OutboxEntry::Propose { .. }) => {}
            Action::Outbox(OutboxEntry::Release { .. }) => self.release(job, out),
            Action::Notify(notice) => self.notice(job, (key.task, key.attempt), notice, out),
            Action::DeadLetter { why } => {
                if let Some(task) = key.task {
                    let tries = self.tries(job, task);
                    out.rows.push(Row::DeadLetter { job, task, tries, why });
                    out.wishes.push(Wish::Tell(job, Told::DeadLetter(task, why)));
                }
            }
            Action::Quarantine { seat, offence } => {
                out.wishes.push(Wish::Tell(job, Told::Quarantined(seat, offence)));
            }
            Action::Evidence(evidence) => {
                if matches!(*evidence, Evidence::TwoClaims { .. }) {
                    if let Some(book) = self.books.get_mut(&job)
                        && !planted(Bug::EvidenceInMemory)
                    {
                        book.reports.push(*evidence);
                    }
                    out.wishes.push(Wish::Report(evidence));
                }
            }
        }
    }

    fn notice(
        &mut self,
        job: JobId,
        (task, task_attempt): (Option<TaskIndex>, tallystick_types::TaskAttempt),
        notice: Notice,
        out: &mut Stepped,
    ) {
        let told = match (notice, task) {
            (Notice::Accepted { tasks }, _) => {
                out.rows.push(Row::JobBegan(job));
                Told::Accepted { tasks }
            }
            (Notice::Queued { reason }, Some(task)) => Told::Queued { task, reason },
            (Notice::Reassigned { why }, Some(task)) => {
                Told::Reassigned { task, task_attempt, why }
            }
            (Notice::TaskVerified { slices, output_root }, Some(task)) => {
                self.fetch(job, task, out);
                Told::Verified { task, slices, output_root }
            }
            (Notice::Closed { reason }, _) => {
                // A job with a result is over for watchers when its receipt is there.
                if reason == CloseReason::Completed {
                    return;
                }
                out.rows.push(Row::JobEnded(job, reason));
                Told::Closed(reason)
            }
            (
                Notice::Queued { .. } | Notice::Reassigned { .. } | Notice::TaskVerified { .. },
                None,
            ) => return,
        };
        out.wishes.push(Wish::Tell(job, told));
    }

    fn tries(&self, job: JobId, task: TaskIndex) -> u16 {
        let task = self.ledger.job(job).and_then(|it| it.tasks.get(&task));
        task.map_or(0, |task| task.deliveries)
    }

    /// The attempt of a job that this coordinator works on.
    pub fn attempt(&self, job: JobId) -> Option<Attempt> {
        self.ledger.job(job).map(|it| it.head.attempt)
    }
}
