//! Jobs in every state, at every moment, against what is planned for them.

use alloy_primitives::Address;
use tallystick_abi::JobDomain;
use tallystick_chain::view::{Block, EventContext, HouseEvent, JobEvent, Proposal};
use tallystick_ports::MemoryStore;
use tallystick_types::{
    Amount, BlockHash, ChainId, Funding, JobOrder, JobParameters, JobPrice, JobRules, JobTerms,
    NodeId, OutputRoot, Ppm, Ratio, Seat, ServiceLevel, SpecificationDigest, Trust, Verification,
};

use super::*;

const START: u64 = 1_750_000_000;
const TOKEN: Address = Address::repeat_byte(0x70);

pub(crate) fn time(seconds: u64) -> ChainTime {
    ChainTime::new(START + seconds).unwrap()
}

fn wall(seconds: u64) -> WallTime {
    WallTime::new(1_000 * seconds)
}

fn seat(node: u8) -> Seat {
    Seat { node: NodeId::UNREGISTERED, signer: Address::repeat_byte(node) }
}

pub(crate) fn config() -> SettlementConfig {
    let (chain, job_manager) = (ChainId::new(31_337), Address::repeat_byte(0x99));
    SettlementConfig::new(JobDomain { chain, job_manager })
}

fn parameters() -> JobParameters {
    JobParameters {
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
        max_attempts: 3,
        halted: false,
    }
}

fn order(tip: u128) -> JobOrder {
    let rules = JobRules {
        funding: Funding::Balance,
        verification: Verification::Deterministic,
        trust: Trust::Any,
        replicas: 3,
        quorum: 2,
        assign_by: time(100),
        complete_by: time(3_600),
        service_level: ServiceLevel::new(0),
        parameters_version: 3.try_into().unwrap(),
    };
    let price = JobPrice::new(Amount::new(1_000), Amount::ZERO, Amount::new(tip)).unwrap();
    let specification = SpecificationDigest::new([1; 32]);
    let terms = JobTerms { specification, token: TOKEN, price, rules };
    JobOrder { client: Address::repeat_byte(0xc1), nonce: U256::ZERO, terms }
}

/// A view to which one event after another is told, each in a block of its own.
#[derive(Default)]
struct Told {
    view: HouseView,
    block: u64,
}

impl Told {
    fn job(&mut self, id: u8, events: &[JobEvent]) -> &mut Self {
        for event in events {
            self.block += 1;
            let hash = BlockHash::new([9; 32]);
            let block = Block { number: self.block, hash, time: time(0) };
            let at = EventContext { block, tx: B256::ZERO, log_index: 0 };
            let event = HouseEvent::Job(JobId::new([id; 32]), event.clone());
            self.view.apply(&at, &event).unwrap();
        }
        self
    }
}

pub(crate) fn created(tip: u128) -> JobEvent {
    JobEvent::Created { order: order(tip), parameters: parameters() }
}

/// Nodes 2, 3 and 4 work, until second 200.
pub(crate) fn assigned(attempt: u8) -> JobEvent {
    let (attempt, nodes) = (Attempt::new(attempt), vec![seat(2), seat(3), seat(4)]);
    JobEvent::Assigned { attempt, coordinator: seat(1), nodes, deadline: time(200) }
}

/// Nodes 2 and 3 signed; the window ends in second 300.
pub(crate) fn proposed() -> JobEvent {
    let output_root = OutputRoot::new([7; 32]);
    let proposal = Proposal { output_root, price: Amount::new(800), signers: 0b011 };
    JobEvent::Proposed { attempt: Attempt::new(1), proposal, deadline: time(300) }
}

fn convicted() -> JobEvent {
    JobEvent::NodeSeized { attempt: Attempt::new(1), seat: seat(3) }
}

fn challenged() -> JobEvent {
    JobEvent::Challenged { challenger: Address::repeat_byte(0xc1), deadline: time(400) }
}

fn reopened() -> JobEvent {
    JobEvent::Reopened { attempt: Attempt::new(1), deadline: time(500) }
}

pub(crate) fn settled() -> JobEvent {
    let output_root = OutputRoot::new([7; 32]);
    JobEvent::Settled { output_root, paid: Amount::new(800), settler: Address::ZERO }
}

fn purposes(plan: &Plan) -> Vec<&str> {
    plan.intents.iter().map(|it| it.purpose.split(' ').next().unwrap()).collect()
}

#[test]
fn every_state_has_its_call_at_its_deadline_and_none_before() {
    let table: [(&[JobEvent], u64, Option<&str>); 8] = [
        (&[created(0)], 100, Some("advance")),
        (&[created(0), assigned(1)], 200, Some("advance")),
        (&[created(0), assigned(1), proposed()], 300, Some("settle")),
        (&[created(0), assigned(1), proposed(), convicted()], 300, Some("advance")),
        (&[created(0), assigned(1), proposed(), challenged()], 400, Some("advance")),
        (&[created(0), assigned(1), reopened()], 500, Some("advance")),
        (&[created(0), assigned(1), proposed(), settled()], 300, None),
        (&[created(0), JobEvent::Refunded { returned: Amount::ZERO }], 100, None),
    ];
    for (events, deadline, call) in table {
        let mut told = Told::default();
        told.job(1, events);
        let mut desk = Desk::load(config(), &MemoryStore::default()).unwrap();
        let early = desk.step(&told.view, time(deadline - 1), wall(0));
        assert!(early.intents.is_empty() && early.batch.is_empty(), "{events:?}");
        let plan = desk.step(&told.view, time(deadline), wall(0));
        assert_eq!(purposes(&plan), call.into_iter().collect::<Vec<_>>(), "{events:?}");
        let again = desk.step(&told.view, time(deadline + 1_000), wall(1_000));
        assert!(again.intents.is_empty(), "it is under way: {events:?}");
    }
}

