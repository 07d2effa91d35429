//! A server that hands its sessions to the test, and a blob service with a real store.

use std::net::SocketAddr;
use std::time::Duration;

use alloy_primitives::{Address, B256, FixedBytes, keccak256};
use ed25519_dalek::SigningKey;
use tallystick_abi::{JobDomain, signer_of};
use tallystick_blobs::{BlobService, BlobStore};
use tallystick_protocol::admission;
use tallystick_tls::SamplePair;
use tallystick_types::{ChainId, EvmSignature, IdentityKey, NodeId, Seat, WallTime};
use tallystick_wire::authentication::SessionChallenge;
use tallystick_wire::worker::{
    Admitted, AgentBody, AgentMessage, Challenge, CoordinatorBody, CoordinatorMessage, Hello,
    Welcome, v1,
};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status, Streaming};

/// Nothing in these tests takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn domain() -> JobDomain {
    JobDomain { chain: ChainId::new(31_337), job_manager: Address::repeat_byte(9) }
}

pub(crate) fn seat() -> Seat {
    Seat { node: NodeId::new(77), signer: Address::repeat_byte(77) }
}

/// One session, as the coordinator holds it.
pub(crate) struct Session {
    inbound: Streaming<v1::AgentMessage>,
    outbound: mpsc::Sender<Result<v1::CoordinatorMessage, Status>>,
    pub(crate) hello: Hello,
}

/// The coordinator of a test. Dropping it ends every session.
pub(crate) struct Coordinator {
    pub(crate) address: SocketAddr,
    pub(crate) blobs: BlobStore,
    sessions: mpsc::Receiver<Incoming>,
    _tasks: JoinSet<()>,
}

type Incoming = (Streaming<v1::AgentMessage>, mpsc::Sender<Result<v1::CoordinatorMessage, Status>>);

#[derive(Debug)]
struct Door(mpsc::Sender<Incoming>);

impl Coordinator {
    pub(crate) async fn start(blobs: BlobStore) -> Self {
        Self::serve(blobs, Server::builder()).await
    }

    /// One that speaks TLS.
    pub(crate) async fn secured(blobs: BlobStore, pair: &SamplePair) -> Self {
        let identity = Identity::from_pem(&pair.certificate, &pair.key);
        let tls = ServerTlsConfig::new().identity(identity);
        Self::serve(blobs, Server::builder().tls_config(tls).unwrap()).await
    }

    async fn serve(blobs: BlobStore, mut server: Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, sessions) = mpsc::channel(8);
        let workers = v1::workers_server::WorkersServer::new(Door(sender));
        let service = BlobService::server(blobs.clone());
        let server = server.add_service(workers).add_service(service);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            server.serve_with_incoming(TcpListenerStream::new(listener)).await.unwrap();
        });
        Self { address, blobs, sessions, _tasks: tasks }
    }

    /// The next agent that connects, after its Hello.
    pub(crate) async fn greeted(&mut self) -> Session {
        let next = timeout(PATIENCE, self.sessions.recv()).await;
        let (mut inbound, outbound) = next.expect("an agent connects").unwrap();
        let hello = inbound.message().await.unwrap().unwrap();
        let AgentBody::Hello(hello) = AgentMessage::try_from(hello).unwrap().body else {
            panic!("the first message is no Hello")
        };
        Session { inbound, outbound, hello }
    }

    /// The next agent, admitted.
    pub(crate) async fn admitted(&mut self, rounds: u64) -> Session {
        let mut session = self.greeted().await;
        session.challenge(domain()).await;
        session.prove().await;
        session.admit(rounds).await;
        session
    }
}

/// The identity key of the coordinator.
pub(crate) fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

pub(crate) fn identity() -> IdentityKey {
    IdentityKey::new(key().verifying_key().to_bytes())
}

pub(crate) fn challenge(domain: JobDomain) -> Challenge {
    Challenge {
        nonce: B256::repeat_byte(4),
        chain_id: domain.chain,
        job_manager: domain.job_manager,
        chosen_version: 1,
        coordinator: seat(),
        coordinator_identity: identity(),
        coordinator_signature: None,
    }
}

