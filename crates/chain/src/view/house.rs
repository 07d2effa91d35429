//! All jobs, nodes and rules, as the events tell them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use alloy_primitives::{Address, B256};
use tallystick_abi::Contract;
use tallystick_types::{
    Amount, Attempt, ChainTime, JobId, JobParameters, JobState, NodeId, PackingError,
    ProgramDigest, Seat,
};

use super::event::{
    Block, EventContext, HouseEvent, JobEvent, NetworkEvent, NetworkParameters, NodeEvent,
    TokenTerms,
};
use super::job::{JobView, Locks};
use super::node::NodeView;

/// What the events up to some place in the chain say. A fold: the same events in the same order
/// make equal views.
///
/// A copy shares its jobs and nodes with the original until one of the two changes them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HouseView {
    last: Option<EventContext>,
    jobs: BTreeMap<JobId, Arc<JobView>>,
    by_state: BTreeSet<(JobState, ChainTime, JobId)>,
    voided: BTreeSet<JobId>,
    nodes: BTreeMap<NodeId, Arc<NodeView>>,
    signers: BTreeMap<Address, NodeId>,
    network: NetworkView,
}

/// The rules of the network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NetworkView {
    /// The parameters in force, without those of jobs.
    pub parameters: Option<NetworkParameters>,
    /// The accepted tokens.
    pub tokens: BTreeMap<Address, TokenTerms>,
    /// The parameters of new jobs by token; their version is what a client must name.
    pub job_parameters: BTreeMap<Address, JobParameters>,
    /// The programs that may run; empty allows all.
    pub programs: BTreeSet<ProgramDigest>,
    /// keccak256 of the names of the kinds of jobs that may run; empty allows all.
    pub kinds: BTreeSet<B256>,
    /// The contracts that accept no new jobs, deposits or stake at present.
    pub paused: BTreeSet<Contract>,
    /// The code behind each contract's address. It is what the deployment's record states, unless
    /// governance upgraded it since.
    pub implementations: BTreeMap<Contract, Address>,
}

/// Why an event was not folded. The view is as before. All of them say that events are missing,
/// doubled or out of order, or that the contracts are of another version: stop and look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// The event stands before the last one.
    #[error("event {index} of block {block} is not behind the last one; fold in order, once")]
    OutOfOrder {
        /// Number of the event's block.
        block: u64,
        /// Its place there.
        index: u64,
    },
    /// Two blocks of one number.
    #[error("block {number} was another one before; roll back before its successor is folded")]
    OtherBlock {
        /// The number.
        number: u64,
    },
    /// The event stands in or before a block that is final here.
    #[error("block {block} is not behind block {final_block}, which is final")]
    Final {
        /// Number of the event's block.
        block: u64,
        /// The last final block.
        final_block: u64,
    },
    /// A job that was never created.
    #[error("job {job} was never created; read from the deployment's first block")]
    UnknownJob {
        /// The job.
        job: JobId,
    },
    /// A job that exists is created.
    #[error("job {job} was created, or its order voided, before")]
    KnownJob {
        /// The job.
        job: JobId,
    },
    /// The job cannot have emitted this in its state.
    #[error("job {job} is {state:?}, where there is no {event}")]
    UnexpectedState {
        /// The job.
        job: JobId,
        /// Its state.
        state: JobState,
        /// The event's name.
        event: &'static str,
    },
    /// The event is of another attempt.
    #[error("an event of attempt {given} of job {job}, where it is {expected}")]
    OtherAttempt {
        /// The job.
        job: JobId,
        /// The attempt it should be.
        expected: Attempt,
        /// The attempt that the event names.
        given: Attempt,
    },
    /// A seat is not in the assignment.
    #[error("node {} is not assigned to job {job}", seat.node)]
    NotSeated {
        /// The job.
        job: JobId,
        /// The seat.
        seat: Seat,
    },
    /// The parameters of a job do not fit their word.
    #[error("the parameters of job {job} cannot be")]
    Parameters {
        /// The job.
        job: JobId,
        /// Why.
        source: PackingError,
    },
    /// A job locks more stake than there can be.
    #[error("the lock of job {job} exceeds all stake")]
    Lock {
        /// The job.
        job: JobId,
    },
    /// A node that never registered.
    #[error("node {node} never registered; read from the deployment's first block")]
    UnknownNode {
        /// The node.
        node: NodeId,
    },
    /// A node that exists registers.
    #[error("node {node} registered before")]
    KnownNode {
        /// The node.
        node: NodeId,
    },
    /// A pool does not hold what an event moves, or would hold more than there can be.
    #[error("an event moves {taken} of stake behind node {node}, where {held} is held")]
    StakeExceeded {
        /// The node.
        node: NodeId,
        /// What is held.
        held: Amount,
        /// What the event moves.
        taken: Amount,
    },
    /// A job frees more than is locked.
    #[error("a job frees {taken} of stake behind node {node}, where {held} is locked")]
    LockExceeded {
        /// The node.
        node: NodeId,
        /// What is locked.
        held: Amount,
        /// What the event frees.
        taken: Amount,
    },
}

