//! A whole network in one tree of processes: a chain, coordinators, workers, an archive, a settler,
//! each a process of its own, registered, staked and funded.

mod people;
mod process;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::Arc;
use std::time::Duration;

use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::Address;
use serde::{Deserialize, Serialize};
use tallystick_abi::deployment::record_path;
use tallystick_chain::keys::{IdentityError, KeystoreError};
use tallystick_node::{Config, Role};
use tallystick_types::{ChainId, Seat};

use crate::anvil::{Anvil, AnvilError};
use crate::chain::{CallError, Chain};
use crate::deploy::{DeployError, Deployer};
use crate::ground::{Ground, TLY};
use crate::lie::Lie;
use crate::machines::Machines;
use people::{Draft, fund_client, make_folder, populate};
pub use process::MARK;
use process::{run, signal};

/// A key that every Anvil funds and everybody knows.
pub const LOCAL_KEY: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

/// The time a deposit of stake waits before it counts, in `script/parameters/local.json`.
const MATURITY: u64 = 5;

/// Stake behind every node.
pub const STAKE: u128 = 50_000 * TLY;

/// What the client of the network has: in its wallet, and of that in the house.
const WALLET: u128 = 10_000 * TLY;
const DEPOSIT: u128 = 5_000 * TLY;

/// How long a process may take until it is ready.
const STARTUP: Duration = Duration::from_secs(60);

/// How long a node may take to tell its metrics.
const ANSWER: Duration = Duration::from_secs(1);

/// Protects keys that are worth nothing.
const PASSWORD: &str = "local keys need no secret";

/// Who takes part.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where everything is kept. It is made, and must not be in use.
    pub folder: PathBuf,
    /// The program whose hidden command `node` runs a node: the one of this crate.
    pub program: PathBuf,
    /// The number of the chain.
    pub chain: ChainId,
    /// Coordinators; the first is the one that workers turn to.
    pub coordinators: u8,
    /// Workers.
    pub workers: Vec<WorkerPlan>,
    /// Whether the chain is kept in a file, so that Anvil can be killed and started again. The
    /// time that stake needs to mature is then waited for: Anvil forgets that it was moved.
    pub kept: bool,
    /// Machines on which the nodes live; without any, all are on this one.
    pub machines: Option<Arc<Machines>>,
}

/// How one node reaches the others.
#[derive(Clone, Debug)]
pub struct Wires {
    /// Endpoints of the chain.
    pub endpoints: Vec<String>,
    /// How many of them must say the same.
    pub agreement: usize,
    /// Blocks above a block until it is safe, and until it is final.
    pub depths: (u64, u64),
    /// Coordinators, the active one first.
    pub coordinators: Vec<String>,
    /// Longest pause of a worker between two tries to connect, in milliseconds.
    pub longest_pause_ms: u64,
}

/// One worker.
#[derive(Clone, Debug)]
pub struct WorkerPlan {
    /// Tasks at a time.
    pub places: u16,
    /// Memory that it offers, in bytes.
    pub memory_bytes: u64,
    /// Its region.
    pub region: u16,
    /// What it does that is wrong.
    pub lie: Option<Lie>,
}

/// One process of the network.
#[derive(Debug)]
pub struct Member {
    /// What it is called.
    pub name: String,
    /// What it does.
    pub role: Role,
    /// What it does that is wrong.
    pub lie: Option<Lie>,
    /// Who it is in the registry.
    pub seat: Seat,
    /// Who owns it.
    pub operator: Address,
    /// Where its health is told.
    pub observe: SocketAddr,
    /// The program behind which it starts on its machine.
    machine: Vec<OsString>,
    process: Child,
}

/// A network that runs. Dropping it ends all of its processes.
#[derive(Debug)]
pub struct Network {
    /// The chain and the contracts.
    pub ground: Ground,
    /// The nodes.
    pub members: Vec<Member>,
    /// Where clients connect, the active coordinator first.
    pub coordinators: Vec<String>,
    /// The account with money.
    pub client: Address,
    /// Everything that it keeps.
    pub folder: PathBuf,
    anvil: Anvil,
}

