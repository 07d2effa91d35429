//! An agent with everything around it: stores, keys and facts answer at once, fetches and runs
//! when the test says so.

use std::collections::{BTreeMap, VecDeque};

use alloy_primitives::Address;
use tallystick_abi::JobDomain;
use tallystick_ports::{Change, JobFact, MemoryKeys, MemoryStore, Store, WorkerKeys};
use tallystick_protocol::commitment::{Opening, TaskAssignment};
use tallystick_protocol::ledger::{Limits, Queueing, Role};
use tallystick_protocol::specification::{Input as WorkInput, Specification, Work};
use tallystick_types::{
    Amount, Attempt, BlobDigest, Canonical, ChainId, EngineProfile, JobId, JobState, NodeId,
    OutputRoot, Policy, Privacy, ProgramDigest, Seat, Seconds, SliceRange, TaskAttempt, TaskIndex,
    Usage, WallTime,
};

use crate::agent::{
    Agent, AgentConfig, AgentSays, CoordinatorSays, Effect, FetchFailure, Input, KnownJob, Maxima,
    Moment, NodeSecret, Ran, RunFailure, RunOrder, TaskOrder, sha256,
};

pub(super) const JOB: JobId = JobId::new([1; 32]);
pub(super) const PROGRAM: BlobDigest = BlobDigest::new([3; 32]);
pub(super) const START: u64 = 1_000_000;
pub(super) const HEAD: u64 = 500;

pub(super) fn domain() -> JobDomain {
    JobDomain { chain: ChainId::new(31_337), job_manager: Address::repeat_byte(9) }
}

pub(super) fn coordinator() -> Seat {
    Seat { node: NodeId::new(77), signer: Address::repeat_byte(77) }
}

pub(super) fn other_coordinator() -> Seat {
    Seat { node: NodeId::new(78), signer: Address::repeat_byte(78) }
}

pub(super) fn config() -> AgentConfig {
    AgentConfig {
        domain: domain(),
        engine: EngineProfile::new("test-1").unwrap(),
        places: 2,
        maxima: Maxima {
            units: 1_000,
            memory_bytes: 1 << 20,
            program_bytes: 1 << 20,
            input_bytes: 1 << 20,
            output_bytes: 1 << 20,
            execution: Seconds::new(60),
        },
        price: Amount::new(2),
        fact_wait: Seconds::new(10),
        fetch_retry: Seconds::new(2),
        round_distance: 3,
        keep_ended: Seconds::new(3_600),
        most_held: 64,
    }
}

/// Four tiles, two in a task; 10 work units each.
pub(super) fn specification() -> Specification {
    Specification {
        version: 1,
        work: Work::Wasm {
            program: ProgramDigest::new([3; 32]),
            arguments: vec!["fast".to_owned()],
            environment: Vec::new(),
            units: 1_000,
            memory_bytes: 1 << 16,
            output_bytes: 1 << 10,
        },
        engine: EngineProfile::new("test-1").unwrap(),
        input: WorkInput::Tiles { width: 4, height: 1, across: 1, down: 1 },
        slices_per_task: 2,
        work_units_per_slice: 10,
        policy: Policy::Cheap,
        privacy: Privacy::Public,
        queueing: Queueing::Queue,
        limits: Limits::for_tasks(),
    }
}

pub(super) fn order_of(specification: &Specification, assignment: TaskAssignment) -> TaskOrder {
    let bytes = specification.to_bytes();
    let first = u64::from(assignment.task.get()) * specification.slices_per_task;
    TaskOrder {
        assignment,
        role: Role::Primary,
        slices: SliceRange { first, count: specification.slices_per_task },
        execution_limit: Seconds::new(30),
        digest: specification.digest(),
        specification: bytes,
        check: None,
    }
}

/// What a run of a task leads to.
pub(super) fn result_of(assignment: &TaskAssignment) -> Ran {
    let byte = u8::try_from(assignment.task.get() + 10).unwrap();
    Ran {
        output_root: OutputRoot::new([byte; 32]),
        output_blob: BlobDigest::new([byte; 32]),
        output_bytes: 40,
        usage: Usage::default(),
        job_slices: 4,
    }
}

