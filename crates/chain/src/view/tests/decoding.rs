use std::collections::BTreeMap;

use alloy_primitives::{LogData, aliases};
use alloy_sol_types::SolEvent;
use tallystick_abi::contracts::{
    self, IHouseContract, IJobManager, INetworkProfile, INodeRegistry, IPaymentManager,
    ISlashingManager, IStakingManager, ITallyToken,
};
use tallystick_abi::deployment::{Deployed, Holders};
use tallystick_abi::{Contract, ConvertError, Deployment};
use tallystick_types::{ChainId, PackingError, ProgramDigest};

use super::*;

/// A deployment whose contracts live at addresses of their own.
fn deployment() -> Deployment {
    let place = |byte| Deployed {
        address: Address::repeat_byte(byte),
        code_hash: B256::ZERO,
        implementation: None,
        implementation_code_hash: None,
    };
    let nobody = Address::ZERO;
    Deployment {
        chain_id: ChainId::new(5),
        block: 1,
        deployer: nobody,
        parameters: "local".into(),
        holders: Holders { treasury: nobody, pauser: nobody, committee: nobody, reporter: nobody },
        contracts: Contract::ALL.into_iter().zip((1..).map(place)).collect::<BTreeMap<_, _>>(),
    }
}

fn decoded(contract: Contract, log: &LogData) -> Result<HouseEvent, DecodeError> {
    let deployment = deployment();
    let contracts = HouseContracts::of(&deployment);
    HouseEvent::decode(&contracts, deployment.address(contract), log.topics(), &log.data)
}

fn says<E: SolEvent>(contract: Contract, event: &E, expected: HouseEvent) {
    let read = decoded(contract, &event.encode_log_data()).unwrap();
    assert_eq!(read, expected, "{}", E::SIGNATURE);
}

fn seconds(time: ChainTime) -> aliases::U40 {
    aliases::U40::from(time.get())
}

#[test]
fn events_of_jobs_are_read() {
    let job = |event: &LogData, expected: JobEvent| {
        let read = decoded(Contract::JobManager, event).unwrap();
        assert_eq!(read, HouseEvent::Job(id(1), expected));
    };
    let (id, attempt, client) = (id(1).into(), 1, order().client);
    let (nonce, terms) = (order().nonce, contracts::JobTerms::from(&order().terms));
    let word = parameters().pack().unwrap();
    let event = IJobManager::JobCreated { id, client, nonce, terms, parameters: word };
    job(&event.encode_log_data(), created(order()));
    let uri = String::from("ipfs://specification");
    let event = IJobManager::JobSpecification { id, uri: uri.clone() };
    job(&event.encode_log_data(), JobEvent::Specification { uri });
    let (coordinator, nodes) = (seat(1).pack(), vec![seat(2).pack(), seat(3).pack()]);
    let deadline = seconds(time(200));
    let event =
        IJobManager::JobAssigned { id, attempt, coordinator, nodes: nodes.clone(), deadline };
    job(&event.encode_log_data(), assigned(1));
    let event = IJobManager::JobEnlisted { id, attempt, nodes };
    let (first, nodes) = (Attempt::new(1), vec![seat(2), seat(3)]);
    job(&event.encode_log_data(), JobEvent::Enlisted { attempt: first, nodes });
    let event = IJobManager::JobHeartbeat { id, attempt, deadline };
    job(&event.encode_log_data(), JobEvent::Heartbeat { attempt: first, deadline: time(200) });
    let event = IJobManager::JobToppedUp { id, amount: 2, toppedUp: 5 };
    job(&event.encode_log_data(), JobEvent::ToppedUp { total: Amount::new(5) });
    let event = IJobManager::JobStopped { id, stoppedAt: deadline };
    job(&event.encode_log_data(), JobEvent::Stopped { at: time(200) });
    let (result, until) = (proposal(0b11).to_contract(), seconds(time(300)));
    let event = IJobManager::JobProposed { id, attempt, proposal: result, deadline: until };
    job(&event.encode_log_data(), proposed(1));
    let until = seconds(time(900));
    let event = IJobManager::JobChallenged { id, challenger: client, bond: 9, deadline: until };
    job(&event.encode_log_data(), challenged());
    let event = IJobManager::JobResolved { id, upheld: false, liars: 6 };
    job(&event.encode_log_data(), JobEvent::Resolved { upheld: false, liars: 6 });
    let event = IJobManager::JobNodeSeized { id, attempt, seat: seat(3).pack() };
    job(&event.encode_log_data(), JobEvent::NodeSeized { attempt: first, seat: seat(3) });
    let event = IJobManager::JobReopened { id, attempt, deadline: seconds(time(400)) };
    job(&event.encode_log_data(), reopened(1));
    let (root, settler) = (output(0x77).into(), Address::repeat_byte(0x5e));
    let event = IJobManager::JobSettled { id, outputRoot: root, paid: 800, settler };
    job(&event.encode_log_data(), settled());
    let event = IJobManager::JobRefunded { id, returned: 3 };
    job(&event.encode_log_data(), JobEvent::Refunded { returned: Amount::new(3) });
    let event = IJobManager::JobUnpaid { id, client, owed: 4 };
    job(&event.encode_log_data(), JobEvent::Unpaid { owed: Amount::new(4) });
}

