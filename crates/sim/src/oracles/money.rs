//! Money on the chain: what everybody has adds up to what there is.

use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall;
use tallystick_abi::contracts::{IJobManager, IPaymentManager, ITallyToken};
use tallystick_abi::{Contract, Deployment};
use tallystick_chain::endpoint::Call;
use tallystick_chain::view::HouseView;
use tallystick_types::Seat;

use super::Oracles;
use crate::chain::{Block, Chain};

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
        self.ask_at(chain, chain.head(), to, call)
    }

    fn ask_at<C: SolCall>(
        &self,
        chain: &Chain,
        at: &Block,
        to: Contract,
        call: &C,
    ) -> Option<C::Return> {
        let (to, data) = (self.deployment.address(to), call.abi_encode().into());
        let call = Call { from: Address::ZERO, to, data, value: U256::ZERO };
        let answer = chain.call(at, &call).ok()?;
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

    /// Every node earned what the settled jobs owe it, and nothing twice.
    pub fn check_earned(&self, chain: &Chain, seats: &[Seat], oracles: &mut Oracles) {
        let token = self.deployment.address(Contract::TallyToken);
        let accounts = oracles.history().accounts();
        for seat in seats {
            let owed = accounts.get(&seat.node).copied().unwrap_or_default();
            let owner = Address::left_padding_from(&seat.node.get().to_be_bytes());
            let copies = oracles.liars.get(seat).is_some_and(|it| it.copies());
            oracles.check("who only copies earns nothing", !copies || owed.earned == 0, || {
                format!("node {} earned {} for the work of others", seat.node, owed.earned)
            });
            let call = IJobManager::accountOfCall { owner, token };
            let held = self.ask(chain, Contract::JobManager, &call);
            let held = held.map(|account| (account.balance, account.fees));
            let same = held == Some((owed.earned, owed.fees));
            oracles.check("a node earns what settled jobs owe it", same, || {
                format!("node {} has {held:?} in the lane, owed are {owed:?}", seat.node)
            });
        }
    }

    /// The stake of all nodes that a view has at a block is what the contract for stake holds.
    pub fn check_view(&self, chain: &Chain, at: &Block, view: &HouseView, oracles: &mut Oracles) {
        let account = self.deployment.address(Contract::StakingManager);
        let call = ITallyToken::balanceOfCall { account };
        let held = self.ask_at(chain, at, Contract::TallyToken, &call);
        let nodes = view.nodes().flat_map(|node| {
            let it = &node.stake;
            [it.pending.get(), it.active.get(), it.thawing.get()]
        });
        let sum = nodes.map(U256::from).fold(U256::ZERO, U256::saturating_add);
        oracles.check("the stake in a view is the stake there is", held == Some(sum), || {
            format!("at block {} a view has a stake of {sum}, held are {held:?}", at.number())
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
