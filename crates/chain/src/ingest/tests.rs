//! The machine against a world that does its worst.

mod world;

use std::sync::Arc;

use alloy_primitives::U256;
use proptest::prelude::*;
use tallystick_ports::{MemoryStore, Store};

use super::kept::deliveries;
use super::*;
use world::{CHAIN, CODE, Dice, OURS, SimPeer, World, understood};

/// What a consumer has made of the deliveries.
#[derive(Debug, Default)]
struct Consumer {
    seq: Seq,
    events: Vec<Observed>,
    rollbacks: u64,
    safe: u64,
    last: u64,
}

/// The machine with everything around it.
struct Bench {
    world: World,
    peers: Vec<SimPeer>,
    store: MemoryStore,
    machine: Machine,
    config: IngestConfig,
    consumer: Consumer,
    now: u64,
    input: Option<Input>,
    /// Whether each commit is followed, and each other one prevented, by a crash.
    crashes: bool,
    commits: u64,
    dice: Dice,
}

fn config(agreement: usize) -> IngestConfig {
    IngestConfig {
        chain: CHAIN,
        contracts: vec![Followed { address: OURS, code_hash: CODE }],
        start: 0,
        agreement,
        finality: Finality::Tags,
        window: 8,
        stride: 5,
        range: 7,
        poll: Duration::from_millis(1),
        patience: Duration::from_secs(30),
    }
}

impl Bench {
    fn new(seed: u64, peers: usize, agreement: usize) -> Self {
        let world = World::new(seed);
        let peers = vec![world.peer(); peers];
        let store = MemoryStore::default();
        let config = config(agreement);
        let machine = loaded(&config, peers.len(), &store);
        Self {
            world,
            peers,
            store,
            machine,
            config,
            consumer: Consumer::default(),
            now: 0,
            input: None,
            crashes: false,
            commits: 0,
            dice: Dice(!seed),
        }
    }

    fn restart(&mut self) {
        self.machine = loaded(&self.config, self.peers.len(), &self.store);
        self.input = None;
    }

    /// One step of the machine, answered by the world as it is now. True when it rests.
    fn step(&mut self) -> bool {
        let input = self.input.take().unwrap_or_else(|| {
            self.now += 700;
            Input::Wake(WallTime::new(self.now))
        });
        match self.machine.step(input) {
            Output::Rest { more } => return !more,
            Output::Ask(asks) => {
                let answers = asks
                    .into_iter()
                    .map(|(peer, question)| self.world.answer(&self.peers[peer], question));
                self.input = Some(Input::Answers(answers.collect()));
            }
            Output::Commit(batch) => {
                self.commits += 1;
                if self.crashes && self.commits % 2 == 1 {
                    self.restart();
                    return false;
                }
                self.store.commit(batch).unwrap();
                self.input = Some(Input::Committed);
                self.consume();
                if self.crashes {
                    self.restart();
                }
            }
        }
        false
    }

    /// One step of the machine, answered by the test.
    fn step_with(
        &mut self,
        mut answer: impl FnMut(&mut Self, usize, Question) -> Result<Reply, Miss>,
    ) {
        let input = self.input.take().unwrap_or_else(|| {
            self.now += 700;
            Input::Wake(WallTime::new(self.now))
        });
        self.input = match self.machine.step(input) {
            Output::Rest { .. } => None,
            Output::Commit(batch) => {
                self.store.commit(batch).unwrap();
                self.consume();
                Some(Input::Committed)
            }
            Output::Ask(asks) => {
                let said = asks.into_iter().map(|(peer, question)| answer(self, peer, question));
                Some(Input::Answers(said.collect()))
            }
        };
    }

    fn steps(&mut self, count: u64) {
        for _ in 0..count {
            self.step();
        }
    }

    /// All endpoints see the branch that counts, and none loses answers.
    fn calm(&mut self) {
        let peer = self.world.peer();
        for old in &mut self.peers {
            *old = SimPeer { lies: old.lies, hides: old.hides, ..peer.clone() };
        }
    }

    /// Runs until all of the branch is read.
    fn catch_up(&mut self) {
        let head = Place { number: self.world.head(), hash: *self.world.branch.last().unwrap() };
        for _ in 0..20_000 {
            if self.step() && self.machine.status().cursor == Some(head) {
                return;
            }
        }
        panic!("stuck at {:?}, not at {head:?}", self.machine.status());
    }

