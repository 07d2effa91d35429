//! The roles of production, put together as a node does it, over a simulated machine.

use std::error::Error;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::keccak256;
use tallystick_abi::Deployment;
use tallystick_archive::{Archive, Collector, CollectorConfig};
use tallystick_chain::endpoint::Endpoint;
use tallystick_chain::follow::{Follower, House, reader};
use tallystick_chain::ingest::{Finality, Ingest, IngestConfig, Phase};
use tallystick_chain::keys::protection::{History, SigningProtection};
use tallystick_chain::keys::{EvmSigner, LocalKey};
use tallystick_chain::outbox::{Outbox, OutboxHandle, Parts as OutboxParts, Settings};
use tallystick_chain::view::HouseContracts;
use tallystick_coordinator::{Coordinator, CoordinatorConfig, CoordinatorParts};
use tallystick_journal::{Journal, Network};
use tallystick_node::{HouseFacts, NodeKeys, Stage, Tasks, serve};
use tallystick_ports::Clock;
use tallystick_sdk::specify::WASM_ENGINE;
use tallystick_settlement::{Parts as SettlerParts, SettlementConfig, Settler};
use tallystick_sim::executor::Computer;
use tallystick_sim::lies::Character;
use tallystick_tls::Authorities;
use tallystick_types::{Amount, EngineProfile, Seconds};
use tallystick_wire::worker::{Capabilities, KindOffer, WorkKind};
use tallystick_worker::agent::{AgentConfig, Maxima, NodeSecret};
use tallystick_worker::{Ports, Times, Worker, WorkerConfig};
use tonic::transport::Endpoint as CoordinatorLine;

use crate::carrier::Post;
use crate::cast::Node;
use crate::files::Files;
use crate::library::{self, Library};
use crate::machine::{blobs, shelf};
use crate::socket::{self, Place};

/// Most time for one answer of an endpoint.
const ANSWER: Duration = Duration::from_secs(5);
/// Between two looks at the head of the chain.
const POLL: Duration = Duration::from_millis(1_000);
/// Requests of one connection at a time.
const REQUESTS: usize = 256;
/// Tasks of a worker at a time.
const PLACES: NonZeroU16 = NonZeroU16::new(4).expect("four is not zero");
/// Between two rounds in which an archive asks for receipts.
const ROUND: Duration = Duration::from_secs(2);
/// Bytes that a benchmark fills: enough to be admitted.
const BENCHMARK_BYTES: u64 = 1 << 16;

/// Why a node ended.
pub(crate) type End = Box<dyn Error>;

/// Where a node runs, and what it is told.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) place: Place,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) deployment: Arc<Deployment>,
    /// The endpoints of the chain.
    pub(crate) endpoints: Vec<String>,
    /// How many of them must agree.
    pub(crate) agreement: usize,
    /// Coordinators of the network.
    pub(crate) coordinators: u16,
    /// Whether its disk says that it synced what it did not.
    pub(crate) lies: bool,
}

/// What every role begins with.
struct Doors {
    house: House,
    endpoints: Vec<Endpoint>,
    tasks: Tasks,
}

impl Site {
    /// Runs a coordinator until something in it ends.
    pub(crate) async fn coordinator(self, number: u16, node: Node) -> Result<(), End> {
        let mut doors = self.open().await?;
        let outbox = self.outbox(&mut doors, node.signer)?;
        let parts = CoordinatorParts {
            journal: Journal::in_store(shelf("journal", self.lies)?, self.network())?,
            blobs: blobs()?,
            house: doors.house.clone(),
            outbox,
            clock: Arc::clone(&self.clock),
            deployment: Arc::clone(&self.deployment),
            seat: node.seat,
            identity: node.identity,
        };
        let config =
            CoordinatorConfig { least_memory_bytes: BENCHMARK_BYTES, ..Default::default() };
        let (coordinator, services) = Coordinator::open(config, parts)?;
        let incoming = self.place.listen(number).await?;
        let mut tasks = doors.tasks;
        let serving = serve(services, REQUESTS, incoming, tasks.stop(Stage::Door))?;
        tasks.spawn("server", Stage::Door, serving);
        let stop = tasks.stop(Stage::Role);
        tasks.spawn("coordinator", Stage::Role, coordinator.run(stop));
        Ok(tasks.run(std::future::pending(), Duration::ZERO).await?)
    }

