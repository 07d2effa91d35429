//! The view of the chain as the port through which a worker reads facts.

use tallystick_chain::follow::House;
use tallystick_chain::view::JobView;
use tallystick_ports::{JobFact, JobFacts};
use tallystick_types::{Attempt, IdentityKey, JobId, Seat};

/// Reads the latest view; whether a job is over for good, the final one.
#[derive(Clone, Debug)]
pub struct HouseFacts(House);

impl HouseFacts {
    /// Over a view that somebody keeps in step.
    pub const fn new(house: House) -> Self {
        Self(house)
    }
}

impl JobFacts for HouseFacts {
    fn job(&self, job: JobId) -> Option<JobFact> {
        let views = self.0.read();
        let (told, settled) = (views.latest().job(job)?, views.final_().job(job));
        let (terms, assignment) = (&told.order.terms, told.assignment.as_ref());
        Some(JobFact {
            client: told.order.client,
            specification: terms.specification,
            price: terms.price.max_price(),
            replicas: terms.rules.replicas,
            quorum: terms.rules.quorum,
            state: told.state,
            attempt: told.attempt,
            coordinator: assignment.map(|assignment| assignment.coordinator),
            seats: assignment.map(|assignment| assignment.nodes.clone()).unwrap_or_default(),
            earlier_seats: told.earlier_nodes.clone(),
            attempt_over: settled.map_or(Attempt::new(0), JobView::attempt_over),
            ended: settled.is_some_and(|job| job.state.is_final()),
        })
    }

    fn identity_of(&self, seat: Seat) -> Option<IdentityKey> {
        let views = self.0.read();
        views.latest().node(seat.node).map(|node| node.profile.identity_key)
    }

    fn head(&self) -> Option<u64> {
        Some(self.0.heights().head).filter(|head| *head > 0)
    }
}
