//! The doors as a client and a node see them: over a socket, with the stubs of the schema.

use alloy_primitives::{B256, U256};
use ed25519_dalek::SigningKey;
use tallystick_chain::keys::{EvmSigner, LocalKey};
use tallystick_chain::outbox::Intent;
use tallystick_chain::view::JobEvent;
use tallystick_journal::JobStatus;
use tallystick_protocol::specification::Specification;
use tallystick_types::{
    BlobDigest, JobOrder, JobTerms, NodeId, OutputDigest, OutputRoot, Seat, SliceRange, TaskIndex,
    WallTime,
};
use tallystick_wire::authentication::{ClientRequest, Network, SessionChallenge};
use tallystick_wire::blobs::v1 as blobs_v1;
use tallystick_wire::client::v1::clients_client::ClientsClient;
use tallystick_wire::limits;
use tallystick_wire::worker::v1::workers_client::WorkersClient;
use tallystick_wire::worker::{
    AgentBody, AgentMessage, Capabilities, CoordinatorBody, CoordinatorMessage, Hello, Proof,
    RefusedCode, v1 as worker_v1,
};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tonic::Code;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};

use super::*;
use crate::machine::{JobResult, OutputPart};
use crate::scene::{PATIENCE, Running, Scene, parameters, pending_record};

/// A coordinator with its doors open.
struct House {
    scene: Scene,
    running: Running,
    channel: Channel,
    _server: JoinSet<()>,
}

impl House {
    async fn open() -> Self {
        Self::of(Scene::new()).await
    }

    async fn of(scene: Scene) -> Self {
        let running = scene.start();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let services = running.services.clone();
        let mut server = JoinSet::new();
        server.spawn(async move {
            let server = Server::builder()
                .add_service(services.workers())
                .add_service(services.clients())
                .add_service(services.blobs());
            server.serve_with_incoming(TcpIncoming::from(listener)).await.unwrap();
        });
        let channel = Endpoint::from_shared(url).unwrap().connect().await.unwrap();
        Self { scene, running, channel, _server: server }
    }

    fn client(&self) -> ClientsClient<Channel> {
        ClientsClient::new(self.channel.clone())
    }

    /// The order, signed by somebody.
    fn signed(
        &self,
        order: &JobOrder,
        specification: &Specification,
        key: &LocalKey,
    ) -> v1::SubmitRequest {
        let digest = self.running.shared.domain.order_digest(order);
        let signature = key.sign_digest(digest).unwrap();
        let JobOrder { client, nonce, terms } = *order;
        let specification = specification.to_bytes().try_into().unwrap();
        let placement = None;
        message::SubmitRequest { client, nonce, terms, signature, specification, placement }.into()
    }

    /// An order of the client; `nonce` and `price` make it another one.
    fn order(&self, nonce: U256, price: u128) -> v1::SubmitRequest {
        let specification = self.scene.specification(1);
        let mut order = self.scene.order(0, &specification);
        order.nonce = nonce;
        let price = tallystick_types::Amount::new(price * 1_000_000_000_000_000_000);
        let nothing = tallystick_types::Amount::ZERO;
        let price = tallystick_types::JobPrice::new(price, nothing, nothing).unwrap();
        order.terms = JobTerms { price, ..order.terms };
        self.signed(&order, &specification, &self.scene.client)
    }

    /// Submits while the test's outbox takes what is wished.
    async fn submit(
        &mut self,
        request: v1::SubmitRequest,
    ) -> Result<(JobId, Option<Intent>), Status> {
        let mut client = self.client();
        let answer = client.submit(request);
        let mut answer = std::pin::pin!(answer);
        let mut wished = None;
        let job = loop {
            tokio::select! {
                answer = &mut answer => break answer?.into_inner().job,
                Some(intent) = self.scene.outbox.next() => wished = Some(intent),
            }
        };
        Ok((JobId::new(job.try_into().unwrap()), wished))
    }

    async fn close(mut self) {
        self._server.shutdown().await;
        drop(self.channel);
        self.running.end(&mut self.scene).await;
    }
}