    /// Runs a worker until something in it ends.
    pub(crate) async fn worker(self, node: Node, character: Character) -> Result<(), End> {
        let doors = self.open().await?;
        let protection = shelf("protection", self.lies)?;
        let worked =
            doors.house.read().latest().jobs().any(|job| {
                job.index_of(node.seat).is_some() || job.earlier_nodes.contains(&node.seat)
            });
        let history = if worked { History::KnownKey } else { History::NewKey };
        let protection = SigningProtection::open(protection, history)?;
        let domain = self.deployment.job_domain();
        let signer: Arc<dyn EvmSigner> = Arc::new(node.signer.clone());
        let identity = node.identity.clone();
        let keys = NodeKeys::new(domain, node.seat.node, signer, identity, protection);
        let ports = Ports {
            clock: Arc::clone(&self.clock),
            store: shelf("worker", self.lies)?,
            executor: Arc::new(Computer::of(character, 0)),
            keys: Arc::new(keys),
            facts: Arc::new(HouseFacts::new(doors.house.clone())),
            blobs: blobs()?,
        };
        let worker = Worker::new(self.worker_config(&node)?, ports)?;
        let mut tasks = doors.tasks;
        let stop = tasks.stop(Stage::Work);
        tasks.spawn("worker", Stage::Work, worker.run(stop));
        Ok(tasks.run(std::future::pending(), Duration::ZERO).await?)
    }

    /// Runs a settler until something in it ends.
    pub(crate) async fn settler(self, signer: LocalKey) -> Result<(), End> {
        let mut doors = self.open().await?;
        let outbox = self.outbox(&mut doors, signer)?;
        let parts = SettlerParts {
            house: doors.house.clone(),
            outbox,
            store: shelf("settlement", self.lies)?,
            clock: Arc::clone(&self.clock),
        };
        let config = SettlementConfig::new(self.deployment.job_domain());
        let settler = Settler::open(config, parts)?;
        let mut tasks = doors.tasks;
        let stop = tasks.stop(Stage::Role);
        tasks.spawn("settler", Stage::Role, settler.run(stop));
        Ok(tasks.run(std::future::pending(), Duration::ZERO).await?)
    }

    /// Runs an archive until something in it ends. What it keeps is for all to see in the library.
    pub(crate) async fn archive(self, library: Library) -> Result<(), End> {
        let doors = self.open().await?;
        let (store, domain) = (shelf("archive", self.lies)?, self.deployment.job_domain());
        let archive = Archive::open_on(Arc::new(Files), store, library::FOLDER, domain)?;
        library.check(&archive)?;
        let coordinators = self.lines(0..self.coordinators)?;
        let config = CollectorConfig { coordinators, dial: self.place.dial(), every: ROUND };
        let collector = Collector::new(config, archive.clone(), doors.house.clone());
        let (status, mut tasks) = (collector.status(), doors.tasks);
        let stop = tasks.stop(Stage::Role);
        tasks.spawn("archive", Stage::Role, collector.run(stop));
        tokio::select! {
            ended = tasks.run(std::future::pending(), Duration::ZERO) => Ok(ended?),
            Err(failed) = library.follow(&archive, status) => Err(failed),
        }
    }

    /// Lines to coordinators.
    fn lines(&self, numbers: impl Iterator<Item = u16>) -> Result<Vec<CoordinatorLine>, End> {
        let line =
            |number| tallystick_tls::line(&socket::url(number), &Authorities::default(), None);
        Ok(numbers.map(line).collect::<Result<_, _>>()?)
    }

    fn network(&self) -> Network {
        let domain = self.deployment.job_domain();
        Network { chain: domain.chain, jobs: domain.job_manager }
    }

