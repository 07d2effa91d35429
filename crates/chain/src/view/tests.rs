//! The events of a small house, told by hand.

mod calls;
mod decoding;
mod jobs;
mod layers;
mod nodes;

use alloy_primitives::{Address, B256, Bytes, U256};
use tallystick_types::{
    Amount, Attempt, BlockHash, ChainTime, Funding, IdentityKey, JobId, JobOrder, JobParameters,
    JobPrice, JobRules, JobTerms, NodeId, OutputRoot, Ppm, Ratio, Seat, Seconds, ServiceLevel,
    Trust, Verification,
};

use super::*;

/// The first moment of the tests.
const START: u64 = 1_750_000_000;

/// Stake that each node of a job of these tests locks.
const LOCK: u128 = 1_500;

fn time(seconds: u64) -> ChainTime {
    ChainTime::new(START + seconds).unwrap()
}

/// Block `number` comes 12 seconds after the one before; `fork` makes it another one.
fn block(number: u64, fork: u8) -> Block {
    let hash = BlockHash::from(B256::repeat_byte(fork) ^ B256::from(U256::from(number)));
    Block { number, hash, time: time(12 * number) }
}

fn at(number: u64, log_index: u64) -> EventContext {
    EventContext { block: block(number, 0), tx: B256::repeat_byte(7), log_index }
}

fn id(byte: u8) -> JobId {
    JobId::new([byte; 32])
}

fn seat(node: u64) -> Seat {
    Seat { node: NodeId::new(node), signer: Address::from_word(U256::from(node + 0x1000).into()) }
}

fn output(byte: u8) -> OutputRoot {
    OutputRoot::new([byte; 32])
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

/// Three staked nodes, of which two must agree, for at most 1000.
fn order() -> JobOrder {
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
    let token = Address::repeat_byte(0x70);
    let specification = B256::repeat_byte(0x42).into();
    let terms = JobTerms { specification, token, price, rules };
    JobOrder { client: Address::repeat_byte(0xc1), nonce: U256::from(1), terms }
}

/// The same, paid by time: 2 a second, at most 1000.
fn order_by_time() -> JobOrder {
    let mut order = order();
    order.terms.price = JobPrice::new(Amount::new(1_000), Amount::new(2), Amount::new(10)).unwrap();
    order
}

fn profile() -> NodeProfile {
    NodeProfile {
        peer_id: Bytes::from_static(&[0, 0x24, 8, 1]),
        identity_key: IdentityKey::new([1; 32]),
        roles: 3,
        region: 276,
        metadata_uri: "https://node.example/about.json".into(),
    }
}

fn proposal(signers: u16) -> Proposal {
    Proposal { output_root: output(0x77), price: Amount::new(800), signers }
}

fn created(order: JobOrder) -> JobEvent {
    JobEvent::Created { order, parameters: parameters() }
}

/// Node 1 coordinates, nodes 2 and 3 work.
fn assigned(attempt: u8) -> JobEvent {
    let nodes = vec![seat(2), seat(3)];
    let (attempt, deadline) = (Attempt::new(attempt), time(200));
    JobEvent::Assigned { attempt, coordinator: seat(1), nodes, deadline }
}

fn proposed(attempt: u8) -> JobEvent {
    let (attempt, deadline) = (Attempt::new(attempt), time(300));
    JobEvent::Proposed { attempt, proposal: proposal(0b11), deadline }
}

fn challenged() -> JobEvent {
    JobEvent::Challenged { challenger: order().client, deadline: time(900) }
}

fn reopened(attempt: u8) -> JobEvent {
    JobEvent::Reopened { attempt: Attempt::new(attempt), deadline: time(400) }
}

fn settled() -> JobEvent {
    let (output_root, paid) = (output(0x77), Amount::new(800));
    JobEvent::Settled { output_root, paid, settler: Address::repeat_byte(0x5e) }
}

/// A view to which one event after another is told, each in a block of its own.
#[derive(Default)]
struct Told {
    view: HouseView,
    block: u64,
}

impl Told {
    /// Nodes 1 to 4, with a stake of 10000 each.
    fn with_nodes() -> Self {
        let mut told = Self::default();
        for node in 1..=4 {
            let (operator, signer) = (Address::repeat_byte(0x0e), seat(node).signer);
            told.node(node, NodeEvent::Registered { operator, signer, profile: profile() });
            told.node(node, NodeEvent::StakeDeposited { amount: Amount::new(10_000) });
            told.node(node, NodeEvent::StakeActivated { amount: Amount::new(10_000) });
            told.node(node, NodeEvent::StatusChanged { status: NodeStatus::Active });
        }
        told
    }

    fn tell(&mut self, event: &HouseEvent) -> Result<(), FoldError> {
        self.block += 1;
        self.view.apply(&at(self.block, 0), event)
    }

    fn node(&mut self, node: u64, event: NodeEvent) -> &NodeView {
        let id = NodeId::new(node);
        self.tell(&HouseEvent::Node(id, event)).unwrap();
        self.view.node(id).unwrap()
    }

    /// Tells an event of job 1.
    fn job(&mut self, event: JobEvent) -> &JobView {
        self.tell(&HouseEvent::Job(id(1), event)).unwrap();
        self.view.job(id(1)).unwrap()
    }

    /// What is wrong with an event of job 1; it must change nothing.
    fn refused(&mut self, event: JobEvent) -> FoldError {
        let before = self.view.clone();
        let error = self.tell(&HouseEvent::Job(id(1), event)).unwrap_err();
        assert_eq!(self.view, before);
        error
    }

    /// Stake of nodes 1 to 4 that jobs lock.
    fn locks(&self) -> [u128; 4] {
        [1, 2, 3, 4].map(|node| self.view.node(NodeId::new(node)).unwrap().stake.locked.get())
    }
}
