//! A deployed house on a chain of its own, with people and machines.

use std::fs;
use std::path::PathBuf;

use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::{Address, B256, Bytes, U256};
use tallystick_abi::contracts::{IJobManager, INetworkProfile, INodeRegistry, IStakingManager};
use tallystick_abi::deployment::record_path;
use tallystick_abi::{Contract, Deployment, Job};
use tallystick_devnet::{Anvil, Chain, Deployer, Ground, TLY as ONE_TLY, repository};
use tallystick_types::{
    Amount, ChainId, ChainTime, EvmSignature, Funding, JobOrder, JobParameters, JobPrice, JobRules,
    JobTerms, NodeId, Seat, Seconds, ServiceLevel, Trust, Verification,
};

/// The key that every Anvil funds first.
const DEPLOYER_KEY: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

/// Roles of the registry.
pub(crate) const WORKER: u8 = 1;
pub(crate) const COORDINATOR: u8 = 2;

/// One TLY.
pub(crate) const TLY: u128 = ONE_TLY;

/// The time a deposit waits before it counts, in `script/parameters/local.json`.
pub(crate) const MATURITY: u64 = 5;

/// A machine with its operator.
pub(crate) struct Node {
    pub(crate) seat: Seat,
    pub(crate) operator: Address,
    pub(crate) signer: PrivateKeySigner,
}

/// The house. Dropping it stops its chain and removes its record.
pub(crate) struct House {
    pub(crate) chain: Chain,
    pub(crate) deployment: Deployment,
    pub(crate) deployer: Address,
    record: PathBuf,
    anvil: Anvil,
}

/// A chain number that no other test process uses now; records of such chains are not kept.
pub(crate) fn unused_chain() -> ChainId {
    ChainId::new(31_337_000_000_000 + u64::from(std::process::id()))
}

/// A deployer for the chain behind a URL.
pub(crate) fn deployer(url: String, chain: ChainId) -> Deployer {
    Deployer {
        repository: repository(),
        url,
        chain,
        parameters: "local".into(),
        key: DEPLOYER_KEY.parse().unwrap(),
        sender: None,
    }
}

impl House {
    pub(crate) async fn build() -> Self {
        let number = unused_chain();
        let anvil = Anvil::start(&repository(), number).unwrap();
        let deployer = deployer(anvil.url(), number);
        let record = record_path(&deployer.records(), number);
        let deployment = deployer.deploy().await.unwrap();
        let chain = Chain::connect(&anvil.url(), deployer.key.clone()).unwrap();
        let deployer = deployer.key.address();
        Self { chain, deployment, deployer, record, anvil }
    }

    pub(crate) fn url(&self) -> String {
        self.anvil.url()
    }

    pub(crate) fn at(&self, contract: Contract) -> Address {
        self.deployment.address(contract)
    }

    /// The same ground as that of a whole network.
    fn ground(&self) -> Ground {
        let (chain, deployment) = (self.chain.clone(), self.deployment.clone());
        Ground { chain, deployment, treasury: self.deployer }
    }

    /// Gives TLY of the treasury, which is the deployer here.
    pub(crate) async fn give(&self, to: Address, amount: u128) {
        self.ground().give(to, amount).await.unwrap();
    }

    pub(crate) async fn approve(&self, owner: Address, spender: Contract, amount: u128) {
        self.ground().approve(owner, spender, amount).await.unwrap();
    }

    pub(crate) async fn tokens(&self, owner: Address) -> U256 {
        self.ground().tokens(owner).await.unwrap()
    }

    /// What an owner has in the chain lane: balance and fees.
    pub(crate) async fn lane(&self, owner: Address) -> (u128, u128) {
        let call = IJobManager::accountOfCall { owner, token: self.at(Contract::TallyToken) };
        let account = self.chain.call(self.at(Contract::JobManager), call).await.unwrap();
        (account.balance, account.fees)
    }

