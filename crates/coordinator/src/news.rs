//! What the chain's last word on a job means for the coordinator.

use tallystick_abi::JobDomain;
use tallystick_chain::view::{HouseView, JobView};
use tallystick_planted::{Bug, planted};
use tallystick_protocol::ledger::{ChainFact, CloseReason, Event, Finality, Job, Settlement};
use tallystick_types::{Attempt, JobId, JobState, NodeId};

use crate::machine::{Book, Input, Lease, Machine, Offer};

/// Where a job stands on the chain, in its latest block and finally.
#[derive(Clone, Debug)]
pub struct News {
    job: JobId,
    latest: Option<Standing>,
    settled: Option<Standing>,
    /// What the coordinator could take on, where the specification is at hand.
    offer: Option<Offer>,
}

#[derive(Clone, Debug)]
struct Standing {
    state: JobState,
    attempt: Attempt,
    /// The lease, where it is this coordinator's.
    lease: Option<Lease>,
}

impl Standing {
    fn of(job: &JobView, me: NodeId, domain: &JobDomain) -> Self {
        let mine = job.assignment.as_ref().filter(|assignment| assignment.coordinator.node == me);
        let lease = mine.zip(job.anchor(domain)).map(|(assignment, anchor)| Lease {
            attempt: job.attempt,
            nodes: assignment.nodes.clone(),
            anchor,
        });
        Self { state: job.state, attempt: job.attempt, lease }
    }
}

impl News {
    pub(crate) fn of(
        job: JobId,
        (latest, settled): (&HouseView, &HouseView),
        (me, domain): (NodeId, &JobDomain),
        offer: Option<Offer>,
    ) -> Self {
        let standing = |view: &HouseView| view.job(job).map(|it| Standing::of(it, me, domain));
        Self { job, latest: standing(latest), settled: standing(settled), offer }
    }

    /// What a chain shows of the coordinator's own lease.
    #[cfg(test)]
    pub(crate) fn of_lease(job: JobId, state: JobState, lease: Lease) -> Self {
        let latest = Standing { state, attempt: lease.attempt, lease: Some(lease) };
        Self { job, latest: Some(latest), settled: None, offer: None }
    }

    /// The inputs that follow, for a machine in this state. None where it knows everything.
    pub fn inputs(self, machine: &Machine) -> Vec<Input> {
        let job = self.job;
        let (book, known) = (machine.book(job), machine.ledger().job(job));
        let mut inputs = Vec::new();
        match &self.latest {
            Some(Standing { state: JobState::Open, .. }) => {
                if book.is_some_and(|book| book.lease.is_some()) {
                    inputs.push(Input::Unleased { job });
                }
                inputs.extend(self.offered(book));
            }
            Some(standing) => inputs.extend(self.leased(standing, book)),
            None if book.is_some_and(|book| book.lease.is_some()) => {
                inputs.push(Input::Unleased { job });
            }
            None => {}
        }
        if known.is_some() && self.takes_back(book) {
            inputs.push(Input::Ledger(Event::ChainRolledBack { job }));
        }
        if let Some(known) = known {
            inputs.extend(self.facts(known).into_iter().map(Input::Ledger));
        }
        inputs
    }

    fn offered(&self, book: Option<&Book>) -> Option<Input> {
        let offer = self.offer.clone()?;
        let news = book.is_none_or(|book| book.offer.attempt < offer.attempt);
        news.then(|| Input::Offered { job: self.job, offer: Box::new(offer) })
    }

    fn leased(&self, standing: &Standing, book: Option<&Book>) -> Vec<Input> {
        let (job, known) = (self.job, book.and_then(|book| book.lease.as_ref()));
        match &standing.lease {
            Some(lease) if known != Some(lease) && standing.state == JobState::Assigned => {
                // A coordinator that lost its journal takes its own lease up again.
                let offer = if book.is_none() { self.offered(book) } else { None };
                offer.into_iter().chain([Input::Leased { job, lease: lease.clone() }]).collect()
            }
            None if known.is_some() => vec![Input::Unleased { job }],
            Some(_) | None => Vec::new(),
        }
    }

    /// Whether the chain's last word has no result where it had one: its block is gone, or the call
    /// failed on the branch that came in its place.
    fn takes_back(&self, book: Option<&Book>) -> bool {
        let state = self.latest.as_ref().map(|latest| latest.state);
        let without = matches!(state, Some(JobState::Open | JobState::Assigned));
        without && book.is_some_and(Book::is_proposed)
    }

    /// What the ledger does not know yet.
    fn facts(&self, known: &Job) -> Vec<Event> {
        let (job, mut events) = (self.job, Vec::new());
        let seen = self.latest.as_ref().and_then(fact_of);
        if let Some(fact) = seen
            && known.settlement == Settlement::Open
            && known.observed.is_none_or(|(before, _)| before != fact)
        {
            let is_final = planted(Bug::SeenIsFinal);
            let finality = if is_final { Finality::Final } else { Finality::Seen };
            events.push(Event::ChainObserved { job, fact, finality });
        }
        let Some(standing) = &self.settled else { return events };
        let fact = match standing.state {
            JobState::Settled if known.settlement == Settlement::Open => Some(ChainFact::Settled),
            JobState::Refunded if known.settlement == Settlement::Open => Some(ChainFact::Refunded),
            _ => self.lost(standing, known),
        };
        events.extend(fact.map(|fact| {
            let finality = Finality::Final;
            Event::ChainObserved { job, fact, finality }
        }));
        events
    }

    /// The lease that ended for good: the chain finally shows the job open after our attempt, or
    /// in another's hands.
    fn lost(&self, standing: &Standing, known: &Job) -> Option<ChainFact> {
        let attempt = known.head.attempt;
        let again = self.latest.as_ref().is_some_and(|latest| latest.lease.is_some());
        let over = match standing.state {
            JobState::Open => standing.attempt >= attempt,
            JobState::Assigned => standing.attempt >= attempt && standing.lease.is_none(),
            _ => false,
        };
        let open = !matches!(known.close_reason(), Some(CloseReason::LeaseLost { .. }));
        (over && open && !again).then_some(ChainFact::LeaseLost { attempt: standing.attempt })
    }
}

fn fact_of(standing: &Standing) -> Option<ChainFact> {
    match standing.state {
        JobState::Proposed | JobState::Challenged => {
            Some(ChainFact::Proposed { attempt: standing.attempt })
        }
        JobState::Settled => Some(ChainFact::Settled),
        JobState::Refunded => Some(ChainFact::Refunded),
        _ => None,
    }
}