impl HouseView {
    /// Folds the next event.
    pub fn apply(&mut self, at: &EventContext, event: &HouseEvent) -> Result<(), FoldError> {
        self.check_order(at)?;
        match event {
            HouseEvent::Job(id, event) => self.apply_job(at, *id, event)?,
            HouseEvent::Node(id, event) => self.apply_node(*id, event)?,
            HouseEvent::Network(event) => self.network.fold(event),
            HouseEvent::WithoutEffect { .. } => {}
        }
        self.last = Some(*at);
        Ok(())
    }

    /// The block of the last event, by which answers of the view are dated.
    pub fn last_block(&self) -> Option<Block> {
        self.last.map(|at| at.block)
    }

    /// A job.
    pub fn job(&self, id: JobId) -> Option<&JobView> {
        self.jobs.get(&id).map(Arc::as_ref)
    }

    /// All jobs, by id.
    pub fn jobs(&self) -> impl Iterator<Item = &JobView> {
        self.jobs.values().map(Arc::as_ref)
    }

    /// The jobs in a state, the earliest deadline first.
    pub fn jobs_in(&self, state: JobState) -> impl Iterator<Item = &JobView> {
        let first = (state, ChainTime::ZERO, JobId::new([0; 32]));
        let last = (state, ChainTime::MAX, JobId::new([0xff; 32]));
        self.by_state.range(first..=last).filter_map(|(_, _, id)| self.job(*id))
    }

    /// Whether a client made sure that its order never becomes this job.
    pub fn is_voided(&self, id: JobId) -> bool {
        self.voided.contains(&id)
    }

    /// A node.
    pub fn node(&self, id: NodeId) -> Option<&NodeView> {
        self.nodes.get(&id).map(Arc::as_ref)
    }

    /// All nodes, by id.
    pub fn nodes(&self) -> impl Iterator<Item = &NodeView> {
        self.nodes.values().map(Arc::as_ref)
    }

    /// The node that a signer belongs or belonged to.
    pub fn node_of_signer(&self, signer: Address) -> Option<NodeId> {
        self.signers.get(&signer).copied()
    }

    /// The rules of the network.
    pub const fn network(&self) -> &NetworkView {
        &self.network
    }

    fn check_order(&self, at: &EventContext) -> Result<(), FoldError> {
        let Some(last) = &self.last else { return Ok(()) };
        let (block, index) = (at.block.number, at.log_index);
        if (block, index) <= (last.block.number, last.log_index) {
            return Err(FoldError::OutOfOrder { block, index });
        }
        if block == last.block.number && at.block != last.block {
            return Err(FoldError::OtherBlock { number: block });
        }
        Ok(())
    }

    fn apply_job(
        &mut self,
        at: &EventContext,
        id: JobId,
        event: &JobEvent,
    ) -> Result<(), FoldError> {
        let before = self.jobs.get(&id);
        let (job, locks) = match (before, event) {
            (None, _) if self.voided.contains(&id) => {
                return Err(FoldError::KnownJob { job: id });
            }
            (None, JobEvent::Created { order, parameters }) => {
                (JobView::created(id, at, order, parameters)?, Locks::default())
            }
            // Only an order that its client voided is refunded without a job.
            (None, JobEvent::Refunded { .. }) => {
                self.voided.insert(id);
                return Ok(());
            }
            (None, _) => return Err(FoldError::UnknownJob { job: id }),
            (Some(before), event) => {
                let mut job = JobView::clone(before);
                let locks = job.fold(at, event)?;
                (job, locks)
            }
        };
        let nodes = self.relocked(&job, &locks)?;
        if let Some(before) = before {
            self.by_state.remove(&(before.state, before.deadline, id));
        }
        self.by_state.insert((job.state, job.deadline, id));
        self.jobs.insert(id, Arc::new(job));
        self.nodes.extend(nodes);
        Ok(())
    }

