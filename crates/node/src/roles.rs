//! Puts the roles together from the doors and starts them.

use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{Address, keccak256};
use ed25519_dalek::SigningKey;
use tallystick_archive::{Archive, Collector, CollectorConfig};
use tallystick_blobs::BlobStore;
use tallystick_chain::keys::IdentityFile;
use tallystick_chain::keys::protection::{History, SigningProtection};
use tallystick_chain::view::HouseView;
use tallystick_coordinator::{Coordinator, CoordinatorParts, Needs};
use tallystick_journal::Journal;
use tallystick_ports::{Executor, WorkerKeys};
use tallystick_sandbox::wasm::Profile;
use tallystick_settlement::{Parts as SettlerParts, SettlementConfig, Settler};
use tallystick_tls::Dial;
use tallystick_types::{Amount, EngineProfile, NodeId, Seat, Seconds};
use tallystick_wire::worker::{Capabilities, KindOffer, WorkKind};
use tallystick_worker::agent::{AgentConfig, Maxima, NodeSecret};
use tallystick_worker::{Ports, Times, Worker, WorkerConfig};
use tokio::sync::watch;
use tonic::transport::Endpoint;

use crate::config::{ConfigError, Role};
use crate::doors::{Doors, Keys};
use crate::error::NodeError;
use crate::executor::WasmExecutor;
use crate::facts::HouseFacts;
use crate::keys::NodeKeys;
use crate::observe::Observed;
use crate::room::make_room;
use crate::server;
use crate::tasks::{Stage, Tasks};
use crate::tls::Certificate;

/// Name and version of this program, as others are told.
pub(crate) const SOFTWARE: &str = concat!("tallystick ", env!("CARGO_PKG_VERSION"));

/// Starts every role of the configuration; the coordinator first, since others may connect to it.
pub(crate) async fn start(
    doors: &Doors,
    tasks: &mut Tasks,
    observed: &watch::Sender<Observed>,
) -> Result<(), NodeError> {
    let has = |role| doors.config.roles.contains(&role);
    let mut needs = None;
    if has(Role::Coordinator) {
        needs = Some(coordinator(doors, tasks, observed).await?);
    }
    if has(Role::Settler) {
        settler(doors, tasks, observed)?;
    }
    if has(Role::Archive) {
        archive(doors, tasks, observed)?;
    }
    if has(Role::Worker) {
        worker(doors, tasks, observed)?;
    }
    if let Some(blobs) = doors.blobs.clone() {
        let stop = tasks.stop(Stage::Door);
        let clock = Arc::clone(&doors.clock);
        tasks.spawn("room", Stage::Door, make_room(blobs, clock, needs, stop));
    }
    observed.send_modify(|it| it.started = it.running.borrow().clone());
    Ok(())
}

/// Starts a coordinator, and says what blobs it needs.
async fn coordinator(
    doors: &Doors,
    tasks: &mut Tasks,
    observed: &watch::Sender<Observed>,
) -> Result<Needs, NodeError> {
    let (keys, identity) = identified(doors)?;
    let signer = keys.signer.address();
    let node = node_of(doors, signer, &identity)?.ok_or(NodeError::NotRegistered { signer })?;
    let parts = CoordinatorParts {
        journal: Journal::open(doors.config.folder("journal"), doors.network())?,
        blobs: blobs(doors)?,
        house: doors.house.clone(),
        outbox: keys.outbox.clone(),
        clock: Arc::clone(&doors.clock),
        deployment: Arc::clone(&doors.deployment),
        seat: Seat { node, signer },
        identity,
    };
    observed.send_modify(|it| it.me = Some(parts.seat));
    let settings = &doors.config.coordinator;
    let files = doors.config.tls.files();
    let certificate = files.map(|(chain, key)| Certificate::read(chain, key)).transpose()?;
    let (coordinator, services) = Coordinator::open(settings.rules.clone(), parts)?;
    let stop = tasks.stop(Stage::Door);
    let server = server::bind(settings, certificate, services, stop).await?;
    tasks.spawn("server", Stage::Door, server);
    let needs = coordinator.needs();
    let stop = tasks.stop(Stage::Role);
    tasks.spawn("coordinator", Stage::Role, coordinator.run(stop));
    Ok(needs)
}

