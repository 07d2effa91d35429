//! A coordinator of one process: it keeps blobs in a real store, does the work itself, and makes
//! receipts with real keys.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};

use alloy_primitives::Address;
use ed25519_dalek::SigningKey;
use tallystick_abi::signer_of;
use tallystick_blobs::{BlobStore, StoreConfig};
use tallystick_protocol::specification::{Slice, Specification};
use tallystick_sdk::messages::{
    Accepted, Access, Assigned, ClaimPairingRequest, ClaimPairingResponse, CreatePairingRequest,
    CreatePairingResponse, EventKind, Finality, JobEvent, JobStatus, ListPairingsRequest,
    ListPairingsResponse, NetworkResponse, NotPaired, Pairing, Phase, QuoteRequest, QuoteResponse,
    ReceiptMade, ResultPart, ResultRequest, ResultResponse, Settled, StatusRequest, SubmitRequest,
    SubmitResponse, TaskNode, Token, Verified, WatchRequest, v1,
};
use tallystick_tls::SamplePair;
use tallystick_types::{
    Amount, BlobDigest, Canonical, ChainTime, Funding, JobId, JobPrice, JobRules, JobTerms,
    ParametersVersion, Policy, Privacy, ServiceLevel, SignedReceipt, TaskAttempt, WallTime,
};
use tallystick_wire::authentication::{ClientRequest, Network, PairingClaim};
use tallystick_wire::blobs::v1::blobs_server::BlobsServer;
use tallystick_wire::client::Shortage;
use tallystick_wire::client::v1::clients_server::{Clients, ClientsServer};
use tokio::task::JoinSet;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_stream::{Stream, StreamExt};
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tonic::{Code, Request, Response, Status};

use crate::sample::{DOMAIN, Nodes, Work};

pub(crate) const TOKEN: Address = Address::repeat_byte(0x22);

const NETWORK: Network = Network { chain: DOMAIN.chain, job_manager: DOMAIN.job_manager };

/// A job that is done, because the coordinator did it when it came.
#[derive(Clone)]
struct Done {
    client: Address,
    receipt: SignedReceipt,
    parts: Vec<ResultPart>,
    events: Vec<JobEvent>,
}

/// What the coordinator knows, and how it misbehaves.
pub(crate) struct State {
    pub(crate) store: BlobStore,
    nodes: Nodes,
    jobs: BTreeMap<JobId, Done>,
    /// After so many events a stream breaks.
    pub(crate) break_after: usize,
    /// How often somebody began to watch.
    pub(crate) watches: Vec<u64>,
    /// Which receipt is handed out instead of the true one.
    pub(crate) instead: Option<SignedReceipt>,
    /// Jobs that their client cancelled.
    pub(crate) cancelled: Vec<JobId>,
    /// Whom every quote misses.
    pub(crate) shortage: Option<Shortage>,
    /// Blobs that were put.
    pub(crate) puts: Vec<BlobDigest>,
    /// Who proved to ask.
    pub(crate) readers: Vec<Address>,
}

/// A running coordinator; dropping it stops it.
pub(crate) struct Coordinator {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
    _folder: tempfile::TempDir,
    _tasks: JoinSet<()>,
}

#[derive(Clone)]
struct Service(Arc<Mutex<State>>);

impl Coordinator {
    pub(crate) async fn start() -> Self {
        Self::serve("http", Server::builder()).await
    }

    /// One that speaks TLS.
    pub(crate) async fn secured(pair: &SamplePair) -> Self {
        let identity = Identity::from_pem(&pair.certificate, &pair.key);
        let tls = ServerTlsConfig::new().identity(identity);
        Self::serve("https", Server::builder().tls_config(tls).unwrap()).await
    }

