//! From verified tasks to a kept receipt: outputs come in, are joined, a node signs, and only then
//! is the result proposed to the chain.

use tallystick_planted::{Bug, planted};
use tallystick_protocol::ledger::{ChainFact, CloseReason, Job, Settlement};
use tallystick_types::{
    Attestation, Attestations, ChainAnchor, JobId, OutputDigest, OutputRoot, Receipt,
    ReceiptVersion, Seat, SignedReceipt, SliceRange, SpecificationDigest, TaskIndex, WallTime,
};

use super::book::{Agreed, Book, ReceiptStage, holders};
use super::input::NodeOutput;
use super::wish::{ChainCall, NodeOrder, OutputPart, Row, Told, Wish};
use super::{Machine, PATIENCE, Stepped};

impl Machine {
    /// Asks the first holder for the output of a verified task.
    pub(super) fn fetch(&mut self, job: JobId, task: TaskIndex, out: &mut Stepped) {
        self.fetch_from(job, task, 0, out);
    }

    /// Asks the next holder where one was silent.
    pub(super) fn fetch_again(&mut self, job: JobId, out: &mut Stepped) {
        let now = self.ledger.state().now;
        let (Some(book), Some(it)) = (self.books.get_mut(&job), self.ledger.job(job)) else {
            return;
        };
        if it.settlement != Settlement::Open || is_lost(it) {
            book.asked.clear();
            return;
        }
        let silent: Vec<(TaskIndex, Seat)> = book
            .asked
            .iter()
            .filter(|(_, (_, since))| since.after(PATIENCE) <= now)
            .map(|(task, (seat, _))| (*task, *seat))
            .collect();
        for (task, silent) in silent {
            let holders = self.ledger.job(job).map(|it| holders(it, task)).unwrap_or_default();
            self.fetch_from(job, task, next_to(&holders, silent), out);
        }
    }

    fn fetch_from(&mut self, job: JobId, task: TaskIndex, place: usize, out: &mut Stepped) {
        let now = self.ledger.state().now;
        let (Some(book), Some(it)) = (self.books.get_mut(&job), self.ledger.job(job)) else {
            return;
        };
        let Some(seat) = holders(it, task).get(place).copied() else { return };
        book.asked.insert(task, (seat, now));
        out.wishes.extend(self.output_order(job, task, seat));
    }

    /// The output of a task is here. It counts where it is the one that was verified.
    pub(super) fn stored(
        &mut self,
        job: JobId,
        task: TaskIndex,
        (output_root, output): (OutputRoot, NodeOutput),
    ) {
        let (Some(book), Some(it)) = (self.books.get_mut(&job), self.ledger.job(job)) else {
            return;
        };
        let mut results = it.results();
        if results.any(|result| result.task == task && result.output_root == output_root) {
            book.outputs.insert(task, (output_root, output));
            book.asked.remove(&task);
        }
    }

    /// Where a claim has its signatures and all outputs are here, they are joined.
    pub(super) fn gather(&mut self, job: JobId, out: &mut Stepped) {
        let now = self.ledger.state().now;
        let Some(it) = self.ledger.job(job) else { return };
        let Some(book) = self.books.get_mut(&job) else { return };
        let ReceiptStage::Gathering(agreed) = &book.receipt else { return };
        if !it.tasks.keys().all(|task| book.outputs.contains_key(task)) {
            return;
        }
        book.receipt = ReceiptStage::Joining(agreed.clone());
        book.joining = Some(now);
        out.wishes.extend(self.join_wish(job));
    }

    pub(super) fn join_wish(&self, job: JobId) -> Option<Wish> {
        let parts = self.parts(job)?;
        Some(Wish::JoinOutputs { job, parts })
    }

    /// The outputs of a job's tasks in their order, or nothing while some are missing.
    pub fn parts(&self, job: JobId) -> Option<Vec<OutputPart>> {
        let (book, it) = (self.books.get(&job)?, self.ledger.job(job)?);
        it.tasks.values().map(|task| part(book, task.index, task.slices)).collect()
    }

    /// The outputs that are here of a job's tasks, from a task on, in their order.
    pub fn outputs(&self, job: JobId, from: TaskIndex) -> Option<impl Iterator<Item = OutputPart>> {
        let (book, it) = (self.books.get(&job)?, self.ledger.job(job)?);
        let tasks = it.tasks.range(from..);
        Some(tasks.filter_map(|(task, it)| part(book, *task, it.slices)))
    }