    /// Registers a machine, with its signer's consent.
    pub(crate) async fn register(&mut self, name: &str, roles: u8) -> Node {
        let operator = self.chain.actor(&format!("{name}'s operator")).await.unwrap().address();
        let signer = self.chain.actor(&format!("{name}'s signer")).await.unwrap();
        let digest = self.deployment.registry_domain().consent_digest(operator);
        let call = INodeRegistry::registerCall {
            signer: signer.address(),
            consent: signature(&signer, digest),
            profile: profile(roles),
        };
        let registry = self.at(Contract::NodeRegistry);
        self.chain.send(operator, registry, call).await.unwrap();
        let call = INodeRegistry::nodeOfSignerCall { signer: signer.address() };
        let node = NodeId::new(self.chain.call(registry, call).await.unwrap());
        Node { seat: Seat { node, signer: signer.address() }, operator, signer }
    }

    /// Puts TLY of its operator behind a node and makes it count.
    pub(crate) async fn bond(&self, node: &Node, amount: u128) {
        let (operator, staking) = (node.operator, self.at(Contract::StakingManager));
        self.give(operator, amount).await;
        self.approve(operator, Contract::StakingManager, amount).await;
        let id = node.seat.node.get();
        let call = IStakingManager::stakeCall { node: id, amount };
        self.chain.send(operator, staking, call).await.unwrap();
        self.chain.pass(MATURITY).await.unwrap();
        let call = IStakingManager::activateCall { node: id, staker: operator };
        self.chain.send(operator, staking, call).await.unwrap();
    }

    pub(crate) async fn status(&self, node: &Node) -> INodeRegistry::NodeStatus {
        let call = INodeRegistry::nodeOfCall { node: node.seat.node.get() };
        self.chain.call(self.at(Contract::NodeRegistry), call).await.unwrap().status
    }

    /// An order for three staked workers of which two must agree, paid in TLY.
    pub(crate) async fn order(&self, client: Address, nonce: u64) -> JobOrder {
        let profile = self.at(Contract::NetworkProfile);
        let version = INetworkProfile::currentVersionCall {};
        let version = self.chain.call(profile, version).await.unwrap().to::<u32>();
        let now = self.chain.time(None).await.unwrap();
        let after = |seconds| -> ChainTime { now.checked_add(Seconds::new(seconds)).unwrap() };
        let (price, tip) = (Amount::new(10 * TLY + 7), Amount::new(TLY / 20));
        let terms = JobTerms {
            specification: B256::repeat_byte(0x42).into(),
            token: self.at(Contract::TallyToken),
            price: JobPrice::new(price, Amount::ZERO, tip).unwrap(),
            rules: JobRules {
                funding: Funding::Allowance,
                verification: Verification::Deterministic,
                trust: Trust::Staked,
                replicas: 3,
                quorum: 2,
                assign_by: after(600),
                complete_by: after(3600),
                service_level: ServiceLevel::new(0),
                parameters_version: version.try_into().unwrap(),
            },
        };
        JobOrder { client, nonce: U256::from(nonce), terms }
    }

    /// The job that an order becomes now.
    pub(crate) async fn job(&self, order: &JobOrder) -> Job {
        let call = IJobManager::parametersOfCall { token: order.terms.token };
        let word = self.chain.call(self.at(Contract::JobManager), call).await.unwrap();
        Job::of(order, JobParameters::unpack(word).unwrap())
    }
}

impl Drop for House {
    fn drop(&mut self) {
        // A record that is gone already is what is wanted.
        let _ = fs::remove_file(&self.record);
    }
}

pub(crate) fn profile(roles: u8) -> INodeRegistry::NodeProfile {
    INodeRegistry::NodeProfile {
        peerId: Bytes::from_static(&[0, 0x24, 8, 1]),
        identityKey: B256::repeat_byte(1),
        roles,
        region: 276,
        metadataUri: "https://node.example/about.json".into(),
    }
}

/// A signature as the contracts take it.
pub(crate) fn signature(signer: &PrivateKeySigner, digest: B256) -> Bytes {
    let bytes = signer.sign_hash_sync(&digest).unwrap().as_bytes();
    let recovered = tallystick_abi::signer_of(digest, &EvmSignature::new(bytes));
    assert_eq!(recovered, Ok(signer.address()));
    Bytes::copy_from_slice(&bytes)
}