#[test]
fn events_of_nodes_are_read() {
    let registry = |event: &LogData, expected: NodeEvent| {
        let read = decoded(Contract::NodeRegistry, event).unwrap();
        assert_eq!(read, HouseEvent::Node(NodeId::new(7), expected));
    };
    let (node, operator, signer) = (7, Address::repeat_byte(1), Address::repeat_byte(2));
    let raw = || INodeRegistry::NodeProfile {
        peerId: profile().peer_id,
        identityKey: profile().identity_key.into(),
        roles: profile().roles,
        region: profile().region,
        metadataUri: profile().metadata_uri,
    };
    let event = INodeRegistry::NodeRegistered { node, operator, signer, profile: raw() };
    let expected = NodeEvent::Registered { operator, signer, profile: profile() };
    registry(&event.encode_log_data(), expected);
    let event = INodeRegistry::NodeProfileUpdated { node, profile: raw() };
    registry(&event.encode_log_data(), NodeEvent::ProfileUpdated { profile: profile() });
    let event = INodeRegistry::NodeSignerRotated { node, signer };
    registry(&event.encode_log_data(), NodeEvent::SignerRotated { signer });
    let event = INodeRegistry::NodeSignerFrozen { node, signer };
    registry(&event.encode_log_data(), NodeEvent::SignerFrozen);
    for (successor, expected) in [(operator, Some(operator)), (Address::ZERO, None)] {
        let event = INodeRegistry::NodeOffered { node, successor };
        registry(&event.encode_log_data(), NodeEvent::Offered { successor: expected });
    }
    let event = INodeRegistry::NodeTransferred { node, operator };
    registry(&event.encode_log_data(), NodeEvent::Transferred { operator });
    let event = INodeRegistry::NodeVetted { node, vetted: true };
    registry(&event.encode_log_data(), NodeEvent::Vetted { vetted: true });
    for (raw, status) in [
        (INodeRegistry::NodeStatus::Registered, NodeStatus::Registered),
        (INodeRegistry::NodeStatus::Active, NodeStatus::Active),
        (INodeRegistry::NodeStatus::Jailed, NodeStatus::Jailed),
        (INodeRegistry::NodeStatus::Retired, NodeStatus::Retired),
    ] {
        let event = INodeRegistry::NodeStatusChanged { node, status: raw };
        registry(&event.encode_log_data(), NodeEvent::StatusChanged { status });
    }
}

