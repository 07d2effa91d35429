//! One job, as its events tell it.

use alloy_primitives::{Address, B256, U256};
use tallystick_abi::{Assignment, Job, JobDomain, commitment, contracts};
use tallystick_planted::{Bug, planted};
use tallystick_types::{
    Amount, Attempt, ChainAnchor, ChainTime, JobId, JobOrder, JobParameters, JobState, OutputRoot,
    Seat, Trust,
};

use super::event::{Block, EventContext, JobEvent, Proposal};
use super::house::FoldError;

/// A job with everything that later calls must bring.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobView {
    /// Its id.
    pub id: JobId,
    /// What its client ordered.
    pub order: JobOrder,
    /// The parameters under which it lives.
    pub parameters: JobParameters,
    /// Where its specification can be fetched, if its client said so.
    pub specification_uri: Option<String>,
    /// The event of its creation.
    pub created: EventContext,
    /// Where it stands. Never `None`, and never `Closed`: how it ended stays known after its slot
    /// went to a later job.
    pub state: JobState,
    /// Assignments so far.
    pub attempt: Attempt,
    /// End of the present state; zero in a final one.
    pub deadline: ChainTime,
    /// Who works on it, or worked when it became final; nothing while it is open.
    pub assignment: Option<Assignment>,
    /// Nodes of the attempts before, each once: what they did stays done.
    pub earlier_nodes: Vec<Seat>,
    /// The block in which that assignment was made.
    pub assigned_in: Option<Block>,
    /// The result of its quorum. Unknown where that settled the job at once (`Attested`): the event
    /// does not name the signers, see [`JobView::attested_by`].
    pub proposal: Option<Proposal>,
    /// Who denied the result.
    pub challenger: Option<Address>,
    /// Bit `i`: node `i` of the assignment was convicted and lost its lock.
    pub seized: u16,
    /// The running time, where that is what is paid.
    pub meter: Meter,
    /// How it ended.
    pub outcome: Option<Outcome>,
    pub(super) contract: contracts::Job,
}

/// The meter of a job that is paid by time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meter {
    /// Money that was added after its creation, in base units of its token.
    pub topped_up: Amount,
    /// When its coordinator last vouched that it ran; zero where it is not paid by time.
    pub last_beat: ChainTime,
    /// When its client stopped it.
    pub stopped_at: Option<ChainTime>,
}

/// How a job ended. Amounts are base units of its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was paid.
    Settled {
        /// The result.
        output_root: OutputRoot,
        /// What the client was charged, without the tip.
        paid: Amount,
        /// Who got the tip.
        settler: Address,
    },
    /// The money went back.
    Refunded {
        /// What the client got.
        returned: Amount,
        /// What it had promised and did not pay.
        unpaid: Option<Amount>,
    },
}

/// Locks of stake that an event takes and frees, each of the job's `lock`.
#[derive(Debug, Default)]
pub(super) struct Locks {
    pub(super) taken: Vec<Seat>,
    pub(super) freed: Vec<Seat>,
}

const OPEN: &[JobState] = &[JobState::Open];
const ASSIGNED: &[JobState] = &[JobState::Assigned];
const PROPOSED: &[JobState] = &[JobState::Proposed];
const CHALLENGED: &[JobState] = &[JobState::Challenged];
const STARTED: &[JobState] = &[JobState::Assigned, JobState::Proposed, JobState::Challenged];
const DENIABLE: &[JobState] = &[JobState::Proposed, JobState::Challenged];
const LIVE: &[JobState] =
    &[JobState::Open, JobState::Assigned, JobState::Proposed, JobState::Challenged];
const ANY: &[JobState] = &[
    JobState::Open,
    JobState::Assigned,
    JobState::Proposed,
    JobState::Challenged,
    JobState::Settled,
    JobState::Refunded,
];

