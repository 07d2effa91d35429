//! Refused calls on a real chain, decoded to their names and values.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use tallystick_abi::contracts::{
    self, IHouseContract, IJobManager, INetworkProfile, INodeRegistry, IPaymentManager,
    ISlashingManager, IStakingManager, ITallyToken,
};
use tallystick_abi::{Contract, Revert};
use tallystick_devnet::CallError;

use crate::house::{COORDINATOR, House, TLY, WORKER, profile, signature};
use crate::job::{Running, assign, create, propose_call, receipt, settle_call};

/// What the contract says to a call that it refuses.
async fn refusal<C: SolCall>(house: &House, from: Address, to: Contract, call: C) -> Revert {
    match house.chain.send(from, house.at(to), call).await {
        Err(CallError::Refused { revert }) => *revert,
        other => unreachable!("{} was not refused: {other:?}", C::SIGNATURE),
    }
}

fn assert_named(revert: &Revert, name: &str, values: &[String]) {
    assert_eq!(revert.name(), Some(name), "{revert}");
    // Addresses print with and without the checksum of their capitals.
    let text = revert.to_string().to_lowercase();
    for value in values {
        assert!(text.contains(&value.to_lowercase()), "{value} in {text}");
    }
}

/// People: bad profiles, foreign nodes, missing money, missing roles.
async fn people_are_refused(house: &mut House, stranger: Address) {
    let node = house.register("refused", WORKER).await;
    let id = node.seat.node.get();
    let operator = node.operator;

    let digest = house.deployment.registry_domain().consent_digest(stranger);
    let consent = signature(&node.signer, digest);
    let again = INodeRegistry::registerCall {
        signer: node.seat.signer,
        consent: consent.clone(),
        profile: profile(WORKER),
    };
    let said = refusal(house, stranger, Contract::NodeRegistry, again).await;
    let values = [format!("signer: {}", node.seat.signer), format!("node: {id}")];
    assert_named(&said, "NodeRegistrySignerTaken", &values);

    let other = INodeRegistry::registerCall { signer: stranger, consent, profile: profile(WORKER) };
    let said = refusal(house, stranger, Contract::NodeRegistry, other).await;
    assert_named(&said, "NodeRegistryNoConsent", &[format!("operator: {stranger}")]);

    let retire = INodeRegistry::retireCall { node: id };
    let said = refusal(house, stranger, Contract::NodeRegistry, retire).await;
    let values = [format!("caller: {stranger}"), format!("expected: {operator}")];
    assert_named(&said, "NodeRegistryNotOperator", &values);

    let unknown = INodeRegistry::retireCall { node: 999 };
    let said = refusal(house, stranger, Contract::NodeRegistry, unknown).await;
    assert!(said.to_string().contains("node: 999"), "{said}");

    let profile = INodeRegistry::updateProfileCall { node: id, profile: profile(0) };
    let said = refusal(house, operator, Contract::NodeRegistry, profile).await;
    assert_named(
        &said,
        "NodeRegistryInvalidProfile",
        &["roles: 0".into(), "peerIdBytes: 4".into()],
    );

    let early = IStakingManager::stakeCall { node: id, amount: 0 };
    let said = refusal(house, operator, Contract::StakingManager, early).await;
    assert_named(&said, "StakingManagerInvalidAmount", &["given: 0".into()]);

    let penniless = IStakingManager::stakeCall { node: id, amount: 5 };
    let said = refusal(house, operator, Contract::StakingManager, penniless).await;
    assert_named(&said, "ERC20InsufficientAllowance", &["allowance: 0, needed: 5".into()]);

    let unpaid = ITallyToken::transferCall { to: stranger, value: U256::from(3) };
    let said = refusal(house, stranger, Contract::TallyToken, unpaid).await;
    assert_named(&said, "ERC20InsufficientBalance", &["balance: 0, needed: 3".into()]);

    let pause = IHouseContract::pauseCall {};
    let said = refusal(house, stranger, Contract::JobManager, pause).await;
    assert_named(&said, "AccessControlUnauthorizedAccount", &[format!("account: {stranger}")]);

    let token = Address::repeat_byte(0xee);
    let deposit = IPaymentManager::depositCall { token, account: stranger, amount: 1 };
    let said = refusal(house, stranger, Contract::PaymentManager, deposit).await;
    assert_named(&said, "PaymentManagerTokenNotAccepted", &[format!("token: {token}")]);

    let release = ISlashingManager::releaseCall { node: id };
    let said = refusal(house, stranger, Contract::SlashingManager, release).await;
    assert_named(&said, "SlashingManagerNotJailed", &[format!("node: {id}")]);

    let program = INetworkProfile::setProgramsCall { programs: vec![B256::ZERO], allowed: true };
    let said = refusal(house, house.deployer, Contract::NetworkProfile, program).await;
    let account = format!("account: {}", house.deployer);
    assert_named(&said, "AccessControlUnauthorizedAccount", &[account]);
}

