//! What the chain said of each job on the branch that counts, step by step, read without any view:
//! the rules that no order of transactions may break, and what everybody is owed.

use std::collections::BTreeMap;

use alloy_primitives::{B256, U256};
use tallystick_chain::view::{Block as Place, EventContext, HouseEvent, JobEvent, Proposal};
use tallystick_types::{
    Amount, Attempt, ChainTime, JobId, JobOrder, JobParameters, JobState, NodeId, OutputRoot, Seat,
    Trust,
};

use super::Oracles;

/// Millionths of its lock that a coordinator loses with a lease that lapses.
const STALL_PPM: u128 = 50_000;

/// Every job's steps.
#[derive(Clone, Debug, Default)]
pub struct History {
    jobs: BTreeMap<JobId, Vec<Step>>,
    /// Which job each step was of, the newest last.
    order: Vec<(u64, JobId)>,
}

/// One thing that happened to a job, and what it was after that.
#[derive(Clone, Debug)]
pub struct Step {
    /// In which block.
    pub place: Place,
    /// What happened.
    pub event: JobEvent,
    /// Where the job stood then.
    pub after: Standing,
    tx: B256,
}

/// Where a job stands.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Its state.
    pub state: JobState,
    /// Assignments so far.
    pub attempt: Attempt,
    /// Who holds, or last held, its lease.
    pub coordinator: Option<Seat>,
    /// The nodes of the last attempt.
    pub nodes: Vec<Seat>,
    /// When the state is over.
    pub deadline: ChainTime,
    terms: Option<Box<(JobOrder, JobParameters)>>,
    proposal: Option<Proposal>,
    seized: u16,
}

/// Why the money of a job went back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returned {
    /// The client took it back while nobody worked on it.
    ByClient,
    /// Nobody took it, or took it again, in time.
    NotTaken,
    /// Its last attempt was over, or its time.
    NoAttemptLeft,
    /// The client did not have what it had promised.
    Unpaid,
}

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It was paid.
    Settled(OutputRoot),
    /// The money went back, if the events tell why.
    Refunded(Option<Returned>),
}

/// What a node must have earned and lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Earned, in base units of the token.
    pub earned: u128,
    /// Fees that it collected for the treasury, in base units of the token.
    pub fees: u128,
    /// Lost of its stake, in base units of TLY.
    pub lost: u128,
}

/// A lease that lapsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lapse {
    /// Who held it.
    pub coordinator: Seat,
    /// When it was taken.
    pub taken: ChainTime,
    /// When it was over.
    pub over: ChainTime,
}

