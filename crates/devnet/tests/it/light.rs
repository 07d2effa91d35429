//! A job from order to settled payment through real coordinator, workers, sandbox and chain, all in
//! this process.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use alloy::providers::ProviderBuilder;
use alloy::providers::ext::AnvilApi;
use alloy_primitives::{Address, B256, Bytes, hex};
use tallystick_abi::Contract;
use tallystick_abi::contracts::INodeRegistry;
use tallystick_blobs::{BlobStore, StoreConfig};
use tallystick_chain::endpoint::Endpoint;
use tallystick_chain::follow::{Follower, House as ChainHouse, reader};
use tallystick_chain::ingest::{Finality, Ingest, IngestConfig};
use tallystick_chain::keys::{EvmSigner, Keystores, Password};
use tallystick_chain::outbox::{Outbox, Parts, Settings};
use tallystick_chain::view::HouseContracts;
use tallystick_coordinator::{Coordinator, CoordinatorConfig, CoordinatorParts};
use tallystick_journal::{Journal, Network};
use tallystick_ports::{
    Cancellation, Clock, ExecutionError, Executor, JobFact, JobFacts, MemoryKeys, MemoryStore, Ran,
    Run, RunUsage, WorkerKeys,
};
use tallystick_sandbox::wasm::{FailureKind, Job, Limits, Sandbox, SandboxConfig};
use tallystick_sdk::blob::silent;
use tallystick_sdk::order::Demand;
use tallystick_sdk::output::TaskRoots;
use tallystick_sdk::specify::{Draft, InputSource, Source};
use tallystick_sdk::{Client, ClientConfig, verify};
use tallystick_types::{
    Amount, EngineProfile, IdentityKey, JobId, JobState, NodeId, Seat, Seconds, Trust,
    Verification, WallTime,
};
use tallystick_wire::client::Phase;
use tallystick_wire::worker::{Capabilities, KindOffer, WorkKind};
use tallystick_worker::agent::{AgentConfig, Maxima, NodeSecret};
use tallystick_worker::{Times, Worker, WorkerConfig};
use tokio::task::JoinSet;

use crate::house::{COORDINATOR, House, TLY, WORKER, profile, signature};

const ENGINE: &str = "tallystick.wasm.1";

#[derive(Debug)]
struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one clock of this test")]
    fn now(&self) -> WallTime {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        WallTime::new(u64::try_from(since.as_millis()).unwrap())
    }
}

struct Wasm(Sandbox);

impl fmt::Debug for Wasm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wasm")
    }
}

impl Executor for Wasm {
    fn run(&self, run: &Run<'_>, _: &Cancellation) -> Result<Ran, ExecutionError> {
        let mut args = vec!["program".to_owned()];
        args.extend(run.arguments.iter().cloned());
        let job = Job {
            stdin: run.input.to_vec(),
            args,
            environment: run.environment.to_vec(),
            seed: run.seed,
            clock_start_ns: 0,
            limits: Limits {
                units: run.limits.units,
                pages: u32::try_from(run.limits.memory_bytes / 65_536).unwrap(),
                output_bytes: u32::try_from(run.limits.output_bytes).unwrap(),
                wall_ms: run.limits.wall_ms,
                ..Limits::default()
            },
        };
        match self.0.run(run.program, &job, &tallystick_sandbox::wasm::Cancellation::default()) {
            Ok(success) => Ok(Ran {
                output: success.stdout,
                usage: RunUsage {
                    units: success.usage.units,
                    memory_bytes: u64::from(success.usage.peak_pages) * 65_536,
                },
            }),
            Err(failure) => Err(match failure.kind {
                FailureKind::InvalidModule(reason) => {
                    ExecutionError::ProgramRefused { reason: reason.to_string() }
                }
                FailureKind::OutOfUnits => ExecutionError::OutOfUnits,
                kind => ExecutionError::Failed { reason: kind.to_string() },
            }),
        }
    }

    fn profile(&self) -> &str {
        ENGINE
    }
}

#[derive(Debug)]
struct Facts(ChainHouse);

