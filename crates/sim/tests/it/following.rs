//! Ingest over simulated endpoints: whatever forks and lies there are, what it delivers adds up to
//! a fresh scan of the chain.

use std::sync::Arc;

use alloy_primitives::B256;
use proptest::prelude::*;
use tallystick_abi::Deployment;
use tallystick_chain::endpoint::RawLog;
use tallystick_chain::ingest::{
    Delivery, Finality, HouseContracts, IngestConfig, IngestHandle, Input, Machine, Notices,
    Observed, Output, Phase, Seq,
};
use tallystick_chain::view::HouseEvent;
use tallystick_ports::{MemoryStore, Store};
use tallystick_sim::chain::endpoint::{ALWAYS, Endpoint, Fault};
use tallystick_sim::chain::{Block, Branch, Chain, Choice, Returned, Settings};
use tallystick_types::WallTime;

use crate::ground::{Dice, clients, deposit, genesis};

/// Longest time that three endpoints, of which two are well, may take to be believed again.
const ROUNDS: u64 = 400;

/// Seeds of the test that counts rollbacks.
const SEEDS: u64 = 12;

struct World {
    chain: Chain,
    deployment: Deployment,
    endpoints: Vec<Endpoint>,
    dice: Dice,
    /// In seconds.
    now: u64,
}

/// Follows the chain, and keeps what was delivered and not taken back.
struct Follower {
    machine: Machine,
    store: MemoryStore,
    notices: Notices,
    handle: IngestHandle,
    config: IngestConfig,
    told: Seq,
    events: Vec<Observed>,
    rollbacks: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let genesis = genesis();
        let deployment = genesis.deployment.clone();
        let contracts = IngestConfig::of_deployment(&deployment).addresses();
        let endpoint = |number| Endpoint::new(contracts.clone(), Finality::Tags, seed ^ number);
        let settings = Settings { safe_lag: 3, final_lag: 6, ..Settings::default() };
        let chain = genesis.chain(settings);
        let now = chain.head().time();
        let endpoints = (0..3).map(endpoint).collect();
        Self { chain, deployment, endpoints, dice: Dice(seed), now }
    }

    fn choice(&mut self) -> Choice {
        match self.dice.below(4) {
            0 => Choice::NONE,
            1 => Choice::ALL,
            _ => Choice::wild(self.dice.word(), 300_000),
        }
    }

    fn mine(&mut self) {
        self.now += 1 + self.dice.below(12);
        let choice = self.choice();
        self.chain.mine(self.now, &choice);
    }

    fn send(&mut self) {
        let keys = clients();
        let key = &keys[usize::try_from(self.dice.below(3)).unwrap()];
        let amount = 1 + u128::from(self.dice.below(1_000));
        let tx = deposit(&self.chain, &self.deployment, key, amount);
        // A pool that lost a transaction of this account may have another one in its place.
        let _ = self.chain.submit(&tx);
    }

    fn reorganise(&mut self) {
        let deepest = self.chain.head().number() - self.chain.final_number();
        if deepest == 0 {
            return;
        }
        let depth = 1 + self.dice.below(deepest);
        let length = depth + self.dice.below(2);
        let mut time = self.now.saturating_sub(depth);
        let mut blocks = Vec::new();
        for _ in 0..length {
            time += 1 + self.dice.below(3);
            blocks.push((time, self.choice()));
        }
        let returned = match self.dice.below(3) {
            0 => Returned::All,
            1 => Returned::None,
            _ => Returned::Some { seed: self.dice.word(), lost_ppm: 500_000 },
        };
        let branch = Branch { depth, blocks, returned, breaks_finality: false };
        self.chain.reorganise(&branch).unwrap();
    }

    /// The third endpoint lies in any way, the others have bad days now and then.
    fn trouble(&mut self) {
        for fault in Fault::ALL {
            let share = if self.dice.one_in(3) { 200_000 } else { 0 };
            self.endpoints[2].set(fault, share);
        }
        self.endpoints[2].set_lag(1 + self.dice.below(9));
        let fault = [Fault::LaggingHead, Fault::Flapping, Fault::NoAnswer, Fault::TooMuch]
            [usize::try_from(self.dice.below(4)).unwrap()];
        let well = usize::try_from(self.dice.below(2)).unwrap();
        self.endpoints[0].heal();
        self.endpoints[1].heal();
        self.endpoints[1 - well].set_lag(self.dice.below(4));
        self.endpoints[1 - well].set(fault, 300_000);
        if fault == Fault::Flapping {
            // Two that speak of the same abandoned branch would be two that lie alike.
            self.endpoints[2].set(Fault::Flapping, 0);
            self.endpoints[2].set(Fault::StaleHead, 0);
        }
    }

    fn understood(&self, block: &Block) -> Vec<RawLog> {
        let contracts = HouseContracts::of(&self.deployment);
        let logs = block.receipts.iter().flat_map(|receipt| receipt.logs.clone());
        logs.filter(|log| reads(&contracts, log)).collect()
    }

    /// What a scan of the chain finds above the block where followers begin.
    fn fresh_scan(&self) -> Vec<(B256, RawLog)> {
        let head = self.chain.head();
        let heights = self.deployment.block + 1..=head.number();
        let blocks = heights.map(|height| self.chain.block_at(head, height).unwrap());
        let logs = blocks.flat_map(|block| {
            self.understood(block).into_iter().map(|log| (block.hash(), log)).collect::<Vec<_>>()
        });
        logs.collect()
    }
}

