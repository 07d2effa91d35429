//! What an operator decides: a file, then the environment, then the command line.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

mod tls;

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};
use tallystick_coordinator::CoordinatorConfig;
use tallystick_types::ChainId;
use toml::{Table, Value};

pub use tls::TlsSettings;

/// Begins the names of settings in the environment; `__` separates section and name.
const PREFIX: &str = "TALLY_NODE_";

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Assigns jobs and collects their results.
    Coordinator,
    /// Executes.
    Worker,
    /// Pays results that stand.
    Settler,
    /// Keeps receipts.
    Archive,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What it does; one or more.
    pub roles: BTreeSet<Role>,
    /// Its folder. One process has it at a time.
    pub data: PathBuf,
    /// Where health and metrics are served, without any secret; keep it inside.
    pub observe: SocketAddr,
    /// How long roles have to finish what they began, in seconds.
    pub drain_seconds: u64,
    /// The chain.
    pub chain: ChainSettings,
    /// The keys.
    pub keys: KeySettings,
    /// Lines to other machines.
    pub tls: TlsSettings,
    /// The coordinator.
    pub coordinator: CoordinatorSettings,
    /// The worker.
    pub worker: WorkerSettings,
    /// The settler.
    pub settler: SettlerSettings,
    /// The archive.
    pub archive: ArchiveSettings,
    /// When the node says that something is late.
    pub late: LateSettings,
    /// The log.
    pub log: LogSettings,
}

/// How the chain is followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChainSettings {
    /// The chain's number.
    pub id: ChainId,
    /// JSON-RPC endpoints.
    pub endpoints: Vec<String>,
    /// The folder with `<chain id>.json`, the record of what is deployed.
    pub deployments: PathBuf,
    /// How many endpoints must say the same. One suits a local chain only.
    pub agreement: usize,
    /// Blocks above a block until it is safe, and until it is final. Both zero: the chain's own
    /// words `safe` and `finalized`.
    pub safe_depth: u64,
    /// See `safe_depth`.
    pub final_depth: u64,
    /// Shortest time between two looks at the head, in milliseconds.
    pub poll_ms: u64,
    /// How long an endpoint has to answer, in milliseconds.
    pub answer_ms: u64,
}

/// Where the keys are. They are made with `tally key`, never by a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeySettings {
    /// Folder of encrypted keys; empty: `keys` in the data folder.
    pub folder: PathBuf,
    /// The account that signs and pays for transactions. Nobody else may send from it.
    pub account: Address,
    /// File with the password, readable by its owner alone.
    pub password_file: PathBuf,
    /// File of the identity key; empty: `identity` in the data folder.
    pub identity_file: PathBuf,
}

/// The coordinator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CoordinatorSettings {
    /// Where nodes and clients connect.
    pub listen: SocketAddr,
    /// Connections at a time on that address.
    pub most_requests: usize,
    /// Bytes of blobs that are kept, for this role and the worker.
    pub blob_bytes: u64,
    /// What it asks, and whom it takes.
    pub rules: CoordinatorConfig,
}

/// The worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WorkerSettings {
    /// Coordinators in the order in which they are tried; those of other machines with https.
    pub coordinators: Vec<String>,
    /// Longest pause between two tries to connect, in milliseconds: pauses double up to it.
    pub longest_pause_ms: u64,
    /// Tasks at a time.
    pub places: u16,
    /// Thousandths of a processor core that are offered.
    pub cpu_millis: u64,
    /// Memory that is offered, and the most that one run may have, in bytes.
    pub memory_bytes: u64,
    /// Disk that is offered, in bytes.
    pub disk_bytes: u64,
    /// Number of the region in the network's table.
    pub region: u16,
    /// Asked for one work unit, in base units of the payment token.
    pub price: u64,
    /// Most metered work of one run.
    pub units: u64,
    /// Longest run, in seconds.
    pub execution_seconds: u64,
    /// Compiles programs in this process instead of a child of the hosting program. Only for
    /// programs of one's own, and for hosts without the sub-command.
    pub compile_in_process: bool,
}

/// The settler.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SettlerSettings {
    /// Whether jobs are moved on that nobody cares for.
    pub advance_lapsed: bool,
    /// The least tip for which a job is touched, by token, in its base units, as decimal text.
    pub least_tip: BTreeMap<Address, String>,
    /// Never pay more than this per unit of gas, in wei.
    pub max_fee_per_gas: u64,
    /// Wait after a call that had no effect, in seconds.
    pub retry_seconds: u64,
}

/// The archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ArchiveSettings {
    /// Coordinators that are asked for receipts. One in this process need not be named.
    pub coordinators: Vec<String>,
    /// Time between two rounds, in seconds.
    pub every_seconds: u64,
}