    /// Starts ingest and follower; ready when the view is at the head.
    async fn open(&self) -> Result<Doors, End> {
        let endpoint = |host: &String| {
            let post = Post { from: self.place.clone(), host: host.clone() };
            Endpoint::through(host.clone(), ANSWER, Arc::new(post))
        };
        let endpoints: Vec<Endpoint> = self.endpoints.iter().map(endpoint).collect();
        let contracts = HouseContracts::of(&self.deployment);
        let config = IngestConfig {
            agreement: self.agreement,
            finality: Finality::Tags,
            poll: POLL,
            ..IngestConfig::of_deployment(&self.deployment)
        };
        let store = shelf("chain", self.lies)?;
        let understands = Arc::new(reader(contracts.clone()));
        let clock = Arc::clone(&self.clock);
        let (ingest, handle) = Ingest::open(config, endpoints.clone(), store, clock, understands)?;
        let (follower, house) = Follower::open(handle, contracts)?;
        let mut tasks = Tasks::default();
        let stop = tasks.stop(Stage::Door);
        tasks.spawn("ingest", Stage::Door, ingest.run(stop));
        let stop = tasks.stop(Stage::Door);
        tasks.spawn("follower", Stage::Door, follower.run(stop));
        tasks.until(caught_up(&house)).await?;
        Ok(Doors { house, endpoints, tasks })
    }

    fn outbox(&self, doors: &mut Doors, signer: LocalKey) -> Result<OutboxHandle, End> {
        let settings = Settings {
            quorum: self.agreement,
            ..Settings::new(self.deployment.chain_id, signer.address())
        };
        let parts = OutboxParts {
            store: shelf("outbox", self.lies)?,
            clock: Arc::clone(&self.clock),
            signer: Arc::new(signer),
            endpoints: doors.endpoints.clone(),
            finality: Finality::Tags,
        };
        let (outbox, handle) = Outbox::open(settings, parts)?;
        let stop = doors.tasks.stop(Stage::Door);
        doors.tasks.spawn("outbox", Stage::Door, outbox.run(stop));
        Ok(handle)
    }

    fn worker_config(&self, node: &Node) -> Result<WorkerConfig, End> {
        let engine = EngineProfile::new(WASM_ENGINE)?;
        let offer =
            KindOffer { kind: WorkKind::Wasm, engine_profiles: vec![engine.clone()].try_into()? };
        let agent = AgentConfig {
            domain: self.deployment.job_domain(),
            engine,
            places: PLACES.get(),
            maxima: Maxima {
                units: u64::MAX,
                memory_bytes: 1 << 30,
                program_bytes: 1 << 20,
                input_bytes: 1 << 20,
                output_bytes: 1 << 30,
                execution: Seconds::new(3_600),
            },
            price: Amount::new(0),
            fact_wait: Seconds::new(60),
            fetch_retry: Seconds::new(1),
            round_distance: 3,
            keep_ended: Seconds::new(7 * 86_400),
            most_held: 1_024,
        };
        let capabilities = Capabilities {
            kinds: vec![offer].try_into()?,
            cpu_millis: 8_000,
            memory_bytes: 8 << 30,
            disk_bytes: 64 << 30,
            architecture: "simulated".to_owned().try_into()?,
            accelerators: Vec::new().try_into()?,
            places: PLACES,
            region: 1,
            price: Amount::new(0),
        };
        // Every second worker asks the last coordinator first.
        let mut order: Vec<u16> = (0..self.coordinators).collect();
        if node.seat.node.get().is_multiple_of(2) {
            order.reverse();
        }
        Ok(WorkerConfig {
            agent,
            secret: NodeSecret::new(keccak256(node.identity.to_bytes()).0),
            coordinators: self.lines(order.into_iter())?,
            dial: self.place.dial(),
            capabilities,
            instance_epoch: self.clock.now().get(),
            software: "simulated".to_owned().try_into()?,
            benchmark_bytes: BENCHMARK_BYTES,
            times: Times::default(),
        })
    }
}

/// Ready when the view is at the head of the chain, as a node of production waits for it.
async fn caught_up(house: &House) {
    let mut ticks = tokio::time::interval(Duration::from_millis(200));
    loop {
        ticks.tick().await;
        let (status, here) = (house.status(), house.heights().head);
        let near = status.head.is_some_and(|head| head.saturating_sub(here) <= 2);
        if status.phase == Phase::Follow && near {
            return;
        }
    }
}
