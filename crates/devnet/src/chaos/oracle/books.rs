//! Every unit of TLY is somewhere, and where the books say.

use alloy_primitives::{Address, U256};
use tallystick_abi::Contract;
use tallystick_abi::contracts::{IJobManager, IPaymentManager, IStakingManager, ITallyToken};

use crate::chain::CallError;
use crate::chaos::Finding;
use crate::chaos::town::Town;
use crate::ground::Ground;

/// Compares what contracts hold with what they owe, when no job is open.
pub(in crate::chaos) async fn books(
    town: &Town,
    findings: &mut Vec<Finding>,
) -> Result<(), CallError> {
    let ground = &town.network.ground;
    let token = ground.at(Contract::TallyToken);
    let (payments, staking) = (Contract::PaymentManager, Contract::StakingManager);
    let held =
        ground.chain.call(ground.at(payments), IPaymentManager::totalOfCall { token }).await?;
    let lane = IPaymentManager::chainLaneOfCall { token };
    let lane = U256::from(ground.chain.call(ground.at(payments), lane).await?);
    let (mut free, mut in_lane, mut wallets) = (U256::ZERO, U256::ZERO, U256::ZERO);
    for owner in people(town) {
        free += U256::from(ground.free(owner).await?);
        in_lane += U256::from(account(ground, owner).await?);
        wallets += ground.tokens(owner).await?;
    }
    let mut stake = U256::ZERO;
    for member in &town.network.members {
        let call = IStakingManager::poolOfCall { node: member.seat.node.get() };
        let pool = ground.chain.call(ground.at(staking), call).await?;
        stake += U256::from(pool.stake) + U256::from(pool.thawing);
    }
    let in_payments = ground.tokens(ground.at(payments)).await?;
    let in_staking = ground.tokens(ground.at(staking)).await?;
    let supply = ground.chain.call(token, ITallyToken::totalSupplyCall {}).await?;
    let pairs = [
        ("tokens of the escrow, and its total", in_payments, held),
        ("total of the escrow, and everybody's free money and the lane", held, free + lane),
        ("the lane, and everybody's accounts in it", lane, in_lane),
        ("tokens of the stakes, and all pools", in_staking, stake),
        ("all tokens, and where they are", supply, wallets + in_payments + in_staking),
    ];
    for (what, left, right) in pairs {
        if left != right {
            findings.push(Finding::Books { what, left, right });
        }
    }
    Ok(())
}

/// Balance and fees of an owner in the chain lane.
async fn account(ground: &Ground, owner: Address) -> Result<u128, CallError> {
    let call = IJobManager::accountOfCall { owner, token: ground.at(Contract::TallyToken) };
    let account = ground.chain.call(ground.at(Contract::JobManager), call).await?;
    Ok(account.balance + account.fees)
}

/// Whoever can have money: nobody else ever acted on this chain.
fn people(town: &Town) -> Vec<Address> {
    let network = &town.network;
    let mut people = vec![network.client, network.ground.treasury, Address::ZERO];
    for member in &network.members {
        people.extend([member.seat.account(), member.seat.signer, member.operator]);
    }
    people.sort_unstable();
    people.dedup();
    people
}