#[derive(Debug)]
pub(super) struct Rig {
    pub(super) agent: Agent,
    pub(super) store: MemoryStore,
    pub(super) keys: MemoryKeys,
    pub(super) known: Option<KnownJob>,
    pub(super) now: u64,
    pub(super) head: Option<u64>,
    pub(super) said: Vec<AgentSays>,
    pub(super) fetches: VecDeque<(JobId, BlobDigest)>,
    pub(super) runs: Vec<RunOrder>,
    pub(super) uploads: Vec<TaskAssignment>,
    pub(super) left: bool,
    pub(super) forgotten: Vec<BlobDigest>,
    /// Every output record that was ever kept, by its key.
    pub(super) outputs: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(super) refused_by_keys: usize,
    pub(super) restarts: usize,
}

impl Rig {
    pub(super) fn new() -> Self {
        Self::with(config())
    }

    pub(super) fn with(config: AgentConfig) -> Self {
        let (store, keys) = (MemoryStore::default(), MemoryKeys::new(1));
        let agent = Agent::restore(config, keys.seat(), secret(), &store).unwrap();
        Self {
            agent,
            store,
            keys,
            known: None,
            now: START,
            head: Some(HEAD),
            said: Vec::new(),
            fetches: VecDeque::new(),
            runs: Vec::new(),
            uploads: Vec::new(),
            left: false,
            forgotten: Vec::new(),
            outputs: BTreeMap::new(),
            refused_by_keys: 0,
            restarts: 0,
        }
    }

    /// Connected, with the chain showing the job.
    pub(super) fn ready() -> Self {
        let mut rig = Self::new();
        rig.known = Some(rig.shown());
        rig.feed(Input::Connected { coordinator: coordinator() });
        rig
    }

    pub(super) fn seat(&self) -> Seat {
        self.keys.seat()
    }

    pub(super) fn assignment(&self, task: u32, task_attempt: u16) -> TaskAssignment {
        TaskAssignment {
            job: JOB,
            attempt: Attempt::new(1),
            task: TaskIndex::new(task),
            task_attempt: TaskAttempt::new(task_attempt),
            seat: self.seat(),
        }
    }

    pub(super) fn order(&self, task: u32, task_attempt: u16) -> TaskOrder {
        order_of(&specification(), self.assignment(task, task_attempt))
    }

    pub(super) fn shown(&self) -> KnownJob {
        let other = MemoryKeys::new(2);
        let seats = vec![self.seat(), other.seat()];
        let identities = [&self.keys, &other].map(|keys| (keys.seat(), keys.identity_key()));
        let fact = JobFact {
            client: Address::repeat_byte(4),
            specification: specification().digest(),
            price: Amount::new(1_000),
            replicas: 3,
            quorum: 2,
            state: JobState::Assigned,
            attempt: Attempt::new(1),
            coordinator: Some(coordinator()),
            seats,
            earlier_seats: Vec::new(),
            attempt_over: Attempt::new(0),
            ended: false,
        };
        KnownJob { fact, identities: identities.into() }
    }

    fn moment(&self) -> Moment {
        Moment { now: WallTime::new(self.now), head: self.head }
    }

    /// What happened, and all that follows from it. A store that fails restarts the agent.
    pub(super) fn feed(&mut self, input: Input) {
        let mut effects = VecDeque::from(self.agent.step(self.moment(), input));
        while let Some(effect) = effects.pop_front() {
            let input = match self.perform(effect) {
                Ok(input) => input,
                Err(()) => {
                    self.store.mend();
                    self.restart();
                    return;
                }
            };
            if let Some(input) = input {
                effects.extend(self.agent.step(self.moment(), input));
            }
        }
    }

