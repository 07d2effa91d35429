//! The lease of a job: taken, joined by more nodes, given back, lost and won again.

use std::collections::BTreeSet;

use tallystick_planted::{Bug, planted};
use tallystick_protocol::ledger::{CloseReason, Event, Settlement};
use tallystick_scheduler::CandidateId;
use tallystick_types::{Attestations, JobId, Privacy, Seat};

use super::book::{Book, ReceiptStage};
use super::input::{ChainCallKind, Lease, Offer};
use super::wish::{ChainCall, Wish};
use super::{Machine, Stepped};

impl Machine {
    /// An open job with its specification: the lease is asked for.
    pub(super) fn offered(&mut self, job: JobId, offer: Offer, out: &mut Stepped) {
        let known = self.books.get(&job).map(|book| (book.offer.attempt, book.lease.is_some()));
        match known {
            None => {
                self.books.insert(job, Book::new(offer));
            }
            Some((attempt, leased)) if offer.attempt > attempt => {
                // Who may begin a later attempt knows that the earlier one is over.
                if leased {
                    self.unleased(job, out);
                }
                self.reopen(job, offer);
            }
            Some(_) => return,
        }
        self.take(job, out);
        self.weigh(job, out);
    }

    /// A later attempt: outputs that are verified are kept where the ledger goes on with the job.
    fn reopen(&mut self, job: JobId, offer: Offer) {
        let closed = self.ledger.job(job).map(|it| it.close_reason());
        let Some(book) = self.books.get_mut(&job) else { return };
        match closed {
            Some(None | Some(CloseReason::Completed)) => book.offer = offer,
            Some(Some(_)) | None => {
                let reports = std::mem::take(&mut book.reports);
                *book = Book { reports, ..Book::new(offer) };
            }
        }
    }

    /// Asks for the leases that are still wanted.
    pub(super) fn take_jobs(&mut self, out: &mut Stepped) {
        let wanted = |(_, book): &(&JobId, &Book)| book.lease.is_none() && book.taking.is_none();
        let jobs: Vec<JobId> = self.books.iter().filter(wanted).map(|(job, _)| *job).collect();
        for job in jobs {
            self.take(job, out);
        }
    }

    pub(super) fn take(&mut self, job: JobId, out: &mut Stepped) {
        let now = self.ledger.state().now;
        let Some(book) = self.books.get(&job) else { return };
        if book.lease.is_some() || book.taking.is_some() || !self.is_wanted(job, book) {
            return;
        }
        let seats = self.team(job, book);
        if seats.is_empty() {
            return;
        }
        let attempt = book.offer.attempt;
        if let Some(book) = self.books.get_mut(&job) {
            book.taking = Some(now);
        }
        self.weighed.remove(&job);
        out.wishes.push(Wish::Chain(job, ChainCall::Assign { attempt, nodes: seats }));
    }

    /// Whether a lease would be of use: there is work, it can begin, and there is time for it.
    fn is_wanted(&self, job: JobId, book: &Book) -> bool {
        let state = self.ledger.state();
        if book.is_late(state.now) {
            return false;
        }
        if let Some(it) = self.ledger.job(job) {
            match it.close_reason() {
                None => return true,
                Some(CloseReason::Completed) => {
                    return it.settlement == Settlement::Open
                        && it.head.attempt < book.offer.attempt;
                }
                // Its client wants it no more, though the chain shows it open once it is released.
                Some(CloseReason::Cancelled) => return planted(Bug::RetakesCancelled),
                Some(_) if it.settlement != Settlement::Open => return false,
                Some(_) if it.head.attempt >= book.offer.attempt => return false,
                Some(_) => {}
            }
        }
        let offer = &book.offer;
        let paired = state.pairings.count(offer.client);
        let private = offer.specification.privacy == Privacy::Private;
        offer.is_sound() && (!private || paired >= usize::from(offer.rules.replicas))
    }

    /// The nodes to take a lease with. Where the ledger has the job those that take part in it;
    /// every other one would only raise the number of signatures that the chain wants.
    fn team(&self, job: JobId, book: &Book) -> Vec<Seat> {
        let state = self.ledger.state();
        if let Some(it) = self.ledger.job(job) {
            let mut known = BTreeSet::new();
            let usable = |seat: &Seat| state.nodes.get(*seat).is_some_and(|node| node.online);
            let wanted = it.wanted().into_iter().filter(usable);
            let once = wanted.filter(|seat| known.insert(CandidateId::of(*seat)));
            let team: Vec<Seat> = once.take(Attestations::MOST).collect();
            if !team.is_empty() {
                return team;
            }
        }
        let tasks = book.offer.slices.div_ceil(book.offer.specification.slices_per_task.max(1));
        let tasks = usize::try_from(tasks).unwrap_or(usize::MAX);
        // Room is left for the secondaries of one task at least.
        let others = usize::from(book.offer.rules.replicas.saturating_sub(1));
        let most = tasks.min(Attestations::MOST.saturating_sub(others)).max(1);
        // A lease with too few nodes would only lock money.
        if self.prospect(&book.offer.terms(), |_| true).is_impossible() {
            return Vec::new();
        }
        self.chooser().first(book, most, self.node_states(book.offer.client))
    }