impl Session {
    pub(crate) async fn say(&self, body: CoordinatorBody) {
        let message = v1::CoordinatorMessage::from(CoordinatorMessage { body: Some(body) });
        self.send(message).await;
    }

    pub(crate) async fn send(&self, message: v1::CoordinatorMessage) {
        self.outbound.send(Ok(message)).await.unwrap();
    }

    /// The next message that is no heartbeat and no progress, or nothing when the stream is over.
    pub(crate) async fn heard(&mut self) -> Option<AgentBody> {
        loop {
            let next = timeout(PATIENCE, self.inbound.message()).await.expect("the agent speaks");
            let body = AgentMessage::try_from(next.ok()??).unwrap().body;
            if !matches!(body, AgentBody::Heartbeat(_) | AgentBody::TaskProgress(_)) {
                return Some(body);
            }
        }
    }

    /// The next heartbeat.
    pub(crate) async fn heartbeat(&mut self) -> tallystick_wire::worker::Heartbeat {
        loop {
            let next = timeout(PATIENCE, self.inbound.message()).await.expect("the agent speaks");
            let body = AgentMessage::try_from(next.unwrap().unwrap()).unwrap().body;
            if let AgentBody::Heartbeat(heartbeat) = body {
                return heartbeat;
            }
        }
    }

    pub(crate) async fn challenge(&self, domain: JobDomain) {
        self.say(CoordinatorBody::Challenge(challenge(domain))).await;
    }

    /// Says the challenge with a proof of who the coordinator is, made with `key` for the nonce.
    pub(crate) async fn answer(&self, nonce: B256, key: &SigningKey) {
        let challenge = challenge(domain());
        let signature = SessionChallenge::new(&self.hello, &challenge).answer(nonce, key);
        let coordinator_signature = Some(signature);
        let proved = Challenge { coordinator_signature, ..challenge };
        self.say(CoordinatorBody::Challenge(proved)).await;
    }

    /// Takes the proof and checks both of its signatures.
    pub(crate) async fn prove(&mut self) {
        let Some(AgentBody::Proof(proof)) = self.heard().await else { panic!("no proof") };
        let signed = SessionChallenge::new(&self.hello, &challenge(domain()));
        signed.verify(&proof.identity_signature).unwrap();
        let signature: EvmSignature = proof.signer_signature;
        let signer = signer_of(keccak256(signed.bytes()), &signature).unwrap();
        assert_eq!(signer, self.hello.seat.signer);
    }

    pub(crate) async fn admit(&mut self, rounds: u64) {
        let welcome = Welcome {
            session: FixedBytes::repeat_byte(1),
            heartbeat_seconds: 1.try_into().unwrap(),
            lease_seconds: 30.try_into().unwrap(),
            profile_seed: B256::repeat_byte(6),
            profile_rounds: rounds,
            server_time_ms: WallTime::new(1),
        };
        self.say(CoordinatorBody::Welcome(welcome)).await;
        let mut tier = 1;
        if rounds > 0 {
            let Some(AgentBody::Profile(profile)) = self.heard().await else {
                panic!("no profile")
            };
            let measured = admission::Measured {
                checksum: profile.checksum,
                work_units: profile.work_units,
                stated_ms: profile.elapsed_ms,
                observed_ms: profile.elapsed_ms,
                memory_bytes: profile.largest_allocation_bytes,
            };
            let seed = B256::repeat_byte(6);
            let demand = admission::Demand { seed, rounds, speed: 1, memory_bytes: 1 << 16 };
            tier = admission::judge(&measured, &demand).unwrap().number();
        }
        self.say(CoordinatorBody::Admitted(Admitted { tier })).await;
    }
}

#[tonic::async_trait]
impl v1::workers_server::Workers for Door {
    type ConnectStream = ReceiverStream<Result<v1::CoordinatorMessage, Status>>;

    async fn connect(
        &self,
        request: Request<Streaming<v1::AgentMessage>>,
    ) -> Result<Response<Self::ConnectStream>, Status> {
        let (sender, receiver) = mpsc::channel(16);
        self.0.send((request.into_inner(), sender)).await.unwrap();
        Ok(Response::new(ReceiverStream::new(receiver)))
    }
}