fn reads(contracts: &HouseContracts, log: &RawLog) -> bool {
    HouseEvent::decode(contracts, log.address, &log.topics, &log.data).is_ok()
}

impl Follower {
    fn new(world: &mut World) -> Self {
        // With four headers forks are older than what is kept, and nothing becomes final.
        let window = if world.dice.one_in(2) { 4 } else { 4_096 };
        Self::with_window(world, window)
    }

    fn with_window(world: &mut World, window: u64) -> Self {
        let mut config = IngestConfig::of_deployment(&world.deployment);
        config.window = window;
        config.stride = if world.dice.one_in(2) { 4 } else { 256 };
        config.range = 1 + world.dice.below(16);
        let store = MemoryStore::default();
        let machine = load(&config, &store, &world.deployment);
        let (notices, handle) = Notices::of(&machine, Arc::new(store.clone()));
        let (told, events, rollbacks) = (Seq(0), Vec::new(), 0);
        Self { machine, store, notices, handle, config, told, events, rollbacks }
    }

    /// A crash at rest: what is kept is all there is.
    fn restart(&mut self, world: &World) {
        self.machine = load(&self.config, &self.store, &world.deployment);
    }

    /// One round, from waking to rest.
    fn round(&mut self, world: &mut World, now: WallTime) {
        let mut input = Input::Wake(now);
        loop {
            input = match self.machine.step(input) {
                Output::Commit(batch) => {
                    self.store.commit(batch).unwrap();
                    self.notices.tell(&self.machine);
                    self.take(world);
                    Input::Committed
                }
                Output::Ask(asks) => Input::Answers(
                    asks.into_iter()
                        .map(|(peer, question)| {
                            world.endpoints[peer].answer(&world.chain, question)
                        })
                        .collect(),
                ),
                Output::Rest { .. } => return,
            };
        }
    }

    /// Takes in what was delivered, and checks each event where it comes: a later rollback would
    /// hide that it was never true.
    fn take(&mut self, world: &World) {
        for (seq, delivery) in self.handle.deliveries(self.told, 10_000).unwrap() {
            self.told = seq;
            match delivery {
                Delivery::Event(event) => {
                    let block = world.chain.block(event.block.hash).expect("a block that exists");
                    assert_eq!(block.number(), event.block.number);
                    assert!(world.understood(block).contains(&event.log), "{event:?}");
                    self.events.push(event);
                }
                Delivery::Rollback { to, .. } => {
                    self.rollbacks += 1;
                    self.events.retain(|event| event.block.number <= to);
                }
                Delivery::Levels { last, .. } => assert!(last <= world.chain.final_number()),
            }
        }
    }
}