#[test]
fn events_of_stake_and_slashes_are_read() {
    let stake = |event: &LogData, expected: NodeEvent| {
        let read = decoded(Contract::StakingManager, event).unwrap();
        assert_eq!(read, HouseEvent::Node(NodeId::new(7), expected));
    };
    let (node, staker, until) = (7, Address::repeat_byte(1), seconds(time(9)));
    let amount = Amount::new(5);
    let event = IStakingManager::StakeDeposited { node, staker, amount: 5, pendingUntil: until };
    stake(&event.encode_log_data(), NodeEvent::StakeDeposited { amount });
    let event = IStakingManager::StakeDepositCancelled { node, staker, amount: 5 };
    stake(&event.encode_log_data(), NodeEvent::StakeDepositCancelled { amount });
    let event = IStakingManager::StakeActivated { node, staker, amount: 5, shares: 6 };
    stake(&event.encode_log_data(), NodeEvent::StakeActivated { amount });
    let event = IStakingManager::UnstakeRequested { node, staker, amount: 5, thawedAt: until };
    stake(&event.encode_log_data(), NodeEvent::UnstakeRequested { amount });
    let event = IStakingManager::UnstakeCancelled { node, staker, amount: 5 };
    stake(&event.encode_log_data(), NodeEvent::UnstakeCancelled { amount });
    let event = IStakingManager::StakeWithdrawn { node, staker, amount: 5 };
    stake(&event.encode_log_data(), NodeEvent::StakeWithdrawn { amount });
    let event = IStakingManager::StakeRewarded { node, from: staker, amount: 5 };
    stake(&event.encode_log_data(), NodeEvent::StakeRewarded { amount });
    let event = IStakingManager::StakeSlashed { node, amount: 5, burned: 1 };
    stake(&event.encode_log_data(), NodeEvent::StakeSlashed { amount });

    let job = id(1);
    let event =
        ISlashingManager::NodeSlashed { node, job: job.into(), reporter: staker, amount: 5 };
    let expected = HouseEvent::Node(NodeId::new(7), NodeEvent::Convicted { job, amount });
    says(Contract::SlashingManager, &event, expected);
}

#[test]
fn events_of_the_network_are_read() {
    let (token, profile) = (Address::repeat_byte(0x70), Contract::NetworkProfile);
    let network = |event: NetworkEvent| HouseEvent::Network(event);
    let terms = INetworkProfile::TokenTerms { lockPpm: 5, lockShift: 12 };
    let event = INetworkProfile::TokenAllowed { token, terms };
    let terms = TokenTerms { lock_ratio: Ratio::new(5), lock_shift: 12 };
    says(profile, &event, network(NetworkEvent::TokenAllowed { token, terms }));
    let event = INetworkProfile::TokenDisallowed { token };
    says(profile, &event, network(NetworkEvent::TokenDisallowed { token }));
    let (program, allowed) = (ProgramDigest::new([8; 32]), true);
    let event = INetworkProfile::ProgramAllowed { program: program.into(), allowed };
    says(profile, &event, network(NetworkEvent::ProgramAllowed { program, allowed }));
    let event = INetworkProfile::KindAllowed { kind: B256::ZERO, allowed };
    says(profile, &event, network(NetworkEvent::KindAllowed { kind: B256::ZERO, allowed }));

    for (word, expected) in [(parameters().pack().unwrap(), Some(parameters())), (U256::ZERO, None)]
    {
        let event = IJobManager::JobParametersAdopted { token, parameters: word };
        let expected = NetworkEvent::JobParametersAdopted { token, parameters: expected };
        says(Contract::JobManager, &event, network(expected));
    }
    for contract in [Contract::JobManager, Contract::PaymentManager] {
        let event = IHouseContract::Paused { account: token };
        says(contract, &event, network(NetworkEvent::Paused { contract, paused: true }));
        let event = IHouseContract::Unpaused { account: token };
        says(contract, &event, network(NetworkEvent::Paused { contract, paused: false }));
        let event = IHouseContract::Upgraded { implementation: token };
        let expected = NetworkEvent::Upgraded { contract, implementation: token };
        says(contract, &event, network(expected));
    }
}

