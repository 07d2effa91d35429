//! From verified tasks to a kept receipt: outputs come in, are joined, a node signs, and only then
//! is the result proposed to the chain.

use tallystick_protocol::ledger::Job;
use tallystick_types::{
    Attestations, JobId, OutputDigest, Receipt, ReceiptVersion, Seat, SignedReceipt, SliceRange,
    SpecificationDigest, TaskIndex,
};

use super::book::{Agreed, Book, ReceiptStage, holders};
use super::outstanding::verified_assignment;
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
        let (Some(book), Some(it)) = (self.books.get(&job), self.ledger.job(job)) else { return };
        let silent: Vec<(TaskIndex, usize)> = book
            .asked
            .iter()
            .filter(|(_, (_, since))| since.after(PATIENCE) <= now)
            .map(|(task, (seat, _))| {
                let holders = holders(it, *task);
                let place = holders.iter().position(|holder| holder == seat);
                (*task, place.map_or(0, |place| place.saturating_add(1)))
            })
            .collect();
        for (task, place) in silent {
            self.fetch_from(job, task, place, out);
        }
    }

    fn fetch_from(&mut self, job: JobId, task: TaskIndex, place: usize, out: &mut Stepped) {
        let now = self.ledger.state().now;
        let (Some(book), Some(it)) = (self.books.get_mut(&job), self.ledger.job(job)) else {
            return;
        };
        let holders = holders(it, task);
        let Some(seat) = holders.get(place).or_else(|| holders.first()).copied() else { return };
        book.asked.insert(task, (seat, now));
        if let Some(assignment) = verified_assignment(it, task, seat) {
            out.wishes.push(Wish::ToNode(seat, NodeOrder::Output(assignment)));
        }
    }

    /// Where a claim has its signatures and all outputs are here, they are joined.
    pub(super) fn gather(&mut self, job: JobId, out: &mut Stepped) {
        let Some(it) = self.ledger.job(job) else { return };
        let Some(book) = self.books.get_mut(&job) else { return };
        let ReceiptStage::Gathering(agreed) = &book.receipt else { return };
        if !it.tasks.keys().all(|task| book.outputs.contains_key(task)) {
            return;
        }
        book.receipt = ReceiptStage::Joining(agreed.clone());
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

    /// All outputs are joined: the first signer of the claim is asked to sign the receipt.
    pub(super) fn joined(&mut self, job: JobId, whole: (OutputDigest, u64), out: &mut Stepped) {
        let Some(book) = self.books.get(&job) else { return };
        let ReceiptStage::Joining(agreed) = &book.receipt else { return };
        let agreed = Agreed { output: Some(whole), ..agreed.clone() };
        self.ask_to_sign(job, agreed, 0, out);
    }

    fn ask_to_sign(&mut self, job: JobId, agreed: Agreed, place: usize, out: &mut Stepped) {
        let now = self.ledger.state().now;
        let (Some(book), Some(it)) = (self.books.get(&job), self.ledger.job(job)) else { return };
        let signers = signers(it, &agreed);
        let Some(primary) = signers.get(place).or_else(|| signers.first()).copied() else { return };
        let Some(receipt) = receipt(it, book, &agreed, primary, now) else { return };
        let receipt = Box::new(receipt);
        if let Some(book) = self.books.get_mut(&job) {
            book.receipt = ReceiptStage::Signing { agreed, receipt: receipt.clone(), since: now };
        }
        out.wishes.push(Wish::ToNode(primary, NodeOrder::Sign(receipt)));
    }

    /// Asks the next signer where one was silent, and the chain where a proposal was not seen.
    pub(super) fn nudge_receipt(&mut self, job: JobId, out: &mut Stepped) {
        let now = self.ledger.state().now;
        let Some(it) = self.ledger.job(job) else { return };
        let open = it.settlement == tallystick_protocol::ledger::Settlement::Open;
        let Some(book) = self.books.get_mut(&job) else { return };
        match &mut book.receipt {
            ReceiptStage::Signing { agreed, receipt, since } if since.after(PATIENCE) <= now => {
                let signers = signers(it, agreed);
                let place = signers.iter().position(|seat| *seat == receipt.primary);
                let next = place.map_or(0, |place| place.saturating_add(1));
                let agreed = agreed.clone();
                self.ask_to_sign(job, agreed, next, out);
            }
            ReceiptStage::Signed { agreed, proposed, .. }
                if open && proposed.is_none_or(|since| since.after(PATIENCE) <= now) =>
            {
                *proposed = Some(now);
                let (claim, attestations) = (agreed.claim, agreed.attestations.clone());
                let call = ChainCall::Propose { claim, attestations };
                out.wishes.push(Wish::Chain(job, call));
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
        let (job, now) = (signed.receipt.job, self.ledger.state().now);
        let Some(book) = self.books.get_mut(&job) else { return };
        let ReceiptStage::Signing { agreed, receipt, .. } = &book.receipt else { return };
        if **receipt != signed.receipt {
            return;
        }
        let agreed = agreed.clone();
        let told = Told::Receipt { digest: signed.receipt.digest(), cost: signed.receipt.cost };
        out.rows.push(Row::JobCompleted(Box::new(signed.clone())));
        out.wishes.push(Wish::Tell(job, told));
        let (claim, attestations) = (agreed.claim, agreed.attestations.clone());
        let (receipt, proposed) = (Box::new(signed), Some(now));
        book.receipt = ReceiptStage::Signed { agreed, receipt, proposed };
        out.wishes.push(Wish::Chain(job, ChainCall::Propose { claim, attestations }));
    }
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
    primary: Seat,
    now: tallystick_types::WallTime,
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
        anchor: book.lease.as_ref()?.anchor,
    })
}