fn nonce(slot: u64, sequence: u64) -> U256 {
    (U256::from(sequence) << 232) | U256::from(slot)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_of_a_job_that_nobody_knows_is_not_found_by_any_door() {
    let house = House::open().await;
    let (job, signature) = (vec![9; 32], vec![1; 65]);
    let mut client = house.client();
    let answers = [
        client.status(v1::StatusRequest { job: job.clone() }).await.map(|_| ()),
        client
            .watch(v1::WatchRequest { job: job.clone(), after_sequence: 0, access: None })
            .await
            .map(|_| ()),
        client
            .result(v1::ResultRequest { job: job.clone(), first_task: 0, access: None })
            .await
            .map(|_| ()),
        client.receipt(v1::ReceiptRequest { job: job.clone(), access: None }).await.map(|_| ()),
        client.why(v1::WhyRequest { job: job.clone(), access: None }).await.map(|_| ()),
        client.cancel(v1::CancelRequest { job: job.clone(), signature }).await.map(|_| ()),
    ];
    for (number, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer.unwrap_err().code(), Code::NotFound, "question {number}");
    }
    let short = v1::StatusRequest { job: vec![9; 31] };
    assert_eq!(client.status(short).await.unwrap_err().code(), Code::InvalidArgument);
    drop(client);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_out_of_a_job_that_is_forgotten_is_found_in_its_row() {
    let job = JobId::new([9; 32]);
    let part = |task: u32| OutputPart {
        task: TaskIndex::new(task),
        slices: SliceRange { first: u64::from(task) * 4, count: 4 },
        blob: BlobDigest::new([task.to_le_bytes()[0]; 32]),
        bytes: 70,
        output_root: OutputRoot::new([8; 32]),
    };
    let output = OutputDigest::new([6; 32]);
    let result = JobResult { output, parts: (0..3).map(part).collect() };
    let record = JobRecord {
        status: JobStatus::Completed,
        result: Some(serde_json::to_vec(&result).unwrap()),
        completed_at: Some(WallTime::new(2)),
        ..pending_record()
    };
    let scene = Scene::new();
    let mut journal = scene.journal();
    let mut step = journal.step();
    step.put_job(job, &record).unwrap();
    step.commit().unwrap();
    drop(journal);
    let house = House::of(scene).await;
    let asked = |first_task| v1::ResultRequest { job: vec![9; 32], first_task, access: None };
    let all = house.client().result(asked(0)).await.unwrap().into_inner();
    assert_eq!(all.output, Some(vec![6; 32]));
    assert_eq!(all.parts.len(), 3);
    let rest = house.client().result(asked(2)).await.unwrap().into_inner();
    assert_eq!(rest.parts.len(), 1);
    assert_eq!(rest.parts[0].first_slice, 8);
    assert_eq!(rest.next_task, None);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_counts_once_and_a_second_one_in_its_slot_is_refused() {
    let mut house = House::open().await;
    let _node = house.running.connect(1).await;
    let (job, first) = house.submit(house.order(nonce(5, 0), 1)).await.unwrap();
    let (again, second) = house.submit(house.order(nonce(5, 0), 1)).await.unwrap();
    assert_eq!(job, again);
    assert_eq!(first.unwrap(), second.unwrap(), "the outbox takes the same wish once");
    let mut client = house.client();
    let status = client.status(v1::StatusRequest { job: job.as_bytes().to_vec() });
    assert_eq!(status.await.unwrap().into_inner().phase, v1::Phase::Pending as i32);

    // Other terms under the same nonce, and the next job of the slot before this one is over.
    for request in [house.order(nonce(5, 0), 2), house.order(nonce(5, 1), 1)] {
        let refused = house.submit(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert!(refused.message().contains(&job.to_string()), "{refused}");
    }
    house.submit(house.order(nonce(6, 0), 2)).await.unwrap();

    // On the chain it is the same, until the job is over; its nonce stays used.
    let specification = house.scene.specification(1);
    let mut order = house.scene.order(0, &specification);
    order.nonce = nonce(5, 0);
    assert_eq!(Scene::job_of(&order), job);
    house.scene.says(job, JobEvent::Created { order, parameters: parameters() });
    assert!(house.submit(house.order(nonce(5, 1), 1)).await.is_err());
    let returned = tallystick_types::Amount::ZERO;
    house.scene.says(job, JobEvent::Refunded { returned });
    assert!(house.submit(house.order(nonce(5, 0), 2)).await.is_err());
    house.submit(house.order(nonce(5, 1), 1)).await.unwrap();
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_its_client_did_not_sign_or_whose_parts_are_missing_is_refused() {
    let mut house = House::open().await;
    let specification = house.scene.specification(1);
    let order = house.scene.order(1, &specification);
    let stranger = house.signed(&order, &specification, &LocalKey::random());
    assert_eq!(house.submit(stranger).await.unwrap_err().code(), Code::PermissionDenied);

    let mut torn = house.signed(&order, &specification, &house.scene.client);
    torn.signature = vec![0xff; 65];
    assert_eq!(house.submit(torn).await.unwrap_err().code(), Code::Unauthenticated);

    let other = house.scene.specification(2);
    let swapped = house.signed(&order, &other, &house.scene.client);
    assert_eq!(house.submit(swapped).await.unwrap_err().code(), Code::InvalidArgument);

    let mut absent = house.scene.specification(1);
    let tallystick_protocol::specification::Work::Wasm { program, .. } = &mut absent.work;
    *program = tallystick_types::ProgramDigest::new([9; 32]);
    let order = house.scene.order(1, &absent);
    let unsent = house.signed(&order, &absent, &house.scene.client);
    let refused = house.submit(unsent).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("upload"), "{refused}");
    assert!(house.scene.outbox.try_next().is_none(), "nothing refused reaches the chain");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_client_of_a_job_cancels_it() {
    let mut house = House::open().await;
    let id = house.scene.open_job(1);
    let domain = house.running.shared.domain;
    let network = Network { chain: domain.chain, job_manager: domain.job_manager };
    let cancel = |key: &LocalKey| {
        let digest = ClientRequest::Cancel { job: id }.digest(network);
        let signature = key.sign_digest(digest).unwrap().as_bytes().to_vec();
        v1::CancelRequest { job: id.as_bytes().to_vec(), signature }
    };
    let mut client = house.client();
    let stranger = client.cancel(cancel(&LocalKey::random())).await.unwrap_err();
    assert_eq!(stranger.code(), Code::PermissionDenied);
    // The job has not begun here, so there is nothing to cancel: but the signature was good.
    let early = client.cancel(cancel(&house.scene.client)).await.unwrap_err();
    assert_eq!(early.code(), Code::FailedPrecondition);
    let none =
        client.receipt(v1::ReceiptRequest { job: id.as_bytes().to_vec(), access: None }).await;
    assert_eq!(none.unwrap_err().code(), Code::FailedPrecondition, "known, and no receipt yet");
    drop(client);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_or_a_request_that_is_too_large_is_refused_with_a_type() {
    let house = House::open().await;
    let mut blobs = blobs_v1::blobs_client::BlobsClient::new(house.channel.clone());
    // Larger than the store of the scene takes.
    let header = blobs_v1::PutHeader { size: (1 << 20) + 1, digest: None };
    let header = blobs_v1::PutPart { body: Some(blobs_v1::put_part::Body::Header(header)) };
    let refused = blobs.put(futures::stream::iter([header])).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    let data = vec![0; limits::BLOBS_REQUEST_BYTES + 1];
    let data = blobs_v1::PutPart { body: Some(blobs_v1::put_part::Body::Data(data)) };
    let refused = blobs.put(futures::stream::iter([data])).await.unwrap_err();
    assert_eq!(refused.code(), Code::OutOfRange, "{refused}");

    let mut order = house.order(nonce(1, 0), 1);
    order.specification = vec![b' '; limits::CLIENT_REQUEST_BYTES + 1];
    let refused = house.client().submit(order).await.unwrap_err();
    assert_eq!(refused.code(), Code::OutOfRange, "{refused}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_hears_the_rest_after_it_lost_its_stream_and_the_end_ends_it() {
    let mut house = House::open().await;
    let node = house.running.connect(0x21).await;
    let id = house.scene.open_job(1);
    house.scene.wish().await;
    house.scene.says(id, Scene::assigned(1, &[node.seat]));
    let job = id.as_bytes().to_vec();
    let mut client = house.client();
    let watch =
        |after_sequence| v1::WatchRequest { job: job.clone(), after_sequence, access: None };
    let mut stream = client.watch(watch(0)).await.unwrap().into_inner();
    let first = stream.message().await.unwrap().unwrap();
    drop(stream);
    let returned = tallystick_types::Amount::ZERO;
    let last = house.scene.says(id, JobEvent::Refunded { returned });
    house.scene.chain.finalise(last);
    let mut stream = client.watch(watch(first.sequence)).await.unwrap().into_inner();
    let mut sequences = vec![first.sequence];
    let all = async {
        while let Some(event) = stream.message().await.unwrap() {
            sequences.push(event.sequence);
        }
    };
    tokio::time::timeout(PATIENCE, all).await.expect("the stream ends with the job");
    assert!(sequences.len() > 2 && sequences.is_sorted_by(|one, next| one < next));
    drop((stream, client));
    house.close().await;
}

/// A node's side of a session.
struct Agent {
    outward: mpsc::Sender<worker_v1::AgentMessage>,
    inward: tonic::Streaming<worker_v1::CoordinatorMessage>,
    hello: Hello,
}

impl Agent {
    async fn greet(house: &House, versions: &[u32], key: &LocalKey) -> Self {
        let identity = SigningKey::from_bytes(&[3; 32]);
        let hello = Hello {
            nonce: None,
            versions: versions.to_vec().try_into().unwrap(),
            seat: Seat { node: NodeId::UNREGISTERED, signer: key.address() },
            identity: tallystick_types::IdentityKey::new(identity.verifying_key().to_bytes()),
            instance_epoch: 1,
            capabilities: Capabilities {
                kinds: Vec::new().try_into().unwrap(),
                cpu_millis: 1_000,
                memory_bytes: 1 << 30,
                disk_bytes: 1 << 30,
                architecture: label("x86_64"),
                accelerators: Vec::new().try_into().unwrap(),
                places: std::num::NonZeroU16::MIN,
                region: 1,
                price: tallystick_types::Amount::new(1),
            },
            software: software(),
        };
        let (outward, queue) = mpsc::channel(4);
        let body = AgentBody::Hello(hello.clone());
        outward.send(AgentMessage { body }.into()).await.unwrap();
        let queue = futures::stream::unfold(queue, |mut queue| async move {
            queue.recv().await.map(|message| (message, queue))
        });
        let mut workers = WorkersClient::new(house.channel.clone());
        let inward = workers.connect(queue).await.unwrap().into_inner();
        Self { outward, inward, hello }
    }

    async fn hears(&mut self) -> Option<CoordinatorBody> {
        let next = tokio::time::timeout(PATIENCE, self.inward.message()).await.unwrap();
        CoordinatorMessage::try_from(next.unwrap()?).unwrap().body
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_of_an_unknown_version_is_told_which_ones_would_do() {
    let house = House::open().await;
    let mut agent = Agent::greet(&house, &[2, 7], &LocalKey::random()).await;
    let Some(CoordinatorBody::Refused(refused)) = agent.hears().await else { panic!("refused") };
    assert_eq!(refused.code, Some(RefusedCode::Version));
    let words = refused.sentence.as_str();
    assert!(
        words.contains("[2, 7]")
            && words.contains(&format!("{:?}", tallystick_wire::version::SUPPORTED)),
        "{words}"
    );
    assert!(!refused.remedy.as_str().is_empty());
    assert!(agent.hears().await.is_none(), "the stream is over");

    // One that also speaks ours is asked to prove itself in it.
    let mut agent = Agent::greet(&house, &[7, 1], &LocalKey::random()).await;
    let Some(CoordinatorBody::Challenge(challenge)) = agent.hears().await else { panic!("asked") };
    assert_eq!(challenge.chosen_version, 1);
    drop(agent);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_signs_with_another_key_than_its_seat_names_is_refused() {
    let house = House::open().await;
    let mut agent = Agent::greet(&house, &[1], &LocalKey::random()).await;
    let Some(CoordinatorBody::Challenge(challenge)) = agent.hears().await else { panic!("asked") };
    let asked = SessionChallenge::new(&agent.hello, &challenge);
    let identity_signature = asked.sign(&SigningKey::from_bytes(&[3; 32]));
    let digest: B256 = asked.digest();
    let signer_signature = LocalKey::random().sign_digest(digest).unwrap();
    let proof = AgentBody::Proof(Proof { identity_signature, signer_signature });
    agent.outward.send(AgentMessage { body: proof }.into()).await.unwrap();
    let Some(CoordinatorBody::Refused(refused)) = agent.hears().await else { panic!("refused") };
    assert_eq!(refused.code, Some(RefusedCode::BadSignature));
    assert!(house.running.shared.sessions.seats().is_empty());
    drop(agent);
    house.close().await;
}
