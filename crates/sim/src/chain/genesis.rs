//! A chain with the deployed house, and people and machines in it before any work.

mod artifacts;
mod script;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::SolCall;
use serde_json::Value;
use tallystick_abi::contracts::{INodeRegistry, IPaymentManager, IStakingManager, ITallyToken};
use tallystick_abi::deployment::{Deployed, Holders};
use tallystick_abi::{Contract, Deployment, Revert};
use tallystick_chain::endpoint::Call;
use tallystick_types::{ChainId, NodeId, Seat};

pub use artifacts::ArtifactError;
pub use script::ScriptError;

use super::{Chain, Choice, Settings, Signed, Wish};
use artifacts::Artifacts;
use script::Step;

/// The number of simulated chains: that of local ones, so that the script needs no environment.
pub const CHAIN: u64 = 31_337;

/// When simulated chains begin, in seconds since 1970.
pub const EPOCH: u64 = 1_800_000_000;

/// One TLY, in base units.
pub const TLY: u128 = 1_000_000_000_000_000_000;

/// What every account of a plan gets for gas, in wei.
const GAS_MONEY: u128 = 1_000_000_000_000_000_000_000;

/// Names of contracts that are created on the way and that no record names.
const PARTS: [&str; 2] = ["HouseProxy", "JobRecovery"];

/// The deployed house, before anybody is in it.
#[derive(Clone, Debug)]
pub struct House {
    chain: Chain,
    deployment: Deployment,
    treasury: PrivateKeySigner,
}

/// A machine that is registered and has stake behind it.
#[derive(Clone, Debug)]
pub struct NodePlan {
    /// Whose machine it is.
    pub operator: PrivateKeySigner,
    /// The key that it signs with on the chain.
    pub signer: PrivateKeySigner,
    /// The key that others know it by in the network.
    pub identity: B256,
    /// Its roles, a bit for each, as the registry counts them.
    pub roles: u8,
    /// Its region.
    pub region: u16,
    /// Stake in TLY base units. None is staked where it is zero.
    pub stake: u128,
}

/// Somebody who pays for work.
#[derive(Clone, Debug)]
pub struct ClientPlan {
    /// Its key.
    pub key: PrivateKeySigner,
    /// TLY base units in its wallet, of which the contracts may take all.
    pub wallet: u128,
    /// TLY base units that it brings into the house.
    pub deposit: u128,
}

/// Who is there before any work.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The machines.
    pub nodes: Vec<NodePlan>,
    /// Those who pay.
    pub clients: Vec<ClientPlan>,
    /// Others who need coins for gas.
    pub funded: Vec<Address>,
}

/// A chain before any work. Made once and copied for every simulation: copies share everything.
#[derive(Clone, Debug)]
pub struct Genesis {
    chain: Chain,
    /// The contracts.
    pub deployment: Deployment,
    /// The machines of the plan, in its order.
    pub seats: Vec<Seat>,
    /// Has the supply of TLY, all the coins, and the powers of people.
    pub treasury: PrivateKeySigner,
}

/// Why there is no genesis.
#[derive(Debug, thiserror::Error)]
pub enum GenesisError {
    /// The deploy script did not run.
    #[error(transparent)]
    Script(#[from] ScriptError),
    /// A contract's code is missing.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// A transaction of the deployment or the plan did not take effect.
    #[error("transaction {nonce} of {from} did not take effect: {revert}; correct the plan")]
    Refused {
        /// Who sent it.
        from: Address,
        /// Its nonce.
        nonce: u64,
        /// What the contract said.
        revert: Box<Revert>,
    },
    /// The script did not create a contract of the record.
    #[error("script/Deploy.s.sol did not create {contract:?}; look what changed there")]
    Missing {
        /// The contract.
        contract: Contract,
    },
}

impl House {
    /// The house, deployed once per process.
    pub fn shared() -> Result<Arc<Self>, GenesisError> {
        static HOUSE: OnceLock<Arc<House>> = OnceLock::new();
        if let Some(house) = HOUSE.get() {
            return Ok(Arc::clone(house));
        }
        let house = Arc::new(Self::deploy()?);
        Ok(Arc::clone(HOUSE.get_or_init(|| house)))
    }

    /// Who has the supply of TLY, all the coins, and the powers of people.
    pub const fn treasury(&self) -> &PrivateKeySigner {
        &self.treasury
    }

    fn deploy() -> Result<Self, GenesisError> {
        let artifacts = Artifacts::new();
        let treasury = key_of("the treasury of the simulation");
        let deployer = treasury.address();
        // The whole deployment fits into one block.
        let settings = Settings { gas_limit: 1_000_000_000, ..Settings::default() };
        let mut chain = Chain::new(CHAIN, settings, EPOCH, &[(deployer, U256::MAX >> 8)]);
        let steps = script::steps(&artifacts, CHAIN, deployer, chain.head().state.clone())?;
        for step in &steps {
            enqueue(&mut chain, &treasury, step);
        }
        perform(&mut chain)?;
        let deployment = record(&artifacts, &chain, deployer, &steps)?;
        Ok(Self { chain, deployment, treasury })
    }

