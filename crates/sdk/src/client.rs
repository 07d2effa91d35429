//! The way to a coordinator: several addresses, one at a time, with time limits.

mod call;
mod jobs;
mod trust;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alloy_primitives::Address;
use tallystick_abi::{Contract, Deployment, JobDomain};
use tallystick_chain::keys::EvmSigner;
use tallystick_ports::Clock;
use tallystick_tls::AddressError;
use tallystick_types::{ChainId, WallTime};
use tallystick_wire::authentication::Network;
use tallystick_wire::blobs::v1::blobs_client::BlobsClient;
use tallystick_wire::client::v1::clients_client::ClientsClient;
use tallystick_wire::client::{NetworkResponse, v1};
use tonic::transport::Channel;

pub use call::CallError;
pub(crate) use call::Repeat;
pub use jobs::{Listing, page};
pub use tallystick_tls::{Authorities, AuthoritiesError, Dial, Trouble};
pub use trust::TrustError;

/// Largest message that is taken from a coordinator, in bytes.
const MOST_MESSAGE_BYTES: usize = 8 << 20;

/// Where the network is and how long to wait for it.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// URLs of coordinators, the preferred one first.
    pub coordinators: Vec<String>,
    /// The record of the contracts. Without one, what the first coordinator says is believed.
    pub deployment: Option<Deployment>,
    /// Whose certificates are believed.
    pub authorities: Authorities,
    /// Longest wait for one answer.
    pub time_limit: Duration,
    /// How lines to them come about.
    pub dial: Dial,
    /// By which offers expire.
    pub clock: Arc<dyn Clock>,
}

/// A client of the network. Cheap to clone; holds no state but which coordinator answered last.
#[derive(Clone, Debug)]
pub struct Client {
    coordinators: Arc<Vec<Coordinator>>,
    current: Arc<AtomicUsize>,
    network: Network,
    signer: Option<Arc<dyn EvmSigner>>,
    time_limit: Duration,
    clock: Arc<dyn Clock>,
}

#[derive(Clone, Debug)]
struct Coordinator {
    url: String,
    channel: Channel,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No address was given.
    #[error("no coordinator is named; give one with --coordinator or TALLY_COORDINATOR")]
    NoCoordinator,
    /// The address is none, or would be spoken to in the clear on another machine.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// No coordinator says which network it is.
    #[error("no coordinator says which network this is")]
    Call(#[from] CallError),
    /// The coordinator names no contract for orders.
    #[error("the coordinator names no JobManager; give the deployment record of the network")]
    NoJobManager,
    /// The coordinator is of another network than the record.
    #[error(
        "the coordinator serves chain {stated} with JobManager {stated_contract}, the deployment \
         record says chain {recorded} with {recorded_contract}; ask another coordinator"
    )]
    OtherNetwork {
        /// Chain in the record.
        recorded: ChainId,
        /// Contract in the record.
        recorded_contract: Address,
        /// Chain of the coordinator.
        stated: ChainId,
        /// Contract of the coordinator.
        stated_contract: Address,
    },
}

impl ClientConfig {
    /// One coordinator, 20 seconds for an answer.
    pub fn new(coordinator: impl Into<String>) -> Self {
        let time_limit = Duration::from_secs(20);
        let (coordinators, authorities) = (vec![coordinator.into()], Authorities::default());
        Self {
            coordinators,
            deployment: None,
            authorities,
            time_limit,
            dial: Dial::default(),
            clock: Arc::new(MachineClock),
        }
    }
}

impl Client {
    /// Asks a coordinator which network it serves and compares that with the record. Without a
    /// signer everything works that nobody has to sign.
    ///
    /// # Errors
    ///
    /// [`ConnectError`]; each variant says what to do.
    pub async fn connect(
        config: &ClientConfig,
        signer: Option<Arc<dyn EvmSigner>>,
    ) -> Result<Self, ConnectError> {
        let coordinators: Vec<_> = config
            .coordinators
            .iter()
            .map(|url| Coordinator::named(url, config))
            .collect::<Result<_, _>>()?;
        if coordinators.is_empty() {
            return Err(ConnectError::NoCoordinator);
        }
        let nowhere = Network { chain: ChainId::new(0), job_manager: Address::ZERO };
        let mut client = Self {
            coordinators: Arc::new(coordinators),
            current: Arc::default(),
            network: nowhere,
            signer,
            time_limit: config.time_limit,
            clock: Arc::clone(&config.clock),
        };
        let stated = client.network().await?;
        client.network = agreed(&stated, config.deployment.as_ref())?;
        Ok(client)
    }