/// How long things may wait before `/readyz` fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LateSettings {
    /// The next block, in seconds; zero for a chain that makes blocks only when it has work.
    pub chain_seconds: u64,
    /// Everything on which money depends: transactions, payments, receipts, sessions; in seconds.
    pub money_seconds: u64,
}

/// The log, on standard error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogSettings {
    /// One JSON object per line instead of text.
    pub json: bool,
    /// What is logged, such as `info` or `info,tallystick_chain=debug`.
    pub filter: String,
}

/// A setting from the command line: its dotted name, such as `chain.id`, and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// Section and name.
    pub name: String,
    /// The value as TOML, or text.
    pub value: String,
}

/// Why there is no usable configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{} cannot be read; check its path and permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The file is no TOML, or a setting is unknown or of another kind.
    #[error("the configuration is not understood: {source}")]
    Form {
        /// What is wrong, and where.
        #[source]
        source: toml::de::Error,
    },
    /// A name runs through a setting that is no section.
    #[error("{name} names no setting; write section.name")]
    Name {
        /// The name.
        name: String,
    },
    /// There is nothing to do.
    #[error("no role is set; set roles to some of coordinator, worker, settler, archive")]
    NoRole,
    /// A setting is missing.
    #[error("{name} is not set; {remedy}")]
    Missing {
        /// The setting.
        name: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// Fewer endpoints than must agree.
    #[error("chain.agreement is {needed} with {given} endpoints; name more, or lower it")]
    Endpoints {
        /// How many must agree.
        needed: usize,
        /// How many there are.
        given: usize,
    },
    /// Other machines would connect in the clear.
    #[error(
        "coordinator.listen is {address}, where other machines connect, without TLS; set \
         tls.certificate and tls.key, or listen on 127.0.0.1. Only where a proxy in front of this \
         node does TLS, and nobody else reaches the address: set \
         tls.insecure_plaintext_behind_proxy"
    )]
    Plaintext {
        /// The address.
        address: SocketAddr,
    },
    /// A setting has a value that cannot be.
    #[error("{name} cannot be {given}; {remedy}")]
    Value {
        /// The setting.
        name: &'static str,
        /// Its value.
        given: String,
        /// What to do.
        remedy: &'static str,
    },
}

impl Config {
    /// Reads the file, if there is one, then the environment, then the command line. Later ones
    /// win; a setting that nobody knows is an error. The result is not checked yet.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        flags: &[Override],
    ) -> Result<Self, ConfigError> {
        let mut table = Table::new();
        if let Some(path) = file {
            let read = std::fs::read_to_string(path);
            let text =
                read.map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
            table = text.parse().map_err(|source| ConfigError::Form { source })?;
        }
        let named = environment.into_iter().filter_map(|(name, value)| {
            let name = name.strip_prefix(PREFIX)?.to_lowercase().replace("__", ".");
            Some(Override { name, value })
        });
        for setting in named.chain(flags.iter().cloned()) {
            set(&mut table, &setting)?;
        }
        table.try_into().map_err(|source| ConfigError::Form { source })
    }

    /// Whether it can be worked with.
    pub fn check(&self) -> Result<(), ConfigError> {
        let missing = |name, remedy| Err(ConfigError::Missing { name, remedy });
        if self.roles.is_empty() {
            return Err(ConfigError::NoRole);
        }
        let (needed, given) = (self.chain.agreement, self.chain.endpoints.len());
        if given == 0 {
            return missing("chain.endpoints", "name at least one JSON-RPC endpoint");
        }
        if needed == 0 || needed > given {
            return Err(ConfigError::Endpoints { needed, given });
        }
        if self.chain.safe_depth > self.chain.final_depth {
            let given = self.chain.safe_depth.to_string();
            let remedy = "a block is final no earlier than it is safe";
            return Err(ConfigError::Value { name: "chain.safe_depth", given, remedy });
        }
        if self.needs_keys() && self.keys.account == Address::ZERO {
            return missing("keys.account", "make a key with `tally key new` and name it");
        }
        if self.needs_keys() && self.keys.password_file.as_os_str().is_empty() {
            return missing("keys.password_file", "name a file with the password of the key");
        }
        let is_worker = self.roles.contains(&Role::Worker);
        let has_coordinator = self.roles.contains(&Role::Coordinator);
        if is_worker && self.worker.coordinators.is_empty() && !has_coordinator {
            return missing("worker.coordinators", "name the address of a coordinator");
        }
        if is_worker && self.worker.places == 0 {
            let remedy = "a worker has at least one place";
            return Err(ConfigError::Value { name: "worker.places", given: "0".into(), remedy });
        }
        if is_worker && self.worker.longest_pause_ms == 0 {
            let (name, given) = ("worker.longest_pause_ms", "0".into());
            let remedy = "give at least one millisecond; 30000 suit a network of many";
            return Err(ConfigError::Value { name, given, remedy });
        }
        self.check_tls()?;
        for tip in self.settler.least_tip.values() {
            if tip.parse::<u128>().is_err() {
                let remedy = "write base units of the token in digits";
                let given = tip.clone();
                return Err(ConfigError::Value { name: "settler.least_tip", given, remedy });
            }
        }
        Ok(())
    }

    /// Whether a role signs anything.
    pub fn needs_keys(&self) -> bool {
        self.roles.iter().any(|role| *role != Role::Archive)
    }

    /// A folder of the data folder.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.data.join(name)
    }

    pub(crate) fn key_folder(&self) -> PathBuf {
        or(&self.keys.folder, || self.folder("keys"))
    }

    pub(crate) fn identity_file(&self) -> PathBuf {
        or(&self.keys.identity_file, || self.folder("identity"))
    }
}

