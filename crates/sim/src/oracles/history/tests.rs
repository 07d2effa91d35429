use alloy_primitives::Address;
use tallystick_protocol::commitment::TaskAssignment;
use tallystick_types::{
    BlockHash, Funding, JobPrice, JobRules, JobTerms, Ppm, Ratio, Seconds, ServiceLevel,
    TaskAttempt, TaskIndex, Verification,
};

use super::super::Stop;
use super::*;
use crate::chain::{Chain, Choice, Settings};

const START: u64 = 1_750_000_000;

fn time(seconds: u64) -> ChainTime {
    ChainTime::new(START + seconds).unwrap()
}

fn at(number: u64) -> EventContext {
    let hash = BlockHash::from(B256::from(U256::from(number)));
    let block = Place { number, hash, time: time(12 * number) };
    EventContext { block, tx: B256::from(U256::from(number)), log_index: 0 }
}

fn seat(node: u64) -> Seat {
    Seat { node: NodeId::new(node), signer: Address::left_padding_from(&node.to_be_bytes()) }
}

/// Three nodes, of which two must agree, for at most 1000; assigned by second 600.
fn created() -> JobEvent {
    let parameters = JobParameters {
        version: 3.try_into().unwrap(),
        coordinator_share: Ppm::new(50_000).unwrap(),
        secondaries_share: Ppm::new(150_000).unwrap(),
        protocol_share: Ppm::new(20_000).unwrap(),
        challenge_bond_share: Ppm::new(100_000).unwrap(),
        lock_ratio: Ratio::new(1_500_000),
        lock_shift: 0,
        challenge_window: Seconds::new(60),
        verdict_window: Seconds::new(600),
        lease: Seconds::new(120),
        max_job: Seconds::new(86_400),
        max_attempts: 2,
        halted: false,
    };
    let rules = JobRules {
        funding: Funding::Balance,
        verification: Verification::Deterministic,
        trust: Trust::Staked,
        replicas: 3,
        quorum: 2,
        assign_by: time(600),
        complete_by: time(3_600),
        service_level: ServiceLevel::new(0),
        parameters_version: 3.try_into().unwrap(),
    };
    let price = JobPrice::new(Amount::new(1_000), Amount::ZERO, Amount::new(10)).unwrap();
    let (token, specification) = (Address::repeat_byte(0x70), B256::repeat_byte(0x42).into());
    let terms = JobTerms { specification, token, price, rules };
    let order = JobOrder { client: Address::repeat_byte(0xc1), nonce: U256::from(1), terms };
    JobEvent::Created { order, parameters }
}

fn assigned(attempt: u8) -> JobEvent {
    let (attempt, deadline) = (Attempt::new(attempt), time(200));
    let nodes = vec![seat(2), seat(3), seat(4)];
    JobEvent::Assigned { attempt, coordinator: seat(1), nodes, deadline }
}

fn proposed(attempt: u8) -> JobEvent {
    let output_root = OutputRoot::new([7; 32]);
    let proposal = Proposal { output_root, price: Amount::new(800), signers: 0b110 };
    JobEvent::Proposed { attempt: Attempt::new(attempt), proposal, deadline: time(300) }
}

fn settled(byte: u8) -> JobEvent {
    let (output_root, settler) = (OutputRoot::new([byte; 32]), Address::repeat_byte(0x55));
    JobEvent::Settled { output_root, paid: Amount::new(800), settler }
}

fn reopened(attempt: u8) -> JobEvent {
    JobEvent::Reopened { attempt: Attempt::new(attempt), deadline: time(400) }
}

fn refunded() -> JobEvent {
    JobEvent::Refunded { returned: Amount::new(1_010) }
}

const JOB: JobId = JobId::new([9; 32]);

/// A history in which one job has these steps, a block for each, and what failed.
fn told(steps: &[(u64, JobEvent)]) -> (History, Option<String>) {
    let (mut history, mut oracles) = (History::default(), Oracles::default());
    let steps = steps.iter().map(|(number, event)| (at(*number), event.clone()));
    let events: Vec<_> = steps.map(|(at, event)| (at, HouseEvent::Job(JOB, event))).collect();
    history.follow(0, events.iter().map(|(at, event)| (at, event)), &mut oracles);
    (history, oracles.failure().map(str::to_owned))
}

#[test]
fn the_main_path_breaks_nothing_and_pays_who_signed() {
    let steps = [(1, created()), (2, assigned(1)), (3, proposed(1)), (4, settled(7))];
    let (history, failure) = told(&steps);
    assert_eq!(failure, None);
    assert_eq!(history.end(JOB), Some(End::Settled(OutputRoot::new([7; 32]))));
    let accounts = history.accounts();
    let earned = |node| accounts.get(&NodeId::new(node)).copied().unwrap_or_default();
    // 5 % and 2 % of 800; of the 15 % of two secondaries one half stays with the client.
    assert_eq!(earned(1), Account { earned: 40, fees: 16, lost: 0 });
    assert_eq!((earned(2).earned, earned(3).earned, earned(4).earned), (0, 624, 60));
}