    /// All outputs are joined: the first signer of the claim is asked to sign the receipt.
    pub(super) fn joined(&mut self, job: JobId, whole: (OutputDigest, u64), out: &mut Stepped) {
        let Some(book) = self.books.get_mut(&job) else { return };
        let ReceiptStage::Joining(agreed) = &mut book.receipt else { return };
        agreed.output = Some(whole);
        book.joining = None;
        let agreed = agreed.clone();
        self.ask_to_sign(job, agreed, None, out);
    }

    /// Asks for the signature under the receipt: the first signer of the claim, or the one after
    /// who was silent. While the chain does not show the lease nobody is asked.
    fn ask_to_sign(&mut self, job: JobId, agreed: Agreed, silent: Option<Seat>, out: &mut Stepped) {
        let now = self.ledger.state().now;
        let (Some(book), Some(it)) = (self.books.get_mut(&job), self.ledger.job(job)) else {
            return;
        };
        let Some(lease) = book.lease_of(agreed.claim.attempt) else { return };
        let signers = signers(it, &agreed);
        let place = silent.map_or(0, |seat| next_to(&signers, seat));
        let Some(primary) = signers.get(place).copied() else { return };
        let receipt = match &book.receipt {
            // A node signs one receipt for an attempt: who is asked again, however many others were
            // asked since, is shown what it was shown before.
            ReceiptStage::Signing { receipt, .. }
                if receipt.primary == primary || !planted(Bug::RedatesReceipts) =>
            {
                Box::new(Receipt { primary, ..Receipt::clone(receipt) })
            }
            _ => match receipt(it, book, &agreed, (primary, lease.anchor, now)) {
                Some(receipt) => Box::new(receipt),
                None => return,
            },
        };
        book.receipt = ReceiptStage::Signing { agreed, receipt: receipt.clone(), since: now };
        out.wishes.push(Wish::ToNode(primary, NodeOrder::Sign(receipt)));
    }

    /// Joins again what was not joined, asks the next signer where one was silent, and the chain
    /// where a proposal was not seen.
    pub(super) fn nudge_receipt(&mut self, job: JobId, out: &mut Stepped) {
        let now = self.ledger.state().now;
        let Some(book) = self.books.get(&job) else { return };
        match &book.receipt {
            ReceiptStage::Joining(Agreed { output: None, .. })
                if book.joining.is_none_or(|since| since.after(PATIENCE) <= now) =>
            {
                out.wishes.extend(self.join_wish(job));
                if let Some(book) = self.books.get_mut(&job) {
                    book.joining = Some(now);
                }
            }
            ReceiptStage::Joining(agreed) if agreed.output.is_some() => {
                self.ask_to_sign(job, agreed.clone(), None, out);
            }
            ReceiptStage::Signing { agreed, receipt, since } if since.after(PATIENCE) <= now => {
                self.ask_to_sign(job, agreed.clone(), Some(receipt.primary), out);
            }
            ReceiptStage::Signed { proposed, .. }
                if proposed.is_none_or(|since| since.after(PATIENCE) <= now) =>
            {
                self.propose(job, out);
            }
            ReceiptStage::None
            | ReceiptStage::Gathering(_)
            | ReceiptStage::Joining(_)
            | ReceiptStage::Signing { .. }
            | ReceiptStage::Signed { .. } => {}
        }
    }

    /// The receipt is signed: it is kept with the result, and the result is proposed.
    pub(super) fn signed(&mut self, signed: SignedReceipt, out: &mut Stepped) {
        let job = signed.receipt.job;
        let Some(book) = self.books.get_mut(&job) else { return };
        let ReceiptStage::Signing { agreed, receipt, .. } = &book.receipt else { return };
        if **receipt != signed.receipt {
            return;
        }
        let agreed = agreed.clone();
        let told = Told::Receipt { digest: signed.receipt.digest(), cost: signed.receipt.cost };
        out.rows.push(Row::JobCompleted(Box::new(signed.clone())));
        out.wishes.push(Wish::Tell(job, told));
        out.wishes.push(Wish::Tell(job, Told::Closed(CloseReason::Completed)));
        let receipt = Box::new(signed);
        book.receipt = ReceiptStage::Signed { agreed, receipt, proposed: None };
        self.propose(job, out);
    }