    async fn serve(scheme: &str, mut server: Server) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = BlobStore::open(StoreConfig::new(folder.path(), 1 << 30)).unwrap();
        let state = Arc::new(Mutex::new(State {
            store,
            nodes: Nodes::new(3),
            jobs: BTreeMap::new(),
            break_after: usize::MAX,
            watches: Vec::new(),
            instead: None,
            cancelled: Vec::new(),
            shortage: None,
            puts: Vec::new(),
            readers: Vec::new(),
        }));
        let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)));
        let listener = listener.await.unwrap();
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let server = server
            .add_service(ClientsServer::new(Service(Arc::clone(&state))))
            .add_service(BlobsServer::new(crate::store::Store(Arc::clone(&state))))
            .serve_with_incoming(TcpListenerStream::new(listener));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { server.await.unwrap() });
        Self { url, state, _folder: folder, _tasks: tasks }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl State {
    /// Does the work of a specification whose blobs are here: capital letters.
    fn work(&self, specification: &Specification) -> Work {
        let blob = specification.input.blobs()[0];
        let bytes = self.store.get(blob).unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        let slices = specification.input.slices(Some(&bytes)).unwrap();
        let slices: Vec<&str> = slices
            .iter()
            .map(|slice| match slice {
                Slice::Bytes { range, .. } => {
                    let start = usize::try_from(range.start).unwrap();
                    &text[start..start + usize::try_from(range.length).unwrap()]
                }
                Slice::Text(_) => panic!("no pictures here"),
            })
            .collect();
        Work::of(&slices, usize::try_from(specification.slices_per_task).unwrap())
    }

    fn execute(&mut self, job: JobId, client: Address, specification: &Specification) -> Done {
        let work = self.work(specification);
        let receipt = self.nodes.receipt(job, specification, &work);
        let seat = self.nodes.seats()[0];
        let mut kinds =
            vec![EventKind::Accepted(Accepted { tasks: u32::try_from(work.tasks.len()).unwrap() })];
        let mut parts = Vec::new();
        for ((slices, output), (task, output_root)) in work.tasks.iter().zip(work.roots()) {
            let stored = self.store.put(&output.to_bytes()).unwrap();
            let slice_count = slices.count.try_into().unwrap();
            let first_slice = slices.first;
            let at = TaskNode { task, task_attempt: TaskAttempt::new(257), seat };
            kinds.push(EventKind::Assigned(Assigned { at, primary: true }));
            kinds.push(EventKind::Verified(Verified {
                task,
                first_slice,
                slice_count,
                output_root,
            }));
            let (blob, size) = (stored.digest, stored.size);
            parts.push(ResultPart { task, first_slice, slice_count, blob, size });
        }
        kinds.push(EventKind::Receipt(ReceiptMade { digest: receipt.receipt.digest() }));
        let (finality, transaction) = (Finality::Final, [6; 32].into());
        kinds.push(EventKind::Settled(Settled { finality, transaction }));
        let events = (1..).zip(kinds).map(|(sequence, kind)| JobEvent {
            at_ms: WallTime::new(sequence),
            sequence,
            kind: Some(kind),
        });
        Done { client, receipt, parts, events: events.collect() }
    }

    fn job(&self, job: JobId) -> Result<&Done, Status> {
        self.jobs.get(&job).ok_or_else(|| Status::not_found("no such job"))
    }
}

pub(crate) fn read<W, T: TryFrom<W, Error = tallystick_wire::MalformedError>>(
    request: Request<W>,
) -> Result<T, Status> {
    request.into_inner().try_into().map_err(|error: tallystick_wire::MalformedError| {
        Status::new(Code::InvalidArgument, error.to_string())
    })
}

pub(crate) fn answer<T, W: From<T>>(message: T) -> Result<Response<W>, Status> {
    Ok(Response::new(message.into()))
}

fn quote(request: &QuoteRequest) -> QuoteResponse {
    let specification = Specification::from_bytes(&request.specification).unwrap();
    let (max_price, tip) = (Amount::new(1_000), Amount::new(10));
    let now = tallystick_sdk::client::now().get();
    let at = |seconds| ChainTime::new(now / 1_000 + seconds).unwrap();
    QuoteResponse {
        max_price,
        tip,
        slices: 5,
        tasks: 3,
        policy: Policy::Cheap,
        terms: JobTerms {
            specification: specification.digest(),
            token: request.token,
            price: JobPrice::new(max_price, Amount::ZERO, tip).unwrap(),
            rules: JobRules {
                funding: Funding::Balance,
                verification: request.verification.unwrap(),
                trust: request.trust.unwrap(),
                replicas: request.replicas,
                quorum: request.replicas / 2 + 1,
                assign_by: at(60),
                complete_by: at(3_600),
                service_level: ServiceLevel::new(0),
                parameters_version: ParametersVersion::new(4).unwrap(),
            },
        },
        expires_at_ms: WallTime::new(now + 60_000),
    }
}

type Answer<T> = Result<Response<T>, Status>;
type Events = Pin<Box<dyn Stream<Item = Result<v1::JobEvent, Status>> + Send>>;