#[test]
fn two_ends_of_one_job_are_noticed() {
    for second in [settled(7), refunded()] {
        let steps = [(1, created()), (2, assigned(1)), (3, proposed(1)), (4, settled(7))];
        let (_, failure) = told(&[steps.as_slice(), &[(5, second)]].concat());
        assert!(failure.unwrap().contains("never overlap"));
    }
}

#[test]
fn a_result_of_an_attempt_that_is_over_is_noticed() {
    let steps = [(1, created()), (2, assigned(1)), (3, reopened(1)), (4, assigned(2))];
    let (_, failure) = told(&[steps.as_slice(), &[(5, proposed(1))]].concat());
    assert!(failure.unwrap().contains("JobProposed"));
    let (_, failure) = told(&[(1, created()), (2, assigned(1)), (3, assigned(2))]);
    assert!(failure.unwrap().contains("JobAssigned"));
}

#[test]
fn a_payment_for_something_else_than_what_was_proposed_is_noticed() {
    let steps = [(1, created()), (2, assigned(1)), (3, proposed(1)), (4, settled(8))];
    assert!(told(&steps).1.unwrap().contains("proposed was"));
}

#[test]
fn what_a_reorganisation_takes_back_is_as_if_it_had_never_been() {
    let steps = [(1, created()), (2, assigned(1)), (3, proposed(1)), (4, settled(7))];
    let (mut history, _) = told(&steps);
    let mut oracles = Oracles::default();
    assert!(history.follow(4, std::iter::empty(), &mut oracles));
    assert_eq!((history.end(JOB), history.steps(JOB).len()), (None, 3));
    assert!(!history.follow(1, std::iter::empty(), &mut oracles));
    assert_eq!(history.jobs().count(), 0);
}

#[test]
fn a_run_may_stop_once_a_final_block_has_the_end_of_its_attempt() {
    let mut chain = Chain::new(1, Settings::default(), 1_000, &[]);
    for number in 0..12 {
        chain.mine(2_000 + number, &Choice::ALL);
    }
    let last = chain.final_number();
    let task = TaskAssignment {
        job: JOB,
        attempt: Attempt::new(1),
        task: TaskIndex::new(0),
        task_attempt: TaskAttempt::new(1),
        seat: seat(2),
    };
    let stopped = |lapsed: u64| {
        let steps = [(1, created()), (2, assigned(1)), (lapsed, reopened(1))];
        let mut oracles = Oracles { history: told(&steps).0, ..Oracles::default() };
        oracles.stops(seat(2), &task, Stop::Chain, &chain);
        oracles.failure().map(str::to_owned)
    };
    assert_eq!(stopped(last), None);
    assert!(stopped(last + 1).unwrap().contains("final evidence"));
}

#[test]
fn money_that_went_back_has_a_reason_or_is_noticed() {
    let reason = |steps: &[(u64, JobEvent)]| match told(steps).0.end(JOB) {
        Some(End::Refunded(reason)) => reason,
        end => panic!("{end:?}"),
    };
    // A block lasts twelve seconds: the order may be taken until block 50.
    assert_eq!(reason(&[(1, created()), (3, refunded())]), Some(Returned::ByClient));
    assert_eq!(reason(&[(1, created()), (50, refunded())]), Some(Returned::NotTaken));
    let first = [(1, created()), (2, assigned(1))];
    assert_eq!(reason(&[first.as_slice(), &[(3, refunded())]].concat()), None);
    let second = [(3, reopened(1)), (4, assigned(2)), (17, refunded())];
    let steps = [first.as_slice(), &second].concat();
    assert_eq!(reason(&steps), Some(Returned::NoAttemptLeft));
    let lapse = Lapse { coordinator: seat(1), taken: time(48), over: time(200) };
    assert_eq!(told(&steps).0.lapses().collect::<Vec<_>>(), [lapse]);
    let unpaid = [(3, proposed(1)), (4, JobEvent::Unpaid { owed: Amount::new(810) })];
    let steps = [first.as_slice(), &unpaid, &[(4, refunded())]].concat();
    assert_eq!(reason(&steps), Some(Returned::Unpaid));
}

#[test]
fn a_lease_that_lapses_costs_its_coordinator_a_twentieth_of_its_lock() {
    let (history, _) = told(&[(1, created()), (2, assigned(1)), (17, reopened(1))]);
    let lost = history.accounts().get(&NodeId::new(1)).copied().unwrap_or_default().lost;
    // 5 % of 1.5 times 1000.
    assert_eq!(lost, 75);
    let (history, _) = told(&[(1, created()), (2, assigned(1)), (3, reopened(1))]);
    assert_eq!(history.accounts().get(&NodeId::new(1)), None);
}
