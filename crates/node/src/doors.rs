//! What all roles of a process share: its folder, its keys, the chain.

use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ed25519_dalek::SigningKey;
use tallystick_abi::{Contract, Deployment, JobDomain};
use tallystick_blobs::{BlobStore, StoreConfig};
use tallystick_chain::endpoint::Endpoint;
use tallystick_chain::follow::{Follower, House, reader};
use tallystick_chain::ingest::{Finality, Ingest, IngestConfig, Phase};
use tallystick_chain::keys::{EvmSigner, IdentityFile, Keystores, Password};
use tallystick_chain::outbox::{Outbox, OutboxHandle, Parts, Settings};
use tallystick_chain::view::HouseContracts;
use tallystick_journal::{Network, Shelf};
use tallystick_ports::{Clock, Store};
use tallystick_tls::Authorities;

use crate::clock::SystemClock;
use crate::config::{Config, Role};
use crate::error::NodeError;
use crate::tasks::{Stage, Tasks};

/// Blocks that the view may be behind the chain when roles begin.
const MOST_BEHIND: u64 = 2;

/// What the roles of a process share.
#[derive(Debug)]
pub(crate) struct Doors {
    pub(crate) config: Config,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) deployment: Arc<Deployment>,
    pub(crate) house: House,
    pub(crate) authorities: Authorities,
    pub(crate) keys: Option<Keys>,
    pub(crate) blobs: Option<BlobStore>,
    network: Network,
    /// Held for as long as the node runs.
    _lock: File,
}

/// Who the node is.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    pub(crate) signer: Arc<dyn EvmSigner>,
    pub(crate) outbox: OutboxHandle,
    /// Of coordinators and workers.
    pub(crate) identity: Option<SigningKey>,
}

impl Doors {
    /// Opens the doors and starts their tasks.
    pub(crate) fn open(config: Config, tasks: &mut Tasks) -> Result<Self, NodeError> {
        let lock = lock(&config.data)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let chain = &config.chain;
        let deployment = Arc::new(Deployment::read(&chain.deployments, chain.id)?);
        let network = Network { chain: chain.id, jobs: deployment.address(Contract::JobManager) };
        let authorities = match config.tls.authorities() {
            Some(path) => Authorities::with_file(path)?,
            None => Authorities::default(),
        };
        let limit = Duration::from_millis(chain.answer_ms);
        let endpoint = |url: &String| Endpoint::believing(url, limit, &authorities);
        let endpoints: Vec<Endpoint> =
            chain.endpoints.iter().map(endpoint).collect::<Result<_, _>>()?;
        let finality = match (chain.safe_depth, chain.final_depth) {
            (0, 0) => Finality::Tags,
            (safe, last) => Finality::Depth { safe, last },
        };

        let follow = IngestConfig {
            agreement: chain.agreement,
            finality,
            poll: Duration::from_millis(chain.poll_ms),
            ..IngestConfig::of_deployment(&deployment)
        };
        let store: Arc<dyn Store> = Arc::new(Shelf::open(config.folder("chain"), network)?);
        let contracts = HouseContracts::of(&deployment);
        let understands = Arc::new(reader(contracts.clone()));
        let known = Arc::clone(&clock);
        let (ingest, handle) = Ingest::open(follow, endpoints.clone(), store, known, understands)?;
        let (follower, house) = Follower::open(handle, contracts)?;
        let keys = if config.needs_keys() {
            Some(Keys::open(&config, network, (&clock, &endpoints, finality), tasks)?)
        } else {
            None
        };
        let blobs = needs_identity(&config).then(|| open_blobs(&config)).transpose()?;
        let stop = tasks.stop(Stage::Door);
        tasks.spawn("ingest", Stage::Door, ingest.run(stop));
        let stop = tasks.stop(Stage::Door);
        tasks.spawn("follower", Stage::Door, follower.run(stop));
        Ok(Self {
            config,
            clock,
            deployment,
            house,
            authorities,
            keys,
            blobs,
            network,
            _lock: lock,
        })
    }