impl JobView {
    /// A new job.
    pub(super) fn created(
        id: JobId,
        at: &EventContext,
        order: &JobOrder,
        parameters: &JobParameters,
    ) -> Result<Self, FoldError> {
        let contract = Job::of(order, *parameters)
            .to_contract()
            .map_err(|source| FoldError::Parameters { job: id, source })?;
        Ok(Self {
            id,
            order: *order,
            parameters: *parameters,
            specification_uri: None,
            created: *at,
            state: JobState::Open,
            attempt: Attempt::new(0),
            deadline: order.terms.rules.assign_by,
            assignment: None,
            earlier_nodes: Vec::new(),
            assigned_in: None,
            proposal: None,
            challenger: None,
            seized: 0,
            meter: Meter::default(),
            outcome: None,
            contract,
        })
    }

    /// The part of it that every later call brings.
    pub const fn job(&self) -> Job {
        Job::of(&self.order, self.parameters)
    }

    /// Stake that each of its bonded nodes locks, in base units of TLY; zero where anybody may
    /// work. Nothing where that exceeds all there can be.
    pub fn lock(&self) -> Option<Amount> {
        let (terms, parameters) = (&self.order.terms, &self.parameters);
        if terms.rules.trust == Trust::Any {
            return Some(Amount::ZERO);
        }
        let shift = U256::from(10).checked_pow(U256::from(parameters.lock_shift))?;
        let value = U256::from(terms.price.max_price().get()).checked_mul(shift)?;
        let product = value.checked_mul(U256::from(parameters.lock_ratio.get()))?;
        product.div_ceil(U256::from(1_000_000)).try_into().ok().map(Amount::new)
    }

    /// The most that a result may cost now, in base units of its token.
    pub fn cost_limit(&self) -> Amount {
        let price = self.order.terms.price;
        let Some(assignment) = self.assignment.as_ref().filter(|_| self.is_paid_by_time()) else {
            return price.max_price();
        };
        let ran = self.meter.last_beat.checked_since(assignment.started_at).unwrap_or_default();
        let due = price.rate_per_second().checked_mul(ran.get()).unwrap_or(Amount::MAX);
        let held = price.max_price().checked_add(self.meter.topped_up).unwrap_or(Amount::MAX);
        due.min(held)
    }

    /// While the job lives, the last attempt of which nothing comes any more: its lease lapsed, its
    /// result was denied, or a later one began. Zero where there is none.
    pub const fn attempt_over(&self) -> Attempt {
        match self.state {
            JobState::Open => self.attempt,
            _ => Attempt::new(self.attempt.get().saturating_sub(1)),
        }
    }

    /// Equal signatures that make a result: what the rules ask for, and more than half of the
    /// assigned nodes.
    pub fn quorum(&self) -> usize {
        let nodes = self.assignment.as_ref().map_or(0, |assignment| assignment.nodes.len());
        (nodes / 2 + 1).max(self.order.terms.rules.quorum.into())
    }

    /// Where on the chain its present attempt began, as its receipt states it.
    pub fn anchor(&self, domain: &JobDomain) -> Option<ChainAnchor> {
        let block = self.assigned_in?;
        Some(ChainAnchor {
            chain: domain.chain,
            contract: domain.job_manager,
            block: block.number,
            block_hash: block.hash,
            block_time: block.time,
        })
    }

    /// The hash whose first 160 bits the chain stores. Nothing where the signers of a settled job
    /// are unknown, see [`JobView::attested_by`].
    pub fn commitment(&self) -> Option<B256> {
        let job = commitment::job_hash(&self.contract);
        let assigned = self.assignment.as_ref().map_or(B256::ZERO, |assignment| {
            commitment::assignment_hash(&contracts::Assignment::from(assignment))
        });
        Some(commitment::commitment(self.id, job, assigned, self.rest()?))
    }

    /// What the commitment holds behind the assignment; nothing as above.
    pub fn rest(&self) -> Option<B256> {
        match self.proposal {
            Some(proposal) => {
                let challenger = self.challenger.unwrap_or(Address::ZERO);
                Some(commitment::rest_hash(&proposal.to_contract(), challenger))
            }
            None if self.state == JobState::Settled => None,
            None => Some(B256::ZERO),
        }
    }