    /// Takes deliveries in, and doubts each of them at that moment.
    fn consume(&mut self) {
        for (seq, delivery) in deliveries(&self.store, self.consumer.seq, 1_000).unwrap() {
            assert_eq!(seq.0, self.consumer.seq.0 + 1);
            self.consumer.seq = seq;
            let consumer = &mut self.consumer;
            match delivery {
                Delivery::Event(observed) => {
                    assert_eq!(observed.seq, seq);
                    let block = observed.block;
                    assert_eq!(observed.key.block, block.hash);
                    let header = &self.world.blocks[&block.hash].header;
                    assert_eq!((header.number, header.timestamp), (block.number, block.time.get()));
                    assert!(self.world.our_logs(block.hash).contains(&observed.log));
                    let place = |it: &Observed| (it.block.number, it.log.index);
                    let before = consumer.events.last().map(place);
                    assert!(before < Some(place(&observed)), "out of order");
                    assert!(block.number > 0 && understood(&observed.log));
                    consumer.events.push(observed);
                }
                Delivery::Rollback { to, epoch } => {
                    consumer.rollbacks += 1;
                    assert_eq!(epoch, consumer.rollbacks);
                    assert!(to >= consumer.last, "a final block was taken back");
                    consumer.events.retain(|event| event.block.number <= to);
                    consumer.safe = consumer.safe.min(to);
                }
                Delivery::Levels { safe, last } => {
                    assert!(last >= consumer.last && safe >= last && safe >= consumer.safe);
                    (consumer.safe, consumer.last) = (safe, last);
                    assert!(last <= self.world.last as u64, "not final yet");
                }
            }
        }
    }

    fn assert_equals_fresh_scan(&self) {
        let held = self.consumer.events.iter().map(|it| (it.block.number, it.block.hash, &it.log));
        let scan = self.world.fresh_scan();
        let scan =
            scan.iter().map(|(hash, log)| (self.world.blocks[hash].header.number, *hash, log));
        let first = held.clone().zip(scan.clone()).find(|(held, scanned)| held != scanned);
        let first = first.map(|(held, scanned)| (held.0, scanned.0));
        assert!(first.is_none(), "heights of what is held and what is right: {first:?}");
        assert_eq!(held.count(), scan.count());
    }
}

fn loaded(config: &IngestConfig, peers: usize, store: &MemoryStore) -> Machine {
    Machine::load(config.clone(), peers, Arc::new(understood), store).unwrap()
}

#[derive(Clone, Debug)]
enum Act {
    Extend(u64),
    Reorganise(u64),
    Settle(u64),
    Refresh(usize),
    Steps(u64),
    Crash,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => (1..12_u64).prop_map(Act::Extend),
        2 => (1..20_u64).prop_map(Act::Reorganise),
        2 => (0..25_u64).prop_map(Act::Settle),
        6 => (0..3_usize).prop_map(Act::Refresh),
        8 => (1..60_u64).prop_map(Act::Steps),
        1 => Just(Act::Crash),
    ]
}