fn load(config: &IngestConfig, store: &MemoryStore, deployment: &Deployment) -> Machine {
    let contracts = HouseContracts::of(deployment);
    let reader = Arc::new(move |log: &RawLog| reads(&contracts, log));
    Machine::load(config.clone(), 3, reader, store).unwrap()
}

/// Random blocks, forks, faults and crashes; then two endpoints are well again, and the follower
/// must reach the head. Returns how many rollbacks it saw.
fn live(seed: u64) -> u64 {
    let mut world = World::new(seed);
    let mut follower = Follower::new(&mut world);
    let mut wall = 0;
    let mut round = |follower: &mut Follower, world: &mut World| {
        wall += 1_000;
        follower.round(world, WallTime::new(wall));
    };
    for _ in 0..80 {
        match world.dice.below(10) {
            0 => world.reorganise(),
            1 => world.trouble(),
            2 if world.dice.one_in(3) => follower.restart(&world),
            2..=5 => world.mine(),
            6 | 7 => world.send(),
            _ => round(&mut follower, &mut world),
        }
    }
    world.endpoints[0].heal();
    world.endpoints[1].heal();
    world.mine();
    let head = world.chain.head().hash();
    let arrived = (0..ROUNDS).any(|_| {
        round(&mut follower, &mut world);
        follower.machine.status().cursor.map(|cursor| cursor.hash) == Some(head)
    });
    assert!(arrived, "seed {seed}: {:?}", follower.machine.status());
    let events = follower.events.iter().map(|event| (event.block.hash, event.log.clone()));
    assert_eq!(events.collect::<Vec<_>>(), world.fresh_scan(), "seed {seed}");
    follower.rollbacks
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn what_a_follower_took_in_equals_a_fresh_scan_though_one_endpoint_of_three_lies(
        seed in any::<u64>(),
    ) {
        live(seed);
    }
}

#[test]
fn followers_of_random_chains_do_see_blocks_taken_back() {
    let rollbacks: u64 = (0..SEEDS).map(live).sum();
    assert!(rollbacks >= 5, "{rollbacks}");
}

#[test]
fn a_chain_that_breaks_its_finality_halts_its_followers() {
    let mut world = World::new(1);
    let mut follower = Follower::with_window(&mut world, 4_096);
    for wall in 0..99 {
        if wall < 30 {
            world.mine();
        }
        follower.round(&mut world, WallTime::new(wall * 1_000));
    }
    let head = world.chain.head().number();
    assert_eq!(follower.machine.status().cursor.unwrap().number, head);
    let depth = world.chain.head().number() - world.chain.final_number() + 2;
    let blocks = (0..=depth).map(|_| (0, Choice::NONE)).collect();
    let branch = Branch { depth, blocks, returned: Returned::None, breaks_finality: false };
    world.chain.reorganise(&branch).unwrap_err();
    let branch = Branch { breaks_finality: true, ..branch };
    world.chain.reorganise(&branch).unwrap();
    follower.round(&mut world, WallTime::new(100_000));
    let phase = follower.machine.status().phase;
    assert!(matches!(phase, Phase::Halted(_)), "{phase:?}");
}

#[test]
fn an_endpoint_that_always_lies_is_found_out_and_changes_nothing() {
    for fault in [Fault::EmptyLogs, Fault::MissingLogs, Fault::ForeignLogs, Fault::ForgedHeader] {
        let mut world = World::new(7);
        let mut follower = Follower::new(&mut world);
        world.endpoints[0].set(fault, ALWAYS);
        for wall in 0..60 {
            world.send();
            world.mine();
            follower.round(&mut world, WallTime::new(wall * 1_000));
        }
        assert!(world.endpoints[0].census()[&fault] > 0, "{fault:?}");
        assert!(follower.machine.status().peers[0].lies > 0, "{fault:?}");
        let events = follower.events.iter().map(|event| (event.block.hash, event.log.clone()));
        assert_eq!(events.collect::<Vec<_>>(), world.fresh_scan(), "{fault:?}");
    }
}
