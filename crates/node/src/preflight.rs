//! Looks at everything that a node needs, before it is started: what is wrong and what to do.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall;
use tallystick_abi::contracts::INodeRegistry::nodeOfSignerCall;
use tallystick_abi::{Contract, Deployment};
use tallystick_chain::endpoint::{BlockRef, Call, Endpoint, Header};
use tallystick_chain::ingest::IngestConfig;
use tallystick_chain::keys::{EvmSigner, IdentityFile, Keystores, Password};
use tallystick_ports::Clock;
use tallystick_types::NodeId;

use crate::clock::SystemClock;
use crate::config::{Config, Role};
use crate::doors::{lock, needs_identity};
use crate::error::NodeError;

/// Clocks may differ by this much from the newest block of a chain that makes blocks.
const MOST_SKEW_SECONDS: u64 = 300;
/// Free bytes below which a node is not to be started.
const LEAST_FREE_BYTES: u64 = 1 << 30;
/// Fees of fifty million gas at one gwei, in wei.
const LEAST_FUNDS_WEI: u64 = 50_000_000_000_000_000;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What it is.
    pub what: &'static str,
    /// Whether a node can work with it.
    pub good: bool,
    /// What was found; where it is not good, what to do.
    pub about: String,
}

/// What is wrong, in words that say what to do.
type Found = Result<String, String>;

/// Looks at configuration, keys, disk, ports, the chain, funds and the registry. Changes nothing,
/// sends nothing, and asks for no password but in the configured file.
pub async fn preflight(config: &Config) -> Vec<Check> {
    let mut checks = Vec::new();
    note(&mut checks, "configuration", config.check().map_err(words).map(|()| roles(config)));
    note(&mut checks, "folder", folder(&config.data));
    note(&mut checks, "disk", disk(config));
    note(&mut checks, "health port", port("observe", config.observe));
    if config.roles.contains(&Role::Coordinator) {
        let listen = config.coordinator.listen;
        note(&mut checks, "service port", port("coordinator.listen", listen));
    }
    let signer = config.needs_keys().then(|| note(&mut checks, "key", key(config))).flatten();
    if needs_identity(config) {
        note(&mut checks, "identity", identity(config));
    }
    let record = Deployment::read(&config.chain.deployments, config.chain.id);
    let record = record.map_err(words).map(|it| (format!("chain {}", it.chain_id), it));
    let record = note_with(&mut checks, "deployment record", record);
    chain(config, record.as_ref(), signer.is_some(), &mut checks).await;
    checks
}

fn note(checks: &mut Vec<Check>, what: &'static str, found: Found) -> Option<()> {
    note_with(checks, what, found.map(|about| (about, ())))
}

fn note_with<T>(
    checks: &mut Vec<Check>,
    what: &'static str,
    found: Result<(String, T), String>,
) -> Option<T> {
    let (good, about, value) = match found {
        Ok((about, value)) => (true, about, Some(value)),
        Err(about) => (false, about, None),
    };
    checks.push(Check { what, good, about });
    value
}

/// An error with its causes on one line.
fn words(error: impl std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        let text = source.to_string();
        if !words.contains(&text) {
            words.push_str(": ");
            words.push_str(&text);
        }
        cause = source.source();
    }
    words.replace('\n', " ")
}

fn roles(config: &Config) -> String {
    let roles: Vec<_> =
        config.roles.iter().map(|role| format!("{role:?}").to_lowercase()).collect();
    format!("{}; tallystick {}", roles.join(", "), env!("CARGO_PKG_VERSION"))
}

/// The data folder can be written to, and no other process has it.
fn folder(data: &Path) -> Found {
    fs::create_dir_all(data).map_err(|error| {
        format!("{} cannot be made: {error}; choose another folder in data", data.display())
    })?;
    match lock(data) {
        Ok(_held) => Ok(data.display().to_string()),
        Err(error) => Err(words(error)),
    }
}

fn disk(config: &Config) -> Found {
    let stat = rustix::fs::statvfs(&config.data)
        .map_err(|error| format!("{}: {error}; look at the disk", config.data.display()))?;
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    let about = format!("{} MiB are free", free >> 20);
    let blobs = if needs_identity(config) { config.coordinator.blob_bytes } else { 0 };
    if free < LEAST_FREE_BYTES {
        Err(format!("{about}, a node needs {} MiB; free some space", LEAST_FREE_BYTES >> 20))
    } else if free < blobs {
        Err(format!(
            "{about}, and coordinator.blob_bytes allows {} MiB; lower it or free some space",
            blobs >> 20
        ))
    } else {
        Ok(about)
    }
}

fn port(setting: &str, address: SocketAddr) -> Found {
    TcpListener::bind(address)
        .map(|_free| address.to_string())
        .map_err(|error| format!("{address}: {error}; choose another address in {setting}"))
}