fn settler(
    doors: &Doors,
    tasks: &mut Tasks,
    observed: &watch::Sender<Observed>,
) -> Result<(), NodeError> {
    let keys = keys(doors)?;
    let settings = &doors.config.settler;
    let tips = settings.least_tip.iter();
    let config = SettlementConfig {
        advance_lapsed: settings.advance_lapsed,
        // The configuration was checked.
        least_tip: tips
            .map(|(token, tip)| (*token, Amount::new(tip.parse().unwrap_or(u128::MAX))))
            .collect(),
        max_fee_per_gas: settings.max_fee_per_gas.into(),
        retry_after: Seconds::new(settings.retry_seconds),
        ..SettlementConfig::new(doors.domain())
    };
    let parts = SettlerParts {
        house: doors.house.clone(),
        outbox: keys.outbox.clone(),
        store: doors.shelf("settlement")?,
        clock: Arc::clone(&doors.clock),
    };
    let settler = Settler::open(config, parts)?;
    observed.send_modify(|it| it.settler = Some(settler.status()));
    let stop = tasks.stop(Stage::Role);
    tasks.spawn("settler", Stage::Role, settler.run(stop));
    Ok(())
}

fn archive(
    doors: &Doors,
    tasks: &mut Tasks,
    observed: &watch::Sender<Observed>,
) -> Result<(), NodeError> {
    let config = &doors.config;
    let store = doors.shelf("archive")?;
    let archive = Archive::open(store, config.folder("receipts"), doors.domain())?;
    observed.send_modify(|it| it.archive = Some(archive.clone()));
    let coordinators = coordinators(doors, true, &config.archive.coordinators)?;
    let every = Duration::from_secs(config.archive.every_seconds.max(1));
    let config = CollectorConfig { coordinators, dial: Dial::default(), every };
    let collector = Collector::new(config, archive, doors.house.clone());
    observed.send_modify(|it| it.collector = Some(collector.status()));
    let stop = tasks.stop(Stage::Role);
    tasks.spawn("archive", Stage::Role, collector.run(stop));
    Ok(())
}

fn worker(
    doors: &Doors,
    tasks: &mut Tasks,
    observed: &watch::Sender<Observed>,
) -> Result<(), NodeError> {
    let (keys, identity) = identified(doors)?;
    let signer = keys.signer.address();
    let node = node_of(doors, signer, &identity)?.unwrap_or(NodeId::UNREGISTERED);
    let seat = Seat { node, signer };
    let history = if has_worked(doors.house.read().latest(), seat) {
        History::KnownKey
    } else {
        History::NewKey
    };
    let protection = SigningProtection::open(doors.shelf("protection")?, history)?;
    let domain = doors.domain();
    let signs = NodeKeys::new(domain, node, Arc::clone(&keys.signer), identity.clone(), protection);
    let ports = Ports {
        clock: Arc::clone(&doors.clock),
        store: doors.shelf("worker")?,
        executor: executor(doors, &identity)?,
        keys: Arc::new(signs) as Arc<dyn WorkerKeys>,
        facts: Arc::new(HouseFacts::new(doors.house.clone())),
        blobs: blobs(doors)?,
    };
    let worker = Worker::new(worker_config(doors, &identity)?, ports)?;
    observed.send_modify(|it| {
        it.worker = Some(worker.status());
        it.me = (node != NodeId::UNREGISTERED).then_some(seat).or(it.me);
    });
    let stop = tasks.stop(Stage::Work);
    tasks.spawn("worker", Stage::Work, worker.run(stop));
    Ok(())
}

fn executor(doors: &Doors, identity: &SigningKey) -> Result<Arc<dyn Executor>, NodeError> {
    let settings = &doors.config.worker;
    let program = std::env::current_exe();
    let path = "the program's own file".into();
    let program = program.map_err(|source| NodeError::File { path, source })?;
    let program = (!settings.compile_in_process).then_some(program.as_path());
    let folder = doors.config.folder("wasm");
    let key = secret(b"cache of compiled programs", identity);
    Ok(Arc::new(WasmExecutor::new(settings.places.into(), &folder, key, program)?))
}

