//! A worker with a real store of blobs, and a job for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use alloy_primitives::Address;
use tallystick_blobs::{BlobStore, StoreConfig};
use tallystick_ports::{
    Cancellation, ExecutionError, Executor, JobFact, ManualClock, MemoryFacts, MemoryKeys,
    MemoryStore, Ran, Run, RunUsage, WorkerKeys,
};
use tallystick_protocol::commitment::TaskAssignment;
use tallystick_protocol::ledger::{Limits, Queueing};
use tallystick_protocol::output::TaskOutput;
use tallystick_protocol::specification::{Input, Specification, Work, slice_seed};
use tallystick_protocol::split::Splitter;
use tallystick_tls::Dial;
use tallystick_types::{
    Amount, Attempt, BlobDigest, EngineProfile, InputDigest, JobId, JobState, Policy, Privacy,
    ProgramDigest, Seconds, SliceRange, TaskAttempt, TaskIndex, WallTime,
};
use tallystick_wire::worker::{
    Assignment, Capabilities, CoordinatorBody, KindOffer, Payload, Role, TaskAssign, WorkKind,
};
use tallystick_worker::agent::{AgentConfig, Maxima, NodeSecret};
use tallystick_worker::{Ports, Times, Worker, WorkerConfig};
use tempfile::TempDir;
use tonic::transport::Endpoint;

use crate::coordinator::{Coordinator, Session, domain, seat};

pub(crate) const JOB: JobId = JobId::new([1; 32]);

/// Writes the slice backwards, then a byte of its randomness. Stands still while it is told to.
#[derive(Debug, Default)]
pub(crate) struct Mirror {
    pub(crate) stands: AtomicBool,
    pub(crate) runs: AtomicUsize,
}

impl Executor for Mirror {
    fn run(&self, run: &Run<'_>, cancellation: &Cancellation) -> Result<Ran, ExecutionError> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        while self.stands.load(Ordering::SeqCst) {
            if cancellation.is_cancelled() {
                return Err(ExecutionError::Cancelled);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let usage = RunUsage { units: 5, memory_bytes: 1 << 16 };
        Ok(Ran { output: mirrored(run.input, run.seed), usage })
    }

    fn profile(&self) -> &str {
        "mirror-1"
    }
}

fn mirrored(input: &[u8], seed: [u8; 32]) -> Vec<u8> {
    input.iter().rev().copied().chain([seed[0]]).collect()
}

pub(crate) struct House {
    pub(crate) ports: Ports,
    pub(crate) mirror: Arc<Mirror>,
    pub(crate) keys: MemoryKeys,
    pub(crate) facts: MemoryFacts,
    pub(crate) specification: Specification,
    pub(crate) input: Vec<u8>,
    _folder: TempDir,
}

impl House {
    /// A worker's machine, and a coordinator that has the blobs of a job of two tasks.
    pub(crate) async fn with_coordinator() -> (Self, Coordinator) {
        let folder = tempfile::tempdir().unwrap();
        let store =
            |name| BlobStore::open(StoreConfig::new(folder.path().join(name), 1 << 28)).unwrap().0;
        let (blobs, theirs) = (store("worker"), store("coordinator"));
        let input: Vec<u8> = (0..200_000_u32).map(|place| (place % 251) as u8).collect();
        let program = theirs.put(b"a program").unwrap().digest;
        let digest = theirs.put(&input).unwrap().digest;
        let specification = specification(program, digest, input.len() as u64);
        let (keys, facts) = (MemoryKeys::new(1), MemoryFacts::default());
        let mirror = Arc::new(Mirror::default());
        facts.set_head(900);
        facts.set_identity(keys.seat(), keys.identity_key());
        facts.set_job(JOB, fact(&specification, &keys));
        let ports = Ports {
            clock: Arc::new(ManualClock::at(WallTime::new(1_000_000))),
            store: Arc::new(MemoryStore::default()),
            executor: Arc::clone(&mirror) as Arc<dyn Executor>,
            keys: Arc::new(keys.clone()),
            facts: Arc::new(facts.clone()),
            blobs,
        };
        let coordinator = Coordinator::start(theirs).await;
        let house = Self { ports, mirror, keys, facts, specification, input, _folder: folder };
        (house, coordinator)
    }

    pub(crate) fn worker(&self, coordinator: &Coordinator) -> Worker {
        Worker::new(config(&format!("http://{}", coordinator.address)), self.ports.clone()).unwrap()
    }

    pub(crate) fn assignment(&self, task: u32) -> TaskAssignment {
        TaskAssignment {
            job: JOB,
            attempt: Attempt::new(1),
            task: TaskIndex::new(task),
            task_attempt: TaskAttempt::new(1),
            seat: self.keys.seat(),
        }
    }