fn key(config: &Config) -> Found {
    let path = &config.keys.password_file;
    let text = fs::read_to_string(path)
        .map_err(|source| words(NodeError::File { path: path.clone(), source }))?;
    let password = Password::new(text.trim_end_matches(['\r', '\n']).to_owned());
    let keys = Keystores::at(config.key_folder());
    let signer = keys.unlock(config.keys.account, &password).map_err(words)?;
    Ok(signer.address().to_string())
}

fn identity(config: &Config) -> Found {
    let key = IdentityFile::at(config.identity_file()).load().map_err(words)?;
    Ok(IdentityFile::public(&key).to_string())
}

/// Everything that has to be asked of the chain's endpoints.
async fn chain(config: &Config, record: Option<&Deployment>, keyed: bool, out: &mut Vec<Check>) {
    let limit = Duration::from_millis(config.chain.answer_ms);
    let mut agreed = Vec::new();
    for address in &config.chain.endpoints {
        let endpoint = match Endpoint::new(address, limit) {
            Ok(endpoint) => endpoint,
            Err(error) => {
                note(out, "endpoint", Err(words(error)));
                continue;
            }
        };
        let found = ask(config, record, &endpoint).await;
        if let Some(head) = note_with(out, "endpoint", found) {
            agreed.push((endpoint, head));
        }
    }
    let (needed, given) = (config.chain.agreement, agreed.len());
    if given < needed {
        let why =
            format!("{given} endpoints can be used and chain.agreement is {needed}; add some");
        note(out, "agreement", Err(why));
    }
    let Some((endpoint, head)) = agreed.into_iter().max_by_key(|(_, head)| head.number) else {
        return;
    };
    note(out, "clock", clock(&head));
    if keyed {
        let account = config.keys.account;
        note(out, "funds", funds(&endpoint, account).await);
        if let Some(record) = record.filter(|_| needs_identity(config)) {
            note(out, "registry", registered(&endpoint, record, account).await);
        }
    }
}

/// The chain and the contracts behind an endpoint, and how far it is.
async fn ask(
    config: &Config,
    record: Option<&Deployment>,
    endpoint: &Endpoint,
) -> Result<(String, Header), String> {
    let name = endpoint.name().to_owned();
    let silent = |error| format!("{name}: {}; start it or name another", words(error));
    let chain = endpoint.chain_id().await.map_err(silent)?;
    if chain != config.chain.id {
        return Err(format!("{name} has chain {chain}, chain.id is {}", config.chain.id));
    }
    let head = endpoint.header(BlockRef::Latest).await.map_err(silent)?;
    let head = head.ok_or_else(|| format!("{name} has no block yet; wait for its first"))?;
    if config.chain.final_depth == 0 {
        let last = endpoint.header(BlockRef::Finalized).await.map_err(silent)?;
        if last.is_none() {
            return Err(format!(
                "{name} does not know the word `finalized`; set chain.safe_depth and \
                 chain.final_depth"
            ));
        }
    }
    for contract in record.map(IngestConfig::of_deployment).iter().flat_map(|it| &it.contracts) {
        let code = endpoint.code_hash(contract.address).await.map_err(silent)?;
        if code != contract.code_hash {
            return Err(format!(
                "{name} has other code at {} than chain.deployments says; use the record of this \
                 chain, or another endpoint",
                contract.address
            ));
        }
    }
    Ok((format!("{name} is at block {}", head.number), head))
}

fn clock(head: &Header) -> Found {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let skew = (clock.now().get() / 1_000).abs_diff(head.timestamp);
    let about = format!("{skew} s apart from the newest block");
    if skew > MOST_SKEW_SECONDS {
        Err(format!("{about}; set the clock, or look why the chain stands still"))
    } else {
        Ok(about)
    }
}

async fn funds(endpoint: &Endpoint, account: Address) -> Found {
    let balance = endpoint.balance(account).await.map_err(words)?;
    let about = format!("{account} has {balance} wei");
    if balance < U256::from(LEAST_FUNDS_WEI) {
        Err(format!("{about}; send it at least {LEAST_FUNDS_WEI} wei for fees"))
    } else {
        Ok(about)
    }
}

/// The node of the signer, as the registry has it.
async fn registered(endpoint: &Endpoint, record: &Deployment, signer: Address) -> Found {
    let call = Call {
        from: signer,
        to: record.address(Contract::NodeRegistry),
        data: nodeOfSignerCall { signer }.abi_encode().into(),
        value: U256::ZERO,
    };
    let answer = endpoint.call(&call).await.map_err(words)?;
    let answer = answer.map_err(|refusal| format!("the registry refuses: {}", refusal.text))?;
    let node = NodeId::new(nodeOfSignerCall::abi_decode_returns(&answer).map_err(words)?);
    if node == NodeId::UNREGISTERED {
        Err(format!("{signer} signs for no node; register one with `tally node register`"))
    } else {
        Ok(format!("node {node}"))
    }
}

#[cfg(test)]
mod tests;