    /// A store of a role's own.
    pub(crate) fn shelf(&self, name: &str) -> Result<Arc<dyn Store>, NodeError> {
        Ok(Arc::new(Shelf::open(self.config.folder(name), self.network)?))
    }

    /// The chain and its `JobManager`.
    pub(crate) fn domain(&self) -> JobDomain {
        self.deployment.job_domain()
    }

    /// The network to which folders belong.
    pub(crate) const fn network(&self) -> Network {
        self.network
    }

    /// Ready when the view is at the head of the chain: before, nobody can know who this node is.
    pub(crate) async fn caught_up(&self) {
        let mut heights = self.house.watch_heights();
        let mut ticks = tokio::time::interval(Duration::from_millis(200));
        loop {
            let (status, here) = (self.house.status(), self.house.heights().head);
            let near = status.head.is_some_and(|head| head.saturating_sub(here) <= MOST_BEHIND);
            if status.phase == Phase::Follow && near {
                return;
            }
            tokio::select! {
                changed = heights.changed() => if changed.is_err() {
                    // The follower ended; whoever waits for us sees its error.
                    return std::future::pending().await;
                },
                _ = ticks.tick() => {}
            }
        }
    }
}

impl Keys {
    fn open(
        config: &Config,
        network: Network,
        (clock, endpoints, finality): (&Arc<dyn Clock>, &[Endpoint], Finality),
        tasks: &mut Tasks,
    ) -> Result<Self, NodeError> {
        let path = &config.keys.password_file;
        let text = fs::read_to_string(path);
        let text = text.map_err(|source| NodeError::File { path: path.clone(), source })?;
        let password = Password::new(text.trim_end_matches(['\r', '\n']).to_owned());
        let account = config.keys.account;
        let signer: Arc<dyn EvmSigner> =
            Arc::new(Keystores::at(config.key_folder()).unlock(account, &password)?);
        let identity = needs_identity(config)
            .then(|| IdentityFile::at(config.identity_file()).load())
            .transpose()?;
        let settings = Settings {
            quorum: config.chain.agreement,
            look_every_ms: config.chain.poll_ms.max(200),
            ..Settings::new(network.chain, account)
        };
        let parts = Parts {
            store: Arc::new(Shelf::open(config.folder("outbox"), network)?),
            clock: Arc::clone(clock),
            signer: Arc::clone(&signer),
            endpoints: endpoints.to_vec(),
            finality,
        };
        let (outbox, handle) = Outbox::open(settings, parts)?;
        let stop = tasks.stop(Stage::Door);
        tasks.spawn("outbox", Stage::Door, outbox.run(stop));
        Ok(Self { signer, outbox: handle, identity })
    }
}

pub(crate) fn needs_identity(config: &Config) -> bool {
    config.roles.contains(&Role::Coordinator) || config.roles.contains(&Role::Worker)
}

fn open_blobs(config: &Config) -> Result<BlobStore, NodeError> {
    let settings = StoreConfig::new(config.folder("blobs"), config.coordinator.blob_bytes);
    let (blobs, report) = BlobStore::open(settings)?;
    tracing::info!(blobs = report.blobs, swept = report.swept, "node.doors.blobs");
    Ok(blobs)
}

/// Takes the folder for this process.
pub(crate) fn lock(data: &Path) -> Result<File, NodeError> {
    let failed = |source| NodeError::File { path: data.to_owned(), source };
    fs::create_dir_all(data).map_err(failed)?;
    let file = File::options().create(true).write(true).truncate(false).open(data.join("lock"));
    let file = file.map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(NodeError::Locked { path: data.to_owned() }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_belongs_to_one_node_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let held = lock(folder.path()).unwrap();
        assert!(matches!(lock(folder.path()), Err(NodeError::Locked { .. })));
        drop(held);
        lock(folder.path()).unwrap();
    }
}