/// Jobs: bad terms, wrong callers, wrong states, wrong signatures.
async fn jobs_are_refused(house: &mut House, stranger: Address) {
    let client = house.chain.actor("client").await.unwrap().address();
    house.give(client, 100 * TLY).await;
    house.approve(client, Contract::PaymentManager, 100 * TLY).await;
    let coordinator = house.register("coordinator", COORDINATOR).await;
    house.bond(&coordinator, 5_000 * TLY).await;
    let mut workers = Vec::new();
    for name in ["one", "two", "three"] {
        let node = house.register(name, WORKER).await;
        house.bond(&node, 5_000 * TLY).await;
        workers.push(node);
    }
    let order = house.order(client, 1).await;
    let create_call = |rules: tallystick_types::JobRules| {
        let terms = tallystick_types::JobTerms { rules, ..order.terms };
        let terms = contracts::JobTerms::from(&terms);
        IJobManager::createCall { nonce: order.nonce, terms, specificationUri: String::new() }
    };

    let minority = tallystick_types::JobRules { quorum: 1, ..order.terms.rules };
    let said = refusal(house, client, Contract::JobManager, create_call(minority)).await;
    let expected = "JobManagerInvalidTerm { term: quorum, given: 1, bound: 2 }";
    assert_eq!(said.to_string(), expected);

    let version = 77.try_into().unwrap();
    let stale = tallystick_types::JobRules { parameters_version: version, ..order.terms.rules };
    let said = refusal(house, client, Contract::JobManager, create_call(stale)).await;
    assert_named(&said, "JobManagerStaleParameters", &["given: 77, current: 1".into()]);

    let (id, job) = create(house, &order).await;
    let again = create_call(order.terms.rules);
    let said = refusal(house, client, Contract::JobManager, again).await;
    assert_named(&said, "JobManagerUnexpectedState", &[format!("id: {id}"), "actual: Open".into()]);

    let cancel = IJobManager::cancelCall { id: id.into(), job: job.to_contract().unwrap() };
    let said = refusal(house, stranger, Contract::JobManager, cancel).await;
    let values = [format!("caller: {stranger}"), format!("expected: {client}")];
    assert_named(&said, "JobManagerUnauthorized", &values);

    let mut other = job.to_contract().unwrap();
    other.client = stranger;
    let cancel = IJobManager::cancelCall { id: id.into(), job: other };
    let said = refusal(house, stranger, Contract::JobManager, cancel).await;
    assert_named(&said, "JobManagerWrongCommitment", &[format!("id: {id}")]);

    let seats: Vec<_> = workers.iter().map(|node| node.seat).collect();
    let seize = IJobManager::assignCall {
        id: id.into(),
        job: job.to_contract().unwrap(),
        coordinator: coordinator.seat.node.get(),
        nodes: seats.iter().map(|seat| seat.pack()).collect(),
    };
    let said = refusal(house, stranger, Contract::JobManager, seize).await;
    let values = [format!("given: {stranger}"), format!("signer: {}", coordinator.seat.signer)];
    assert_named(&said, "NodeRegistryNotSigner", &values);

    let assignment = assign(house, id, &job, &coordinator, &seats).await;
    let running = Running { id, job, assignment };
    let holder = coordinator.seat.signer;
    let (one, two) = (&workers[0], &workers[1]);

    let alone = propose_call(&running, receipt(house, id, TLY, &[(0, one)]));
    let said = refusal(house, holder, Contract::JobManager, alone).await;
    assert_named(&said, "JobManagerNoQuorum", &["given: 1, needed: 2".into()]);

    let dear = propose_call(&running, receipt(house, id, 11 * TLY, &[(0, one), (1, two)]));
    let said = refusal(house, holder, Contract::JobManager, dear).await;
    let most = format!("cost: {}, most: {}", 11 * TLY, 10 * TLY + 7);
    assert_named(&said, "JobManagerExcessiveCost", &[most]);

    let swapped = propose_call(&running, receipt(house, id, TLY, &[(0, two), (1, one)]));
    let said = refusal(house, holder, Contract::JobManager, swapped).await;
    let values = [format!("expected: {}, actual: {}", one.seat.signer, two.seat.signer)];
    assert_named(&said, "JobManagerInvalidAttestation", &values);

    let early = settle_call(&running, 0b11);
    let said = refusal(house, stranger, Contract::JobManager, early).await;
    assert_named(&said, "JobManagerUnexpectedState", &["actual: Assigned".into()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_a_real_chain_have_names_and_values() {
    let mut house = House::build().await;
    let stranger = house.chain.actor("stranger").await.unwrap().address();
    people_are_refused(&mut house, stranger).await;
    jobs_are_refused(&mut house, stranger).await;
}
