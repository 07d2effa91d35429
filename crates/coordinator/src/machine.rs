//! Decides everything that a coordinator does: the ledger, the scheduler, and what lies between
//! them and the chain. No clock, no I/O; an [`Input`] goes in, [`Wish`]es come out.

mod book;
mod choose;
mod input;
mod outstanding;
mod receipts;
mod wish;

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tallystick_journal::Stored;
use tallystick_protocol::ledger::{
    Action, ChainFact, CloseReason, Effect, Event, Evidence, Finality, Ledger, Notice, OutboxEntry,
    Refusal, Settings, State as LedgerState,
};
use tallystick_scheduler::{Candidate, CandidateId, SchedulingParameters};
use tallystick_types::{Attempt, Attestations, JobId, Seat, Seconds, TaskIndex, WallTime};

pub use book::{Agreed, Book, ReceiptStage, UnknownJob, holders};
pub use input::{ChainCallKind, Input, Lease, NodeOutput, Offer};
pub use wish::{At, ChainCall, NodeOrder, OutputPart, Row, Told, Wish};

use choose::{Chooser, NodeState};

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
        Self { ledger, candidates: BTreeMap::new(), parameters, books: BTreeMap::new() }
    }

    /// A coordinator as a snapshot has it.
    pub fn restore(state: MachineState) -> Self {
        let by_id = |candidate: Candidate| (candidate.id(), candidate);
        Self {
            ledger: Ledger::restore(state.ledger),
            candidates: state.candidates.into_iter().map(by_id).collect(),
            parameters: state.parameters,
            books: state.books.into_iter().collect(),
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
            Input::Ledger(event) => self.event(event, out),
            Input::Candidate(candidate) => {
                self.candidates.insert(candidate.id(), *candidate);
                self.take_jobs(out);
            }
            Input::Offered { job, offer } => self.offered(job, *offer, out),
            Input::Leased { job, lease } => self.leased(job, lease, out),
            Input::Unleased { job } => self.unleased(job, out),
            Input::Revealed { assignment, opening, output } => {
                if let Some(book) = self.books.get_mut(&assignment.job) {
                    let key = (assignment.task, assignment.seat);
                    book.said.insert(key, (opening.output_root, output));
                }
                self.event(Event::Revealed { assignment, opening }, out);
            }
            Input::OutputStored { job, task, output_root, output } => {
                if let Some(book) = self.books.get_mut(&job) {
                    book.outputs.insert(task, (output_root, output));
                    book.asked.remove(&task);
                }
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
                if self.books.get(&job).is_some_and(|book| book.has(assignment.seat)) {
                    out.wishes.extend(self.orders(job, assignment.seat));
                } else {
                    self.enlist(job, out);
                }
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
                out.wishes.push(Wish::ToNode(assignment.seat, NodeOrder::Reveal(assignment)));
            }
            Action::Attest { seat, .. } => out.wishes.extend(self.orders(job, seat)),
            Action::FinaliseReceipt { claim, attestations, .. } => {
                if let Some(book) = self.books.get_mut(&job) {
                    let agreed = Agreed { claim, attestations, output: None };
                    book.receipt = ReceiptStage::Gathering(agreed);
                }
                self.gather(job, out);
            }
            // The result is proposed when the receipt is kept, not before.
            Action::Outbox(OutboxEntry::Propose { .. }) => {}
            Action::Outbox(OutboxEntry::Release { attempt }) => {
                if self.books.get(&job).is_some_and(|book| book.lease.is_some()) {
                    out.wishes.push(Wish::Chain(job, ChainCall::Release { attempt }));
                }
            }
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
                if reason != CloseReason::Completed {
                    out.rows.push(Row::JobEnded(job, reason));
                }
                Told::Closed(reason)
            }
            (
                Notice::Queued { .. } | Notice::Reassigned { .. } | Notice::TaskVerified { .. },
                None,
            ) => return,
        };
        out.wishes.push(Wish::Tell(job, told));
    }

    /// An open job with its specification: the lease is asked for.
    fn offered(&mut self, job: JobId, offer: Offer, out: &mut Stepped) {
        match self.books.get_mut(&job) {
            None => {
                self.books.insert(job, Book::new(offer));
            }
            // A later attempt of a job that this coordinator gave up.
            Some(book) if offer.attempt > book.offer.attempt && book.lease.is_none() => {
                *book = Book::new(offer);
            }
            Some(_) => return,
        }
        self.take(job, out);
    }

    /// Asks for the leases that are still wanted.
    fn take_jobs(&mut self, out: &mut Stepped) {
        let wanted = |(_, book): &(&JobId, &Book)| book.lease.is_none() && book.taking.is_none();
        let jobs: Vec<JobId> = self.books.iter().filter(wanted).map(|(job, _)| *job).collect();
        for job in jobs {
            self.take(job, out);
        }
    }

    fn take(&mut self, job: JobId, out: &mut Stepped) {
        let now = self.ledger.state().now;
        let Some(book) = self.books.get(&job).filter(|book| book.lease.is_none()) else { return };
        let is_over = self
            .ledger
            .job(job)
            .is_some_and(|it| it.close_reason().is_some() && it.head.attempt >= book.offer.attempt);
        if is_over {
            return;
        }
        let tasks = book.offer.slices.div_ceil(book.offer.specification.slices_per_task.max(1));
        let tasks = usize::try_from(tasks).unwrap_or(usize::MAX);
        // Room is left for the secondaries of one task at least.
        let others = usize::from(book.offer.rules.replicas.saturating_sub(1));
        let most = tasks.min(Attestations::MOST.saturating_sub(others)).max(1);
        let chooser = Chooser {
            candidates: &self.candidates,
            parameters: &self.parameters,
            books: &self.books,
            decisions: RefCell::default(),
        };
        let nodes = &self.ledger.state().nodes;
        let seats = chooser.first(book, most, |seat| nodes.get(seat).map(NodeState::from));
        if seats.is_empty() {
            return;
        }
        let attempt = book.offer.attempt;
        if let Some(book) = self.books.get_mut(&job) {
            book.taking = Some(now);
        }
        out.wishes.push(Wish::Chain(job, ChainCall::Assign { attempt, nodes: seats }));
    }

    /// The chain shows the lease: work begins, or goes on with more nodes.
    fn leased(&mut self, job: JobId, lease: Lease, out: &mut Stepped) {
        let Some(book) = self.books.get_mut(&job) else { return };
        if book.lease.as_ref() == Some(&lease) {
            return;
        }
        let before: BTreeSet<Seat> =
            book.lease.iter().flat_map(|lease| lease.nodes.iter().copied()).collect();
        let added: Vec<Seat> =
            lease.nodes.iter().copied().filter(|seat| !before.contains(seat)).collect();
        let attempt = lease.attempt;
        book.offer.attempt = attempt;
        book.lease = Some(lease);
        (book.taking, book.enlisting) = (None, None);
        let request = Box::new(book.offer.request());
        let known = self.ledger.job(job).map(|it| it.head.attempt);
        if known.is_none_or(|known| known < attempt) {
            self.event(Event::JobSubmitted { job, request }, out);
            // A job that is open here already does not begin anew; its attempt moves.
            if out.refusal.take().is_some() {
                let fact = ChainFact::LeaseHeld { attempt };
                let finality = Finality::Final;
                self.event(Event::ChainObserved { job, fact, finality }, out);
            }
        }
        for seat in added {
            out.wishes.extend(self.orders(job, seat));
        }
        self.enlist(job, out);
    }

    /// The lease is gone from the chain's last word. Work goes on: only what is final ends it.
    fn unleased(&mut self, job: JobId, out: &mut Stepped) {
        if let Some(book) = self.books.get_mut(&job) {
            book.lease = None;
            (book.taking, book.enlisting) = (None, None);
        }
        if self.ledger.job(job).is_some() {
            self.event(Event::ChainRolledBack { job }, out);
        }
    }

    /// Adds to the attempt whoever got a task and is not in it, one call at a time: each call
    /// changes what the next one has to bring.
    fn enlist(&mut self, job: JobId, out: &mut Stepped) {
        let now = self.ledger.state().now;
        let Some(it) = self.ledger.job(job) else { return };
        let Some(book) = self.books.get_mut(&job) else { return };
        let Some(lease) = book.lease.as_ref().filter(|_| book.enlisting.is_none()) else { return };
        let missing: Vec<Seat> =
            it.seats.iter().copied().filter(|seat| !lease.nodes.contains(seat)).collect();
        if missing.is_empty() || it.close_reason().is_some() {
            return;
        }
        book.enlisting = Some(now);
        let call = ChainCall::Enlist { attempt: lease.attempt, nodes: missing };
        out.wishes.push(Wish::Chain(job, call));
    }

    fn call_failed(&mut self, job: JobId, call: ChainCallKind) {
        let Some(book) = self.books.get_mut(&job) else { return };
        // Asked again by the next nudge, with what the chain says then.
        let long_ago = WallTime::new(0);
        match call {
            ChainCallKind::Assign => book.taking = Some(long_ago),
            ChainCallKind::Enlist => book.enlisting = Some(long_ago),
            ChainCallKind::Propose => {
                if let ReceiptStage::Signed { proposed, .. } = &mut book.receipt {
                    *proposed = Some(long_ago);
                }
            }
            ChainCallKind::Release => {}
        }
    }

    /// Asks again for what was asked long ago, and forgets what is over for long.
    fn nudge(&mut self, out: &mut Stepped) {
        let now = self.ledger.state().now;
        let jobs: Vec<JobId> = self.books.keys().copied().collect();
        for job in jobs {
            let Some(book) = self.books.get_mut(&job) else { continue };
            if book.taking.is_some_and(|since| since.after(PATIENCE) <= now) {
                book.taking = None;
            }
            if book.enlisting.is_some_and(|since| since.after(PATIENCE) <= now) {
                book.enlisting = None;
            }
            self.take(job, out);
            self.enlist(job, out);
            self.fetch_again(job, out);
            self.nudge_receipt(job, out);
            self.forget(job, out);
        }
    }

    /// A job whose money went for good, and that nobody asks about any more, is forgotten here. Its
    /// rows stay.
    fn forget(&mut self, job: JobId, out: &mut Stepped) {
        use tallystick_protocol::ledger::{JobPhase, Settlement};
        let now = self.ledger.state().now;
        let Some(it) = self.ledger.job(job) else { return };
        let JobPhase::Closed { at, .. } = it.phase else { return };
        if it.settlement != Settlement::Open && at.after(RETENTION) <= now {
            self.event(Event::JobArchived { job }, out);
            if self.ledger.job(job).is_none() {
                self.books.remove(&job);
            }
        }
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

impl Told {
    /// What an event itself tells watchers, where the ledger takes it.
    fn of(event: &Event) -> Option<(JobId, Self)> {
        let at = |it: &tallystick_protocol::commitment::TaskAssignment| At {
            task: it.task,
            task_attempt: it.task_attempt,
            seat: it.seat,
        };
        match event {
            Event::Acknowledged { assignment } => {
                Some((assignment.job, Self::Acknowledged(at(assignment))))
            }
            Event::Progressed { assignment, done } => {
                Some((assignment.job, Self::Progress(at(assignment), *done)))
            }
            Event::Committed { pledge, .. } => {
                let told = Self::Committed(at(&pledge.assignment), pledge.commitment, pledge.round);
                Some((pledge.assignment.job, told))
            }
            Event::Failed { assignment, failure } => {
                Some((assignment.job, Self::Failed(at(assignment), *failure)))
            }
            Event::Attested { claim, attestation } => {
                Some((claim.job, Self::Attested(attestation.seat())))
            }
            _ => None,
        }
    }
}