fn or(path: &Path, other: impl FnOnce() -> PathBuf) -> PathBuf {
    if path.as_os_str().is_empty() { other() } else { path.to_owned() }
}

/// Puts a setting into its section.
fn set(table: &mut Table, setting: &Override) -> Result<(), ConfigError> {
    let unknown = || ConfigError::Name { name: setting.name.clone() };
    let mut section = table;
    let mut parts = setting.name.split('.').peekable();
    while let Some(part) = parts.next() {
        if part.is_empty() {
            return Err(unknown());
        }
        if parts.peek().is_none() {
            section.insert(part.to_owned(), value_of(&setting.value));
            return Ok(());
        }
        let inner = section.entry(part).or_insert_with(|| Value::Table(Table::new()));
        section = inner.as_table_mut().ok_or_else(unknown)?;
    }
    Err(unknown())
}

/// A number, a list, true or false as TOML has them; everything else is text, and so are addresses,
/// which TOML takes for numbers.
fn value_of(text: &str) -> Value {
    if text.starts_with("0x") {
        return Value::String(text.to_owned());
    }
    let parsed: Option<Table> = format!("value = {text}").parse().ok();
    let value = parsed.and_then(|mut table| table.remove("value"));
    value.unwrap_or_else(|| Value::String(text.to_owned()))
}

impl Default for Config {
    fn default() -> Self {
        Self {
            roles: BTreeSet::new(),
            data: PathBuf::from("tally-data"),
            observe: SocketAddr::from(([127, 0, 0, 1], 7_421)),
            drain_seconds: 120,
            chain: ChainSettings::default(),
            keys: KeySettings::default(),
            tls: TlsSettings::default(),
            coordinator: CoordinatorSettings::default(),
            worker: WorkerSettings::default(),
            settler: SettlerSettings::default(),
            archive: ArchiveSettings::default(),
            late: LateSettings::default(),
            log: LogSettings::default(),
        }
    }
}

impl Default for ChainSettings {
    /// A local chain with one endpoint.
    fn default() -> Self {
        Self {
            id: ChainId::new(31_337),
            endpoints: vec!["http://127.0.0.1:8545".to_owned()],
            deployments: PathBuf::from("deployments"),
            agreement: 1,
            safe_depth: 0,
            final_depth: 0,
            poll_ms: 250,
            answer_ms: 5_000,
        }
    }
}

impl Default for CoordinatorSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7_420)),
            most_requests: 1_024,
            blob_bytes: 64 << 30,
            rules: CoordinatorConfig::default(),
        }
    }
}

impl Default for WorkerSettings {
    fn default() -> Self {
        Self {
            coordinators: Vec::new(),
            longest_pause_ms: 30_000,
            places: 2,
            cpu_millis: 2_000,
            memory_bytes: 1 << 30,
            disk_bytes: 16 << 30,
            region: 0,
            price: 1,
            units: 1 << 50,
            execution_seconds: 3_600,
            compile_in_process: false,
        }
    }
}

impl Default for SettlerSettings {
    fn default() -> Self {
        let least_tip = BTreeMap::new();
        let max_fee_per_gas = 100_000_000_000;
        Self { advance_lapsed: true, least_tip, max_fee_per_gas, retry_seconds: 60 }
    }
}

impl Default for ArchiveSettings {
    fn default() -> Self {
        Self { coordinators: Vec::new(), every_seconds: 5 }
    }
}

impl Default for LateSettings {
    fn default() -> Self {
        Self { chain_seconds: 60, money_seconds: 300 }
    }
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { json: false, filter: "info".to_owned() }
    }
}

#[cfg(test)]
mod tests;
