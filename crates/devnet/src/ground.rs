//! A deployed house on a local chain, and what people do there before any work: get tokens,
//! register machines, put stake behind them.

use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::{Address, Bytes, U256};
use tallystick_abi::contracts::{
    IJobManager, INodeRegistry, IPaymentManager, IStakingManager, ITallyToken,
};
use tallystick_abi::{Contract, Deployment};
use tallystick_types::{NodeId, Seat};

use crate::chain::{CallError, Chain};

/// One TLY, in base units.
pub const TLY: u128 = 1_000_000_000_000_000_000;

/// The chain with the contracts, and the account that has all tokens at first.
#[derive(Clone, Debug)]
pub struct Ground {
    /// The chain, with the keys of everybody who acts.
    pub chain: Chain,
    /// The contracts.
    pub deployment: Deployment,
    /// Has the supply of TLY.
    pub treasury: Address,
}

impl Ground {
    /// Where a contract is.
    pub fn at(&self, contract: Contract) -> Address {
        self.deployment.address(contract)
    }

    /// Gives TLY of the treasury.
    pub async fn give(&self, to: Address, amount: u128) -> Result<(), CallError> {
        let call = ITallyToken::transferCall { to, value: U256::from(amount) };
        self.chain.send(self.treasury, self.at(Contract::TallyToken), call).await.map(drop)
    }

    /// Lets a contract take TLY of an owner.
    pub async fn approve(
        &self,
        owner: Address,
        spender: Contract,
        amount: u128,
    ) -> Result<(), CallError> {
        let call =
            ITallyToken::approveCall { spender: self.at(spender), value: U256::from(amount) };
        self.chain.send(owner, self.at(Contract::TallyToken), call).await.map(drop)
    }

    /// TLY in the wallet of an owner.
    pub async fn tokens(&self, owner: Address) -> Result<U256, CallError> {
        let call = ITallyToken::balanceOfCall { account: owner };
        self.chain.call(self.at(Contract::TallyToken), call).await
    }

    /// What an owner has in the chain lane, in TLY base units.
    pub async fn lane(&self, owner: Address) -> Result<u128, CallError> {
        let call = IJobManager::accountOfCall { owner, token: self.at(Contract::TallyToken) };
        let account = self.chain.call(self.at(Contract::JobManager), call).await?;
        Ok(account.balance + account.fees)
    }

    /// Brings TLY of an owner's wallet into the house.
    pub async fn deposit(&self, owner: Address, amount: u128) -> Result<(), CallError> {
        self.approve(owner, Contract::PaymentManager, amount).await?;
        let token = self.at(Contract::TallyToken);
        let call = IPaymentManager::depositCall { token, amount, account: owner };
        self.chain.send(owner, self.at(Contract::PaymentManager), call).await.map(drop)
    }

    /// Free TLY of an owner in the house, outside of any lane.
    pub async fn free(&self, owner: Address) -> Result<u128, CallError> {
        let token = self.at(Contract::TallyToken);
        let call = IPaymentManager::freeOfCall { owner, token };
        self.chain.call(self.at(Contract::PaymentManager), call).await
    }

    /// Registers a machine of an operator, with its signer's consent.
    pub async fn register(
        &self,
        operator: Address,
        signer: &PrivateKeySigner,
        profile: INodeRegistry::NodeProfile,
    ) -> Result<Seat, CallError> {
        let digest = self.deployment.registry_domain().consent_digest(operator);
        let consent =
            signer.sign_hash_sync(&digest).expect("a key in memory signs every digest").as_bytes();
        let consent = Bytes::from(consent.to_vec());
        let call = INodeRegistry::registerCall { signer: signer.address(), consent, profile };
        let registry = self.at(Contract::NodeRegistry);
        self.chain.send(operator, registry, call).await?;
        let call = INodeRegistry::nodeOfSignerCall { signer: signer.address() };
        let node = NodeId::new(self.chain.call(registry, call).await?);
        Ok(Seat { node, signer: signer.address() })
    }

    /// Puts TLY of the treasury behind a node. It counts once it matured and was activated.
    pub async fn stake(
        &self,
        operator: Address,
        node: NodeId,
        amount: u128,
    ) -> Result<(), CallError> {
        self.give(operator, amount).await?;
        self.approve(operator, Contract::StakingManager, amount).await?;
        let call = IStakingManager::stakeCall { node: node.get(), amount };
        self.chain.send(operator, self.at(Contract::StakingManager), call).await.map(drop)
    }

    /// Makes matured stake count.
    pub async fn activate(&self, operator: Address, node: NodeId) -> Result<(), CallError> {
        let call = IStakingManager::activateCall { node: node.get(), staker: operator };
        self.chain.send(operator, self.at(Contract::StakingManager), call).await.map(drop)
    }

    /// Active stake behind a node.
    pub async fn stake_of(&self, node: NodeId) -> Result<u128, CallError> {
        let call = IStakingManager::poolOfCall { node: node.get() };
        Ok(self.chain.call(self.at(Contract::StakingManager), call).await?.stake)
    }
}