impl History {
    /// Takes in what is new from a height on; what was there before is gone. True where money
    /// moved.
    pub fn follow<'a>(
        &mut self,
        from: u64,
        new: impl Iterator<Item = (&'a EventContext, &'a HouseEvent)>,
        oracles: &mut Oracles,
    ) -> bool {
        let mut moved = false;
        while let Some((_, job)) = self.order.pop_if(|(block, _)| *block >= from) {
            let gone = self.jobs.get_mut(&job).and_then(Vec::pop);
            moved |= gone.is_some_and(|step| step.after.state.is_final());
            if self.jobs.get(&job).is_some_and(Vec::is_empty) {
                self.jobs.remove(&job);
            }
        }
        for (at, event) in new {
            if let HouseEvent::Job(job, event) = event {
                moved |= self.push(*job, at, event, oracles);
            }
        }
        moved
    }

    fn push(
        &mut self,
        job: JobId,
        at: &EventContext,
        event: &JobEvent,
        oracles: &mut Oracles,
    ) -> bool {
        let steps = self.jobs.entry(job).or_default();
        let before = steps.last().map(|step| &step.after);
        let fits = Standing::admits(before, event);
        oracles.check("attempts of a job never overlap, and it ends once", fits, || {
            format!("job {job}: {} after {before:?}", event.name())
        });
        let after = Standing::after(before, event);
        if let (JobEvent::Settled { output_root, paid, .. }, Some(before)) = (event, before) {
            let bound = before.proposal.map(|it| (it.output_root, it.price));
            let same = bound == Some((*output_root, *paid));
            oracles.check("what is paid is what the last attempt proposed", same, || {
                format!("job {job} pays {paid} for {output_root}, proposed was {bound:?}")
            });
        }
        let lost = matches!(event, JobEvent::Reopened { .. } | JobEvent::NodeSeized { .. });
        let moved = after.state.is_final() || lost;
        steps.push(Step { place: at.block, event: event.clone(), after, tx: at.tx });
        self.order.push((at.block.number, job));
        moved
    }

    /// The steps of a job.
    pub fn steps(&self, job: JobId) -> &[Step] {
        self.jobs.get(&job).map_or(&[], Vec::as_slice)
    }

    /// All jobs.
    pub fn jobs(&self) -> impl Iterator<Item = JobId> {
        self.jobs.keys().copied()
    }

    /// How many nodes a job's client wanted.
    pub fn replicas(&self, job: JobId) -> Option<u8> {
        let (order, _) = self.steps(job).first()?.after.terms.as_deref()?;
        Some(order.terms.rules.replicas)
    }

    /// Where a job stood up to a height, the newest first.
    pub fn standings(&self, job: JobId, height: u64) -> impl Iterator<Item = &Standing> {
        let steps = self.steps(job).iter().rev();
        steps.filter(move |step| step.place.number <= height).map(|step| &step.after)
    }

    /// The height at which something last happened to a job; zero where nothing did.
    pub fn newest(&self) -> u64 {
        self.order.last().map_or(0, |(height, _)| *height)
    }

    /// How a job ended.
    pub fn end(&self, job: JobId) -> Option<End> {
        let steps = self.steps(job);
        let place = steps.iter().position(|step| step.after.state.is_final())?;
        let last = steps.get(place)?;
        Some(match &last.event {
            JobEvent::Settled { output_root, .. } => End::Settled(*output_root),
            _ => End::Refunded(returned(steps.get(..place).unwrap_or_default(), last)),
        })
    }

    /// What every node must have earned and lost.
    pub fn accounts(&self) -> BTreeMap<NodeId, Account> {
        let mut accounts = BTreeMap::new();
        for steps in self.jobs.values() {
            for pair in steps.windows(2) {
                if let [before, step] = pair {
                    before.after.book(step, &mut accounts);
                }
            }
        }
        accounts
    }

    /// The leases that lapsed.
    pub fn lapses(&self) -> impl Iterator<Item = Lapse> {
        self.jobs.values().flat_map(|steps| {
            let mut taken = ChainTime::ZERO;
            steps.windows(2).filter_map(move |pair| {
                let [before, step] = pair else { return None };
                if matches!(step.event, JobEvent::Assigned { .. }) {
                    taken = step.place.time;
                }
                let coordinator = before.after.coordinator?;
                let over = before.after.deadline;
                before.after.lapses(step).then_some(Lapse { coordinator, taken, over })
            })
        })
    }
}

/// Why a job without a result ended, as far as its steps tell.
fn returned(before: &[Step], last: &Step) -> Option<Returned> {
    let Some(step) = before.last() else { return Some(Returned::ByClient) };
    if matches!(step.event, JobEvent::Unpaid { .. }) && step.tx == last.tx {
        return Some(Returned::Unpaid);
    }
    let (order, parameters) = before.first()?.after.terms.as_deref()?;
    let now = last.place.time;
    let over =
        step.after.attempt.get() >= parameters.max_attempts || now >= order.terms.rules.complete_by;
    match step.after.state {
        JobState::Open if now >= step.after.deadline => Some(Returned::NotTaken),
        JobState::Open => Some(Returned::ByClient),
        _ if over => Some(Returned::NoAttemptLeft),
        _ => None,
    }
}

impl Standing {
    /// Whether the contracts may say this of a job that stands so.
    fn admits(before: Option<&Self>, event: &JobEvent) -> bool {
        let Some(before) = before else {
            // An order that its client voided has no other step.
            return matches!(event, JobEvent::Created { .. } | JobEvent::Refunded { .. });
        };
        let same = event.attempt().is_none_or(|attempt| attempt == before.attempt);
        let (open, assigned) = (before.state == JobState::Open, before.state == JobState::Assigned);
        let denied = matches!(before.state, JobState::Proposed | JobState::Challenged);
        match event {
            JobEvent::Created { .. } => false,
            JobEvent::Assigned { attempt, .. } => {
                open && Some(attempt.get()) == before.attempt.get().checked_add(1)
            }
            JobEvent::Enlisted { .. }
            | JobEvent::Heartbeat { .. }
            | JobEvent::Proposed { .. }
            | JobEvent::ToppedUp { .. }
            | JobEvent::Stopped { .. } => assigned && same,
            JobEvent::Challenged { .. } => before.state == JobState::Proposed,
            JobEvent::Resolved { .. } | JobEvent::Unpaid { .. } | JobEvent::Settled { .. } => {
                denied
            }
            JobEvent::Reopened { .. } => (assigned || denied) && same,
            JobEvent::Refunded { .. } => !before.state.is_final(),
            JobEvent::NodeSeized { .. } => same,
            JobEvent::Specification { .. } => true,
        }
    }