impl JobFacts for Facts {
    fn job(&self, job: JobId) -> Option<JobFact> {
        let house = self.0.read();
        let view = house.latest().job(job)?;
        let ended = house
            .final_()
            .job(job)
            .is_some_and(|it| matches!(it.state, JobState::Settled | JobState::Refunded));
        let assignment = view.assignment.as_ref();
        Some(JobFact {
            client: view.order.client,
            specification: view.order.terms.specification,
            price: view.order.terms.price.max_price(),
            replicas: view.order.terms.rules.replicas,
            quorum: view.order.terms.rules.quorum,
            state: view.state,
            attempt: view.attempt,
            coordinator: assignment.map(|it| it.coordinator),
            seats: assignment.map(|it| it.nodes.clone()).unwrap_or_default(),
            earlier_seats: Vec::new(),
            ended,
        })
    }

    fn identity_of(&self, seat: Seat) -> Option<IdentityKey> {
        let house = self.0.read();
        house.latest().node(seat.node).map(|node| node.profile.identity_key)
    }

    fn head(&self) -> Option<u64> {
        Some(self.0.heights().head).filter(|head| *head > 0)
    }
}

/// A chain that a process follows.
async fn follow(house: &House, tasks: &mut JoinSet<()>) -> ChainHouse {
    let config = IngestConfig {
        agreement: 1,
        finality: Finality::Depth { safe: 0, last: 1 },
        poll: Duration::from_millis(100),
        ..IngestConfig::of_deployment(&house.deployment)
    };
    let contracts = HouseContracts::of(&house.deployment);
    let endpoint = Endpoint::new(&house.url(), Duration::from_secs(5)).unwrap();
    let (ingest, handle) = Ingest::open(
        config,
        vec![endpoint],
        Arc::new(MemoryStore::default()),
        Arc::new(SystemClock),
        Arc::new(reader(contracts.clone())),
    )
    .unwrap();
    let (follower, view) = Follower::open(handle, contracts).unwrap();
    tasks.spawn(async move { ingest.run(std::future::pending()).await.unwrap() });
    tasks.spawn(async move { follower.run(std::future::pending()).await.unwrap() });
    view
}

/// Registers a machine with keys made from its number, and puts stake behind it.
async fn register(house: &mut House, number: u8, roles: u8) -> MemoryKeys {
    let keys = MemoryKeys::new(number);
    let signer =
        alloy::signers::local::PrivateKeySigner::from_bytes(&B256::repeat_byte(number)).unwrap();
    assert_eq!(keys.seat().signer, signer.address());
    let operator = house.chain.actor(&format!("operator {number}")).await.unwrap().address();
    house.chain.add(signer.clone()).unwrap();
    let digest = house.deployment.registry_domain().consent_digest(operator);
    let call = INodeRegistry::registerCall {
        signer: signer.address(),
        consent: signature(&signer, digest),
        profile: INodeRegistry::NodeProfile {
            identityKey: B256::from(*keys.identity_key().as_bytes()),
            peerId: Bytes::from(vec![0, 0x24, 8, number]),
            ..profile(roles)
        },
    };
    house.chain.send(operator, house.at(Contract::NodeRegistry), call).await.unwrap();
    let call = INodeRegistry::nodeOfSignerCall { signer: signer.address() };
    let node = house.chain.call(house.at(Contract::NodeRegistry), call).await.unwrap();
    assert_eq!(node, u64::from(number));
    let node = crate::house::Node {
        seat: Seat { node: NodeId::new(node), signer: signer.address() },
        operator,
        signer,
    };
    house.bond(&node, 50_000 * TLY).await;
    keys
}