    fn perform(&mut self, effect: Effect) -> Result<Option<Input>, ()> {
        match effect {
            Effect::Send(says) => self.said.push(*says),
            Effect::Store(batch) => {
                self.store.commit(batch.clone()).map_err(|_| ())?;
                self.note(batch.into_changes());
            }
            Effect::LookUp { job } => {
                let known = self.known.clone().filter(|_| job == JOB).map(Box::new);
                return Ok(Some(Input::Fact { job, known }));
            }
            Effect::Fetch { job, blob, .. } => self.fetches.push_back((job, blob)),
            Effect::Run(order) => {
                let key = [b"o".as_slice(), &order.assignment.to_bytes()].concat();
                assert!(!self.outputs.keys().any(|kept| kept.ends_with(&key)), "ran after J2");
                self.runs.push(*order);
            }
            Effect::CancelRun { assignment } => {
                self.runs.retain(|order| order.assignment != assignment);
            }
            Effect::SignPledge { slot, pledge } => {
                let assignment = pledge.assignment;
                let outcome = self.keys.sign_pledge(slot, &pledge.to_bytes());
                self.refused_by_keys += usize::from(outcome.is_err());
                return Ok(Some(Input::PledgeSigned { assignment, outcome }));
            }
            Effect::SignClaim { slot, claim } => {
                let outcome = self.keys.sign_claim(slot, domain().claim_digest(&claim));
                self.refused_by_keys += usize::from(outcome.is_err());
                let (job, attempt) = (claim.job, claim.attempt);
                return Ok(Some(Input::ClaimSigned { job, attempt, outcome }));
            }
            Effect::SignReceipt { slot, receipt } => {
                let (job, bytes) = (receipt.job, receipt.to_bytes());
                let outcome = self.keys.sign_receipt(slot, &bytes);
                let receipt = sha256(&bytes).into();
                return Ok(Some(Input::ReceiptSigned { job, receipt, outcome }));
            }
            Effect::Upload { assignment, .. } => self.uploads.push(assignment),
            Effect::Forget { blobs, .. } => self.forgotten = blobs,
            Effect::Leave => self.left = true,
        }
        Ok(None)
    }

    /// One assignment has one output, whatever happens.
    fn note(&mut self, changes: Vec<Change>) {
        for change in changes {
            if let Change::Put { key, value } = change
                && key.get(b"worker/".len() + 32) == Some(&b'o')
            {
                let before = self.outputs.insert(key, value.clone());
                assert!(before.is_none_or(|before| before == value), "a second output");
            }
        }
    }

    /// The process dies and another one begins.
    pub(super) fn restart(&mut self) {
        self.agent = Agent::restore(config(), self.seat(), secret(), &self.store).unwrap();
        self.restarts += 1;
        self.fetches.clear();
        self.runs.clear();
        self.uploads.clear();
        self.left = false;
    }

    pub(super) fn hear(&mut self, says: CoordinatorSays) {
        self.feed(Input::Heard(says));
    }

    pub(super) fn assign(&mut self, task: u32, task_attempt: u16) -> TaskAssignment {
        let order = self.order(task, task_attempt);
        let assignment = order.assignment;
        self.hear(CoordinatorSays::Assign(Box::new(order)));
        assignment
    }

    pub(super) fn fetched(&mut self, outcome: Result<(), FetchFailure>) {
        if let Some((job, blob)) = self.fetches.pop_front() {
            self.feed(Input::Fetched { job, blob, outcome });
        }
    }

    pub(super) fn ran(&mut self, outcome: Result<(), RunFailure>) {
        if self.runs.is_empty() {
            return;
        }
        let assignment = self.runs.remove(0).assignment;
        let outcome = outcome.map(|()| result_of(&assignment));
        self.feed(Input::Ran { assignment, outcome });
    }

    /// A task up to its commitment.
    pub(super) fn committed(&mut self, task: u32, task_attempt: u16) -> TaskAssignment {
        let assignment = self.assign(task, task_attempt);
        self.fetched(Ok(()));
        self.ran(Ok(()));
        assert!(matches!(self.said.last(), Some(AgentSays::Commit { .. })), "{:?}", self.said);
        assignment
    }

    pub(super) fn pass_ms(&mut self, milliseconds: u64) {
        self.now += milliseconds;
        self.feed(Input::Tick);
    }

    pub(super) fn last(&self) -> &AgentSays {
        self.said.last().unwrap()
    }

    pub(super) fn take_said(&mut self) -> Vec<AgentSays> {
        std::mem::take(&mut self.said)
    }
}

pub(super) fn secret() -> NodeSecret {
    NodeSecret::new([5; 32])
}

/// The opening of an assignment by a node with this root.
pub(super) fn opening(assignment: &TaskAssignment) -> Opening {
    let output_root = result_of(assignment).output_root;
    Opening { output_root, salt: secret().salt(assignment) }
}