    fn after(before: Option<&Self>, event: &JobEvent) -> Self {
        let mut it = before.cloned().unwrap_or(Self {
            state: JobState::Open,
            attempt: Attempt::new(0),
            coordinator: None,
            nodes: Vec::new(),
            deadline: ChainTime::ZERO,
            terms: None,
            proposal: None,
            seized: 0,
        });
        match event {
            JobEvent::Created { order, parameters } => {
                it.terms = Some(Box::new((*order, *parameters)));
                it.deadline = order.terms.rules.assign_by;
            }
            JobEvent::Assigned { attempt, coordinator, nodes, deadline } => {
                (it.state, it.attempt, it.deadline) = (JobState::Assigned, *attempt, *deadline);
                (it.coordinator, it.nodes) = (Some(*coordinator), nodes.clone());
                (it.proposal, it.seized) = (None, 0);
            }
            JobEvent::Enlisted { nodes, .. } => it.nodes.extend(nodes),
            JobEvent::Heartbeat { deadline, .. } => it.deadline = *deadline,
            JobEvent::Proposed { proposal, deadline, .. } => {
                (it.state, it.deadline) = (JobState::Proposed, *deadline);
                it.proposal = Some(*proposal);
            }
            JobEvent::Challenged { deadline, .. } => {
                (it.state, it.deadline) = (JobState::Challenged, *deadline);
            }
            JobEvent::NodeSeized { seat, .. } => {
                let place = it.nodes.iter().position(|node| node == seat);
                it.seized |= place.map_or(0, |place| 1 << place);
            }
            JobEvent::Reopened { deadline, .. } => {
                (it.state, it.deadline) = (JobState::Open, *deadline);
            }
            JobEvent::Settled { .. } => it.state = JobState::Settled,
            JobEvent::Refunded { .. } => it.state = JobState::Refunded,
            JobEvent::Specification { .. }
            | JobEvent::ToppedUp { .. }
            | JobEvent::Stopped { .. }
            | JobEvent::Resolved { .. }
            | JobEvent::Unpaid { .. } => {}
        }
        it
    }

    /// Whether a step ends an attempt because its lease was over.
    fn lapses(&self, step: &Step) -> bool {
        let ends = matches!(step.event, JobEvent::Reopened { .. } | JobEvent::Refunded { .. });
        self.state == JobState::Assigned && ends && step.place.time >= self.deadline
    }

    /// Stake that each node locks, in base units of TLY.
    fn lock(&self) -> u128 {
        let Some((order, parameters)) = self.terms.as_deref() else { return 0 };
        if order.terms.rules.trust == Trust::Any {
            return 0;
        }
        let shift = U256::from(10).pow(U256::from(parameters.lock_shift));
        let ratio = U256::from(parameters.lock_ratio.get());
        let value = U256::from(order.terms.price.max_price().get()) * shift * ratio;
        value.div_ceil(U256::from(1_000_000)).saturating_to()
    }

    /// Books what a step that follows means for the nodes.
    fn book(&self, step: &Step, accounts: &mut BTreeMap<NodeId, Account>) {
        if let (JobEvent::NodeSeized { seat, .. }, Some(_)) = (&step.event, self.coordinator) {
            accounts.entry(seat.node).or_default().lost += self.lock();
        }
        let Some(coordinator) = self.coordinator else { return };
        if self.lapses(step) {
            let share = self.lock().saturating_mul(STALL_PPM).div_ceil(1_000_000);
            accounts.entry(coordinator.node).or_default().lost += share;
        }
        let (JobEvent::Settled { paid, settler, .. }, Some(proposal), Some((order, parameters))) =
            (&step.event, self.proposal, self.terms.as_deref())
        else {
            return;
        };
        let own = paid.share_down(parameters.coordinator_share).get();
        let fees = paid.share_down(parameters.protocol_share).get();
        let account = accounts.entry(coordinator.node).or_default();
        let tip =
            if *settler == coordinator.signer { order.terms.price.tip() } else { Amount::ZERO };
        account.earned += own + tip.get();
        account.fees += fees;
        let signers = proposal.signers & !self.seized;
        let signed = self.nodes.iter().zip(0..).filter(|(_, place)| signers >> place & 1 == 1);
        let signed: Vec<NodeId> = signed.map(|(seat, _)| seat.node).collect();
        let nodes = signed.len().max(order.terms.rules.replicas.into());
        let pool = if nodes > 1 { paid.share_down(parameters.secondaries_share).get() } else { 0 };
        let others = u128::try_from(nodes.saturating_sub(1)).unwrap_or(1).max(1);
        let mut share = paid.get() - own - fees - pool;
        for node in signed {
            accounts.entry(node).or_default().earned += share;
            share = pool / others;
        }
    }
}

#[cfg(test)]
mod tests;
