//! The one deploy path: a Foundry script writes what it did, the chain confirms it, the record is made.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::{Address, B256, U256, hex, keccak256};
use tallystick_abi::contracts::{INetworkProfile, INodeRegistry};
use tallystick_abi::deployment::pending_path;
use tallystick_abi::{Contract, Deployment, DeploymentError};
use tallystick_types::ChainId;

use crate::chain::{CallError, Chain};
use crate::tools::{Tool, ToolError};

/// Lines of a failed tool's output that are repeated.
const LAST_LINES: usize = 12;

/// Everything that a deployment needs to know.
#[derive(Clone, Debug)]
pub struct Deployer {
    /// The repository with the contracts.
    pub repository: PathBuf,
    /// Where the record goes: a folder below `deployments`.
    pub records: PathBuf,
    /// The endpoint.
    pub url: String,
    /// The chain that must be behind the endpoint.
    pub chain: ChainId,
    /// A file of `script/parameters`, without its ending.
    pub parameters: String,
    /// The key that pays for it, and ends without any power.
    pub key: PrivateKeySigner,
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
    #[error("the deploy script failed; a pending record is not usable. Its last words:\n{output}")]
    Script {
        /// What it said last.
        output: String,
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
    /// The contracts are there and not set up.
    #[error(
        "the contracts are on the chain and not set up; the script stopped half way, deploy again"
    )]
    HalfDone,
}

impl Deployer {
    /// Deploys, checks and records. Waits for other deployments from this repository.
    pub async fn deploy(&self) -> Result<Deployment, DeployError> {
        let chain = Chain::connect(&self.url, self.key.clone())?;
        self.require_ready(&chain).await?;
        self.run_script()?;
        self.confirm(&chain).await
    }

    /// Asks the chain about a pending record, and promotes it where all is well.
    pub async fn confirm(&self, chain: &Chain) -> Result<Deployment, DeployError> {
        let deployment = Deployment::read_pending(&self.records, self.chain)?;
        for (contract, deployed) in &deployment.contracts {
            let (contract, address) = (*contract, deployed.address);
            let (expected, actual) = (deployed.code_hash, chain.code_hash(address).await?);
            if expected != actual || actual == keccak256([]) {
                return Err(DeployError::OtherCode { contract, address, expected, actual });
            }
        }
        let profile = deployment.address(Contract::NetworkProfile);
        let version = chain.call(profile, INetworkProfile::currentVersionCall {}).await?;
        let registry = deployment.address(Contract::NodeRegistry);
        chain.call(registry, INodeRegistry::nodeCountCall {}).await?;
        if version.is_zero() {
            return Err(DeployError::HalfDone);
        }
        Deployment::promote(&self.records, self.chain)?;
        Ok(Deployment::read(&self.records, self.chain)?)
    }

    async fn require_ready(&self, chain: &Chain) -> Result<(), DeployError> {
        let (expected, actual) = (self.chain, chain.id().await?);
        if expected != actual {
            let url = self.url.clone();
            return Err(DeployError::OtherChain { url, expected, actual });
        }
        let deployer = self.key.address();
        if chain.coins(deployer).await? == U256::ZERO {
            return Err(DeployError::Penniless { deployer });
        }
        Ok(())
    }

    fn run_script(&self) -> Result<(), DeployError> {
        let forge = Tool::Forge.find(&self.repository)?;
        fs::create_dir_all(&self.records).map_err(|source| files(&self.records, source))?;
        let _alone = self.lock()?;
        // What an earlier run left behind would be taken for this one's.
        let pending = pending_path(&self.records, self.chain);
        match fs::remove_file(&pending) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(files(&pending, source));
            }
            Ok(()) | Err(_) => {}
        }
        let output = Command::new(&forge)
            .current_dir(&self.repository)
            .args(["script", "script/Deploy.s.sol", "--broadcast", "--rpc-url", &self.url])
            .env("TALLY_DEPLOYER_KEY", hex::encode_prefixed(self.key.to_bytes()))
            .env("TALLY_PARAMETERS", &self.parameters)
            .env("TALLY_RECORDS", &self.records)
            .stdin(Stdio::null())
            .output()
            .map_err(|source| files(&forge, source))?;
        if output.status.success() {
            return Ok(());
        }
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let last = lines.len().saturating_sub(LAST_LINES);
        Err(DeployError::Script { output: lines[last..].join("\n") })
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

fn files(path: &Path, source: io::Error) -> DeployError {
    DeployError::Files { path: path.to_owned(), source }
}
