//! A running coordinator between a chain and an outbox that a test plays.

use std::future::Future;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{Address, U256};
use ed25519_dalek::SigningKey;
use tallystick_blobs::{BlobStore, StoreConfig};
use tallystick_chain::follow::{House, ScriptedChain};
use tallystick_chain::keys::{EvmSigner, LocalKey};
use tallystick_chain::outbox::{Intent, OutboxHandle, ScriptedOutbox};
use tallystick_chain::view::{HouseEvent, JobEvent, NetworkEvent};
use tallystick_journal::{EventNumber, JobRecord, JobStatus, Journal, Network};
use tallystick_ports::ManualClock;
use tallystick_protocol::ledger::{Event, Limits, NodeProfile, Queueing};
use tallystick_protocol::specification::{Input as WorkInput, Specification, Work};
use tallystick_scheduler::Tier;
use tallystick_types::{
    Amount, Attempt, ChainTime, EngineProfile, Funding, JobId, JobOrder, JobParameters, JobPrice,
    JobRules, JobTerms, NodeId, Policy, Ppm, Privacy, ProgramDigest, Ratio, Seat, Seconds,
    ServiceLevel, Trust, Verification, WallTime,
};
use tallystick_wire::Label;
use tallystick_wire::worker::{Capabilities, CoordinatorBody, KindOffer, WorkKind};
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::coordinator::{Coordinator, CoordinatorParts, CoordinatorServices};
use crate::machine::{Input, MachineState};
use crate::sessions::{Facts, Session};
use crate::shared::{CoordinatorConfig, Shared};

/// When every scene begins, in Unix seconds.
const START: u64 = 1_750_000_000;
/// The token that is paid with.
pub(crate) const TOKEN: Address = Address::repeat_byte(0x70);
/// Longer than anything takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Scene {
    pub(crate) chain: ScriptedChain,
    pub(crate) outbox: ScriptedOutbox,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) client: LocalKey,
    pub(crate) blobs: BlobStore,
    house: House,
    handle: OutboxHandle,
    folder: TempDir,
}

/// A coordinator that runs.
pub(crate) struct Running {
    pub(crate) shared: Shared,
    pub(crate) services: CoordinatorServices,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// A node that is connected, as far as the coordinator knows.
pub(crate) struct Connected {
    pub(crate) seat: Seat,
    pub(crate) said: mpsc::Receiver<CoordinatorBody>,
    _present: watch::Receiver<()>,
}

pub(crate) fn time(seconds: u64) -> ChainTime {
    ChainTime::new(START + seconds).unwrap()
}

/// The coordinator.
pub(crate) fn me() -> Seat {
    Seat { node: NodeId::new(1), signer: Address::repeat_byte(0x01) }
}

pub(crate) fn engine() -> EngineProfile {
    EngineProfile::new("wasm-48/nan-canonical").unwrap()
}

pub(crate) fn parameters() -> JobParameters {
    JobParameters {
        version: 3.try_into().unwrap(),
        coordinator_share: Ppm::new(50_000).unwrap(),
        secondaries_share: Ppm::new(150_000).unwrap(),
        protocol_share: Ppm::new(20_000).unwrap(),
        challenge_bond_share: Ppm::new(100_000).unwrap(),
        lock_ratio: Ratio::new(1_500_000),
        lock_shift: 0,
        challenge_window: Seconds::new(60),
        verdict_window: Seconds::new(600),
        lease: Seconds::new(1_200),
        max_job: Seconds::new(86_400),
        max_attempts: 3,
        halted: false,
    }
}

/// The row of a public job that is pending.
pub(crate) fn pending_record() -> JobRecord {
    JobRecord {
        kind: "wasm".to_owned(),
        policy: Policy::Auto,
        privacy: Privacy::Public,
        user: Address::repeat_byte(0x11),
        status: JobStatus::Pending,
        payload: Vec::new(),
        result: None,
        worker: None,
        created_at: WallTime::new(1),
        completed_at: None,
    }
}

/// Waits until something holds.
pub(crate) async fn until<F: Future<Output = bool>>(mut what: impl FnMut() -> F) {
    let reached = async {
        while !what().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, reached).await.expect("it comes to that");
}

impl Scene {
    /// A chain on which jobs can be paid with [`TOKEN`].
    pub(crate) fn new() -> Self {
        let (mut chain, house) = ScriptedChain::new(time(0));
        let (token, parameters) = (TOKEN, Some(parameters()));
        let listed = NetworkEvent::JobParametersAdopted { token, parameters };
        chain.block([HouseEvent::Network(listed)]);
        let (outbox, handle) = ScriptedOutbox::new(ScriptedChain::deployment().chain_id);
        let clock = Arc::new(ManualClock::at(WallTime::new(START * 1_000)));
        let folder = tempfile::tempdir().unwrap();
        let settings = StoreConfig {
            largest_bytes: 1 << 20,
            ..StoreConfig::new(folder.path().join("blobs"), 1 << 28)
        };
        let (blobs, _) = BlobStore::open(settings).unwrap();
        Self { chain, outbox, clock, client: LocalKey::random(), blobs, house, handle, folder }
    }

