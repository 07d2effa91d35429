//! A collector on a chain that a test plays, with coordinators that hand out what they are told.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll};

use alloy_primitives::Address;
use tallystick_chain::follow::ScriptedChain;
use tallystick_chain::view::{HouseEvent, NetworkEvent};
use tallystick_ports::{Batch, Entry, MemoryStore, Store, StoreError};
use tallystick_types::{Attempt, ChainTime, OutputRoot};
use tallystick_wire::client::v1::ReceiptResponse;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use super::*;
use crate::shelves::tests::{Scene, domain, root};

/// A coordinator as far as an archive asks it.
#[derive(Clone, Debug, Default)]
struct Coordinator {
    receipts: Arc<Mutex<BTreeMap<JobId, Vec<u8>>>>,
    asked: Arc<Mutex<Vec<JobId>>>,
}

impl UnaryService<ReceiptRequest> for Coordinator {
    type Response = ReceiptResponse;
    type Future = Ready<Result<Response<ReceiptResponse>, Status>>;

    fn call(&mut self, request: Request<ReceiptRequest>) -> Self::Future {
        let job = JobId::new(request.into_inner().job.try_into().unwrap());
        self.asked.lock().unwrap().push(job);
        let receipt = self.receipts.lock().unwrap().get(&job).cloned();
        let answer = receipt.map(|receipt| Response::new(ReceiptResponse { receipt }));
        ready(answer.ok_or_else(|| Status::failed_precondition("no receipt yet")))
    }
}

impl NamedService for Coordinator {
    const NAME: &'static str = "tallystick.client.v1.Clients";
}

impl Service<http::Request<Body>> for Coordinator {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let answers = self.clone();
        Box::pin(async move {
            assert_eq!(request.uri().path(), "/tallystick.client.v1.Clients/Receipt");
            let codec = ProstCodec::<ReceiptResponse, ReceiptRequest>::default();
            Ok(Grpc::new(codec).unary(answers, request).await)
        })
    }
}

impl Coordinator {
    async fn serve(&self, tasks: &mut JoinSet<()>) -> Endpoint {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let service = self.clone();
        tasks.spawn(async move {
            let server = Server::builder().add_service(service);
            server.serve_with_incoming(TcpIncoming::from(listener)).await.unwrap();
        });
        Endpoint::from_shared(url).unwrap()
    }

    fn has(&self, id: u8, receipt: Vec<u8>) {
        self.receipts.lock().unwrap().insert(JobId::new([id; 32]), receipt);
    }

    fn asked(&self) -> Vec<JobId> {
        self.asked.lock().unwrap().clone()
    }
}

/// A store that asks at every commit whether somebody else can write into the view.
#[derive(Clone, Debug)]
struct Watchful {
    store: MemoryStore,
    chain: Arc<Mutex<ScriptedChain>>,
    blocked: Arc<AtomicBool>,
}

impl Store for Watchful {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.get(key)
    }

    fn scan(&self, prefix: &[u8]) -> Result<Vec<Entry>, StoreError> {
        self.store.scan(prefix)
    }

    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let (written, told) = mpsc::channel();
        let chain = Arc::clone(&self.chain);
        std::thread::spawn(move || {
            // An event is written into the view; an empty block would not be.
            let event = HouseEvent::Network(NetworkEvent::TokenDisallowed { token: Address::ZERO });
            chain.lock().unwrap().block([event]);
            // The commit may have given up waiting.
            let _late = written.send(());
        });
        if told.recv_timeout(Duration::from_secs(2)).is_err() {
            self.blocked.store(true, Ordering::SeqCst);
        }
        self.store.commit(batch)
    }
}

struct Town {
    scene: Scene,
    chain: Arc<Mutex<ScriptedChain>>,
    house: House,
    coordinators: [Coordinator; 2],
    endpoints: Vec<Endpoint>,
    folder: TempDir,
    tasks: JoinSet<()>,
}

impl Town {
    async fn build() -> Self {
        let (chain, house) = ScriptedChain::new(ChainTime::new(1_750_000_000).unwrap());
        let coordinators = [Coordinator::default(), Coordinator::default()];
        let (mut endpoints, mut tasks) = (Vec::new(), JoinSet::new());
        for coordinator in &coordinators {
            endpoints.push(coordinator.serve(&mut tasks).await);
        }
        let (chain, folder) = (Arc::new(Mutex::new(chain)), tempfile::tempdir().unwrap());
        Self { scene: Scene::new(), chain, house, coordinators, endpoints, folder, tasks }
    }

    fn archive(&self, store: Arc<dyn Store>) -> Archive {
        let folder: &Path = self.folder.path();
        Archive::open(store, folder, domain()).unwrap()
    }

    /// The chain says something of a job.
    fn job(&self, id: u8, result: Option<OutputRoot>) {
        let events = self.scene.told(result);
        let events = events.into_iter().map(|event| HouseEvent::Job(JobId::new([id; 32]), event));
        self.chain.lock().unwrap().block(events);
    }