    /// Which network this is, as the coordinator says it.
    ///
    /// # Errors
    ///
    /// [`CallError`] when no coordinator answers.
    pub async fn network(&self) -> Result<NetworkResponse, CallError> {
        self.ask("Network", Repeat::Harmless, |mut service| async move {
            service.network(v1::NetworkRequest {}).await
        })
        .await
    }

    /// The contract under whose name orders are signed.
    pub const fn job_domain(&self) -> JobDomain {
        JobDomain { chain: self.network.chain, job_manager: self.network.job_manager }
    }

    /// The chain and contract for which signatures count.
    pub const fn names(&self) -> Network {
        self.network
    }

    /// Whose orders these are, where there is a key.
    pub fn account(&self) -> Option<Address> {
        self.signer.as_ref().map(|signer| signer.address())
    }

    pub(crate) fn signer(&self) -> Option<&Arc<dyn EvmSigner>> {
        self.signer.as_ref()
    }

    pub(crate) const fn time_limit(&self) -> Duration {
        self.time_limit
    }

    pub(crate) fn now(&self) -> WallTime {
        self.clock.now()
    }

    pub(crate) fn count(&self) -> usize {
        self.coordinators.len()
    }

    fn present(&self) -> &Coordinator {
        let number = self.current.load(Ordering::Relaxed);
        &self.coordinators[number.checked_rem(self.count()).unwrap_or(0)]
    }

    /// The address of the coordinator that is asked now.
    pub fn coordinator(&self) -> &str {
        &self.present().url
    }

    /// Asks another coordinator from now on.
    pub(crate) fn switch(&self) {
        self.current.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn clients(&self) -> ClientsClient<Channel> {
        ClientsClient::new(self.present().channel.clone())
            .max_decoding_message_size(MOST_MESSAGE_BYTES)
    }

    pub(crate) fn blobs(&self) -> BlobsClient<Channel> {
        BlobsClient::new(self.present().channel.clone())
            .max_decoding_message_size(MOST_MESSAGE_BYTES)
    }
}

impl Coordinator {
    fn named(url: &str, config: &ClientConfig) -> Result<Self, AddressError> {
        let endpoint = tallystick_tls::line(url, &config.authorities, None)?
            .connect_timeout(config.time_limit)
            .http2_keep_alive_interval(Duration::from_secs(15))
            .keep_alive_timeout(config.time_limit);
        Ok(Self { url: url.to_owned(), channel: config.dial.connect_lazy(&endpoint) })
    }
}

/// The network on which coordinator and record agree.
fn agreed(stated: &NetworkResponse, record: Option<&Deployment>) -> Result<Network, ConnectError> {
    let manager = stated.contracts.iter().find(|contract| &*contract.name == "JobManager");
    let stated_contract = manager.ok_or(ConnectError::NoJobManager)?.address;
    let stated = stated.chain_id;
    if let Some(record) = record {
        let recorded_contract = record.address(Contract::JobManager);
        let recorded = record.chain_id;
        if recorded != stated || recorded_contract != stated_contract {
            return Err(ConnectError::OtherNetwork {
                recorded,
                recorded_contract,
                stated,
                stated_contract,
            });
        }
    }
    Ok(Network { chain: stated, job_manager: stated_contract })
}

/// The clock of this machine.
#[derive(Clone, Copy, Debug)]
struct MachineClock;

impl Clock for MachineClock {
    fn now(&self) -> WallTime {
        now()
    }
}

/// The time by the clock of this machine.
pub fn now() -> WallTime {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that others take")]
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallTime::new(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