    /// What an honest node's output of a task is.
    pub(crate) fn output(&self, task: u32) -> TaskOutput {
        let slices = slices(task);
        let of = |number: u64| {
            let start = usize::try_from(number).unwrap() * 50_000;
            mirrored(&self.input[start..start + 50_000], slice_seed(JOB, number))
        };
        let outputs = (slices.first..slices.first + slices.count).map(of).collect();
        TaskOutput::new(slices, outputs).unwrap()
    }

    pub(crate) async fn assign(&self, session: &Session, task: u32) {
        let bytes = self.specification.to_bytes();
        let slices = slices(task);
        let assign = TaskAssign {
            assignment: named(self.assignment(task)),
            role: Role::Primary,
            first_slice: slices.first,
            slice_count: slices.count.try_into().unwrap(),
            acknowledge_by_ms: WallTime::new(1_005_000),
            execution_limit_seconds: Seconds::new(30),
            specification: self.specification.digest(),
            check: None,
            payload_bytes: bytes.len() as u64,
        };
        session.say(CoordinatorBody::TaskAssign(assign)).await;
        let payload = Payload { bytes: bytes.try_into().unwrap() };
        session.say(CoordinatorBody::Payload(payload)).await;
    }
}

pub(crate) fn named(assignment: TaskAssignment) -> Assignment {
    let TaskAssignment { job, attempt, task, task_attempt, seat } = assignment;
    Assignment { job, attempt, task, task_attempt, seat }
}

fn slices(task: u32) -> SliceRange {
    SliceRange { first: u64::from(task) * 2, count: 2 }
}

fn specification(program: BlobDigest, input: BlobDigest, size: u64) -> Specification {
    Specification {
        version: 1,
        work: Work::Wasm {
            program: ProgramDigest::new(*program.as_bytes()),
            arguments: Vec::new(),
            environment: Vec::new(),
            units: 1_000,
            memory_bytes: 1 << 20,
            output_bytes: 1 << 20,
        },
        engine: EngineProfile::new("mirror-1").unwrap(),
        input: Input::Blob {
            digest: InputDigest::new(*input.as_bytes()),
            size,
            splitter: Splitter::Bytes { per_slice: 50_000 },
        },
        slices_per_task: 2,
        work_units_per_slice: 10,
        policy: Policy::Cheap,
        privacy: Privacy::Public,
        queueing: Queueing::Queue,
        limits: Limits::for_tasks(),
    }
}

fn fact(specification: &Specification, keys: &MemoryKeys) -> JobFact {
    JobFact {
        client: Address::repeat_byte(4),
        specification: specification.digest(),
        price: Amount::new(1_000),
        replicas: 1,
        quorum: 1,
        state: JobState::Assigned,
        attempt: Attempt::new(1),
        coordinator: Some(seat()),
        seats: vec![keys.seat()],
        earlier_seats: Vec::new(),
        attempt_over: Attempt::new(0),
        ended: false,
    }
}

pub(crate) fn config(address: &str) -> WorkerConfig {
    let engine = EngineProfile::new("mirror-1").unwrap();
    let offer = KindOffer {
        kind: WorkKind::Wasm,
        engine_profiles: vec![engine.clone()].try_into().unwrap(),
    };
    let maxima = Maxima {
        units: 1_000,
        memory_bytes: 1 << 24,
        program_bytes: 1 << 20,
        input_bytes: 1 << 24,
        output_bytes: 1 << 24,
        execution: Seconds::new(60),
    };
    WorkerConfig {
        agent: AgentConfig {
            domain: domain(),
            engine,
            places: 2,
            maxima,
            price: Amount::new(1),
            fact_wait: Seconds::new(10),
            fetch_retry: Seconds::new(1),
            round_distance: 3,
            keep_ended: Seconds::new(3_600),
            most_held: 64,
        },
        secret: NodeSecret::new([5; 32]),
        dial: Dial::default(),
        coordinators: vec![Endpoint::from_shared(address.to_owned()).unwrap()],
        capabilities: Capabilities {
            kinds: vec![offer].try_into().unwrap(),
            cpu_millis: 2_000,
            memory_bytes: 1 << 30,
            disk_bytes: 1 << 30,
            architecture: "x86_64".to_owned().try_into().unwrap(),
            accelerators: Vec::new().try_into().unwrap(),
            places: 2.try_into().unwrap(),
            region: 1,
            price: Amount::new(1),
        },
        instance_epoch: 1,
        software: "test 1".to_owned().try_into().unwrap(),
        benchmark_bytes: 1 << 20,
        times: Times {
            shortest_pause: Duration::from_millis(5),
            longest_pause: Duration::from_millis(20),
            tick: Duration::from_millis(10),
            drain: Duration::from_secs(1),
            ..Times::default()
        },
    }
}