    /// Brings people and machines in.
    pub fn genesis(&self, plan: &Plan) -> Result<Genesis, GenesisError> {
        let mut genesis = Genesis {
            chain: self.chain.clone(),
            deployment: self.deployment.clone(),
            seats: Vec::new(),
            treasury: self.treasury.clone(),
        };
        genesis.pay(plan);
        perform(&mut genesis.chain)?;
        genesis.allow(plan);
        perform(&mut genesis.chain)?;
        genesis.enter(plan);
        perform(&mut genesis.chain)?;
        genesis.stake(plan);
        perform(&mut genesis.chain)?;
        genesis.activate(plan);
        perform(&mut genesis.chain)?;
        Ok(genesis)
    }
}

impl Genesis {
    /// A chain that begins here. What is there is final: no branch takes the house away.
    pub fn chain(&self, settings: Settings) -> Chain {
        let mut chain = self.chain.clone();
        chain.set_settings(settings);
        chain.settle();
        chain
    }

    /// When the newest block of it was made, in seconds since 1970.
    pub fn time(&self) -> u64 {
        self.chain.head().time()
    }

    fn at(&self, contract: Contract) -> Address {
        self.deployment.address(contract)
    }

    fn send(&mut self, key: &PrivateKeySigner, to: Contract, call: &impl SolCall) {
        let to = self.at(to).into();
        let step = Step { to, data: call.abi_encode().into(), value: U256::ZERO };
        enqueue(&mut self.chain, key, &step);
    }

    /// Coins and TLY for everybody.
    fn pay(&mut self, plan: &Plan) {
        let treasury = self.treasury.clone();
        let people = plan.nodes.iter().flat_map(|node| [&node.operator, &node.signer]);
        let people = people.chain(plan.clients.iter().map(|client| &client.key));
        let people = people.map(PrivateKeySigner::address).chain(plan.funded.iter().copied());
        for person in people {
            let value = U256::from(GAS_MONEY);
            let step = Step { to: person.into(), data: Bytes::new(), value };
            enqueue(&mut self.chain, &treasury, &step);
        }
        let stakes = plan.nodes.iter().map(|node| (node.operator.address(), node.stake));
        let wallets = plan.clients.iter();
        let wallets = wallets.map(|it| (it.key.address(), it.wallet.saturating_add(it.deposit)));
        for (to, amount) in stakes.chain(wallets).filter(|(_, amount)| *amount > 0) {
            let call = ITallyToken::transferCall { to, value: U256::from(amount) };
            self.send(&treasury, Contract::TallyToken, &call);
        }
    }

    /// The contracts may take what they are to take.
    fn allow(&mut self, plan: &Plan) {
        let (staking, payments) =
            (self.at(Contract::StakingManager), self.at(Contract::PaymentManager));
        let operators = plan.nodes.iter().map(|node| (&node.operator, staking));
        let clients = plan.clients.iter().map(|client| (&client.key, payments));
        for (key, spender) in operators.chain(clients) {
            let call = ITallyToken::approveCall { spender, value: U256::MAX };
            self.send(key, Contract::TallyToken, &call);
        }
    }

    /// Machines register, clients deposit.
    fn enter(&mut self, plan: &Plan) {
        let domain = self.deployment.registry_domain();
        for node in &plan.nodes {
            let digest = domain.consent_digest(node.operator.address());
            let consent =
                node.signer.sign_hash_sync(&digest).expect("a key in memory signs every digest");
            let profile = INodeRegistry::NodeProfile {
                peerId: Bytes::new(),
                identityKey: node.identity,
                roles: node.roles,
                region: node.region,
                metadataUri: String::new(),
            };
            let call = INodeRegistry::registerCall {
                signer: node.signer.address(),
                consent: Bytes::copy_from_slice(&consent.as_bytes()),
                profile,
            };
            self.send(&node.operator, Contract::NodeRegistry, &call);
        }
        let token = self.at(Contract::TallyToken);
        for client in plan.clients.iter().filter(|client| client.deposit > 0) {
            let (amount, account) = (client.deposit, client.key.address());
            let call = IPaymentManager::depositCall { token, amount, account };
            self.send(&client.key, Contract::PaymentManager, &call);
        }
    }