fn perform(bench: &mut Bench, acts: &[Act]) {
    for act in acts {
        match *act {
            Act::Extend(blocks) => bench.world.extend(blocks),
            Act::Reorganise(depth) => bench.world.reorganise(depth),
            Act::Settle(behind) => {
                let reached = bench.machine.status().cursor.map_or(0, |it| it.number);
                // Half of the time finality runs ahead of what was read.
                let behind = if bench.dice.one_in(2) { behind } else { behind.max(reached / 2) };
                bench.world.settle(behind);
            }
            Act::Refresh(peer) => {
                let peer = peer % bench.peers.len();
                let SimPeer { lies, hides, loses, .. } = bench.peers[peer];
                let fresh = SimPeer { lies, hides, loses, ..bench.world.peer() };
                bench.peers[peer] = fresh;
            }
            Act::Steps(count) => bench.steps(count),
            Act::Crash => bench.restart(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_end_is_that_of_a_fresh_scan(
        seed: u64,
        acts in proptest::collection::vec(act(), 1..60),
        loses in proptest::option::of(3..20_u64),
        lies: bool,
        crashes: bool,
    ) {
        let mut bench = Bench::new(seed, 3, 2);
        bench.crashes = crashes;
        bench.peers[0].lies = lies;
        for peer in &mut bench.peers {
            peer.loses = loses;
        }
        perform(&mut bench, &acts);
        bench.calm();
        bench.catch_up();
        bench.assert_equals_fresh_scan();
    }

    #[test]
    fn one_endpoint_alone_is_followed_too(
        seed: u64,
        acts in proptest::collection::vec(act(), 1..40),
        crashes: bool,
    ) {
        let mut bench = Bench::new(seed, 1, 1);
        bench.crashes = crashes;
        perform(&mut bench, &acts);
        bench.calm();
        bench.catch_up();
        bench.assert_equals_fresh_scan();
    }
}

#[test]
fn a_reorganisation_within_the_window_is_undone_to_the_common_block() {
    let mut bench = Bench::new(1, 2, 2);
    bench.world.extend(20);
    bench.calm();
    bench.catch_up();
    bench.world.reorganise(4);
    bench.calm();
    bench.catch_up();
    assert_eq!(bench.consumer.rollbacks, 1);
    assert_eq!(bench.machine.status().epoch, 1);
    bench.assert_equals_fresh_scan();
}

#[test]
fn a_reorganisation_deeper_than_the_window_is_read_anew_from_the_final_block() {
    let mut bench = Bench::new(2, 2, 2);
    bench.world.extend(30);
    bench.world.settle(25);
    bench.calm();
    bench.catch_up();
    bench.world.reorganise(15);
    bench.calm();
    let before = bench.consumer.last;
    while bench.consumer.rollbacks == 0 {
        bench.step();
    }
    assert_eq!(bench.machine.status().cursor.unwrap().number, before);
    bench.catch_up();
    bench.assert_equals_fresh_scan();
}

#[test]
fn a_chain_that_takes_back_a_final_block_halts_the_machine() {
    let mut bench = Bench::new(3, 2, 2);
    bench.world.extend(20);
    bench.world.settle(5);
    bench.calm();
    bench.catch_up();
    let (seq, ours) = (bench.consumer.seq, bench.world.branch[15]);
    bench.world.last = 0;
    bench.world.reorganise(8);
    bench.calm();
    bench.steps(100);
    // Nobody calls the other branch final yet, so it may be one that was abandoned.
    assert!(!matches!(bench.machine.status().phase, Phase::Halted(_)));
    bench.world.settle(5);
    bench.calm();
    bench.steps(100);
    let theirs = bench.world.branch[15];
    let halt = Halt { number: 15, ours, theirs };
    assert_eq!(bench.machine.status().phase, Phase::Halted(halt));
    bench.consume();
    assert_eq!(bench.consumer.seq, seq, "nothing may follow from it");
    // A restart does not make it forget.
    bench.restart();
    bench.steps(100);
    assert_eq!(bench.machine.status().phase, Phase::Halted(halt));
}

#[test]
fn endpoints_that_hang_on_an_abandoned_branch_halt_nothing() {
    let mut bench = Bench::new(6, 2, 2);
    bench.world.extend(20);
    let stale = bench.world.peer();
    bench.world.reorganise(8);
    bench.world.extend(3);
    bench.world.settle(5);
    bench.calm();
    bench.catch_up();
    assert!(bench.world.last <= 20, "their head is above the final block");
    // Both fell back onto a branch that nobody has any more, and on which little is final.
    bench.peers = vec![stale; 2];
    bench.steps(100);
    assert!(!matches!(bench.machine.status().phase, Phase::Halted(_)));
    bench.calm();
    bench.catch_up();
    bench.assert_equals_fresh_scan();
}

#[test]
fn an_orphan_that_was_jumped_to_does_not_become_final() {
    let mut bench = Bench::new(8, 2, 2);
    bench.world.extend(30);
    let orphaned = bench.world.peer();
    bench.world.reorganise(12);
    bench.world.extend(9);
    bench.world.settle(15);
    bench.calm();
    assert!(bench.world.last > 18, "blocks below the final one were replaced");
    let fork = 18;
    while bench.machine.status().cursor.is_none_or(|cursor| cursor.number <= fork) {
        // Asked for the last block of the range, both state the one that was replaced.
        bench.step_with(|bench, peer, question| {
            let flaps = matches!(question, Question::HeaderAt(height) if height > fork);
            let peer = if flaps { orphaned.clone() } else { bench.peers[peer].clone() };
            bench.world.answer(&peer, question)
        });
    }
    bench.catch_up();
    bench.assert_equals_fresh_scan();
}

#[test]
fn an_endpoint_that_says_nothing_was_logged_is_not_believed() {
    let mut bench = Bench::new(4, 1, 1);
    bench.world.extend(30);
    bench.peers[0] = bench.world.peer();
    assert!(!bench.world.fresh_scan().is_empty());
    // Every answer about logs and receipts is empty; headers are true.
    let mut reached = 0;
    for _ in 0..2_000 {
        bench.step_with(|bench, _, question| silenced(bench, question));
        reached = bench.machine.status().cursor.map_or(0, |it| it.number);
    }
    let mut above = bench.world.branch.iter().skip(1);
    let first = above.position(|hash| !bench.world.our_logs(*hash).is_empty()).unwrap() + 1;
    assert!(reached < first as u64, "passed a block that has our logs");
    assert!(bench.consumer.events.is_empty());
    assert!(bench.machine.status().peers[0].lies > 0);
    bench.restart();
    bench.catch_up();
    bench.assert_equals_fresh_scan();
}

fn silenced(bench: &mut Bench, question: Question) -> Result<Reply, Miss> {
    Ok(match bench.world.answer(&bench.peers[0], question)? {
        Reply::Logs(_) => Reply::Logs(Vec::new()),
        Reply::Receipts(_) => Reply::Receipts(Vec::new()),
        other => other,
    })
}

#[test]
fn old_blocks_are_read_in_ranges() {
    let mut bench = Bench::new(5, 2, 2);
    bench.world.extend(200);
    bench.world.settle(3);
    bench.calm();
    bench.catch_up();
    bench.assert_equals_fresh_scan();
    // One commit per range and its levels, not one per block.
    assert!(bench.commits < 150, "{} commits", bench.commits);
    assert_eq!(bench.consumer.last, 197);
    assert!(bench.machine.status().strange > 0);
}

#[test]
fn where_endpoints_state_different_logs_of_a_range_its_blocks_are_read_singly() {
    let commits = [false, true].map(|hides| {
        let mut bench = Bench::new(8, 3, 2);
        bench.world.extend(100);
        bench.world.settle(3);
        bench.peers[0].hides = hides;
        bench.calm();
        bench.catch_up();
        bench.assert_equals_fresh_scan();
        bench.commits
    });
    assert!(commits[0] < commits[1], "{commits:?}");
}

#[test]
fn a_header_of_another_hash_is_no_answer() {
    let mut bench = Bench::new(9, 3, 2);
    bench.world.extend(4);
    bench.peers[0].hides = true;
    bench.calm();
    bench.catch_up();
    bench.assert_equals_fresh_scan();
    bench.world.reorganise(4);
    bench.calm();
    bench.catch_up();
    bench.assert_equals_fresh_scan();
    let [liar, honest, _] = bench.machine.status().peers[..] else { unreachable!() };
    assert!(liar.lies > 0 && honest.lies == 0);
}

#[test]
fn silence_makes_it_degraded_and_an_answer_mends_it() {
    let mut bench = Bench::new(6, 2, 2);
    bench.world.extend(5);
    bench.calm();
    bench.catch_up();
    bench.world.extend(5);
    bench.calm();
    bench.peers[1].loses = Some(1);
    bench.steps(200);
    let status = bench.machine.status();
    assert_eq!(status.phase, Phase::Degraded);
    assert_eq!(status.cursor.unwrap().number, 5, "one endpoint of two is not enough");
    bench.peers[1].loses = None;
    bench.catch_up();
    assert_eq!(bench.machine.status().phase, Phase::Follow);
}

#[test]
fn a_store_of_another_chain_is_refused() {
    let mut bench = Bench::new(7, 1, 1);
    bench.catch_up();
    let other = IngestConfig { chain: ChainId::new(1), ..config(1) };
    let refused = Machine::load(other, 1, Arc::new(understood), &bench.store);
    assert!(matches!(refused, Err(KeptError::OtherChain { .. })));
}