    /// The nodes whose locks an event changes, as they are afterwards.
    fn relocked(
        &self,
        job: &JobView,
        locks: &Locks,
    ) -> Result<BTreeMap<NodeId, Arc<NodeView>>, FoldError> {
        let amount = job.lock().ok_or(FoldError::Lock { job: job.id })?;
        let mut changed = BTreeMap::new();
        if amount == Amount::ZERO {
            return Ok(changed);
        }
        let taken = locks.taken.iter().map(|seat| (seat.node, true));
        for (node, takes) in taken.chain(locks.freed.iter().map(|seat| (seat.node, false))) {
            // A node may be coordinator and worker of one job.
            let known = changed.get(&node).or_else(|| self.nodes.get(&node));
            let mut view = NodeView::clone(known.ok_or(FoldError::UnknownNode { node })?);
            let stake = view.stake;
            view.stake =
                if takes { stake.locked(node, amount)? } else { stake.freed(node, amount)? };
            changed.insert(node, Arc::new(view));
        }
        Ok(changed)
    }

    fn apply_node(&mut self, id: NodeId, event: &NodeEvent) -> Result<(), FoldError> {
        let node = match (self.nodes.get(&id), event) {
            (None, NodeEvent::Registered { operator, signer, profile }) => {
                NodeView::registered(id, *operator, *signer, profile)
            }
            (None, _) => return Err(FoldError::UnknownNode { node: id }),
            (Some(before), event) => {
                let mut node = NodeView::clone(before);
                node.fold(event)?;
                node
            }
        };
        self.signers.insert(node.signer, id);
        self.nodes.insert(id, Arc::new(node));
        Ok(())
    }
}

impl NetworkView {
    /// Whether the network runs this program as this kind of job (keccak256 of the kind's name).
    pub fn permits(&self, program: ProgramDigest, kind: B256) -> bool {
        (self.programs.is_empty() || self.programs.contains(&program))
            && (self.kinds.is_empty() || self.kinds.contains(&kind))
    }

    /// The parameters of a new job in a token; nothing where new jobs are refused at present,
    /// because the token is not accepted or because of a pause.
    pub fn parameters_of(&self, token: Address) -> Option<&JobParameters> {
        let parameters = self.job_parameters.get(&token);
        parameters.filter(|_| !self.paused.contains(&Contract::JobManager))
    }

    fn fold(&mut self, event: &NetworkEvent) {
        match event {
            NetworkEvent::ParametersSet(parameters) => self.parameters = Some(*parameters),
            NetworkEvent::TokenAllowed { token, terms } => {
                self.tokens.insert(*token, *terms);
            }
            NetworkEvent::TokenDisallowed { token } => {
                self.tokens.remove(token);
            }
            NetworkEvent::JobParametersAdopted { token, parameters: Some(parameters) } => {
                self.job_parameters.insert(*token, *parameters);
            }
            NetworkEvent::JobParametersAdopted { token, parameters: None } => {
                self.job_parameters.remove(token);
            }
            NetworkEvent::ProgramAllowed { program, allowed } => {
                put(&mut self.programs, *program, *allowed);
            }
            NetworkEvent::KindAllowed { kind, allowed } => put(&mut self.kinds, *kind, *allowed),
            NetworkEvent::Paused { contract, paused } => {
                put(&mut self.paused, *contract, *paused);
            }
            NetworkEvent::Upgraded { contract, implementation } => {
                self.implementations.insert(*contract, *implementation);
            }
        }
    }
}

fn put<T: Ord>(set: &mut BTreeSet<T>, member: T, present: bool) {
    if present {
        set.insert(member);
    } else {
        set.remove(&member);
    }
}
