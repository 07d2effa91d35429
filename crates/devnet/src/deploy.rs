//! The one deploy path: a Foundry script sends the transactions and writes a pending record, its
//! check compares that with the chain and makes it the record.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::{Address, B256, U256, hex, keccak256};
use tallystick_abi::deployment::pending_path;
use tallystick_abi::{Contract, Deployment, DeploymentError};
use tallystick_types::ChainId;
use tokio::process::Command;

use crate::chain::{CallError, Chain};
use crate::tools::{Tool, ToolError};

/// Lines of a failed tool's output that are repeated.
const LAST_LINES: usize = 12;

/// How long a call of the script may take: sixty transactions, each in a block of its own, on a
/// chain whose blocks are 12 s apart, with as much again to spare.
const LONGEST: Duration = Duration::from_secs(1_500);

/// Who holds powers, in the environment of the script. On a local chain all of them are the
/// deployer.
const PEOPLE: &[&str] = &["TALLY_TREASURY", "TALLY_PAUSER", "TALLY_COMMITTEE", "TALLY_REPORTER"];

/// Everything that a deployment needs to know.
#[derive(Clone, Debug)]
pub struct Deployer {
    /// The repository with the contracts.
    pub repository: PathBuf,
    /// The endpoint.
    pub url: String,
    /// The chain that must be behind the endpoint.
    pub chain: ChainId,
    /// A file of `script/parameters`, without its ending.
    pub parameters: String,
    /// The key that pays for it, and ends without any power. Other programs of this machine can see
    /// it while forge runs: for local chains only.
    pub key: PrivateKeySigner,
    /// Whose key that must be, where it matters.
    pub sender: Option<Address>,
}

/// Why there is no deployment.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// The tools are missing.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// The chain did not answer.
    #[error("the chain could not be asked")]
    Chain(#[from] CallError),
    /// The record is missing or wrong.
    #[error(transparent)]
    Record(#[from] DeploymentError),
    /// Another chain answers.
    #[error("chain {actual} is behind {url}, not {expected}; correct the URL or the chain id")]
    OtherChain {
        /// The endpoint.
        url: String,
        /// The chain that was wanted.
        expected: ChainId,
        /// The chain that answers.
        actual: ChainId,
    },
    /// The key is another one's.
    #[error("the key is that of {actual}, not of {expected}; give the right key")]
    OtherKey {
        /// Who was to deploy.
        expected: Address,
        /// Whose key it is.
        actual: Address,
    },
    /// The key cannot pay.
    #[error("{deployer} has no coins for gas on this chain; fund it, or use another key")]
    Penniless {
        /// The account of the key.
        deployer: Address,
    },
    /// A folder or lock could not be used.
    #[error("{path} could not be used; check its permissions")]
    Files {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The script failed.
    #[error("`{call}` of script/Deploy.s.sol failed; its last words:\n{output}")]
    Script {
        /// The call.
        call: &'static str,
        /// What it said last.
        output: String,
    },
    /// The script does not end.
    #[error(
        "`{call}` of script/Deploy.s.sol did not end within {} s; look whether the chain at {url} \
         makes blocks",
        LONGEST.as_secs()
    )]
    Endless {
        /// The call.
        call: &'static str,
        /// The endpoint.
        url: String,
    },
    /// A contract is not where the script says, or is another one.
    #[error("{contract:?} at {address} has other code than the script deployed; deploy again")]
    OtherCode {
        /// The contract.
        contract: Contract,
        /// Its address.
        address: Address,
        /// The hash in the pending record.
        expected: B256,
        /// The hash on the chain.
        actual: B256,
    },
}

impl Deployer {
    /// Where the record goes.
    pub fn records(&self) -> PathBuf {
        self.repository.join("deployments")
    }

    /// Deploys, checks and records. Waits for other deployments from this repository.
    pub async fn deploy(&self) -> Result<Deployment, DeployError> {
        let chain = Chain::connect(&self.url, self.key.clone())?;
        self.require_ready(&chain).await?;
        {
            let _alone = self.lock()?;
            self.run("run()", true).await?;
            self.run("check()", false).await?;
        }
        let deployment = Deployment::read(&self.records(), self.chain)?;
        confirm(&chain, &deployment).await?;
        Ok(deployment)
    }

    async fn require_ready(&self, chain: &Chain) -> Result<(), DeployError> {
        let (expected, actual) = (self.chain, chain.id().await?);
        if expected != actual {
            let url = self.url.clone();
            return Err(DeployError::OtherChain { url, expected, actual });
        }
        let deployer = self.key.address();
        if let Some(expected) = self.sender.filter(|expected| *expected != deployer) {
            return Err(DeployError::OtherKey { expected, actual: deployer });
        }
        let path = pending_path(&self.records(), self.chain);
        if path.exists() {
            return Err(DeploymentError::Unfinished { chain: self.chain, path }.into());
        }
        if chain.coins(deployer).await? == U256::ZERO {
            return Err(DeployError::Penniless { deployer });
        }
        Ok(())
    }

    /// Runs one call of the script. Forge ends with this future.
    async fn run(&self, call: &'static str, broadcast: bool) -> Result<(), DeployError> {
        let forge = Tool::Forge.find(&self.repository)?;
        let person = self.key.address().to_string();
        let mut command = Command::new(&forge);
        command
            .current_dir(&self.repository)
            .args(["script", "script/Deploy.s.sol", "--sig", call, "--rpc-url", &self.url])
            .env("TALLY_CHAIN_ID", self.chain.to_string())
            .env("TALLY_PARAMETERS", &self.parameters)
            .env("TALLY_DEPLOYER", &person)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        for variable in PEOPLE {
            command.env(variable, &person);
        }
        if broadcast {
            let key = hex::encode_prefixed(self.key.to_bytes());
            // One transaction at a time: Anvil loses some of those that arrive while it makes a
            // block.
            command.args(["--broadcast", "--slow", "--private-key", &key]);
        }
        let output = tokio::time::timeout(LONGEST, command.output()).await;
        let output = output.map_err(|_| DeployError::Endless { call, url: self.url.clone() })?;
        let output = output.map_err(|source| files(&forge, source))?;
        if output.status.success() {
            return Ok(());
        }
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let last = lines.len().saturating_sub(LAST_LINES);
        let output = lines[last..].join("\n");
        Err(DeployError::Script { call, output })
    }

    /// Forge writes its cache without looking whether another forge does; so one at a time.
    fn lock(&self) -> Result<File, DeployError> {
        let folder = self.repository.join("cache");
        let path = folder.join("deploy.lock");
        let lock = || {
            fs::create_dir_all(&folder)?;
            let file = File::create(&path)?;
            file.lock()?;
            Ok(file)
        };
        lock().map_err(|source| files(&path, source))
    }
}

/// Whether every contract of a record is on the chain with the code that the record states.
pub async fn confirm(chain: &Chain, deployment: &Deployment) -> Result<(), DeployError> {
    for (contract, deployed) in &deployment.contracts {
        let proxied = deployed.implementation.zip(deployed.implementation_code_hash);
        let pairs = [Some((deployed.address, deployed.code_hash)), proxied];
        for (address, expected) in pairs.into_iter().flatten() {
            let (contract, actual) = (*contract, chain.code_hash(address).await?);
            if expected != actual || actual == keccak256([]) {
                return Err(DeployError::OtherCode { contract, address, expected, actual });
            }
        }
    }
    Ok(())
}

fn files(path: &Path, source: io::Error) -> DeployError {
    DeployError::Files { path: path.to_owned(), source }
}