fn worker_config(house: &House, address: SocketAddr, number: u8) -> WorkerConfig {
    let engine = EngineProfile::new(ENGINE).unwrap();
    let offer = KindOffer {
        kind: WorkKind::Wasm,
        engine_profiles: vec![engine.clone()].try_into().unwrap(),
    };
    WorkerConfig {
        agent: AgentConfig {
            domain: house.deployment.job_domain(),
            engine,
            places: 2,
            maxima: Maxima {
                units: 1 << 40,
                memory_bytes: 1 << 30,
                program_bytes: 1 << 24,
                input_bytes: 1 << 28,
                output_bytes: 1 << 28,
                execution: Seconds::new(600),
            },
            price: Amount::ZERO,
            fact_wait: Seconds::new(10),
            fetch_retry: Seconds::new(1),
            round_distance: 2,
            keep_ended: Seconds::new(3_600),
            most_held: 64,
        },
        secret: NodeSecret::new([number; 32]),
        coordinators: vec![
            tonic::transport::Endpoint::from_shared(format!("http://{address}")).unwrap(),
        ],
        capabilities: Capabilities {
            kinds: vec![offer].try_into().unwrap(),
            cpu_millis: 2_000,
            memory_bytes: 4 << 30,
            disk_bytes: 1 << 30,
            architecture: "x86_64".to_owned().try_into().unwrap(),
            accelerators: Vec::new().try_into().unwrap(),
            places: 2.try_into().unwrap(),
            region: 276,
            price: Amount::ZERO,
        },
        instance_epoch: 1,
        software: "test 1".to_owned().try_into().unwrap(),
        benchmark_bytes: 64 << 20,
        times: Times::default(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_ordered_computed_verified_and_paid() {
    if std::env::var_os("LIGHT_LOG").is_some() {
        tracing_subscriber::fmt()
            .with_env_filter("debug,hyper=info,h2=info,tonic=info,tower=info")
            .init();
    }
    let mut house = House::build().await;
    let folder = tempfile::tempdir().unwrap();
    let mut tasks = JoinSet::new();
    let coordinator_keys = register(&mut house, 1, COORDINATOR).await;
    let mut workers = Vec::new();
    for number in 2..=5 {
        workers.push(register(&mut house, number, WORKER).await);
    }
    let stores = Keystores::at(folder.path().join("keys"));
    let password = Password::new("secret".to_owned());
    let secret = hex::encode(B256::repeat_byte(1));
    let signer: Arc<dyn EvmSigner> = Arc::new(stores.import(&secret, &password).unwrap());
    let account = signer.address();
    let client_signer = house.chain.actor("client").await.unwrap();
    let provider = ProviderBuilder::new().connect_http(house.url().parse().unwrap());
    // The client's money.
    house.give(client_signer.address(), 1_000 * TLY).await;
    house.approve(client_signer.address(), Contract::PaymentManager, 1_000 * TLY).await;
    let deposit = tallystick_abi::contracts::IPaymentManager::depositCall {
        token: house.at(Contract::TallyToken),
        amount: 500 * TLY,
        account: client_signer.address(),
    };
    house
        .chain
        .send(client_signer.address(), house.at(Contract::PaymentManager), deposit)
        .await
        .unwrap();
    provider
        .anvil_set_balance(
            account,
            alloy_primitives::U256::from(10).pow(alloy_primitives::U256::from(21)),
        )
        .await
        .unwrap();
    provider.anvil_set_interval_mining(1).await.unwrap();

    // The coordinator.
    let view = follow(&house, &mut tasks).await;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (outbox, handle) = Outbox::open(
        Settings::new(house.deployment.chain_id, account),
        Parts {
            store: Arc::new(MemoryStore::default()),
            clock: clock.clone(),
            signer,
            endpoints: vec![Endpoint::new(&house.url(), Duration::from_secs(5)).unwrap()],
            finality: Finality::Depth { safe: 0, last: 1 },
        },
    )
    .unwrap();
    tasks.spawn(async move { outbox.run(std::future::pending()).await.unwrap() });
    let network =
        Network { chain: house.deployment.chain_id, jobs: house.at(Contract::JobManager) };
    let journal = Journal::open(folder.path().join("journal"), network).unwrap();
    let (blobs, _) =
        BlobStore::open(StoreConfig::new(folder.path().join("blobs"), 1 << 30)).unwrap();
    let parts = CoordinatorParts {
        journal,
        blobs,
        house: view.clone(),
        outbox: handle,
        clock: clock.clone(),
        deployment: Arc::new(house.deployment.clone()),
        seat: coordinator_keys.seat(),
        identity: coordinator_keys.identity_key(),
    };
    let board = parts.outbox.watch();
    let (coordinator, services) = Coordinator::open(CoordinatorConfig::default(), parts).unwrap();
    tasks.spawn(async move { coordinator.run(std::future::pending()).await.unwrap() });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let incoming = tonic::transport::server::TcpIncoming::from(listener);
    tasks.spawn(async move {
        tonic::transport::Server::builder()
            .add_service(services.workers())
            .add_service(services.clients())
            .add_service(services.blobs())
            .serve_with_incoming(incoming)
            .await
            .unwrap();
    });

    // The workers share one view of the chain and one sandbox.
    let executor: Arc<dyn Executor> =
        Arc::new(Wasm(Sandbox::new(SandboxConfig::default()).unwrap()));
    for (number, keys) in (2_u8..).zip(workers) {
        let home = folder.path().join(format!("worker {number}"));
        let (blobs, _) = BlobStore::open(StoreConfig::new(home.join("blobs"), 1 << 30)).unwrap();
        let ports = tallystick_worker::Ports {
            clock: clock.clone(),
            store: Arc::new(MemoryStore::default()),
            executor: executor.clone(),
            keys: Arc::new(keys),
            facts: Arc::new(Facts(view.clone())),
            blobs,
        };
        let worker = Worker::new(worker_config(&house, address, number), ports).unwrap();
        tasks.spawn(async move { worker.run(std::future::pending()).await.unwrap() });
    }

    // The client.
    let digits = hex::encode(client_signer.to_bytes());
    let key: Arc<dyn EvmSigner> = Arc::new(stores.import(&digits, &password).unwrap());
    let config = ClientConfig::new(format!("http://{address}"));
    let client = tokio::time::timeout(Duration::from_secs(30), async {
        loop {
            match Client::connect(&config, Some(key.clone())).await {
                Ok(client) => return client,
                Err(error) => {
                    eprintln!("{error}");
                    tokio::time::sleep(Duration::from_millis(300)).await
                }
            }
        }
    })
    .await
    .unwrap();
    let module = tallystick_devnet::repository().join("examples/mandelbrot/mandelbrot.wasm");
    let grid = "96x64/32x32".parse().unwrap();
    let draft = Draft {
        arguments: ["96", "64", "-0.75", "0", "3.0", "200"].map(str::to_owned).to_vec(),
        ..Draft::new(Source::File(module), InputSource::Tiles(grid))
    };
    let prepared = draft.prepare().unwrap();
    let demand = Demand {
        replicas: 3,
        token: house.at(Contract::TallyToken),
        trust: Trust::Staked,
        verification: Verification::Deterministic,
        quorum: 0,
        region: None,
        most: None,
        parameters_version: None,
        within: Seconds::new(7_200),
    };
    tokio::time::sleep(Duration::from_secs(2)).await;
    client.upload(&prepared.needed, &silent()).await.unwrap();
    let offer = client.quote(&prepared, &demand).await.unwrap();
    let job = client.order(&prepared, &offer).await.unwrap();
    let mut watch_for = Vec::new();
    let done = tokio::time::timeout(Duration::from_secs(120), async {
        loop {
            tokio::time::sleep(Duration::from_millis(500)).await;
            match client.status(job).await {
                Ok(status) => {
                    let line = format!(
                        "{:?} {}/{} active {} {}",
                        status.phase,
                        status.tasks_verified,
                        status.tasks_total,
                        status.tasks_active,
                        &*status.close_reason
                    );
                    if watch_for.last() != Some(&line) {
                        eprintln!("{line}");
                        watch_for.push(line);
                    }
                    if status.phase == Phase::Proposed {
                        return;
                    }
                }
                Err(error) => eprintln!("{error} {:?}", board.borrow().wishes),
            }
        }
    })
    .await;
    if done.is_err() {
        eprintln!("{}", client.why(job).await.unwrap());
    }
    assert!(done.is_ok(), "{watch_for:?}");
    let receipt = client.receipt(job).await.unwrap();
    let verified = verify::verify(&receipt).unwrap();
    let mut pixels = Vec::new();
    let mut show = |_slice: u64, bytes: &[u8]| {
        pixels.extend_from_slice(bytes);
        Ok(())
    };
    client
        .output(&verified.signed().receipt, &TaskRoots::new(), &mut show, &silent())
        .await
        .unwrap();
    assert_eq!(pixels.len(), 96 * 64 * 3);
    let _ = Address::ZERO;
}
