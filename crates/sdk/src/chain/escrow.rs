//! Money of a client in the house.

use alloy_primitives::{Address, B256, U256};
use tallystick_abi::Contract;
use tallystick_abi::contracts::{IJobManager, IPaymentManager, ITallyToken};
use tallystick_types::Amount;

use super::{Chain, ChainError, done};

/// What an account has of one token, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Escrow {
    /// In its own hands.
    pub wallet: U256,
    /// Deposited and free: new jobs take from it, and it can be withdrawn.
    pub free: Amount,
    /// In the chain lane: change and earnings, and what was moved there.
    pub lane: Amount,
    /// Fees that wait to be collected.
    pub fees: Amount,
}

impl Chain {
    /// What an account has of a token.
    ///
    /// # Errors
    ///
    /// [`ChainError`].
    pub async fn escrow(&self, owner: Address, token: Address) -> Result<Escrow, ChainError> {
        let wallet = self.call(token, ITallyToken::balanceOfCall { account: owner }).await?;
        let payments = self.at(Contract::PaymentManager);
        let free = self.call(payments, IPaymentManager::freeOfCall { owner, token }).await?;
        let jobs = self.at(Contract::JobManager);
        let lane = self.call(jobs, IJobManager::accountOfCall { owner, token }).await?;
        Ok(Escrow {
            wallet,
            free: Amount::new(free),
            lane: Amount::new(lane.balance),
            fees: Amount::new(lane.fees),
        })
    }

    /// Deposits from the account's own hands: allows the amount, then deposits it.
    ///
    /// # Errors
    ///
    /// [`ChainError`].
    pub async fn deposit(&self, token: Address, amount: Amount) -> Result<B256, ChainError> {
        let (account, payments) = (self.account()?, self.at(Contract::PaymentManager));
        self.allow(token, payments, amount).await?;
        let amount = amount.get();
        let call = IPaymentManager::depositCall { token, account, amount };
        Ok(done(&self.send(payments, call).await?))
    }

    /// Moves free balance into the chain lane, from which jobs that the chain creates are paid
    /// with the least gas.
    ///
    /// # Errors
    ///
    /// [`ChainError`].
    pub async fn fund_lane(&self, token: Address, amount: Amount) -> Result<B256, ChainError> {
        let call = IJobManager::fundCall { token, amount: amount.get() };
        Ok(done(&self.send(self.at(Contract::JobManager), call).await?))
    }

    /// Moves money from the chain lane back to the free balance.
    ///
    /// # Errors
    ///
    /// [`ChainError`].
    pub async fn leave_lane(&self, token: Address, amount: Amount) -> Result<B256, ChainError> {
        let call = IJobManager::withdrawCall { token, amount: amount.get() };
        Ok(done(&self.send(self.at(Contract::JobManager), call).await?))
    }

    /// Sends free balance to an address.
    ///
    /// # Errors
    ///
    /// [`ChainError`].
    pub async fn withdraw(
        &self,
        token: Address,
        amount: Amount,
        to: Address,
    ) -> Result<B256, ChainError> {
        let call = IPaymentManager::withdrawCall { token, amount: amount.get(), to };
        Ok(done(&self.send(self.at(Contract::PaymentManager), call).await?))
    }
}
