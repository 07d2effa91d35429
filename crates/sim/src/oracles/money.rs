//! Money on the chain: what everybody has adds up to what there is.

use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall;
use tallystick_abi::contracts::{IJobManager, IPaymentManager, ITallyToken};
use tallystick_abi::{Contract, Deployment};
use tallystick_chain::endpoint::Call;

use super::Oracles;
use crate::chain::Chain;

/// Everybody who can have money.
#[derive(Clone, Debug)]
pub struct Purses {
    deployment: Deployment,
    owners: Vec<Address>,
}

impl Purses {
    /// Of these people.
    pub const fn new(deployment: Deployment, owners: Vec<Address>) -> Self {
        Self { deployment, owners }
    }

    fn ask<C: SolCall>(&self, chain: &Chain, to: Contract, call: &C) -> Option<C::Return> {
        let (to, data) = (self.deployment.address(to), call.abi_encode().into());
        let call = Call { from: Address::ZERO, to, data, value: U256::ZERO };
        let answer = chain.call(chain.head(), &call).ok()?;
        C::abi_decode_returns(&answer).ok()
    }

    /// What is in a wallet.
    fn wallet(&self, chain: &Chain, account: Address) -> U256 {
        let call = ITallyToken::balanceOfCall { account };
        self.ask(chain, Contract::TallyToken, &call).unwrap_or_default()
    }

    /// What an owner has in wallet and house.
    pub fn of(&self, chain: &Chain, owner: Address) -> U256 {
        self.wallet(chain, owner).saturating_add(self.inside(chain, owner))
    }

    fn inside(&self, chain: &Chain, owner: Address) -> U256 {
        U256::from(self.free(chain, owner)).saturating_add(U256::from(self.lane(chain, owner)))
    }

    fn free(&self, chain: &Chain, owner: Address) -> u128 {
        let token = self.deployment.address(Contract::TallyToken);
        let call = IPaymentManager::freeOfCall { owner, token };
        self.ask(chain, Contract::PaymentManager, &call).unwrap_or_default()
    }

    fn lane(&self, chain: &Chain, owner: Address) -> u128 {
        let token = self.deployment.address(Contract::TallyToken);
        let call = IJobManager::accountOfCall { owner, token };
        let account = self.ask(chain, Contract::JobManager, &call);
        account.map_or(0, |account| account.balance.saturating_add(account.fees))
    }

    /// On every head: what the house holds is what it owes, and nothing was made or lost.
    pub fn check(&self, chain: &Chain, oracles: &mut Oracles) {
        let token = self.deployment.address(Contract::TallyToken);
        let house = self.deployment.address(Contract::PaymentManager);
        let held = self.wallet(chain, house);
        let call = IPaymentManager::totalOfCall { token };
        let total = self.ask(chain, Contract::PaymentManager, &call).unwrap_or_default();
        oracles.check("the house holds what its books say", held == total, || {
            format!("the house holds {held}, its books say {total}")
        });
        let call = IPaymentManager::chainLaneOfCall { token };
        let lane = self.ask(chain, Contract::PaymentManager, &call).unwrap_or_default();
        let free = self.owners.iter().map(|owner| U256::from(self.free(chain, *owner)));
        let sum = free.fold(U256::from(lane), U256::saturating_add);
        oracles.check("free balances and the chain lane add up", sum == total, || {
            format!("free and chain lane are {sum}, all is {total}")
        });
    }

    /// With no job open: the chain lane is what its owners have in it.
    pub fn check_at_rest(&self, chain: &Chain, oracles: &mut Oracles) {
        let token = self.deployment.address(Contract::TallyToken);
        let call = IPaymentManager::chainLaneOfCall { token };
        let lane = self.ask(chain, Contract::PaymentManager, &call).unwrap_or_default();
        let owners = self.owners.iter().map(|owner| self.lane(chain, *owner));
        let sum = owners.fold(0_u128, u128::saturating_add);
        oracles.check("at rest the chain lane is its owners'", sum == lane, || {
            format!("its owners have {sum} in the chain lane, which holds {lane}")
        });
    }
}