    fn collect(&mut self, archive: &Archive) {
        self.collect_every(Duration::from_millis(2), archive);
    }

    fn collect_every(&mut self, every: Duration, archive: &Archive) {
        let (coordinators, dial) = (self.endpoints.clone(), Dial::default());
        let config = CollectorConfig { coordinators, dial, every };
        let collector = Collector::new(config, archive.clone(), self.house.clone());
        self.tasks.spawn(async move { collector.run(std::future::pending()).await.unwrap() });
    }
}

async fn until(mut what: impl FnMut() -> bool) {
    let reached = async {
        while !what() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(Duration::from_secs(20), reached).await.unwrap();
}

#[tokio::test]
async fn receipts_of_results_are_collected_from_whoever_has_one_that_holds() {
    let mut town = Town::build().await;
    let archive = town.archive(Arc::new(MemoryStore::default()));
    let [liar, honest] = town.coordinators.clone();
    let mut forged = town.scene.signed(1);
    forged.receipt.usage.bytes_out += 1;
    liar.has(1, forged.to_bytes());
    liar.has(2, b"no receipt".to_vec());
    liar.has(4, town.scene.signed(1).to_bytes());
    for id in [1, 2, 3, 4] {
        honest.has(id, town.scene.signed(id).to_bytes());
    }
    // Job 1 is there before the start; of 3 there is no result.
    town.job(1, Some(root()));
    town.collect(&archive);
    until(|| archive.count() == 1).await;
    for (id, result) in [(2, Some(root())), (3, None), (4, Some(root()))] {
        town.job(id, result);
    }
    until(|| archive.count() == 3).await;
    for id in [1, 2, 4] {
        let signed = town.scene.signed(id);
        assert_eq!(archive.of_job(signed.receipt.job).unwrap(), [signed]);
    }
    assert!(!honest.asked().contains(&JobId::new([3; 32])), "it has no result");
    let asked = honest.asked().len();
    town.job(5, None);
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(honest.asked().len(), asked, "what is kept is not asked for again");
}

#[tokio::test]
async fn a_receipt_that_nobody_has_yet_is_asked_for_again_and_a_result_that_went_is_not() {
    let mut town = Town::build().await;
    let archive = town.archive(Arc::new(MemoryStore::default()));
    let [_, late] = town.coordinators.clone();
    town.collect(&archive);
    town.job(1, Some(root()));
    let stays = town.house.heights().head;
    town.job(2, Some(root()));
    until(|| late.asked().len() >= 4).await;
    town.chain.lock().unwrap().roll_back(stays);
    // What was under way when the blocks went may still arrive.
    let asked = late.asked().len();
    until(|| late.asked().len() >= asked + 6).await;
    let since = late.asked().split_off(asked + 2);
    assert!(since.iter().all(|job| *job == JobId::new([1; 32])), "{since:?}");
    late.has(1, town.scene.signed(1).to_bytes());
    until(|| archive.count() == 1).await;
    assert!(archive.has(JobId::new([1; 32]), Attempt::new(1), root()).unwrap());
}

#[tokio::test]
async fn a_result_that_became_another_has_its_receipt_collected_as_well() {
    let mut town = Town::build().await;
    let archive = town.archive(Arc::new(MemoryStore::default()));
    let [honest, _] = town.coordinators.clone();
    town.collect(&archive);
    let before = town.house.heights().head;
    let first = town.scene.signed(1);
    honest.has(1, first.to_bytes());
    town.job(1, Some(root()));
    until(|| archive.count() == 1).await;
    // Other nodes agreed on another output, in blocks that took the place of these.
    let other = OutputRoot::new([7; 32]);
    let second = town.scene.signed_over(1, other);
    town.chain.lock().unwrap().roll_back(before);
    town.job(1, Some(other));
    honest.has(1, second.to_bytes());
    until(|| archive.count() == 2).await;
    assert_eq!(archive.of_job(first.receipt.job).unwrap(), [first, second]);
}

#[tokio::test]
async fn a_chain_that_never_rests_keeps_no_collector_from_asking() {
    let mut town = Town::build().await;
    let archive = town.archive(Arc::new(MemoryStore::default()));
    town.coordinators[0].has(1, town.scene.signed(1).to_bytes());
    town.collect_every(Duration::from_millis(200), &archive);
    town.job(1, Some(root()));
    for id in 2..=u8::MAX {
        if archive.count() == 1 {
            return;
        }
        town.job(id, None);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it waits for the chain");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_view_is_free_while_a_receipt_is_written_to_the_disk() {
    let mut town = Town::build().await;
    let store = Watchful {
        store: MemoryStore::default(),
        chain: Arc::clone(&town.chain),
        blocked: Arc::default(),
    };
    let archive = town.archive(Arc::new(store.clone()));
    town.coordinators[0].has(1, town.scene.signed(1).to_bytes());
    town.collect(&archive);
    town.job(1, Some(root()));
    until(|| archive.count() == 1).await;
    assert!(!store.blocked.load(Ordering::SeqCst), "the follower waited for the disk");
}