    /// Finds the numbers of the machines, and puts stake behind them.
    fn stake(&mut self, plan: &Plan) {
        for node in &plan.nodes {
            let signer = node.signer.address();
            let call = INodeRegistry::nodeOfSignerCall { signer };
            let call = Call {
                from: signer,
                to: self.at(Contract::NodeRegistry),
                data: call.abi_encode().into(),
                value: U256::ZERO,
            };
            let answer = self.chain.call(self.chain.head(), &call).unwrap_or_default();
            let node = INodeRegistry::nodeOfSignerCall::abi_decode_returns(&answer);
            self.seats.push(Seat { node: NodeId::new(node.unwrap_or_default()), signer });
        }
        let seats = self.seats.clone();
        for (node, seat) in staked(plan, &seats) {
            let call = IStakingManager::stakeCall { node: seat.node.get(), amount: node.stake };
            self.send(&node.operator, Contract::StakingManager, &call);
        }
    }

    /// Makes the stake count, as soon as it is old enough.
    fn activate(&mut self, plan: &Plan) {
        // `minStakeSeconds` of script/parameters/local.json is less than that.
        let later = self.time().saturating_add(60);
        self.chain.mine(later, &Choice::NONE);
        let seats = self.seats.clone();
        for (node, seat) in staked(plan, &seats) {
            let staker = node.operator.address();
            let call = IStakingManager::activateCall { node: seat.node.get(), staker };
            self.send(&node.operator, Contract::StakingManager, &call);
        }
    }
}

fn staked<'a>(plan: &'a Plan, seats: &'a [Seat]) -> impl Iterator<Item = (&'a NodePlan, &'a Seat)> {
    plan.nodes.iter().zip(seats).filter(|(node, _)| node.stake > 0)
}

/// The key that a name stands for. Anybody can make it: for simulations only.
pub fn key_of(name: &str) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&keccak256(name)).expect("a hash is a key but for chance")
}

fn enqueue(chain: &mut Chain, key: &PrivateKeySigner, step: &Step) {
    let wish = Wish {
        to: step.to,
        data: step.data.clone(),
        value: step.value,
        gas: 10_000_000,
        fee_cap: u128::from(chain.base_fee()).saturating_mul(2),
        tip_cap: 0,
    };
    let nonce = chain.pending_nonce(chain.head(), key.address());
    let tx = Signed::of_wish(&wish, chain.id(), nonce, key);
    // Where it is not taken, `perform` finds a gap instead of an effect.
    let _ = chain.submit(&tx);
}

/// Mines until nothing waits. All of it must take effect.
fn perform(chain: &mut Chain) -> Result<(), GenesisError> {
    while chain.waiting().next().is_some() {
        let block = chain.mine(chain.head().time().saturating_add(1), &Choice::ALL);
        for mined in &block.transactions {
            if let Some(revert) = mined.outcome.revert() {
                let (from, nonce) = (mined.tx.from, mined.tx.nonce);
                return Err(GenesisError::Refused { from, nonce, revert: Box::new(revert) });
            }
        }
    }
    Ok(())
}

/// What `script/DeploymentRecord.sol` would write, from what was created.
fn record(
    artifacts: &Artifacts,
    chain: &Chain,
    deployer: Address,
    steps: &[Step],
) -> Result<Deployment, GenesisError> {
    let mut codes: Vec<(String, Bytes)> = Vec::new();
    let named = Contract::ALL.into_iter().chain([Contract::DevelopmentDollar]);
    for name in named.map(|contract| format!("{contract:?}")).chain(PARTS.map(String::from)) {
        let code = artifacts.creation(&name)?;
        codes.push((name, code));
    }
    let hash = |address| chain.code_hash(chain.head(), address);
    let mut contracts = BTreeMap::new();
    // A proxy comes right after the code that it runs.
    let mut before: Option<(Contract, Address)> = None;
    for (nonce, step) in (0..).zip(steps).filter(|(_, step)| step.to.is_create()) {
        let name = codes.iter().find(|(_, code)| step.data.starts_with(code));
        let name = name.map(|(name, _)| Value::String(name.clone())).unwrap_or_default();
        let address = deployer.create(nonce);
        let implementation = before.take();
        if let Ok(contract) = serde_json::from_value::<Contract>(name.clone()) {
            before = Some((contract, address));
            let code_hash = hash(address);
            let (implementation, implementation_code_hash) = (None, None);
            let plain = Deployed { address, code_hash, implementation, implementation_code_hash };
            contracts.insert(contract, plain);
        } else if let Some((contract, runs)) = implementation.filter(|_| name == PARTS[0]) {
            let proxied = Deployed {
                address,
                code_hash: hash(address),
                implementation: Some(runs),
                implementation_code_hash: Some(hash(runs)),
            };
            contracts.insert(contract, proxied);
        }
    }
    if let Some(contract) = Contract::ALL.into_iter().find(|it| !contracts.contains_key(it)) {
        return Err(GenesisError::Missing { contract });
    }
    let holders =
        Holders { treasury: deployer, pauser: deployer, committee: deployer, reporter: deployer };
    Ok(Deployment {
        chain_id: ChainId::new(chain.id()),
        block: 0,
        deployer,
        parameters: "local".to_owned(),
        holders,
        contracts,
    })
}

#[cfg(test)]
mod tests;
