//! A job from order to payment, with balances to the last unit.

use alloy_primitives::{Address, B256, U256};
use tallystick_abi::contracts::{
    self, IJobManager, INodeRegistry::NodeStatus, IPaymentManager, IStakingManager,
};
use tallystick_abi::{Assignment, Contract, Job, commitment};
use tallystick_types::{
    Amount, Attempt, JobId, JobOrder, JobState, JobWord, OutputRoot, ReceiptClaim, Seat,
};

use crate::house::{COORDINATOR, House, MATURITY, Node, TLY, WORKER, signature};

const STAKE: u128 = 5_000 * TLY;
const COST: u128 = 8 * TLY + 3;
const OUTPUT: OutputRoot = OutputRoot::new([0x77; 32]);

/// What a test of a running job holds.
pub(crate) struct Running {
    pub(crate) id: JobId,
    pub(crate) job: Job,
    pub(crate) assignment: Assignment,
}

/// Creates the job of an order, and checks its id and what is stored.
pub(crate) async fn create(house: &House, order: &JobOrder) -> (JobId, Job) {
    let job = house.job(order).await;
    let jobs = house.at(Contract::JobManager);
    let terms = contracts::JobTerms::from(&order.terms);
    let call =
        IJobManager::idOfCall { client: order.client, nonce: order.nonce, terms: terms.clone() };
    let id = JobId::from(house.chain.call(jobs, call).await.unwrap());
    assert_eq!(house.deployment.job_domain().job_id(order), id);
    let call =
        IJobManager::createCall { nonce: order.nonce, terms, specificationUri: String::new() };
    house.chain.send(order.client, jobs, call).await.unwrap();
    (id, job)
}

/// Assigns workers, and returns the assignment as the chain commits to it.
pub(crate) async fn assign(
    house: &House,
    id: JobId,
    job: &Job,
    coordinator: &Node,
    seats: &[Seat],
) -> Assignment {
    let call = IJobManager::assignCall {
        id: id.into(),
        job: job.to_contract().unwrap(),
        coordinator: coordinator.seat.node.get(),
        nodes: seats.iter().map(|seat| seat.pack()).collect(),
    };
    let jobs = house.at(Contract::JobManager);
    let receipt = house.chain.send(coordinator.seat.signer, jobs, call).await.unwrap();
    Assignment {
        started_at: house.chain.time(receipt.block_number).await.unwrap(),
        coordinator: coordinator.seat,
        nodes: seats.to_vec(),
    }
}

/// The receipt that these workers sign, in the order of the assignment.
pub(crate) fn receipt(
    house: &House,
    id: JobId,
    cost: u128,
    signers: &[(usize, &Node)],
) -> contracts::Receipt {
    let cost = Amount::new(cost);
    let claim = ReceiptClaim { job: id, attempt: Attempt::new(1), output_root: OUTPUT, cost };
    let digest = house.deployment.job_domain().claim_digest(&claim);
    let bitmap = signers.iter().fold(0, |bitmap, (index, _)| bitmap | 1 << index);
    let signatures: Vec<u8> =
        signers.iter().flat_map(|(_, node)| signature(&node.signer, digest).to_vec()).collect();
    contracts::Receipt::of(OUTPUT, cost, bitmap, signatures.into())
}

pub(crate) fn propose_call(
    running: &Running,
    receipt: contracts::Receipt,
) -> IJobManager::proposeCall {
    IJobManager::proposeCall {
        id: running.id.into(),
        job: running.job.to_contract().unwrap(),
        assignment: (&running.assignment).into(),
        receipt,
    }
}

pub(crate) fn settle_call(running: &Running, signers: u16) -> IJobManager::settleCall {
    IJobManager::settleCall {
        id: running.id.into(),
        job: running.job.to_contract().unwrap(),
        assignment: (&running.assignment).into(),
        proposal: contracts::Proposal::of(OUTPUT, Amount::new(COST), signers),
    }
}

/// A node from registration to activation: it counts only after its deposit matured.
async fn join(house: &mut House) -> Node {
    let node = house.register("newcomer", WORKER).await;
    assert_eq!(house.status(&node).await, NodeStatus::Registered);
    let (operator, staking) = (node.operator, house.at(Contract::StakingManager));
    house.give(operator, STAKE).await;
    house.approve(operator, Contract::StakingManager, STAKE).await;
    let id = node.seat.node.get();
    let before = house.tokens(operator).await;
    let call = IStakingManager::stakeCall { node: id, amount: STAKE };
    house.chain.send(operator, staking, call).await.unwrap();
    assert_eq!(before - house.tokens(operator).await, U256::from(STAKE));
    assert_eq!(house.status(&node).await, NodeStatus::Registered);
    house.chain.pass(MATURITY).await.unwrap();
    let call = IStakingManager::activateCall { node: id, staker: operator };
    house.chain.send(operator, staking, call).await.unwrap();
    assert_eq!(house.status(&node).await, NodeStatus::Active);
    let call = IStakingManager::poolOfCall { node: id };
    assert_eq!(house.chain.call(staking, call).await.unwrap().stake, STAKE);
    node
}