    /// What the coordinator keeps, while it does not run.
    pub(crate) fn journal(&self) -> Journal {
        let domain = ScriptedChain::deployment().job_domain();
        let network = Network { chain: domain.chain, jobs: domain.job_manager };
        Journal::open(self.folder.path().join("journal"), network).unwrap()
    }

    fn open(&self) -> (Coordinator, CoordinatorServices) {
        let deployment = Arc::new(ScriptedChain::deployment());
        let parts = CoordinatorParts {
            journal: self.journal(),
            blobs: self.blobs.clone(),
            house: self.house.clone(),
            outbox: self.handle.clone(),
            clock: Arc::clone(&self.clock) as _,
            deployment,
            seat: me(),
            identity: SigningKey::from_bytes(&[7; 32]),
        };
        Coordinator::open(CoordinatorConfig::default(), parts).unwrap()
    }

    /// Starts the coordinator, or starts it again from its journal.
    #[expect(clippy::disallowed_methods, reason = "the test waits for what it starts")]
    pub(crate) fn start(&self) -> Running {
        let (coordinator, services) = self.open();
        let shared = coordinator.shared.clone();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let run = coordinator.run(async { drop(stopped.await) });
            Box::pin(run).await.unwrap();
        });
        Running { shared, services, stop, task }
    }

    /// A specification whose program is here: so many tiles, each a task.
    pub(crate) fn specification(&self, tasks: u32) -> Specification {
        let program = self.blobs.put(b"a program").unwrap().digest;
        Specification {
            version: 1,
            work: Work::Wasm {
                program: ProgramDigest::new(*program.as_bytes()),
                arguments: Vec::new(),
                environment: Vec::new(),
                units: 1_000,
                memory_bytes: 1_000,
                output_bytes: 1_000,
            },
            engine: engine(),
            input: WorkInput::Tiles { width: tasks, height: 1, across: 1, down: 1 },
            slices_per_task: 1,
            work_units_per_slice: 0,
            policy: Policy::Fast,
            privacy: Privacy::Public,
            queueing: Queueing::Queue,
            limits: Limits { job: Seconds::new(900), ..Limits::for_tasks() },
        }
    }

    pub(crate) fn order(&self, nonce: u64, specification: &Specification) -> JobOrder {
        let rules = JobRules {
            funding: Funding::Balance,
            verification: Verification::Deterministic,
            trust: Trust::Any,
            replicas: 1,
            quorum: 1,
            assign_by: time(20_000),
            complete_by: time(40_000),
            service_level: ServiceLevel::new(0),
            parameters_version: 3.try_into().unwrap(),
        };
        let price = Amount::new(1_000_000_000_000_000_000);
        let price = JobPrice::new(price, Amount::ZERO, Amount::ZERO).unwrap();
        let terms = JobTerms { specification: specification.digest(), token: TOKEN, price, rules };
        JobOrder { client: self.client.address(), nonce: U256::from(nonce), terms }
    }

    pub(crate) fn job_of(order: &JobOrder) -> JobId {
        ScriptedChain::deployment().job_domain().job_id(order)
    }

    /// The chain says something of a job, in a block of its own.
    pub(crate) fn says(&mut self, job: JobId, event: JobEvent) -> u64 {
        self.chain.block([HouseEvent::Job(job, event)])
    }

    /// An open job of one task, whose specification is here.
    pub(crate) fn open_job(&mut self, nonce: u64) -> JobId {
        let specification = self.specification(1);
        self.blobs.put(&specification.to_bytes()).unwrap();
        let order = self.order(nonce, &specification);
        let job = Self::job_of(&order);
        self.says(job, JobEvent::Created { order, parameters: parameters() });
        job
    }

    /// The lease that this coordinator has with these nodes.
    pub(crate) fn assigned(attempt: u8, nodes: &[Seat]) -> JobEvent {
        let (attempt, deadline) = (Attempt::new(attempt), time(10_000));
        JobEvent::Assigned { attempt, coordinator: me(), nodes: nodes.to_vec(), deadline }
    }

    /// The next wish of the coordinator.
    pub(crate) async fn wish(&mut self) -> Intent {
        let next = timeout(PATIENCE, self.outbox.next()).await;
        next.expect("a wish comes").expect("the coordinator runs")
    }
}

