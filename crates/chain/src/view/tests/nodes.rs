use tallystick_abi::Contract;
use tallystick_types::ProgramDigest;

use super::*;

fn units(stake: StakeView) -> [u128; 4] {
    [stake.pending, stake.active, stake.thawing, stake.locked].map(Amount::get)
}

#[test]
fn a_node_is_what_its_last_events_say() {
    let mut told = Told::default();
    let (operator, signer) = (Address::repeat_byte(0x0e), seat(1).signer);
    let node = told.node(1, NodeEvent::Registered { operator, signer, profile: profile() });
    assert_eq!((node.operator, node.seat(), &node.profile), (operator, seat(1), &profile()));
    assert_eq!((node.status, node.vetted, node.frozen), (NodeStatus::Registered, false, false));

    let other = NodeProfile { region: 840, ..profile() };
    let node = told.node(1, NodeEvent::ProfileUpdated { profile: other.clone() });
    assert_eq!(node.profile, other);
    assert!(told.node(1, NodeEvent::Vetted { vetted: true }).vetted);
    let status = NodeStatus::Jailed;
    assert_eq!(told.node(1, NodeEvent::StatusChanged { status }).status, status);
    let convicted = NodeEvent::Convicted { job: id(1), amount: Amount::new(5) };
    assert_eq!(told.node(1, convicted).convictions, 1);

    let successor = Address::repeat_byte(0x0f);
    let node = told.node(1, NodeEvent::Offered { successor: Some(successor) });
    assert_eq!(node.successor, Some(successor));
    let node = told.node(1, NodeEvent::Transferred { operator: successor });
    assert_eq!((node.operator, node.successor), (successor, None));
    assert!(told.node(1, NodeEvent::SignerFrozen).frozen);
    let fresh = Address::repeat_byte(0xf5);
    let node = told.node(1, NodeEvent::SignerRotated { signer: fresh });
    assert_eq!((node.signer, node.frozen), (fresh, false));
    // A signer serves one node for ever: old signatures stay evidence.
    for signer in [signer, fresh] {
        assert_eq!(told.view.node_of_signer(signer), Some(NodeId::new(1)));
    }
    assert_eq!(told.view.node_of_signer(operator), None);
}

#[test]
fn stake_moves_from_deposit_to_withdrawal() {
    let mut told = Told::with_nodes();
    let amount = Amount::new;
    assert_eq!(units(told.view.node(NodeId::new(1)).unwrap().stake), [0, 10_000, 0, 0]);
    let mut stake = |event| units(told.node(1, event).stake);
    assert_eq!(stake(NodeEvent::StakeDeposited { amount: amount(7) }), [7, 10_000, 0, 0]);
    assert_eq!(stake(NodeEvent::StakeDepositCancelled { amount: amount(7) }), [0, 10_000, 0, 0]);
    assert_eq!(stake(NodeEvent::StakeRewarded { amount: amount(5) }), [0, 10_005, 0, 0]);
    assert_eq!(stake(NodeEvent::UnstakeRequested { amount: amount(4_000) }), [0, 6_005, 4_000, 0]);
    assert_eq!(stake(NodeEvent::UnstakeCancelled { amount: amount(1_000) }), [0, 7_005, 3_000, 0]);
    assert_eq!(stake(NodeEvent::StakeWithdrawn { amount: amount(1_000) }), [0, 7_005, 2_000, 0]);
    // 1001 of 9005, the active part rounded down: 778 and 223.
    assert_eq!(stake(NodeEvent::StakeSlashed { amount: amount(1_001) }), [0, 6_227, 1_777, 0]);
    assert_eq!(stake(NodeEvent::StakeSlashed { amount: amount(0) }), [0, 6_227, 1_777, 0]);
    assert_eq!(stake(NodeEvent::StakeSlashed { amount: amount(8_004) }), [0, 0, 0, 0]);
}

#[test]
fn stake_that_is_not_there_cannot_move() {
    let mut told = Told::with_nodes();
    let node = NodeId::new(2);
    let (held, taken) = (Amount::new(10_000), Amount::new(10_001));
    for event in
        [NodeEvent::UnstakeRequested { amount: taken }, NodeEvent::StakeSlashed { amount: taken }]
    {
        let before = told.view.clone();
        let error = told.tell(&HouseEvent::Node(node, event)).unwrap_err();
        assert_eq!(error, FoldError::StakeExceeded { node, held, taken });
        assert_eq!(told.view, before);
    }
    let unknown = NodeId::new(9);
    let error = told.tell(&HouseEvent::Node(unknown, NodeEvent::SignerFrozen)).unwrap_err();
    assert_eq!(error, FoldError::UnknownNode { node: unknown });
}