    /// The same job with the proposal that its quorum settled at once, for whoever has its receipt
    /// or read the transaction. `signers`: bit `i` set where node `i` of the assignment signed.
    #[must_use]
    pub fn attested_by(&self, signers: u16) -> Self {
        let mut job = self.clone();
        if let (Some(Outcome::Settled { output_root, paid, .. }), None) =
            (self.outcome, self.proposal)
        {
            job.proposal = Some(Proposal { output_root, price: paid, signers });
        }
        job
    }

    /// The place of a seat in the assignment.
    pub fn index_of(&self, seat: Seat) -> Option<usize> {
        self.assignment.as_ref()?.nodes.iter().position(|node| *node == seat)
    }

    pub(super) fn is_paid_by_time(&self) -> bool {
        self.order.terms.price.rate_per_second() != Amount::ZERO
    }

    /// Folds one event into the job; what it does to the stake of nodes is returned.
    pub(super) fn fold(&mut self, at: &EventContext, event: &JobEvent) -> Result<Locks, FoldError> {
        self.check(event)?;
        match event {
            // `check` refused it: the job exists.
            JobEvent::Created { .. } => {}
            JobEvent::Specification { uri } => self.specification_uri = Some(uri.clone()),
            JobEvent::Assigned { attempt, coordinator, nodes, deadline } => {
                return Ok(self.assigned(at, *attempt, *coordinator, nodes, *deadline));
            }
            JobEvent::Enlisted { nodes, .. } => {
                if let Some(assignment) = &mut self.assignment {
                    let times = if planted(Bug::EnlistsTwice) { 2 } else { 1 };
                    (0..times).for_each(|_| assignment.nodes.extend_from_slice(nodes));
                }
                return Ok(Locks { taken: nodes.clone(), ..Locks::default() });
            }
            JobEvent::Heartbeat { deadline, .. } => {
                self.deadline = *deadline;
                self.beat(at);
            }
            JobEvent::ToppedUp { total } => self.meter.topped_up = *total,
            JobEvent::Stopped { at } => self.meter.stopped_at = Some(*at),
            JobEvent::Proposed { proposal, deadline, .. } => {
                self.proposal = Some(*proposal);
                (self.state, self.deadline) = (JobState::Proposed, *deadline);
            }
            JobEvent::Challenged { challenger, deadline } => {
                self.challenger = Some(*challenger);
                (self.state, self.deadline) = (JobState::Challenged, *deadline);
            }
            JobEvent::Resolved { liars, .. } => return Ok(self.convicted(*liars)),
            JobEvent::NodeSeized { seat, .. } => return self.node_seized(*seat),
            JobEvent::Reopened { deadline, .. } => return Ok(self.reopened(*deadline)),
            JobEvent::Settled { output_root, paid, settler } => {
                let (output_root, paid, settler) = (*output_root, *paid, *settler);
                let freed = self.ended();
                self.outcome = Some(Outcome::Settled { output_root, paid, settler });
                self.state = JobState::Settled;
                return Ok(freed);
            }
            JobEvent::Refunded { returned } => {
                let unpaid = match self.outcome {
                    Some(Outcome::Refunded { unpaid, .. }) => unpaid,
                    Some(Outcome::Settled { .. }) | None => None,
                };
                let freed = self.ended();
                self.outcome = Some(Outcome::Refunded { returned: *returned, unpaid });
                self.state = JobState::Refunded;
                return Ok(freed);
            }
            // The refund follows in the same transaction.
            JobEvent::Unpaid { owed } => {
                let unpaid = Some(*owed);
                self.outcome = Some(Outcome::Refunded { returned: Amount::ZERO, unpaid });
            }
        }
        Ok(Locks::default())
    }

