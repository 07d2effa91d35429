//! Workers that lie, for demonstrations and tests: an honest worker behind a liar that changes what
//! it says on the way to its coordinator. The worker itself has no lying mode.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use alloy_primitives::keccak256;
use ed25519_dalek::{Signer, SigningKey};
use futures::future::ready;
use futures::{Stream, StreamExt, stream};
use tallystick_abi::JobDomain;
use tallystick_chain::keys::EvmSigner;
use tallystick_protocol::commitment::{Opening, Pledge, TaskAssignment};
use tallystick_types::{Canonical, IdentitySignature, OutputRoot, ReceiptClaim, Salt};
use tallystick_wire::blobs::v1 as blobs;
use tallystick_wire::blobs::v1::blobs_client::BlobsClient;
use tallystick_wire::blobs::v1::blobs_server::{Blobs, BlobsServer};
use tallystick_wire::limits;
use tallystick_wire::worker::v1;
use tallystick_wire::worker::v1::workers_client::WorkersClient;
use tallystick_wire::worker::v1::workers_server::{Workers, WorkersServer};
use tallystick_wire::worker::{AgentBody, AgentMessage, Assignment, Attested};
use tokio::net::TcpListener;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Server};
use tonic::{Request, Response, Status, Streaming};

/// What a liar does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Lie {
    /// Commits to and opens an output that the program never had.
    WrongOutput,
    /// Signs two claims with different outputs for one attempt.
    TwoClaims,
}

impl Lie {
    /// As the command line has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WrongOutput => "wrong-output",
            Self::TwoClaims => "two-claims",
        }
    }
}

/// The keys with which a liar signs, and the domain of its claims.
#[derive(Clone, Debug)]
pub struct LiarKeys {
    /// The identity key of the node.
    pub identity: SigningKey,
    /// The signer of the node.
    pub signer: Arc<dyn EvmSigner>,
    /// The chain and contract of its claims.
    pub domain: JobDomain,
}

/// A liar between a worker and its coordinator.
#[derive(Clone, Debug)]
struct Liar {
    upstream: Channel,
    lie: Lie,
    keys: LiarKeys,
}

/// Serves the worker on a listener until `stop` is ready; everything goes on to the coordinator
/// behind `upstream`, but for the lie.
pub async fn serve(
    listener: TcpListener,
    upstream: Channel,
    (lie, keys): (Lie, LiarKeys),
    stop: impl Future<Output = ()>,
) -> Result<(), tonic::transport::Error> {
    let liar = Liar { upstream, lie, keys };
    Server::builder()
        .add_service(
            WorkersServer::new(liar.clone())
                .max_decoding_message_size(limits::AGENT_MESSAGE_BYTES)
                .max_encoding_message_size(limits::COORDINATOR_MESSAGE_BYTES),
        )
        .add_service(
            BlobsServer::new(liar)
                .max_decoding_message_size(limits::BLOBS_REQUEST_BYTES)
                .max_encoding_message_size(limits::BLOBS_RESPONSE_BYTES),
        )
        .serve_with_incoming_shutdown(TcpIncoming::from(listener), stop)
        .await
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl Workers for Liar {
    type ConnectStream = Answers<v1::CoordinatorMessage>;

    async fn connect(
        &self,
        request: Request<Streaming<v1::AgentMessage>>,
    ) -> Result<Response<Self::ConnectStream>, Status> {
        let liar = self.clone();
        let said = request.into_inner().filter_map(|message| ready(message.ok()));
        let told = said.flat_map(move |message| stream::iter(liar.told(message)));
        let mut coordinator = WorkersClient::new(self.upstream.clone())
            .max_decoding_message_size(limits::COORDINATOR_MESSAGE_BYTES);
        let answers = coordinator.connect(told).await?.into_inner();
        Ok(Response::new(Box::pin(answers)))
    }
}

impl Liar {
    /// What the coordinator hears in place of what the worker said.
    fn told(&self, message: v1::AgentMessage) -> VecDeque<v1::AgentMessage> {
        let mut told = VecDeque::from([message.clone()]);
        let Ok(AgentMessage { body }) = AgentMessage::try_from(message) else { return told };
        match (self.lie, body) {
            (Lie::WrongOutput, AgentBody::TaskCommit(mut commit)) => {
                let assignment = known(&commit.assignment);
                commit.commitment = false_opening(&assignment).commitment(&assignment);
                let (commitment, round) = (commit.commitment, commit.round);
                let pledge = Pledge { assignment, commitment, round };
                let signature = self.keys.identity.sign(&pledge.to_bytes());
                commit.signature = IdentitySignature::new(signature.to_bytes());
                told = VecDeque::from([message_of(AgentBody::TaskCommit(commit))]);
            }
            (Lie::WrongOutput, AgentBody::TaskReveal(mut reveal)) => {
                let opening = false_opening(&known(&reveal.assignment));
                (reveal.output_root, reveal.salt) = (opening.output_root, opening.salt);
                told = VecDeque::from([message_of(AgentBody::TaskReveal(reveal))]);
            }
            (Lie::TwoClaims, AgentBody::Attested(attested)) => {
                told.extend(self.second_claim(&attested).map(message_of));
            }
            (Lie::WrongOutput | Lie::TwoClaims, _) => {}
        }
        told
    }

    /// A claim of another output for the same attempt, signed like the first.
    fn second_claim(&self, first: &Attested) -> Option<AgentBody> {
        let output_root = OutputRoot::from(keccak256(first.output_root.as_bytes()));
        let (job, attempt, cost) = (first.job, first.attempt, first.cost);
        let claim = ReceiptClaim { job, attempt, output_root, cost };
        let signature = self.keys.signer.sign_digest(self.keys.domain.claim_digest(&claim)).ok()?;
        Some(AgentBody::Attested(Attested { job, attempt, output_root, cost, signature }))
    }
}

/// An output that no program had, the same whenever it is asked for.
fn false_opening(assignment: &TaskAssignment) -> Opening {
    let lie = keccak256([b"lie".as_slice(), &assignment.to_bytes()].concat());
    Opening { output_root: OutputRoot::from(lie), salt: Salt::from(keccak256(lie)) }
}

const fn known(it: &Assignment) -> TaskAssignment {
    TaskAssignment {
        job: it.job,
        attempt: it.attempt,
        task: it.task,
        task_attempt: it.task_attempt,
        seat: it.seat,
    }
}

fn message_of(body: AgentBody) -> v1::AgentMessage {
    AgentMessage { body }.into()
}

#[tonic::async_trait]
impl Blobs for Liar {
    type GetStream = Answers<blobs::Part>;

    async fn put(
        &self,
        request: Request<Streaming<blobs::PutPart>>,
    ) -> Result<Response<blobs::Stored>, Status> {
        let parts = request.into_inner().filter_map(|part| ready(part.ok()));
        self.store().put(parts).await
    }

    async fn get(
        &self,
        request: Request<blobs::GetRequest>,
    ) -> Result<Response<Self::GetStream>, Status> {
        let parts = self.store().get(request.into_inner()).await?.into_inner();
        Ok(Response::new(Box::pin(parts)))
    }

    async fn has(
        &self,
        request: Request<blobs::HasRequest>,
    ) -> Result<Response<blobs::HasResponse>, Status> {
        self.store().has(request.into_inner()).await
    }
}

impl Liar {
    fn store(&self) -> BlobsClient<Channel> {
        BlobsClient::new(self.upstream.clone())
            .max_decoding_message_size(limits::BLOBS_RESPONSE_BYTES)
            .max_encoding_message_size(limits::BLOBS_REQUEST_BYTES)
    }
}
