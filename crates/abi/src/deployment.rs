//! Where the contracts live: `deployments/<chain id>.json`.
//!
//! `script/Deploy.s.sol` writes `<chain id>.pending.json`. Only after its `check()` has asked the
//! chain whether every contract is where the file says, and is what it says, it becomes the record.
//! A pending file without a record therefore means a deployment that nobody has finished or
//! checked.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use alloy_primitives::{Address, B256};
use serde::{Deserialize, Serialize};
use tallystick_types::ChainId;

use crate::digest::{JobDomain, RegistryDomain};

/// A contract of the house, by its name in the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Contract {
    /// The token TLY.
    TallyToken,
    /// Holder of all admin roles.
    TimelockController,
    /// Proposes to the timelock.
    TallyGovernor,
    /// Who the machines are.
    NodeRegistry,
    /// Every token in the house.
    PaymentManager,
    /// Stake behind machines.
    StakingManager,
    /// The job machine.
    JobManager,
    /// Evidence and verdicts.
    SlashingManager,
    /// The network's parameters.
    NetworkProfile,
    /// A token without worth, on local chains only.
    DevelopmentDollar,
}

/// One contract of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Deployed {
    /// The address that is called.
    pub address: Address,
    /// keccak256 of the code at that address.
    pub code_hash: B256,
    /// Behind a proxy: the code that runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub implementation: Option<Address>,
    /// Behind a proxy: keccak256 of that code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub implementation_code_hash: Option<B256>,
}

/// Who holds the powers of people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holders {
    /// Got the supply of TLY and gets the fees.
    pub treasury: Address,
    /// Stops new jobs and deposits.
    pub pauser: Address,
    /// Rules on challenges.
    pub committee: Address,
    /// Adds rewards.
    pub reporter: Address,
}

/// A complete deployment on one chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Deployment {
    /// The chain.
    pub chain_id: ChainId,
    /// A block before the first contract; whoever reads events begins here.
    pub block: u64,
    /// Who sent the transactions, and holds nothing.
    pub deployer: Address,
    /// The file of `script/parameters` that was used.
    pub parameters: String,
    /// Who holds the powers of people.
    pub holders: Holders,
    /// The contracts.
    pub contracts: BTreeMap<Contract, Deployed>,
}

/// Why there is no usable record.
#[derive(Debug, thiserror::Error)]
pub enum DeploymentError {
    /// Nothing was deployed on this chain, as far as the folder knows.
    #[error("nothing is recorded for chain {chain}; deploy, or put the record at {path}")]
    Absent {
        /// The chain.
        chain: ChainId,
        /// Where the record should be.
        path: PathBuf,
    },
    /// A deployment began and was never checked.
    #[error(
        "the deployment on chain {chain} was not finished; run the check of script/Deploy.s.sol, \
         and if that says half done, remove {path} and deploy again"
    )]
    Unfinished {
        /// The chain.
        chain: ChainId,
        /// The pending file.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("{path} cannot be read; check its permissions")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is no record.
    #[error("{path} is no deployment record; restore it, or deploy again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// The file is of another chain.
    #[error("{path} is the record of chain {stated}, not of chain {chain}; rename or restore it")]
    OtherChain {
        /// The file.
        path: PathBuf,
        /// The chain that was asked for.
        chain: ChainId,
        /// The chain in the file.
        stated: ChainId,
    },
    /// A contract is missing.
    #[error("{path} lacks {contract:?}; the deployment stopped half way, deploy again")]
    Incomplete {
        /// The file.
        path: PathBuf,
        /// What is missing.
        contract: Contract,
    },
    /// A contract has no address, or that of another one.
    #[error("{path} gives {contract:?} the address {address}, which cannot be; deploy again")]
    BadAddress {
        /// The file.
        path: PathBuf,
        /// The contract.
        contract: Contract,
        /// The address.
        address: Address,
    },
}

impl Contract {
    /// Those of every deployment, in the order in which they are made.
    pub const ALL: [Self; 9] = [
        Self::TallyToken,
        Self::TimelockController,
        Self::TallyGovernor,
        Self::NodeRegistry,
        Self::PaymentManager,
        Self::StakingManager,
        Self::JobManager,
        Self::SlashingManager,
        Self::NetworkProfile,
    ];
}

impl Deployment {
    /// Reads and checks the record of a chain from a folder, usually `deployments`.
    pub fn read(folder: &Path, chain: ChainId) -> Result<Self, DeploymentError> {
        let (path, pending) = (record_path(folder, chain), pending_path(folder, chain));
        if !path.exists() {
            return Err(if pending.exists() {
                DeploymentError::Unfinished { chain, path: pending }
            } else {
                DeploymentError::Absent { chain, path }
            });
        }
        Self::of_file(path, chain)
    }

    /// Where a contract lives. Zero for the development dollar where there is none.
    pub fn address(&self, contract: Contract) -> Address {
        self.contracts.get(&contract).map_or(Address::ZERO, |deployed| deployed.address)
    }

    /// The domain of orders and claims.
    pub fn job_domain(&self) -> JobDomain {
        JobDomain { chain: self.chain_id, job_manager: self.address(Contract::JobManager) }
    }

    /// The domain of consents.
    pub fn registry_domain(&self) -> RegistryDomain {
        RegistryDomain { chain: self.chain_id, registry: self.address(Contract::NodeRegistry) }
    }

    fn of_file(path: PathBuf, chain: ChainId) -> Result<Self, DeploymentError> {
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(source) => return Err(DeploymentError::Read { path, source }),
        };
        match serde_json::from_str::<Self>(&text) {
            Ok(record) => record.validated(path, chain),
            Err(source) => Err(DeploymentError::Damaged { path, source }),
        }
    }

    fn validated(self, path: PathBuf, chain: ChainId) -> Result<Self, DeploymentError> {
        if self.chain_id != chain {
            return Err(DeploymentError::OtherChain { path, chain, stated: self.chain_id });
        }
        let mut seen = BTreeSet::from([Address::ZERO]);
        for contract in Contract::ALL {
            let Some(deployed) = self.contracts.get(&contract) else {
                return Err(DeploymentError::Incomplete { path, contract });
            };
            let address = deployed.address;
            if !seen.insert(address) {
                return Err(DeploymentError::BadAddress { path, contract, address });
            }
        }
        Ok(self)
    }
}

/// Where the record of a chain lies.
pub fn record_path(folder: &Path, chain: ChainId) -> PathBuf {
    folder.join(format!("{chain}.json"))
}

/// Where an unfinished deployment lies.
pub fn pending_path(folder: &Path, chain: ChainId) -> PathBuf {
    folder.join(format!("{chain}.pending.json"))
}