#[test]
fn a_single_call_is_the_contracts_own_and_is_over_when_the_job_leaves_its_state() {
    let mut told = Told::default();
    told.job(1, &[created(0), assigned(1), proposed()]);
    let mut desk = Desk::load(config(), &MemoryStore::default()).unwrap();
    let plan = desk.step(&told.view, time(300), wall(0));
    let [intent] = plan.intents.as_slice() else { panic!("{plan:?}") };
    let job = told.view.job(JobId::new([1; 32])).unwrap();
    assert_eq!(
        (intent.to, &intent.data),
        (Address::repeat_byte(0x99), &job.settle_call().unwrap())
    );
    let guard = intent.guard.as_ref().unwrap();
    let word = |state: JobState| B256::from(U256::from(state.code()));
    assert!(!guard.says_done(word(JobState::Proposed)));
    assert!(
        [JobState::Settled, JobState::Open, JobState::Closed]
            .map(word)
            .iter()
            .all(|word| { guard.says_done(*word) })
    );
}

#[test]
fn jobs_that_are_due_together_share_transactions_with_room_for_all_their_gas() {
    let mut told = Told::default();
    for id in 1..=70 {
        told.job(id, &[created(0), assigned(1), proposed()]);
    }
    told.job(71, &[created(0)]);
    let mut desk = Desk::load(config(), &MemoryStore::default()).unwrap();
    let plan = desk.step(&told.view, time(300), wall(0));
    let sizes: Vec<usize> = plan
        .intents
        .iter()
        .map(|it| IJobManager::batchCall::abi_decode(&it.data).unwrap().calls.len())
        .collect();
    assert_eq!(sizes, [32, 32, 7]);
    assert_eq!(desk.under_way(), 71);
    for intent in &plan.intents {
        assert!(intent.least_gas <= config().batch_gas && intent.guard.is_none());
        assert_eq!(intent.deadline, Some(wall(1_800)));
    }
    let first = plan.intents.first().unwrap();
    assert_eq!(first.least_gas, BATCH_GAS + 32 * (150_000 + 3 * 45_000));

    let narrow = SettlementConfig { batch_gas: 1_000_000, ..config() };
    let mut desk = Desk::load(narrow, &MemoryStore::default()).unwrap();
    let plan = desk.step(&told.view, time(300), wall(0));
    assert_eq!(plan.intents.len(), 24, "three of 285,000 and the rest of a batch");
    assert!(plan.intents.iter().all(|intent| intent.least_gas <= 1_000_000));
}

#[test]
fn a_call_without_effect_is_tried_again_after_a_wait_that_doubles_and_under_another_name() {
    let mut told = Told::default();
    told.job(1, &[created(0), assigned(1), proposed()]);
    let mut desk = Desk::load(config(), &MemoryStore::default()).unwrap();
    let (mut now, mut names, mut calls) = (0, Vec::new(), Vec::new());
    for wait in [60, 120, 240, 60] {
        let plan = desk.step(&told.view, time(300), wall(now));
        calls.extend(purposes(&plan).into_iter().map(str::to_owned));
        let key = plan.intents[0].key;
        assert!(!names.contains(&key));
        names.push(key);
        assert!(!desk.ended(key, wall(now)).is_empty());
        let early = desk.step(&told.view, time(300), wall(now + wait - 1));
        assert!(early.intents.is_empty());
        now += wait;
    }
    assert_eq!(calls, ["settle", "settle", "settle", "advance"]);

    told.job(1, &[settled()]);
    assert!(desk.step(&told.view, time(9_000), wall(now + 9_000)).intents.is_empty());
    assert!(desk.tries.is_empty(), "what is over is forgotten");
}

#[test]
fn a_restart_hands_in_the_same_wishes_and_plans_nothing_twice() {
    let store = MemoryStore::default();
    let mut told = Told::default();
    told.job(1, &[created(0), assigned(1), proposed()]).job(2, &[created(0)]);
    let mut desk = Desk::load(config(), &store).unwrap();
    let plan = desk.step(&told.view, time(300), wall(0));
    store.commit(plan.batch).unwrap();
    let mut restarted = Desk::load(config(), &store).unwrap();
    assert_eq!(restarted.intents().cloned().collect::<Vec<_>>(), plan.intents);
    assert!(restarted.step(&told.view, time(900), wall(900)).intents.is_empty());
    let batch = restarted.ended(plan.intents[0].key, wall(900));
    store.commit(batch).unwrap();
    assert_eq!(Desk::load(config(), &store).unwrap().under_way(), 0);
}

#[test]
fn a_tip_that_is_too_small_waits_and_other_peoples_jobs_are_left_where_that_is_wanted() {
    let mut told = Told::default();
    told.job(1, &[created(4), assigned(1), proposed()]);
    told.job(2, &[created(5), assigned(1), proposed()]);
    told.job(3, &[created(5)]);
    let least_tip = BTreeMap::from([(TOKEN, Amount::new(5))]);
    let careful = SettlementConfig { least_tip, advance_lapsed: false, ..config() };
    let mut desk = Desk::load(careful, &MemoryStore::default()).unwrap();
    let plan = desk.step(&told.view, time(300), wall(0));
    assert_eq!(purposes(&plan), ["settle"]);
    assert!(plan.intents[0].purpose.ends_with(&JobId::new([2; 32]).to_string()));
}
