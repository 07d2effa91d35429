//! What time does besides the limits of the ledger: asking again, and forgetting.

use tallystick_planted::{Bug, planted};
use tallystick_protocol::ledger::{
    ChainFact, CloseReason, Event, Finality, JobPhase, Refusal, Settlement,
};
use tallystick_types::{Attempt, JobId, WallTime};

use super::book::{Book, ReceiptStage};
use super::receipts::is_lost;
use super::wish::Row;
use super::{Machine, PATIENCE, RETENTION, Stepped};

impl Machine {
    /// Asks again for what was asked long ago, and forgets what is over for long. It looks at every
    /// job: that is cheap for thousands, whose tasks it does not look at.
    pub(super) fn nudge(&mut self, out: &mut Stepped) {
        let now = self.ledger.state().now;
        let jobs: Vec<JobId> = self.books.keys().copied().collect();
        for job in jobs {
            if self.is_done_with(job) {
                self.forget(job, out);
                continue;
            }
            let Some(book) = self.books.get_mut(&job) else { continue };
            for asked in [&mut book.taking, &mut book.enlisting, &mut book.releasing] {
                if asked.is_some_and(|since: WallTime| since.after(PATIENCE) <= now) {
                    *asked = None;
                }
            }
            self.take(job, out);
            self.weigh(job, out);
            self.enlist(job, out);
            self.release(job, out);
            self.fetch_again(job, out);
            self.nudge_receipt(job, out);
            self.forget(job, out);
        }
        let books = &self.books;
        self.weighed.retain(|job, _| books.contains_key(job));
    }

    /// Whether nothing is left to do for a job: its money went for good, and its receipt is signed,
    /// or nobody needs one. Most jobs of a coordinator are such.
    fn is_done_with(&self, job: JobId) -> bool {
        let (Some(book), Some(it)) = (self.books.get(&job), self.ledger.job(job)) else {
            return false;
        };
        let signed = matches!(book.receipt, ReceiptStage::Signed { .. });
        it.settlement != Settlement::Open && it.close_reason().is_some() && (signed || is_lost(it))
    }

    /// A job whose money went for good, and that nobody asks about any more, is forgotten here. Its
    /// rows stay. So is an offer that can be taken no more.
    fn forget(&mut self, job: JobId, out: &mut Stepped) {
        let now = self.ledger.state().now;
        let Some(book) = self.books.get(&job) else { return };
        let Some(it) = self.ledger.job(job) else {
            if book.lease.is_none() && book.is_late(now) {
                self.books.remove(&job);
            }
            return;
        };
        let JobPhase::Closed { at, .. } = it.phase else { return };
        if it.settlement != Settlement::Open && at.after(RETENTION) <= now {
            self.event(Event::JobArchived { job }, out);
            if self.ledger.job(job).is_none() {
                self.books.remove(&job);
            }
        }
    }

    /// Takes in an event that is for the ledger, and what it means beside it.
    pub(super) fn heard(&mut self, event: Event, out: &mut Stepped) {
        let said = match &event {
            Event::ChainObserved { job, fact: ChainFact::LeaseLost { attempt }, .. }
                if self.goes_on_after(*job, *attempt) =>
            {
                return;
            }
            Event::ChainObserved { job, fact, finality } => {
                if let Some(book) = self.books.get_mut(job) {
                    book.shown = Some(*fact);
                }
                Some((*job, *fact, *finality))
            }
            Event::ChainRolledBack { job } => {
                if let Some(book) = self.books.get_mut(job) {
                    book.shown = book.shown.filter(|_| planted(Bug::BelievesUndone));
                }
                None
            }
            _ => None,
        };
        self.event(event, out);
        if let Some((job, fact, Finality::Final)) = said {
            self.ended_on_chain(job, fact, out);
        }
    }

    /// Whether the chain offers a later attempt than the one that ended: the work that is done is
    /// of use in it, so the end of the earlier one is not the end of the job here.
    fn goes_on_after(&self, job: JobId, ended: Attempt) -> bool {
        let offered = |book: &Book| book.lease.is_none() && book.offer.attempt > ended;
        self.books.get(&job).is_some_and(offered)
    }

    /// The chain's final word can overtake a result that was agreed on and not yet proposed.
    fn ended_on_chain(&mut self, job: JobId, fact: ChainFact, out: &mut Stepped) {
        let reason = match fact {
            ChainFact::Settled => CloseReason::SettledOnChain,
            ChainFact::Refunded => CloseReason::RefundedOnChain,
            ChainFact::LeaseLost { attempt } => CloseReason::LeaseLost { attempt },
            ChainFact::LeaseHeld { .. } | ChainFact::Proposed { .. } => return,
        };
        let unknown = matches!(out.refusal, Some(Refusal::UnknownJob { .. }));
        let is_over = matches!(fact, ChainFact::Settled | ChainFact::Refunded);
        if unknown && is_over {
            self.books.remove(&job);
        }
        let Some(book) = self.books.get_mut(&job) else { return };
        let overtaken = match &book.receipt {
            ReceiptStage::Gathering(agreed)
            | ReceiptStage::Joining(agreed)
            | ReceiptStage::Signing { agreed, .. } => match fact {
                ChainFact::LeaseLost { attempt } => attempt >= agreed.claim.attempt,
                _ => true,
            },
            ReceiptStage::None | ReceiptStage::Signed { .. } => false,
        };
        if overtaken {
            book.receipt = ReceiptStage::None;
            book.asked.clear();
            out.rows.push(Row::JobEnded(job, reason));
        }
    }
}
