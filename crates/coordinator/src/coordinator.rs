//! Puts a coordinator together and runs it.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use ed25519_dalek::SigningKey;
use tallystick_abi::Deployment;
use tallystick_blobs::{BlobService, BlobStore};
use tallystick_chain::follow::House;
use tallystick_chain::outbox::OutboxHandle;
use tallystick_journal::{Journal, JournalError};
use tallystick_ports::{Clock, blocking};
use tallystick_protocol::ledger::Settings;
use tallystick_protocol::specification::{MOST_BYTES, Specification};
use tallystick_scheduler::SchedulingParameters;
use tallystick_types::{BlobDigest, Privacy, Seat};
use tallystick_wire::blobs::v1::blobs_server::BlobsServer;
use tallystick_wire::client::v1::clients_server::ClientsServer;
use tallystick_wire::limits;
use tallystick_wire::worker::v1::workers_server::WorkersServer;
use tokio::sync::{mpsc, watch};

use crate::desk::{Desk, DeskHandle};
use crate::feed::Feed;
use crate::hands::Hands;
use crate::serve::clients::ClientService;
use crate::serve::workers::WorkerService;
use crate::sessions::Sessions;
use crate::shared::{CoordinatorConfig, Shared};
use crate::spawn::{Spawned, spawner};
use crate::watch as chain;

/// Batches of wishes that wait.
const WISHES: usize = 256;

/// What a coordinator works with.
#[derive(Debug)]
pub struct CoordinatorParts {
    /// Where it keeps what must survive. Nobody else has it open.
    pub journal: Journal,
    /// Programs, inputs and outputs.
    pub blobs: BlobStore,
    /// What the chain says.
    pub house: House,
    /// Sends from the account of the seat's signer.
    pub outbox: OutboxHandle,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The contracts.
    pub deployment: Arc<Deployment>,
    /// Who this coordinator is in the registry, with the signer that holds its leases.
    pub seat: Seat,
    /// Its identity key, with which it proves to nodes that it is this seat.
    pub identity: SigningKey,
}

/// A coordinator that is ready to run.
#[derive(Debug)]
pub struct Coordinator {
    desk: Desk,
    hands: Hands,
    spawned: Spawned,
    pub(crate) shared: Shared,
}

/// The services of a coordinator, for the server of its process. Each has the limits of the schema.
#[derive(Clone, Debug)]
pub struct CoordinatorServices {
    workers: WorkerService,
    clients: ClientService,
    blobs: BlobStore,
}

/// Tells which blobs a coordinator needs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Needs(DeskHandle);

/// Why a coordinator ended.
#[derive(Debug, thiserror::Error)]
pub enum CoordinatorError {
    /// The journal failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The thread of the journal ended without a word.
    #[error("the coordinator's desk failed; look into the log and start again")]
    Desk,
}

impl Coordinator {
    /// Reads the journal and makes everything ready.
    pub fn open(
        config: CoordinatorConfig,
        parts: CoordinatorParts,
    ) -> Result<(Self, CoordinatorServices), CoordinatorError> {
        let (wishes, wished) = mpsc::channel(WISHES);
        let settings = Settings {
            node_lease: tallystick_types::Seconds::new(config.heartbeat.get().saturating_mul(3)),
            ..Settings::default()
        };
        let parameters = SchedulingParameters::default();
        let clock = Arc::clone(&parts.clock);
        let (desk, handle) = Desk::open(parts.journal, (settings, parameters), clock, wishes)?;
        let shared = Shared {
            config: Arc::new(config),
            domain: parts.deployment.job_domain(),
            deployment: parts.deployment,
            me: parts.seat,
            identity: parts.identity,
            desk: handle,
            house: parts.house,
            outbox: parts.outbox,
            blobs: parts.blobs,
            sessions: Sessions::default(),
            feed: Feed::new(parts.clock.now()),
            clock: parts.clock,
        };
        let (spawner, spawned) = spawner();
        let services = CoordinatorServices {
            workers: WorkerService::new(shared.clone(), spawner),
            clients: ClientService::new(shared.clone()),
            blobs: shared.blobs.clone(),
        };
        let hands = Hands::new(shared.clone(), wished);
        Ok((Self { desk, hands, spawned, shared }, services))
    }

    /// What it needs of the blobs.
    pub fn needs(&self) -> Needs {
        Needs(self.shared.desk.clone())
    }

    /// Works until `stop` is ready or the disk fails. Sessions end with it; nodes go elsewhere or
    /// come back.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), CoordinatorError> {
        let (over, stopping) = watch::channel(false);
        let stopped = |mut stopping: watch::Receiver<bool>| async move {
            // An error means that nobody is left who could stop us: the same.
            let _dropped = stopping.wait_for(|over| *over).await;
        };
        let Self { desk, hands, spawned, shared } = self;
        let mut desk = blocking::drive(desk.run());
        let hands = hands.run(stopped(stopping.clone()));
        let sessions = spawned.run(stopped(stopping.clone()));
        let handle = shared.desk.clone();
        let chain = chain::run(shared, stopped(stopping));
        let mut rest = pin!(async { tokio::join!(hands, sessions, chain) });
        let mut stop = pin!(stop);
        tokio::select! {
            () = &mut stop => {}
            _ = &mut rest => {}
            ended = &mut desk => {
                return ended.map_err(|_| CoordinatorError::Desk)?.map_err(Into::into);
            }
        }
        over.send_replace(true);
        // The chain's watcher has no more to say than that the desk is gone.
        let _stopped = rest.await;
        handle.stop().await;
        desk.await.map_err(|_| CoordinatorError::Desk)?.map_err(Into::into)
    }
}

impl Needs {
    /// See [`crate::machine::Machine::needs`]; nothing where the coordinator stops.
    pub async fn blobs(&self) -> Option<BTreeSet<BlobDigest>> {
        self.0.ask(|machine, _| machine.needs()).await.ok()
    }
}

impl CoordinatorServices {
    /// The service for nodes.
    pub fn workers(
        &self,
    ) -> WorkersServer<impl tallystick_wire::worker::v1::workers_server::Workers + use<>> {
        WorkersServer::new(self.workers.clone())
            .max_decoding_message_size(limits::AGENT_MESSAGE_BYTES)
            .max_encoding_message_size(limits::COORDINATOR_MESSAGE_BYTES)
    }

    /// The service for clients.
    pub fn clients(
        &self,
    ) -> ClientsServer<impl tallystick_wire::client::v1::clients_server::Clients + use<>> {
        ClientsServer::new(self.clients.clone())
            .max_decoding_message_size(limits::CLIENT_REQUEST_BYTES)
            .max_encoding_message_size(limits::CLIENT_RESPONSE_BYTES)
    }

    /// The service that carries blobs, for both. Specifications of private jobs leave in sessions
    /// of the nodes that get the work, and no other way: the chain shows their address to
    /// everybody, and they name everything else.
    pub fn blobs(&self) -> BlobsServer<BlobService> {
        BlobService::withholding(self.blobs.clone(), is_private_specification)
    }
}

fn is_private_specification(blobs: &BlobStore, digest: BlobDigest) -> bool {
    let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
    if blobs.size(digest).is_none_or(|size| size > most) {
        return false;
    }
    let read = blobs.get(digest).ok().and_then(|bytes| Specification::from_bytes(&bytes).ok());
    read.is_some_and(|specification| specification.privacy == Privacy::Private)
}

#[cfg(test)]
mod tests;