/// What a network tells about itself, for people and programs: `network.json` in its folder.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NetworkFile {
    /// The chain's endpoint.
    pub chain: String,
    /// Where clients connect.
    pub coordinators: Vec<String>,
    /// The process that holds it together.
    pub process: u32,
    /// The nodes: name, process and what they are.
    pub members: Vec<(String, u32, Role)>,
    /// The configuration with which `tally` is this network's client.
    pub client: PathBuf,
}

/// Why there is no network.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// The chain does not start.
    #[error(transparent)]
    Anvil(#[from] AnvilError),
    /// The contracts are not there.
    #[error(transparent)]
    Deploy(#[from] DeployError),
    /// The chain refused something.
    #[error(transparent)]
    Call(#[from] CallError),
    /// A key could not be kept.
    #[error(transparent)]
    Keystore(#[from] KeystoreError),
    /// An identity key could not be kept.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A file or process could not be made.
    #[error("{path} could not be used; check its permissions and free space")]
    Files {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A node ended, or is not ready in time.
    #[error("{name} is not ready; its log is {log}")]
    NotReady {
        /// The node.
        name: String,
        /// Where its log is.
        log: PathBuf,
    },
}

impl Network {
    /// Starts everything and returns when every node is ready. `progress` hears a line for each
    /// step.
    pub async fn start(plan: &Plan, progress: &dyn Fn(&str)) -> Result<Self, NetworkError> {
        Self::start_wired(plan, &mut |_, wires| Ok(wires), progress).await
    }

    /// The same, where `wire` may change how a node, which it is told by name, reaches the others.
    pub async fn start_wired(
        plan: &Plan,
        wire: &mut dyn FnMut(&str, Wires) -> io::Result<Wires>,
        progress: &dyn Fn(&str),
    ) -> Result<Self, NetworkError> {
        make_folder(&plan.folder)?;
        let repository = crate::repository();
        progress("starting Anvil");
        let anvil = match &plan.machines {
            Some(machines) => Anvil::start_at(machines.host(), &repository, plan.chain)?,
            None if plan.kept => {
                Anvil::start_kept(&repository, plan.chain, &plan.folder.join("anvil.json"))?
            }
            None => Anvil::start(&repository, plan.chain)?,
        };
        progress("deploying the contracts");
        let key: PrivateKeySigner = LOCAL_KEY.parse().expect("the well-known key is a key");
        let deployer = Deployer {
            repository,
            url: anvil.url(),
            chain: plan.chain,
            parameters: "local".to_owned(),
            key: key.clone(),
            sender: None,
        };
        let deployment = deployer.deploy().await?;
        let chain = Chain::connect(&anvil.url(), key.clone())?;
        let mut ground = Ground { chain, deployment, treasury: key.address() };
        progress("registering and staking nodes");
        let drafts = populate(&mut ground, plan).await?;
        let client = fund_client(&mut ground, &plan.folder).await?;
        ground.chain.mine_every(1).await?;
        let scheme = if plan.machines.is_some() { "https" } else { "http" };
        let coordinators: Vec<String> = drafts
            .iter()
            .filter(|draft| draft.role == Role::Coordinator)
            .map(|draft| format!("{scheme}://{}", draft.listen))
            .collect();
        let mut network = Self {
            ground,
            members: Vec::new(),
            coordinators,
            client,
            folder: plan.folder.clone(),
            anvil,
        };
        for draft in drafts {
            progress(&format!("starting {}", draft.name));
            let coordinator = draft.role == Role::Coordinator;
            let wires = wire(&draft.name, network.wires()).map_err(|it| files(&plan.folder, it))?;
            network.spawn(plan, draft, wires, &deployer.records())?;
            // Workers find their coordinator at the first try.
            if coordinator {
                network.await_ready(network.members.len() - 1).await?;
            }
        }
        for place in 0..network.members.len() {
            network.await_ready(place).await?;
        }
        network.write_file()?;
        Ok(network)
    }

    /// The chain's endpoint.
    pub fn url(&self) -> String {
        self.anvil.url()
    }

    /// The configuration with which `tally` is the client of this network.
    pub fn client_file(&self) -> PathBuf {
        self.folder.join("client.toml")
    }

    /// The file with the password of its keys.
    pub fn password_file(&self) -> PathBuf {
        self.folder.join("password")
    }

    /// How nodes reach each other where nothing is between them.
    fn wires(&self) -> Wires {
        Wires {
            endpoints: vec![self.url()],
            agreement: 1,
            depths: (0, 1),
            coordinators: self.coordinators.clone(),
            longest_pause_ms: Config::default().worker.longest_pause_ms,
        }
    }

    fn spawn(
        &mut self,
        plan: &Plan,
        draft: Draft,
        wires: Wires,
        records: &Path,
    ) -> Result<(), NetworkError> {
        let home = self.folder.join(&draft.name);
        let config = self.config(plan, &draft, wires, records);
        let path = home.join("node.toml");
        let text = toml::to_string(&config).expect("every configuration is TOML");
        fs::write(&path, text).map_err(|source| files(&path, source))?;
        let machine = plan.machines.as_ref().map(|machines| machines.behind(&draft.name));
        let machine = machine.unwrap_or_default();
        let process = run(&plan.program, &home, draft.lie, &machine)?;
        let Draft { name, role, lie, seat, operator, observe, .. } = draft;
        self.members.push(Member { name, role, lie, seat, operator, observe, machine, process });
        Ok(())
    }

    /// Starts a member again that was killed, with the same folder, and waits until it is ready.
    pub async fn restart(&mut self, name: &str, program: &Path) -> Result<(), NetworkError> {
        let Some(place) = self.members.iter().position(|member| member.name == name) else {
            return Ok(());
        };
        let home = self.folder.join(name);
        if let Some(member) = self.members.get_mut(place) {
            member.start(program, &home, &[])?;
        }
        self.await_ready(place).await
    }

    /// Kills the chain, or starts it again with what it kept; see [`Plan::kept`].
    pub fn anvil(&mut self) -> &mut Anvil {
        &mut self.anvil
    }

    fn config(&self, plan: &Plan, draft: &Draft, wires: Wires, records: &Path) -> Config {
        let home = self.folder.join(&draft.name);
        let mut config = Config { roles: [draft.role].into(), data: home, ..Config::default() };
        config.observe = draft.observe;
        config.drain_seconds = 5;
        config.chain.id = plan.chain;
        config.chain.endpoints = wires.endpoints;
        config.chain.deployments = records.to_owned();
        config.chain.agreement = wires.agreement;
        (config.chain.safe_depth, config.chain.final_depth) = wires.depths;
        config.chain.poll_ms = 200;
        config.keys.account = draft.seat.signer;
        config.keys.password_file = self.password_file();
        config.coordinator.listen = draft.listen;
        // Workers stay with the active one: it holds the leases of what they have begun, and comes
        // back to it after a crash.
        config.worker.coordinators = wires.coordinators.first().cloned().into_iter().collect();
        config.worker.longest_pause_ms = wires.longest_pause_ms;
        config.worker.places = draft.places;
        config.worker.memory_bytes = draft.memory_bytes;
        config.worker.region = draft.region;
        config.archive.coordinators = wires.coordinators;
        config.archive.every_seconds = 2;
        config.log.filter = "info".to_owned();
        if let Some(machines) = &plan.machines {
            let [certificate, key, authorities] = machines.files();
            config.tls.authorities = authorities;
            if draft.role == Role::Coordinator {
                (config.tls.certificate, config.tls.key) = (certificate, key);
            }
        }
        config
    }

    async fn await_ready(&mut self, place: usize) -> Result<(), NetworkError> {
        let Some(member) = self.members.get_mut(place) else { return Ok(()) };
        let url = format!("http://{}/readyz", member.observe);
        let log = self.folder.join(&member.name).join("node.log");
        let not_ready = || NetworkError::NotReady { name: member.name.clone(), log: log.clone() };
        let ready = async {
            loop {
                if member.process.try_wait().ok().flatten().is_some() {
                    return false;
                }
                let answer = reqwest::get(&url).await;
                if answer.is_ok_and(|answer| answer.status().is_success()) {
                    return true;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        match tokio::time::timeout(STARTUP, ready).await {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(not_ready()),
        }
    }

    fn write_file(&self) -> Result<(), NetworkError> {
        let member = |it: &Member| (it.name.clone(), it.process.id(), it.role);
        let file = NetworkFile {
            chain: self.url(),
            coordinators: self.coordinators.clone(),
            process: std::process::id(),
            members: self.members.iter().map(member).collect(),
            client: self.client_file(),
        };
        let text = serde_json::to_string_pretty(&file).expect("a network is JSON");
        let path = self.folder.join("network.json");
        fs::write(&path, text).map_err(|source| files(&path, source))?;
        let client = format!(
            "coordinators = {:?}\nrpc = {:?}\nchain = {}\ndeployments = {:?}\nkeystore = {:?}\n\
             key = \"{}\"\ntoken = \"TLY\"\n",
            self.coordinators,
            self.url(),
            self.ground.deployment.chain_id,
            crate::repository().join("deployments"),
            self.folder.join("client").join("keys"),
            self.client,
        );
        let path = self.client_file();
        fs::write(&path, client).map_err(|source| files(&path, source))
    }
}

impl Member {
    /// How many tasks a worker runs at this moment, as its metrics say; nothing where it does not
    /// answer.
    pub async fn running(&self) -> Option<u64> {
        let url = format!("http://{}/metrics", self.observe);
        let page = async { reqwest::get(url).await.ok()?.text().await.ok() };
        running(&tokio::time::timeout(ANSWER, page).await.ok()??)
    }

    /// Ends the node at once, as a power cut does. Says whether it ran.
    pub fn kill(&self) -> bool {
        signal("-KILL", self.process.id()).is_ok_and(|ended| ended)
    }

    /// Asks the node to end.
    pub fn terminate(&self) -> bool {
        signal("-TERM", self.process.id()).is_ok_and(|asked| asked)
    }

    /// Whether the process runs.
    pub fn runs(&mut self) -> bool {
        self.process.try_wait().is_ok_and(|ended| ended.is_none())
    }

    /// The signal that ended the process, if one did.
    pub fn ended_by(&mut self) -> Option<i32> {
        self.process.try_wait().ok().flatten().and_then(|status| status.signal())
    }

    /// Starts the node again in its folder once it ended, behind a program such as a tracer that
    /// runs another one and leaves it the process number. Returns at once.
    pub fn start(
        &mut self,
        program: &Path,
        home: &Path,
        behind: &[OsString],
    ) -> Result<(), NetworkError> {
        let _ended = self.process.wait();
        let behind = [&self.machine, behind].concat();
        self.process = run(program, home, self.lie, &behind)?;
        Ok(())
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // Asked first, so that nothing is left half done; whoever does not listen is ended.
        for member in &mut self.members {
            if member.process.try_wait().ok().flatten().is_none() {
                let _gone = signal("-TERM", member.process.id());
            }
        }
        for member in &mut self.members {
            for _ in 0..50 {
                if member.process.try_wait().ok().flatten().is_some() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(100));
            }
            let _gone = member.process.kill();
            let _gone = member.process.wait();
        }
        let _gone = fs::remove_file(self.folder.join("network.json"));
        // The chain is gone, and nobody may take its record for one of a chain that runs.
        let records = crate::repository().join("deployments");
        let _gone = fs::remove_file(record_path(&records, self.ground.deployment.chain_id));
    }
}

/// The tasks that run, out of a page of metrics.
fn running(metrics: &str) -> Option<u64> {
    metrics.lines().find_map(|line| line.strip_prefix("tally_worker_running ")?.trim().parse().ok())
}

fn files(path: &Path, source: io::Error) -> NetworkError {
    NetworkError::Files { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_running_tasks_are_read_from_the_metrics() {
        let page = "# TYPE tally_worker_running gauge\ntally_worker_running 3\ntally_jobs 9\n";
        assert_eq!(super::running(page), Some(3));
        assert_eq!(super::running("tally_ready 1\n"), None);
    }
}