    fn propose(&mut self, job: JobId, out: &mut Stepped) {
        let now = self.ledger.state().now;
        let Some(call) = self.propose_call(job) else { return };
        let Some(book) = self.books.get_mut(&job) else { return };
        if let ReceiptStage::Signed { proposed, .. } = &mut book.receipt {
            *proposed = Some(now);
            out.wishes.push(Wish::Chain(job, call));
        }
    }

    /// The call that proposes a result, while the chain shows the lease and no proposal.
    pub(super) fn propose_call(&self, job: JobId) -> Option<ChainCall> {
        let (book, it) = (self.books.get(&job)?, self.ledger.job(job)?);
        let ReceiptStage::Signed { agreed, .. } = &book.receipt else { return None };
        let claim = agreed.claim;
        let lease = book.lease_of(claim.attempt)?;
        let is_shown = match book.shown {
            Some(ChainFact::Proposed { attempt }) => attempt == claim.attempt,
            Some(ChainFact::Settled | ChainFact::Refunded) => true,
            Some(ChainFact::LeaseHeld { .. } | ChainFact::LeaseLost { .. }) | None => false,
        };
        let open = it.settlement == Settlement::Open && !is_shown;
        // Whoever signed another claim since then is convicted soon, and the chain takes no
        // proposal with a convicted signer. Without enough others it is a matter of who is first.
        let stands = |attestation: &&Attestation| {
            let signed = it.claims.get(&(claim.attempt, attestation.seat()));
            signed.is_none_or(|signed| !signed.contradicted)
        };
        let stand: Vec<_> = agreed.attestations.iter().filter(stands).copied().collect();
        let majority = lease.nodes.len().checked_div(2).unwrap_or(0).saturating_add(1);
        let needed = majority.max(usize::from(book.offer.rules.quorum));
        let enough = stand.len() >= needed;
        let attestations = if enough { stand } else { agreed.attestations.clone() };
        open.then_some(ChainCall::Propose { claim, attestations })
    }
}

/// Whether a job ended without result, so that nobody needs its outputs any more.
pub(super) fn is_lost(job: &Job) -> bool {
    job.close_reason().is_some_and(|reason| reason != CloseReason::Completed)
}

/// The place after a node's, around the end.
fn next_to(seats: &[Seat], seat: Seat) -> usize {
    let place = seats.iter().position(|other| *other == seat);
    let next = place.map_or(0, |place| place.saturating_add(1));
    if next < seats.len() { next } else { 0 }
}

fn part(book: &Book, task: TaskIndex, slices: SliceRange) -> Option<OutputPart> {
    let (output_root, output) = book.outputs.get(&task)?;
    let (output_root, blob, bytes) = (*output_root, output.blob, output.bytes);
    Some(OutputPart { task, slices, blob, bytes, output_root })
}

/// Who may sign the receipt: those who signed the claim, who executed the first task first.
fn signers(job: &Job, agreed: &Agreed) -> Vec<Seat> {
    let first = holders(job, TaskIndex::new(0));
    let mut seats: Vec<Seat> = agreed.attestations.iter().map(|it| it.seat()).collect();
    seats.sort_by_key(|seat| first.iter().position(|it| it == seat).unwrap_or(usize::MAX));
    seats
}

fn receipt(
    job: &Job,
    book: &Book,
    agreed: &Agreed,
    (primary, anchor, now): (Seat, ChainAnchor, WallTime),
) -> Option<Receipt> {
    let (output, bytes_out) = agreed.output?;
    let specification = &book.offer.specification;
    let digest: SpecificationDigest = job.head.request.specification;
    Some(Receipt {
        version: ReceiptVersion::One,
        job: job.head.id,
        attempt: agreed.claim.attempt,
        specification: digest,
        program: specification.program(),
        engine: specification.engine.clone(),
        input: specification.input.digest(),
        output_root: agreed.claim.output_root,
        output,
        slices: SliceRange { first: 0, count: job.head.request.slices },
        usage: book.usage(bytes_out),
        cost: agreed.claim.cost,
        primary,
        attestations: Attestations::new(agreed.attestations.clone()).ok()?,
        issued_at: now,
        anchor,
    })
}