    /// Refuses what the contract cannot have said of a job in this state.
    fn check(&self, event: &JobEvent) -> Result<(), FoldError> {
        let accepted = match event {
            JobEvent::Created { .. } => return Err(FoldError::KnownJob { job: self.id }),
            JobEvent::Specification { .. } | JobEvent::Assigned { .. } => OPEN,
            JobEvent::Enlisted { .. }
            | JobEvent::Heartbeat { .. }
            | JobEvent::ToppedUp { .. }
            | JobEvent::Stopped { .. }
            | JobEvent::Proposed { .. } => ASSIGNED,
            JobEvent::Challenged { .. } => PROPOSED,
            JobEvent::Resolved { .. } => CHALLENGED,
            JobEvent::Unpaid { .. } => DENIABLE,
            JobEvent::Reopened { .. } | JobEvent::Settled { .. } => STARTED,
            JobEvent::Refunded { .. } => LIVE,
            JobEvent::NodeSeized { .. } => ANY,
        };
        let (job, state) = (self.id, self.state);
        if !accepted.contains(&state) {
            return Err(FoldError::UnexpectedState { job, state, event: event.name() });
        }
        let next = self.attempt.get().saturating_add(1);
        let expected = match event {
            JobEvent::Assigned { .. } => Attempt::new(next),
            _ => self.attempt,
        };
        match event.attempt().filter(|given| *given != expected) {
            Some(given) => Err(FoldError::OtherAttempt { job, expected, given }),
            None => Ok(()),
        }
    }

    fn assigned(
        &mut self,
        at: &EventContext,
        attempt: Attempt,
        coordinator: Seat,
        nodes: &[Seat],
        deadline: ChainTime,
    ) -> Locks {
        let (started_at, nodes) = (at.block.time, nodes.to_vec());
        let taken = [&nodes[..], &[coordinator]].concat();
        self.assignment = Some(Assignment { started_at, coordinator, nodes });
        self.assigned_in = Some(at.block);
        (self.state, self.attempt, self.deadline) = (JobState::Assigned, attempt, deadline);
        self.seized = 0;
        self.beat(at);
        Locks { taken, freed: Vec::new() }
    }

    fn beat(&mut self, at: &EventContext) {
        if self.is_paid_by_time() {
            self.meter.last_beat = at.block.time;
        }
    }

    fn reopened(&mut self, deadline: ChainTime) -> Locks {
        let freed = self.ended();
        let nodes = self.assignment.take().map(|assignment| assignment.nodes).unwrap_or_default();
        for seat in nodes {
            if !self.earlier_nodes.contains(&seat) {
                self.earlier_nodes.push(seat);
            }
        }
        self.assigned_in = None;
        (self.proposal, self.challenger) = (None, None);
        self.seized = 0;
        (self.state, self.deadline) = (JobState::Open, deadline);
        freed
    }

    /// The attempt is over: everybody's lock is free, but for the convicted, who lost theirs.
    fn ended(&mut self) -> Locks {
        self.deadline = ChainTime::ZERO;
        let Some(assignment) = &self.assignment else { return Locks::default() };
        let mut freed = self.members(!self.seized);
        freed.push(assignment.coordinator);
        Locks { taken: Vec::new(), freed }
    }

    /// Nodes lose their locks, which are slashed in the same transaction.
    fn convicted(&mut self, nodes: u16) -> Locks {
        let freed = self.members(nodes & !self.seized);
        self.seized |= nodes;
        Locks { taken: Vec::new(), freed }
    }

    fn node_seized(&mut self, seat: Seat) -> Result<Locks, FoldError> {
        let job = self.id;
        let place = self.index_of(seat).ok_or(FoldError::NotSeated { job, seat })?;
        let locks = self.convicted(bit_of(place));
        // Of a final job, the lock is free already.
        Ok(if self.state.is_final() { Locks::default() } else { locks })
    }

    /// The seats of some nodes of the assignment.
    fn members(&self, bitmap: u16) -> Vec<Seat> {
        let nodes = self.assignment.iter().flat_map(|assignment| &assignment.nodes);
        let members = nodes.enumerate().filter(|(place, _)| bitmap & bit_of(*place) != 0);
        members.map(|(_, seat)| *seat).collect()
    }
}

impl Proposal {
    /// As the contracts take it.
    pub fn to_contract(&self) -> contracts::Proposal {
        contracts::Proposal::of(self.output_root, self.price, self.signers)
    }
}

/// The bit of a node's place in bitmaps; the contracts seat at most 16.
pub(super) fn bit_of(place: usize) -> u16 {
    u32::try_from(place).ok().and_then(|place| 1_u16.checked_shl(place)).unwrap_or(0)
}