fn worker_config(doors: &Doors, identity: &SigningKey) -> Result<WorkerConfig, NodeError> {
    let settings = &doors.config.worker;
    let engine = EngineProfile::new(Profile::NAME).expect("the name of the profile is one");
    let offer = KindOffer {
        kind: WorkKind::Wasm,
        engine_profiles: vec![engine.clone()].try_into().unwrap_or_default(),
    };
    let maxima = Maxima {
        units: settings.units,
        memory_bytes: settings.memory_bytes,
        program_bytes: Profile::MAXIMUM_MODULE_BYTES as u64,
        input_bytes: 1 << 30,
        output_bytes: 1 << 30,
        execution: Seconds::new(settings.execution_seconds),
    };
    let price = Amount::new(settings.price.into());
    let no_places = || ConfigError::Missing { name: "worker.places", remedy: "set at least 1" };
    let agent = AgentConfig {
        domain: doors.domain(),
        engine,
        places: settings.places,
        maxima,
        price,
        fact_wait: Seconds::new(60),
        fetch_retry: Seconds::new(1),
        round_distance: 3,
        keep_ended: Seconds::new(7 * 86_400),
        most_held: 1_024,
    };
    let capabilities = Capabilities {
        kinds: vec![offer].try_into().unwrap_or_default(),
        cpu_millis: settings.cpu_millis,
        memory_bytes: settings.memory_bytes,
        disk_bytes: settings.disk_bytes,
        architecture: std::env::consts::ARCH.to_owned().try_into().unwrap_or_default(),
        accelerators: Vec::new().try_into().unwrap_or_default(),
        places: settings.places.try_into().map_err(|_| no_places())?,
        region: settings.region,
        price,
    };
    let named = &settings.coordinators;
    let times = Times {
        drain: Duration::from_secs(doors.config.drain_seconds),
        longest_pause: Duration::from_millis(settings.longest_pause_ms),
        ..Times::default()
    };
    Ok(WorkerConfig {
        agent,
        secret: NodeSecret::new(secret(b"salts of commitments", identity)),
        coordinators: coordinators(doors, named.is_empty(), named)?,
        dial: Dial::default(),
        capabilities,
        instance_epoch: doors.clock.now().get(),
        software: SOFTWARE.to_owned().try_into().unwrap_or_default(),
        benchmark_bytes: 64 << 20,
        times,
    })
}

/// A secret of the node's own for one purpose.
fn secret(purpose: &[u8], identity: &SigningKey) -> [u8; 32] {
    let seed = identity.to_bytes();
    keccak256([b"tallystick node: ".as_slice(), purpose, &seed].concat()).0
}

/// Whether the chain ever gave a node work: then it may have signed, and the record of that must
/// be there.
fn has_worked(view: &HouseView, seat: Seat) -> bool {
    view.jobs().any(|job| job.index_of(seat).is_some() || job.earlier_nodes.contains(&seat))
}

/// The node of a signer, whose identity key must be that of the registry.
fn node_of(
    doors: &Doors,
    signer: Address,
    identity: &SigningKey,
) -> Result<Option<NodeId>, NodeError> {
    let views = doors.house.read();
    let view = views.latest();
    let node = view.node_of_signer(signer).and_then(|id| view.node(id));
    // A signer that was replaced belongs to no node any more.
    let Some(node) = node.filter(|node| node.signer == signer) else { return Ok(None) };
    if node.profile.identity_key == IdentityFile::public(identity) {
        Ok(Some(node.id))
    } else {
        Err(NodeError::OtherIdentity { signer })
    }
}

fn keys(doors: &Doors) -> Result<&Keys, NodeError> {
    let (name, remedy) = ("keys.account", "make a key with `tally key new` and name it");
    doors.keys.as_ref().ok_or_else(|| ConfigError::Missing { name, remedy }.into())
}

fn identified(doors: &Doors) -> Result<(&Keys, SigningKey), NodeError> {
    let keys = keys(doors)?;
    let (name, remedy) = ("keys.identity_file", "name the file of the node's identity key");
    let identity = keys.identity.clone();
    Ok((keys, identity.ok_or(ConfigError::Missing { name, remedy })?))
}

fn blobs(doors: &Doors) -> Result<BlobStore, NodeError> {
    let (name, remedy) = ("coordinator.blob_bytes", "coordinators and workers keep blobs");
    doors.blobs.clone().ok_or_else(|| ConfigError::Missing { name, remedy }.into())
}

/// The lines to the coordinator of this process, if it is wanted and there, and to those named.
fn coordinators(doors: &Doors, own: bool, named: &[String]) -> Result<Vec<Endpoint>, NodeError> {
    let own = doors.config.own_coordinator().filter(|_| own);
    let own = own.iter().map(|it| (&it.url, it.name.as_deref()));
    let all = own.chain(named.iter().map(|url| (url, None)));
    all.map(|(url, name)| Ok(tallystick_tls::line(url, &doors.authorities, name)?)).collect()
}