/// The word that the chain stores of a job: the first variable of its namespace, a mapping by slot.
pub(crate) async fn stored(house: &House, id: JobId) -> JobWord {
    let namespace = alloy_primitives::b256!(
        "0xcc7f51e56c9e47e631d8aabc89a96a1a25114ca83917f39c3f8b00bc61d58e00"
    );
    let key = [U256::from(id.slot()).to_be_bytes::<32>(), namespace.0].concat();
    let place = U256::from_be_bytes(alloy_primitives::keccak256(key).0);
    let word = house.chain.storage(house.at(Contract::JobManager), place).await.unwrap();
    JobWord::unpack(word).unwrap()
}

/// Balances of everybody whom a settlement touches, in the order of `people`.
async fn balances(house: &House, people: &[Address]) -> Vec<(u128, u128)> {
    let mut found = Vec::new();
    for person in people {
        found.push(house.lane(*person).await);
    }
    found
}

async fn chain_lane(house: &House) -> u128 {
    let call = IPaymentManager::chainLaneOfCall { token: house.at(Contract::TallyToken) };
    house.chain.call(house.at(Contract::PaymentManager), call).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_ordered_executed_attested_and_paid_to_the_last_unit() {
    let mut house = House::build().await;
    let jobs = house.at(Contract::JobManager);
    let first = join(&mut house).await;
    let coordinator = house.register("coordinator", COORDINATOR).await;
    house.bond(&coordinator, STAKE).await;
    let mut workers = vec![first];
    for name in ["second", "third"] {
        let node = house.register(name, WORKER).await;
        house.bond(&node, STAKE).await;
        workers.push(node);
    }
    let client = house.chain.actor("client").await.unwrap().address();
    let settler = house.chain.actor("settler").await.unwrap().address();
    house.give(client, 100 * TLY).await;
    house.approve(client, Contract::PaymentManager, 100 * TLY).await;

    // Ordered: exactly price and tip leave the client.
    let order = house.order(client, 1).await;
    let reserved = order.terms.price.max_price().get() + order.terms.price.tip().get();
    let (id, job) = create(&house, &order).await;
    assert_eq!(house.tokens(client).await, U256::from(100 * TLY - reserved));
    assert_eq!(chain_lane(&house).await, reserved);
    let word = stored(&house, id).await;
    let job_hash = commitment::job_hash(&job.to_contract().unwrap());
    assert_eq!(word.state, JobState::Open);
    assert!(word.commits_to(commitment::commitment(id, job_hash, B256::ZERO, B256::ZERO)));

    // Assigned, and stored as Rust computes it.
    let seats: Vec<Seat> = workers.iter().map(|node| node.seat).collect();
    let assignment = assign(&house, id, &job, &coordinator, &seats).await;
    let running = Running { id, job, assignment };
    let assigned = commitment::assignment_hash(&(&running.assignment).into());
    let word = stored(&house, id).await;
    assert_eq!((word.state, word.attempt), (JobState::Assigned, Attempt::new(1)));
    assert!(word.commits_to(commitment::commitment(id, job_hash, assigned, B256::ZERO)));

    // Proposed by two of three, settled by a stranger once nobody objected.
    let receipt = receipt(&house, id, COST, &[(0, &workers[0]), (2, &workers[2])]);
    let call = propose_call(&running, receipt);
    house.chain.send(coordinator.seat.signer, jobs, call).await.unwrap();
    assert_eq!(stored(&house, id).await.state, JobState::Proposed);
    let people = [
        client,
        settler,
        coordinator.seat.account(),
        workers[0].seat.account(),
        workers[1].seat.account(),
        workers[2].seat.account(),
    ];
    assert_eq!(balances(&house, &people).await, [(0, 0); 6]);
    house.chain.pass(running.job.parameters.challenge_window.get()).await.unwrap();
    house.chain.send(settler, jobs, settle_call(&running, 0b101)).await.unwrap();
    assert_eq!(stored(&house, id).await.state, JobState::Settled);

    // Paid: every share as documented, rounded down, the rest to the client.
    let parameters = &running.job.parameters;
    let cost = Amount::new(COST);
    let share = |ppm| cost.share_down(ppm).get();
    let (fee, pool) = (share(parameters.protocol_share), share(parameters.secondaries_share));
    let (lead, secondary) = (share(parameters.coordinator_share), pool / 2);
    let primary = COST - lead - fee - pool;
    let tip = order.terms.price.tip().get();
    let change = reserved - tip - lead - fee - primary - secondary;
    assert_eq!(
        balances(&house, &people).await,
        [(change, 0), (tip, 0), (lead, fee), (primary, 0), (0, 0), (secondary, 0)]
    );
    assert_eq!(change + tip + lead + fee + primary + secondary, reserved);
    assert_eq!(chain_lane(&house).await, reserved);

    // The money leaves the house as it came.
    take_out(&house, client, change).await;
    assert_eq!(house.tokens(client).await, U256::from(100 * TLY - reserved + change));
    assert_eq!(chain_lane(&house).await, reserved - change);
}

/// Moves an owner's money from the chain lane to its own account.
async fn take_out(house: &House, owner: Address, amount: u128) {
    let token = house.at(Contract::TallyToken);
    let call = IJobManager::withdrawCall { token, amount };
    house.chain.send(owner, house.at(Contract::JobManager), call).await.unwrap();
    let call = IPaymentManager::withdrawCall { token, amount, to: owner };
    house.chain.send(owner, house.at(Contract::PaymentManager), call).await.unwrap();
}