    /// The chain shows the lease: work begins, or goes on with more nodes.
    pub(super) fn leased(&mut self, job: JobId, lease: Lease, out: &mut Stepped) {
        let Some(book) = self.books.get_mut(&job) else { return };
        if book.lease.as_ref() == Some(&lease) {
            return;
        }
        let before: BTreeSet<Seat> =
            book.lease.iter().flat_map(|lease| lease.nodes.iter().copied()).collect();
        let (attempt, nodes) = (lease.attempt, lease.nodes.clone());
        let added: Vec<Seat> =
            nodes.iter().copied().filter(|seat| !before.contains(seat)).collect();
        book.offer.attempt = attempt;
        book.lease = Some(lease);
        (book.taking, book.enlisting, book.releasing) = (None, None, None);
        let request = Box::new(book.offer.request());
        let known = self.ledger.job(job).map(|it| (it.head.attempt, it.close_reason()));
        match known {
            Some((_, None)) => self.event(Event::Enlisted { job, attempt, nodes }, out),
            Some((known, Some(CloseReason::Completed))) if known < attempt => {
                book.receipt = ReceiptStage::None;
                self.event(Event::Enlisted { job, attempt, nodes }, out);
            }
            // A reorganisation brought back what took the job before its client cancelled it.
            Some((_, Some(CloseReason::Cancelled))) => {}
            Some((known, Some(_))) if known >= attempt => {}
            Some(_) | None => self.event(Event::JobSubmitted { job, request, nodes }, out),
        }
        for order in added.into_iter().flat_map(|seat| self.orders(job, seat)).collect::<Vec<_>>() {
            if !out.wishes.contains(&order) {
                out.wishes.push(order);
            }
        }
        self.enlist(job, out);
        self.release(job, out);
        self.nudge_receipt(job, out);
    }

    /// The lease is gone from the chain's last word. Work goes on: only what is final ends it.
    pub(super) fn unleased(&mut self, job: JobId, out: &mut Stepped) {
        if let Some(book) = self.books.get_mut(&job) {
            book.lease = None;
            (book.taking, book.enlisting, book.releasing) = (None, None, None);
            book.shown = book.shown.filter(|_| planted(Bug::BelievesUndone));
        }
        if self.ledger.job(job).is_some() {
            self.event(Event::ChainRolledBack { job }, out);
        }
    }

    /// Adds to the attempt whoever the job needs and is not in it, one call at a time: each call
    /// changes what the next one has to bring. Who got a task and left is not added: the chain
    /// would count it.
    pub(super) fn enlist(&mut self, job: JobId, out: &mut Stepped) {
        let now = self.ledger.state().now;
        let Some(it) = self.ledger.job(job) else { return };
        let Some(book) = self.books.get_mut(&job) else { return };
        let Some(lease) = book.lease_of(it.head.attempt) else { return };
        let complete = it.members.iter().all(|seat| lease.nodes.contains(seat));
        let useless = it.is_outnumbered() || it.close_reason().is_some();
        if complete || useless || book.enlisting.is_some() {
            return;
        }
        let room = Attestations::MOST.saturating_sub(lease.nodes.len());
        let missing = it.wanted().into_iter().filter(|seat| !lease.nodes.contains(seat));
        let nodes: Vec<Seat> = missing.take(room).collect();
        if nodes.is_empty() {
            return;
        }
        let call = ChainCall::Enlist { attempt: lease.attempt, nodes };
        book.enlisting = Some(now);
        out.wishes.push(Wish::Chain(job, call));
    }

    /// Gives a lease back that is of no use.
    pub(super) fn release(&mut self, job: JobId, out: &mut Stepped) {
        let now = self.ledger.state().now;
        let Some(call) = self.release_call(job) else { return };
        let Some(book) = self.books.get_mut(&job) else { return };
        if book.releasing.is_none() {
            book.releasing = Some(now);
            out.wishes.push(Wish::Chain(job, call));
        }
    }

    /// The call that gives a lease back, where it is of no use: the job ended without result, or
    /// never began, or its time is nearly over, or the chain counts more nodes than have it.
    /// In that last case verified tasks stay, and the next attempt is taken with those nodes alone
    /// that agreed.
    pub(super) fn release_call(&self, job: JobId) -> Option<ChainCall> {
        let book = self.books.get(&job)?;
        let attempt = book.lease.as_ref()?.attempt;
        if book.is_closing(self.ledger.state().now) && !book.is_proposed() {
            return Some(ChainCall::Release { attempt });
        }
        let useless = match self.ledger.job(job) {
            None => true,
            Some(it) => match it.close_reason() {
                None => it.is_outnumbered() && it.head.attempt == attempt,
                Some(CloseReason::Completed) => attempt > it.head.attempt,
                Some(reason) => !reason.is_by_chain() || attempt > it.head.attempt,
            },
        };
        useless.then_some(ChainCall::Release { attempt })
    }

    /// A call had no effect. It is asked again when it would be if nothing had been heard of it.
    pub(super) fn call_failed(&mut self, job: JobId, call: ChainCallKind) {
        let now = self.ledger.state().now;
        let Some(book) = self.books.get_mut(&job) else { return };
        let asked = match call {
            ChainCallKind::Assign => Some(&mut book.taking),
            ChainCallKind::Enlist => Some(&mut book.enlisting),
            ChainCallKind::Release => Some(&mut book.releasing),
            ChainCallKind::Propose => match &mut book.receipt {
                ReceiptStage::Signed { proposed, .. } => Some(proposed),
                ReceiptStage::None
                | ReceiptStage::Gathering(_)
                | ReceiptStage::Joining(_)
                | ReceiptStage::Signing { .. } => None,
            },
        };
        if let Some(since) = asked.and_then(Option::as_mut) {
            *since = now;
        }
    }
}