#[test]
fn a_pool_that_was_cut_may_be_off_by_its_last_units() {
    let mut told = Told::with_nodes();
    let amount = Amount::new;
    told.node(1, NodeEvent::UnstakeRequested { amount: amount(4_000) });
    let stake = told.node(1, NodeEvent::StakeSlashed { amount: amount(9_998) }).stake;
    // In proportion; the contract may have left both units on one side.
    assert_eq!((units(stake), stake.cut), ([0, 2, 0, 0], true));
    let stake = told.node(1, NodeEvent::StakeWithdrawn { amount: amount(1) }).stake;
    assert_eq!(units(stake), [0, 2, 0, 0]);
    let stake = told.node(1, NodeEvent::StakeSlashed { amount: amount(3) }).stake;
    assert_eq!((units(stake), stake.cut), ([0; 4], false));
}

#[test]
fn locked_stake_is_not_free() {
    let mut told = Told::with_nodes();
    told.job(created(order()));
    told.job(assigned(1));
    let stake = told.view.node(NodeId::new(1)).unwrap().stake;
    assert_eq!(stake.free(), Amount::new(10_000 - LOCK));
    let stake = told.node(1, NodeEvent::UnstakeRequested { amount: Amount::new(9_000) }).stake;
    assert_eq!((units(stake), stake.free()), ([0, 1_000, 9_000, LOCK], Amount::ZERO));
}

#[test]
fn rules_are_those_of_the_last_events() {
    let mut told = Told::default();
    let mut tell = |event| {
        told.tell(&HouseEvent::Network(event)).unwrap();
        told.view.network().clone()
    };
    let (token, program, kind) =
        (Address::repeat_byte(0x70), ProgramDigest::new([8; 32]), B256::repeat_byte(9));
    let terms = TokenTerms { lock_ratio: Ratio::new(5), lock_shift: 12 };
    assert_eq!(tell(NetworkEvent::TokenAllowed { token, terms }).tokens[&token], terms);
    let adopted = Some(parameters());
    let network = tell(NetworkEvent::JobParametersAdopted { token, parameters: adopted });
    assert_eq!(network.parameters_of(token), adopted.as_ref());

    let (contract, implementation) = (Contract::JobManager, Address::repeat_byte(0x1d));
    let network = tell(NetworkEvent::Paused { contract, paused: true });
    assert_eq!(network.parameters_of(token), None);
    let network = tell(NetworkEvent::Paused { contract, paused: false });
    assert_eq!(network.parameters_of(token), adopted.as_ref());
    let network = tell(NetworkEvent::Upgraded { contract, implementation });
    assert_eq!(network.implementations[&contract], implementation);

    assert!(network.permits(program, kind));
    let other = ProgramDigest::new([7; 32]);
    let network = tell(NetworkEvent::ProgramAllowed { program: other, allowed: true });
    assert!(network.permits(other, kind) && !network.permits(program, kind));
    let network = tell(NetworkEvent::ProgramAllowed { program: other, allowed: false });
    assert!(network.permits(program, kind));
    let network = tell(NetworkEvent::KindAllowed { kind: B256::ZERO, allowed: true });
    assert!(network.permits(program, B256::ZERO) && !network.permits(program, kind));

    let network = tell(NetworkEvent::JobParametersAdopted { token, parameters: None });
    assert_eq!(network.parameters_of(token), None);
    assert!(tell(NetworkEvent::TokenDisallowed { token }).tokens.is_empty());
    let given = NetworkParameters {
        version: 4.try_into().unwrap(),
        min_stake: Amount::new(1),
        min_stake_time: Seconds::new(2),
        stake_thaw: Seconds::new(3),
        lane_thaw: Seconds::new(4),
        jail: Seconds::new(5),
        treasury: token,
    };
    assert_eq!(tell(NetworkEvent::ParametersSet(given)).parameters, Some(given));
}
