//! Stake behind a node.

use alloy_primitives::{Address, B256};
use tallystick_abi::Contract;
use tallystick_abi::contracts::IStakingManager;
use tallystick_types::{Amount, NodeId};

use super::{Chain, ChainError, done};

/// What one staker has behind one node, in base units of TLY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stake {
    /// Deposited, counts once it is activated.
    pub pending: Amount,
    /// First moment at which it can be activated, in Unix seconds.
    pub pending_until: u64,
    /// Counts now.
    pub active: Amount,
    /// Shares of the node's pool that it stands for.
    pub shares: u128,
    /// On its way out.
    pub thawing: Amount,
    /// First moment at which it can be withdrawn, in Unix seconds.
    pub thawed_at: u64,
}

impl Chain {
    /// What a staker has behind a node.
    ///
    /// # Errors
    ///
    /// [`ChainError`].
    pub async fn stake_of(&self, node: NodeId, staker: Address) -> Result<Stake, ChainError> {
        let (node, staking) = (node.get(), self.at(Contract::StakingManager));
        let position = self.call(staking, IStakingManager::positionOfCall { node, staker }).await?;
        let value = self.call(staking, IStakingManager::valueOfCall { node, staker }).await?;
        Ok(Stake {
            pending: Amount::new(position.pending),
            pending_until: position.pendingUntil.to(),
            active: Amount::new(value.active),
            shares: position.shares,
            thawing: Amount::new(value.thawing),
            thawed_at: position.thawedAt.to(),
        })
    }

    /// Puts TLY behind a node. It counts once it is activated.
    ///
    /// # Errors
    ///
    /// [`ChainError`].
    pub async fn stake(&self, node: NodeId, amount: Amount) -> Result<B256, ChainError> {
        let staking = self.at(Contract::StakingManager);
        self.allow(self.tally_token(), staking, amount).await?;
        let call = IStakingManager::stakeCall { node: node.get(), amount: amount.get() };
        Ok(done(&self.send(staking, call).await?))
    }

    /// Makes a deposit count, once it is old enough.
    ///
    /// # Errors
    ///
    /// [`ChainError`].
    pub async fn activate_stake(&self, node: NodeId) -> Result<B256, ChainError> {
        let call = IStakingManager::activateCall { node: node.get(), staker: self.account()? };
        Ok(done(&self.send(self.at(Contract::StakingManager), call).await?))
    }

    /// Begins to take shares of the node's pool out.
    ///
    /// # Errors
    ///
    /// [`ChainError`].
    pub async fn unstake(&self, node: NodeId, shares: u128) -> Result<B256, ChainError> {
        let call = IStakingManager::requestUnstakeCall { node: node.get(), shares };
        Ok(done(&self.send(self.at(Contract::StakingManager), call).await?))
    }

    /// Takes out what has thawed.
    ///
    /// # Errors
    ///
    /// [`ChainError`].
    pub async fn withdraw_stake(&self, node: NodeId) -> Result<B256, ChainError> {
        let call = IStakingManager::withdrawCall { node: node.get() };
        Ok(done(&self.send(self.at(Contract::StakingManager), call).await?))
    }
}