impl Running {
    /// A node connects, and speaks through the test.
    pub(crate) async fn connect(&self, signer: u8) -> Connected {
        let signer = Address::repeat_byte(signer);
        let seat = Seat { node: NodeId::UNREGISTERED, signer };
        let (sender, said) = mpsc::channel(64);
        let (presence, present) = watch::channel(());
        let kind =
            KindOffer { kind: WorkKind::Wasm, engine_profiles: vec![engine()].try_into().unwrap() };
        let facts = Facts {
            capabilities: Capabilities {
                kinds: vec![kind].try_into().unwrap(),
                cpu_millis: 8_000,
                memory_bytes: 1 << 30,
                disk_bytes: 1 << 30,
                architecture: Label::cut("x86_64"),
                accelerators: Vec::new().try_into().unwrap(),
                places: NonZeroU16::MIN,
                region: 1,
                price: Amount::new(1),
            },
            software: "agent/1".to_owned(),
            tier: Tier::One,
            load: Ppm::ZERO,
            inputs: Vec::new(),
        };
        let standing = self.shared.outlook().standing(seat).unwrap();
        let candidate = Input::Candidate(Box::new(facts.candidate(seat, standing)));
        let last_seen = self.shared.clock.now();
        let session = Session { number: 1, sender, presence, facts, last_seen };
        assert!(self.shared.sessions.enter(seat, session));
        self.shared.desk.tell(candidate).await.unwrap();
        let profile = NodeProfile { places: 1, speed: 1 };
        let joined = Input::Ledger(Event::NodeJoined { seat, profile });
        assert_eq!(self.shared.desk.apply(joined).await, Ok(None));
        Connected { seat, said, _present: present }
    }

    /// The inputs that are in the journal behind its snapshot, which is made at every end.
    pub(crate) async fn inputs(&self) -> Vec<Input> {
        let read = |_: &_, reader: &tallystick_journal::Reader| {
            let snapshot = reader.latest_snapshot::<MachineState>().unwrap();
            let first = snapshot.map_or(EventNumber::FIRST, |it| it.after.next());
            let events = reader.events::<Input>(first).unwrap();
            events.map(|event| event.unwrap().1).collect()
        };
        self.shared.desk.ask(read).await.unwrap()
    }

    /// Ends the coordinator; what it did not write down is lost. Its last wishes are taken.
    pub(crate) async fn end(self, scene: &mut Scene) {
        let Self { shared, services, stop, mut task } = self;
        drop((shared, services));
        stop.send(()).unwrap();
        loop {
            tokio::select! {
                ended = &mut task => return ended.unwrap(),
                Some(_taken) = scene.outbox.next() => {}
            }
        }
    }
}
