use tallystick_abi::contracts::{IJobManager, IStakingManager};

use super::*;

const STAKE: u128 = 5_000 * TLY;

fn node(name: &str, roles: u8) -> NodePlan {
    NodePlan {
        operator: key_of(&format!("{name}'s operator")),
        signer: key_of(&format!("{name}'s signer")),
        identity: keccak256(name),
        roles,
        region: 276,
        stake: STAKE,
    }
}

fn asked<C: SolCall>(genesis: &Genesis, contract: Contract, call: &C) -> C::Return {
    let to = genesis.deployment.address(contract);
    let data = call.abi_encode().into();
    let call = Call { from: Address::ZERO, to, data, value: U256::ZERO };
    let answer = genesis.chain.call(genesis.chain.head(), &call).unwrap();
    C::abi_decode_returns(&answer).unwrap()
}

#[test]
fn every_contract_of_the_record_is_there_and_proxies_run_what_it_says() {
    let house = House::shared().unwrap();
    let head = house.chain.head();
    assert_eq!(house.deployment.contracts.len(), Contract::ALL.len() + 1);
    for (contract, deployed) in &house.deployment.contracts {
        assert_ne!(deployed.code_hash, keccak256([]), "{contract:?}");
        let slot = U256::from_be_bytes(keccak256("eip1967.proxy.implementation").0) - U256::ONE;
        let runs = house.chain.slot(head, deployed.address, slot);
        let runs = Address::from_word(runs.into());
        assert_eq!(deployed.implementation.unwrap_or_default(), runs, "{contract:?}");
    }
}

#[test]
fn machines_of_a_plan_are_staked_and_active_and_clients_can_pay() {
    let client = ClientPlan { key: key_of("a client"), wallet: 7 * TLY, deposit: 5 * TLY };
    let payer = client.key.address();
    let plan = Plan {
        nodes: vec![node("one", 1), node("two", 2)],
        clients: vec![client],
        funded: vec![Address::repeat_byte(9)],
    };
    let genesis = House::shared().unwrap().genesis(&plan).unwrap();
    for (plan, seat) in plan.nodes.iter().zip(&genesis.seats) {
        assert_eq!(seat.signer, plan.signer.address());
        let node = seat.node.get();
        let pool = IStakingManager::poolOfCall { node };
        assert_eq!(asked(&genesis, Contract::StakingManager, &pool).stake, STAKE);
        let node = INodeRegistry::nodeOfCall { node };
        let node = asked(&genesis, Contract::NodeRegistry, &node);
        assert_eq!(node.status, INodeRegistry::NodeStatus::Active);
    }
    let token = genesis.deployment.address(Contract::TallyToken);
    let free = IPaymentManager::freeOfCall { owner: payer, token };
    assert_eq!(asked(&genesis, Contract::PaymentManager, &free), 5 * TLY);
    let wallet = ITallyToken::balanceOfCall { account: payer };
    assert_eq!(asked(&genesis, Contract::TallyToken, &wallet), U256::from(7 * TLY));
    let rules = IJobManager::parametersOfCall { token };
    assert_ne!(asked(&genesis, Contract::JobManager, &rules), U256::ZERO);
    let coins = genesis.chain.balance(genesis.chain.head(), Address::repeat_byte(9));
    assert_eq!(coins, U256::from(GAS_MONEY));
}

#[test]
fn the_same_plan_makes_the_same_chain() {
    let plan = Plan { nodes: vec![node("one", 1)], ..Plan::default() };
    let (one, other) = (House::deploy().unwrap(), House::deploy().unwrap());
    let heads = [one, other].map(|house| house.genesis(&plan).unwrap().chain.head().hash());
    assert_eq!(heads[0], heads[1]);
}