#[test]
fn known_events_without_effect_are_named() {
    let (owner, token) = (Address::repeat_byte(1), Address::repeat_byte(2));
    let event = IJobManager::LaneFunded { owner, token, amount: 5 };
    let contract = Contract::JobManager;
    let topic = IJobManager::LaneFunded::SIGNATURE_HASH;
    says(contract, &event, HouseEvent::WithoutEffect { contract, topic });
    let event = IPaymentManager::Deposited { token, account: owner, from: owner, amount: 5 };
    let contract = Contract::PaymentManager;
    let topic = IPaymentManager::Deposited::SIGNATURE_HASH;
    says(contract, &event, HouseEvent::WithoutEffect { contract, topic });
}

#[test]
fn foreign_unknown_and_damaged_logs_are_told_apart() {
    let signer = Address::repeat_byte(2);
    let log = INodeRegistry::NodeSignerFrozen { node: 7, signer }.encode_log_data();
    let foreign = decoded(Contract::TallyToken, &log);
    assert!(matches!(foreign, Err(DecodeError::Foreign { .. })), "{foreign:?}");

    // An event of the registry is none of the job manager, and a transfer is none of either.
    let misplaced = decoded(Contract::JobManager, &log);
    let unknown = |contract, topic| DecodeError::UnknownEvent { contract, topic };
    let topic = Some(INodeRegistry::NodeSignerFrozen::SIGNATURE_HASH);
    let expected = unknown(Contract::JobManager, topic).to_string();
    assert_eq!(misplaced.unwrap_err().to_string(), expected);
    let transfer = ITallyToken::Transfer { from: signer, to: signer, value: U256::from(1) };
    let read = decoded(Contract::NodeRegistry, &transfer.encode_log_data());
    assert!(matches!(read, Err(DecodeError::UnknownEvent { .. })), "{read:?}");
    let silent = LogData::new_unchecked(vec![], Bytes::new());
    let read = decoded(Contract::NodeRegistry, &silent);
    assert!(matches!(read, Err(DecodeError::UnknownEvent { topic: None, .. })), "{read:?}");

    let short = LogData::new_unchecked(log.topics()[..2].to_vec(), Bytes::new());
    let read = decoded(Contract::NodeRegistry, &short);
    assert!(matches!(read, Err(DecodeError::Malformed { .. })), "{read:?}");
    let event =
        INodeRegistry::NodeStatusChanged { node: 7, status: INodeRegistry::NodeStatus::None };
    let read = decoded(Contract::NodeRegistry, &event.encode_log_data());
    let Err(DecodeError::Meaningless { source, .. }) = read else { unreachable!("{read:?}") };
    let meaningless = PackingError::Meaningless { field: "status", value: 0 };
    assert_eq!(source, ConvertError::Packing(meaningless));
}

#[test]
fn every_event_of_the_read_contracts_is_known() {
    let house = IHouseContract::IHouseContractEvents::SELECTORS;
    let own: [(Contract, &[[u8; 32]]); 6] = [
        (Contract::NodeRegistry, INodeRegistry::INodeRegistryEvents::SELECTORS),
        (Contract::PaymentManager, IPaymentManager::IPaymentManagerEvents::SELECTORS),
        (Contract::StakingManager, IStakingManager::IStakingManagerEvents::SELECTORS),
        (Contract::JobManager, IJobManager::IJobManagerEvents::SELECTORS),
        (Contract::SlashingManager, ISlashingManager::ISlashingManagerEvents::SELECTORS),
        (Contract::NetworkProfile, INetworkProfile::INetworkProfileEvents::SELECTORS),
    ];
    let deployment = deployment();
    let read: Vec<Address> = HouseContracts::of(&deployment).addresses().collect();
    for (contract, selectors) in own {
        assert!(read.contains(&deployment.address(contract)));
        for topic in selectors.iter().chain(house) {
            let log = LogData::new_unchecked(vec![B256::from(*topic)], Bytes::new());
            let outcome = decoded(contract, &log);
            // Without its values an event is damaged, but never unknown.
            let known = matches!(outcome, Ok(_) | Err(DecodeError::Malformed { .. }));
            assert!(known, "{outcome:?}");
        }
    }
}