#[tonic::async_trait]
impl Clients for Service {
    async fn network(&self, _: Request<v1::NetworkRequest>) -> Answer<v1::NetworkResponse> {
        let state = self.0.lock().unwrap();
        let name = "JobManager".to_owned().try_into().unwrap();
        let contract = tallystick_sdk::messages::Contract { name, address: DOMAIN.job_manager };
        let symbol = "TLY".to_owned().try_into().unwrap();
        answer(NetworkResponse {
            chain_id: DOMAIN.chain,
            contracts: vec![contract].try_into().unwrap(),
            coordinator: state.nodes.seats()[0],
            coordinator_identity: tallystick_types::IdentityKey::new([1; 32]),
            parameters_version: ParametersVersion::new(4).unwrap(),
            tokens: vec![Token { address: TOKEN, symbol, decimals: 18 }].try_into().unwrap(),
            software: "test".to_owned().try_into().unwrap(),
            server_time_ms: tallystick_sdk::client::now(),
            block: 5,
        })
    }

    async fn quote(&self, request: Request<v1::QuoteRequest>) -> Answer<v1::QuoteResponse> {
        if let Some(shortage) = self.0.lock().unwrap().shortage.clone() {
            return Err(shortage.refusal());
        }
        let request: QuoteRequest = read(request)?;
        let specification = Specification::from_bytes(&request.specification).unwrap();
        if specification.privacy == Privacy::Private {
            let access = request.access.ok_or_else(|| Status::unauthenticated("who asks?"))?;
            let who = self.reader(&access);
            self.0.lock().unwrap().readers.push(who);
            return Err(NotPaired { replicas: 3, paired: 1, ready: 0 }.into());
        }
        answer(quote(&request))
    }

    async fn submit(&self, request: Request<v1::SubmitRequest>) -> Answer<v1::SubmitResponse> {
        let request: SubmitRequest = read(request)?;
        let order = request.order();
        let signer = signer_of(DOMAIN.order_digest(&order), &request.signature);
        if signer != Ok(request.client) {
            return Err(Status::permission_denied("the client did not sign this order"));
        }
        let specification = Specification::from_bytes(&request.specification).unwrap();
        let job = DOMAIN.job_id(&order);
        let mut state = self.0.lock().unwrap();
        let missing = specification.blobs().into_iter().find(|blob| !state.store.has(*blob));
        if let Some(missing) = missing {
            return Err(Status::failed_precondition(format!("blob {missing} is not here")));
        }
        let done = state.execute(job, request.client, &specification);
        state.jobs.insert(job, done);
        answer(SubmitResponse { job })
    }

    async fn status(&self, request: Request<v1::StatusRequest>) -> Answer<v1::JobStatus> {
        let StatusRequest { job } = read(request)?;
        let state = self.0.lock().unwrap();
        let done = state.job(job)?;
        let tasks = u32::try_from(done.parts.len()).unwrap();
        answer(JobStatus {
            job,
            phase: Phase::Settled,
            attempt: 1,
            tasks_total: tasks,
            tasks_verified: tasks,
            tasks_active: 0,
            tasks_dead: 0,
            created_at_ms: WallTime::new(1),
            updated_at_ms: WallTime::new(2),
            finality: Finality::Final,
            close_reason: "done".to_owned().try_into().unwrap(),
            nodes: Vec::new().try_into().unwrap(),
            cost: Some(Amount::new(900)),
            client: done.client,
            token: TOKEN,
            private: false,
            waiting: None,
        })
    }

    type WatchStream = Events;

    async fn watch(&self, request: Request<v1::WatchRequest>) -> Answer<Events> {
        let WatchRequest { job, after_sequence, .. } = read(request)?;
        let mut state = self.0.lock().unwrap();
        state.watches.push(after_sequence);
        let events = state.job(job)?.events.clone();
        let left: Vec<_> =
            events.into_iter().filter(|event| event.sequence > after_sequence).collect();
        let breaks = left.len() > state.break_after;
        let end = breaks.then(|| Err(Status::unavailable("the coordinator stopped")));
        let sent = left.into_iter().take(state.break_after).map(|event| Ok(event.into()));
        Ok(Response::new(Box::pin(tokio_stream::iter(sent.chain(end)))))
    }

    async fn result(&self, request: Request<v1::ResultRequest>) -> Answer<v1::ResultResponse> {
        let ResultRequest { job, first_task, .. } = read(request)?;
        let state = self.0.lock().unwrap();
        let done = state.job(job)?;
        // Two parts at a time, so that a client has to ask again.
        let from = done.parts.iter().filter(|part| part.task >= first_task);
        let parts: Vec<_> = from.clone().take(2).cloned().collect();
        answer(ResultResponse {
            output: Some(done.receipt.receipt.output),
            parts: parts.try_into().unwrap(),
            next_task: from.clone().nth(2).map(|part| part.task),
        })
    }

