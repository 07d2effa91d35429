//! A chain with the house and three clients, and what they send.

use std::sync::Arc;

use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::{Bytes, TxKind, U256};
use alloy_sol_types::SolCall;
use tallystick_abi::contracts::IPaymentManager;
use tallystick_abi::{Contract, Deployment};
use tallystick_sim::chain::genesis::{ClientPlan, Genesis, House, Plan, TLY, key_of};
use tallystick_sim::chain::{Chain, Signed, Wish};

/// Small numbers from a seed.
#[derive(Clone, Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)) >> 11
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.word() % limit
    }

    pub(crate) fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }
}

pub(crate) fn clients() -> Vec<PrivateKeySigner> {
    (0..3).map(|number| key_of(&format!("client {number}"))).collect()
}

pub(crate) fn genesis() -> Genesis {
    let client = |key| ClientPlan { key, wallet: 1_000 * TLY, deposit: 10 * TLY };
    let plan = Plan { clients: clients().into_iter().map(client).collect(), ..Plan::default() };
    House::shared().unwrap().genesis(&plan).unwrap()
}

/// A deposit of some units, with the nonce that comes next.
pub(crate) fn deposit(
    chain: &Chain,
    deployment: &Deployment,
    key: &PrivateKeySigner,
    amount: u128,
) -> Arc<Signed> {
    let call = IPaymentManager::depositCall {
        token: deployment.address(Contract::TallyToken),
        amount,
        account: key.address(),
    };
    let to = deployment.address(Contract::PaymentManager).into();
    let nonce = chain.pending_nonce(chain.head(), key.address());
    Signed::of_wish(&wish(chain, to, call.abi_encode().into()), chain.id(), nonce, key)
}

pub(crate) fn wish(chain: &Chain, to: TxKind, data: Bytes) -> Wish {
    let fee_cap = u128::from(chain.base_fee()) * 4 + 2_000_000_000;
    Wish { to, data, value: U256::ZERO, gas: 400_000, fee_cap, tip_cap: 1_000_000_000 }
}