    async fn receipt(&self, request: Request<v1::ReceiptRequest>) -> Answer<v1::ReceiptResponse> {
        let tallystick_sdk::messages::ReceiptRequest { job, .. } = read(request)?;
        let state = self.0.lock().unwrap();
        let receipt = state.instead.as_ref().unwrap_or(&state.job(job)?.receipt).to_bytes();
        Ok(Response::new(v1::ReceiptResponse { receipt }))
    }

    async fn cancel(&self, request: Request<v1::CancelRequest>) -> Answer<v1::CancelResponse> {
        let tallystick_sdk::messages::CancelRequest { job, signature } = read(request)?;
        let signer = signer_of(ClientRequest::Cancel { job }.digest(NETWORK), &signature);
        let mut state = self.0.lock().unwrap();
        if signer != Ok(state.job(job)?.client) {
            return Err(Status::permission_denied("this is not your job"));
        }
        state.cancelled.push(job);
        Ok(Response::new(v1::CancelResponse {}))
    }

    async fn why(&self, _: Request<v1::WhyRequest>) -> Answer<v1::WhyResponse> {
        Ok(Response::new(v1::WhyResponse { json: "{}".to_owned() }))
    }

    async fn jobs(&self, _: Request<v1::JobsRequest>) -> Answer<v1::JobsResponse> {
        Err(Status::unimplemented("not here"))
    }

    async fn nodes(&self, _: Request<v1::NodesRequest>) -> Answer<v1::NodesResponse> {
        Err(Status::unimplemented("not here"))
    }

    async fn dead_letters(
        &self,
        _: Request<v1::DeadLettersRequest>,
    ) -> Answer<v1::DeadLettersResponse> {
        Err(Status::unimplemented("not here"))
    }

    async fn retry(&self, _: Request<v1::RetryRequest>) -> Answer<v1::RetryResponse> {
        Err(Status::unimplemented("not here"))
    }

    async fn create_pairing(
        &self,
        request: Request<v1::CreatePairingRequest>,
    ) -> Answer<v1::CreatePairingResponse> {
        let CreatePairingRequest { client, nonce, signature, until_ms: until } = read(request)?;
        let coordinator = self.0.lock().unwrap().nodes.seats()[0];
        let request = ClientRequest::CreatePairing { client, nonce, coordinator, until };
        assert_eq!(signer_of(request.digest(NETWORK), &signature), Ok(client));
        answer(CreatePairingResponse {
            code: "ABCD-EFGH".to_owned().try_into().unwrap(),
            expires_at_ms: until,
        })
    }

    async fn claim_pairing(
        &self,
        request: Request<v1::ClaimPairingRequest>,
    ) -> Answer<v1::ClaimPairingResponse> {
        let ClaimPairingRequest { code, seat, identity_signature } = read(request)?;
        let identity = tallystick_types::IdentityKey::new(
            SigningKey::from_bytes(&[7; 32]).verifying_key().to_bytes(),
        );
        PairingClaim { seat, code }
            .verify(NETWORK, identity, &identity_signature)
            .map_err(|error| Status::unauthenticated(error.to_string()))?;
        answer(ClaimPairingResponse { client: TOKEN })
    }

    async fn list_pairings(
        &self,
        request: Request<v1::ListPairingsRequest>,
    ) -> Answer<v1::ListPairingsResponse> {
        let ListPairingsRequest { access, .. } = read(request)?;
        let who = self.reader(&access);
        let mut state = self.0.lock().unwrap();
        state.readers.push(who);
        answer(ListPairingsResponse {
            pairings: vec![Pairing { seat: state.nodes.seats()[1], since_ms: WallTime::new(9) }]
                .try_into()
                .unwrap(),
            next: tallystick_sdk::Cursor::default(),
        })
    }
}

impl Service {
    /// Who proved to ask this coordinator.
    fn reader(&self, access: &Access) -> Address {
        let coordinator = self.0.lock().unwrap().nodes.seats()[0];
        let request = ClientRequest::Read { coordinator, until: access.until_ms };
        signer_of(request.digest(NETWORK), &access.signature).unwrap()
    }
}

/// A stream of messages to its end.
pub(crate) async fn all<T>(mut stream: tonic::Streaming<T>) -> Result<Vec<T>, Status> {
    let mut messages = Vec::new();
    while let Some(message) = stream.next().await {
        messages.push(message?);
    }
    Ok(messages)
}
