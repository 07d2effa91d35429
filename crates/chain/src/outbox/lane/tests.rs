//! The rules against a chain that misbehaves, with a crash anywhere.

mod world;

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, Bytes, U256};
use proptest::prelude::*;
use tallystick_ports::{MemoryStore, Store};
use tallystick_types::{ChainId, WallTime};

use super::super::answer::SendAnswer;
use super::super::intent::{
    Guard, Halt, Intent, IntentKey, IntentStatus, LaneState, OutcomeResult, Pause, Seq,
};
use super::{Lane, Request, Settings, Step};
use crate::endpoint::SendClass;
use world::{CHAIN, Chance, FINALITY, World};

const ACCOUNT: Address = Address::repeat_byte(0xaa);
const AFTER: u64 = 1_000_000;

/// A lane, its store and the chain, and what may go wrong between them.
struct Play {
    settings: Settings,
    lane: Lane,
    store: MemoryStore,
    world: World,
    asked: Vec<Request>,
    now: WallTime,
    chance: Chance,
    /// Endpoints; each lags and loses answers in its own way.
    endpoints: usize,
    faults: bool,
    /// The commit before which everything in memory is lost, if any; [`AFTER`] more for after it.
    crash_at: Option<u64>,
    commits: u64,
    /// All bytes that were ever stored, and whose they are.
    stored: BTreeMap<B256, (u64, IntentKey)>,
    wanted: Vec<Intent>,
}

fn settings(quorum: usize) -> Settings {
    let settings = Settings::new(ChainId::new(CHAIN), ACCOUNT);
    Settings { quorum, in_flight: 4, ..settings }
}

fn intent(number: u64) -> Intent {
    let key = IntentKey::of(ChainId::new(CHAIN), ACCOUNT, "settle", &number.to_be_bytes());
    Intent {
        key,
        to: Address::repeat_byte(0xcc),
        data: Bytes::copy_from_slice(key.as_bytes()),
        value: U256::ZERO,
        deadline: None,
        max_fee_per_gas: 2_000,
        least_gas: 0,
        guard: None,
        purpose: "a test".to_owned(),
    }
}

impl Play {
    fn new(seed: u64, endpoints: usize, quorum: usize) -> Self {
        let (settings, store) = (settings(quorum), MemoryStore::default());
        let lane = Lane::load(settings.clone(), &store).unwrap();
        Self {
            settings,
            lane,
            store,
            world: World::new(),
            asked: vec![],
            now: WallTime::new(1_000_000),
            chance: Chance(seed),
            endpoints,
            faults: false,
            crash_at: None,
            commits: 0,
            stored: BTreeMap::new(),
            wanted: vec![],
        }
    }

    fn crash(&mut self) {
        self.asked.clear();
        self.lane = Lane::load(self.settings.clone(), &self.store).unwrap();
    }

    /// Commits, checks, asks; or crashes on the way.
    fn carry_out(&mut self, step: Step) {
        if !step.batch.is_empty() {
            self.commits += 1;
            let planned = self.crash_at == Some(self.commits);
            if planned || (self.faults && self.chance.one_in(40)) {
                return self.crash();
            }
            self.store.commit(step.batch).unwrap();
            self.check_store();
            if self.crash_at == Some(self.commits + AFTER)
                || (self.faults && self.chance.one_in(40))
            {
                return self.crash();
            }
        }
        self.asked.extend(step.requests);
    }

    /// A nonce belongs to one wish for ever, and nonces have no gap.
    fn check_store(&mut self) {
        let table = &self.lane.table;
        for (nonce, record) in table.nonces(&self.store).unwrap() {
            for variant in &record.variants {
                let owner = (nonce, record.intent);
                assert_eq!(*self.stored.entry(variant.tx).or_insert(owner), owner);
            }
        }
        let owners: BTreeSet<(u64, IntentKey)> = self.stored.values().copied().collect();
        let next = table.header(&self.store).unwrap().next.unwrap_or(0);
        let nonces: Vec<u64> = owners.iter().map(|(nonce, _)| *nonce).collect();
        assert_eq!(nonces, (0..next).collect::<Vec<_>>(), "one wish per nonce, without a gap");
        // Also refuses two nonces that are not final for one wish.
        Lane::load(self.settings.clone(), &self.store).unwrap();
    }

    fn tick(&mut self, milliseconds: u64) {
        self.now = WallTime::new(self.now.get() + milliseconds);
        let step = self.lane.tick(self.now);
        self.carry_out(step);
    }

    fn enqueue(&mut self, intent: Intent) {
        self.wanted.push(intent);
        self.hand_in_again();
    }

    /// Callers hand in again what they do not know to be kept.
    fn hand_in_again(&mut self) {
        for intent in self.wanted.clone() {
            if self.lane.table.ended(&self.store, &intent.key).unwrap().is_none() {
                let step = self.lane.enqueue(intent);
                self.carry_out(step);
            }
        }
    }

    fn answer(&mut self, place: usize) {
        let request = self.asked.swap_remove(place);
        let step = match request {
            Request::Look { nonces } => {
                let sights = (0..self.endpoints).map(|_| {
                    let lost = self.faults && self.chance.one_in(6);
                    let behind = if self.faults { self.chance.below(3) } else { 0 };
                    (!lost).then(|| {
                        let mut sight = self.world.look(&nonces, behind as usize);
                        if self.faults {
                            let asked = nonces.iter().map(|(nonce, _)| *nonce);
                            sight.unread = asked.filter(|_| self.chance.one_in(6)).collect();
                            sight.receipts.retain(|(nonce, _)| !sight.unread.contains(nonce));
                        }
                        sight
                    })
                });
                let sights = sights.collect();
                self.lane.looked(self.now, sights)
            }
            Request::Try { key, .. } => {
                let trials: Vec<_> = (0..self.endpoints)
                    .map(|_| {
                        let lost = self.faults && self.chance.one_in(6);
                        (!lost).then(|| self.world.attempt(key))
                    })
                    .collect();
                self.lane.tried(self.now, key, &trials)
            }
            Request::Sign(unsigned) => {
                let refused = self.faults && self.chance.one_in(20);
                self.lane.signed(self.now, (!refused).then(|| world::sign(&unsigned)))
            }
            Request::Send { nonce, tx, raw } => {
                assert!(self.stored.contains_key(&tx), "sent before it was stored");
                let answers: Vec<_> = (0..self.endpoints).map(|_| self.send(&raw)).collect();
                self.lane.sent(self.now, nonce, tx, &answers)
            }
        };
        self.carry_out(step);
    }

    fn send(&mut self, raw: &[u8]) -> SendAnswer {
        match if self.faults { self.chance.below(6) } else { 5 } {
            0 => SendAnswer::Unknown,
            1 => {
                self.world.submit(raw);
                SendAnswer::Unknown
            }
            _ => self.world.submit(raw),
        }
    }

    fn misbehave(&mut self) {
        match self.chance.below(30) {
            0 => self.world.reorganise(&mut self.chance),
            1 => self.world.evict(&mut self.chance),
            2 => self.world.base_fee = 10 + u128::from(self.chance.below(3_000)),
            3 => self.world.base_fee = 50,
            4 => self.crash(),
            5 => {
                let place = self.chance.below(self.wanted.len() as u64 + 1) as usize;
                let rival = self.wanted.get(place).filter(|wish| wish.guard.is_some());
                self.world.rivals.extend(rival.map(|wish| wish.key));
            }
            6 => self.hand_in_again(),
            _ => {}
        }
    }

    fn turn(&mut self) {
        if self.faults {
            self.misbehave();
        }
        match self.chance.below(4) {
            0 => self.tick(700),
            1 => self.world.mine(&mut self.chance),
            _ if self.asked.is_empty() => self.tick(300),
            _ => {
                let place = self.chance.below(self.asked.len() as u64) as usize;
                self.answer(place);
            }
        }
    }

    /// Lets everything end on a chain that behaves.
    fn settle(&mut self) {
        self.faults = false;
        self.world.base_fee = 50;
        self.hand_in_again();
        for _ in 0..20_000 {
            if self.lane.wishes.is_empty() {
                return;
            }
            self.turn();
        }
        panic!("wishes never end: {:?} {:?}", self.lane.state(), self.lane.wishes);
    }

    fn outcomes(&self) -> Vec<(IntentKey, OutcomeResult)> {
        let table = &self.lane.table;
        let newest = self.lane.newest_outcome().0;
        let outcome = |seq| table.outcome(&self.store, Seq(seq)).unwrap().unwrap();
        (1..=newest).map(outcome).map(|outcome| (outcome.key, outcome.result)).collect()
    }

    /// Every wish has one end, and the chain agrees with it.
    fn check_ends(&self) {
        let effects = self.world.effects();
        let outcomes = self.outcomes();
        for wish in &self.wanted {
            let ends: Vec<_> = outcomes
                .iter()
                .filter(|(key, result)| *key == wish.key && result.is_final())
                .map(|(_, result)| result.clone())
                .collect();
            assert_eq!(ends.len(), 1, "{ends:?}");
            let expected = usize::from(matches!(ends[0], OutcomeResult::Done { .. }));
            assert_eq!(effects.get(&wish.key).copied().unwrap_or(0), expected, "{ends:?}");
        }
    }

    /// Wishes of every kind.
    fn wish_for_everything(&mut self, count: u64) {
        for number in 0..count {
            let mut wish = intent(number);
            match self.chance.below(6) {
                0 => wish.deadline = Some(WallTime::new(self.now.get() + 40_000)),
                1 | 2 => {
                    let (to, data) = (wish.to, wish.data.clone());
                    let done = vec![B256::ZERO];
                    wish.guard = Some(Guard { to, data, mask: B256::ZERO, done });
                }
                3 if number % 2 == 0 => {
                    self.world.hopeless.insert(wish.key);
                }
                _ => {}
            }
            self.enqueue(wish);
            for _ in 0..self.chance.below(30) {
                self.turn();
            }
        }
    }
}

/// Everything goes wrong for a while, then nothing does.
fn play_with_faults(seed: u64, endpoints: usize, quorum: usize) {
    let mut play = Play::new(seed, endpoints, quorum);
    play.faults = true;
    play.world.failing = 12;
    play.wish_for_everything(12);
    for _ in 0..600 {
        play.turn();
    }
    play.settle();
    assert!(!matches!(play.lane.state(), LaneState::Halted(_)));
    play.check_ends();
}

#[test]
fn a_look_that_was_asked_before_a_variant_existed_does_not_call_it_foreign() {
    // A seed that a late answer once brought to a halt.
    play_with_faults(746_919_578_884_806_372, 3, 2);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn every_wish_lands_at_most_once_whatever_chain_and_endpoints_do(
        seed in any::<u64>(), three in any::<bool>(),
    ) {
        let (endpoints, quorum) = if three { (3, 2) } else { (1, 1) };
        play_with_faults(seed, endpoints, quorum);
    }
}

#[test]
fn a_crash_before_or_after_any_commit_changes_no_end() {
    let run = |crash_at| {
        let mut play = Play::new(7, 1, 1);
        play.crash_at = crash_at;
        for number in 0..5 {
            play.enqueue(intent(number));
        }
        play.settle();
        play.hand_in_again();
        play.settle();
        play.check_ends();
        assert_eq!(play.world.effects().len(), 5, "all of them took effect");
        play.commits
    };
    let commits = run(None);
    assert!(commits > 15, "{commits}");
    for commit in 1..=commits {
        run(Some(commit));
        run(Some(commit + AFTER));
    }
}

/// Plays without faults until something holds.
fn until(play: &mut Play, holds: impl Fn(&Play) -> bool) {
    for _ in 0..5_000 {
        if holds(play) {
            return;
        }
        play.turn();
    }
    panic!("it never happens: {:?} {:?}", play.lane.state(), play.lane.wishes);
}

#[test]
fn a_low_price_is_raised_until_the_chain_takes_it() {
    let mut play = Play::new(1, 1, 1);
    play.enqueue(intent(0));
    until(&mut play, |play| !play.stored.is_empty());
    play.world.base_fee = 700;
    until(&mut play, |play| play.world.effects().len() == 1);
    assert!(play.stored.len() > 1, "it took another variant");
    play.settle();
    play.check_ends();
}

#[test]
fn what_no_pool_has_any_more_is_sent_again_long_before_what_waits_in_one() {
    let mut play = Play::new(3, 1, 1);
    play.settings.resend_after_ms = 60_000;
    play.crash();
    play.enqueue(intent(0));
    until(&mut play, |play| play.world.pool_size() == 1);
    play.world.forget_pool();
    let forgotten = play.now;
    until(&mut play, |play| play.world.pool_size() == 1 || !play.world.effects().is_empty());
    let waited = play.now.get() - forgotten.get();
    assert!(waited < 25_000, "it was sent again after {waited} ms");
}

#[test]
fn a_price_above_the_cap_pauses_the_lane_and_never_costs_more() {
    let mut play = Play::new(2, 1, 1);
    play.world.base_fee = 3_000;
    play.enqueue(intent(0));
    until(&mut play, |play| play.lane.state() == LaneState::Paused(Pause::FeeCap));
    assert!(play.stored.is_empty());
    play.world.base_fee = 50;
    play.settle();
    play.check_ends();
    assert_eq!(play.lane.state(), LaneState::Open);
}

#[test]
fn what_is_under_way_never_costs_more_than_the_account_has() {
    let mut play = Play::new(3, 1, 1);
    // Enough for one at a time: 60 000 gas at 102 wei.
    play.world.balance = U256::from(7_000_000);
    for number in 0..3 {
        play.enqueue(intent(number));
    }
    until(&mut play, |play| play.lane.state() == LaneState::Paused(Pause::NoFunds));
    assert_eq!(play.stored.len(), 1);
    play.world.balance = U256::from(u64::MAX);
    play.settle();
    play.check_ends();
}

#[test]
fn a_nonce_used_by_somebody_else_halts_the_lane_for_good() {
    let mut play = Play::new(4, 1, 1);
    play.enqueue(intent(0));
    until(&mut play, |play| play.lane.wishes.is_empty());
    play.world.foreign();
    play.enqueue(intent(1));
    let halted = LaneState::Halted(Halt::ForeignNonce { nonce: 1 });
    until(&mut play, |play| play.lane.state() == halted);
    play.crash();
    assert_eq!(play.lane.state(), halted);
    for _ in 0..500 {
        play.turn();
    }
    assert_eq!(play.stored.len(), 1, "nothing more is signed");
}

#[test]
fn a_wish_whose_nonce_somebody_else_took_gets_another_by_the_operators_word() {
    let mut play = Play::new(12, 1, 1);
    play.enqueue(intent(0));
    until(&mut play, |play| !play.stored.is_empty());
    // The pool forgets ours before anything else happens, and a foreign one takes its nonce.
    play.asked.clear();
    play.world.foreign();
    play.world.mine(&mut Chance(0));
    play.crash();
    let halted = LaneState::Halted(Halt::ForeignNonce { nonce: 0 });
    until(&mut play, |play| play.lane.state() == halted);
    let step = play.lane.adopt();
    play.carry_out(step);
    play.crash();
    play.settle();
    assert_eq!(play.world.effects().len(), 1);
    play.check_ends();
}

#[test]
fn a_store_from_a_backup_halts_instead_of_using_nonces_again() {
    let mut play = Play::new(5, 1, 1);
    play.enqueue(intent(0));
    until(&mut play, |play| play.lane.wishes.is_empty());
    let header = play.lane.table.header(&play.store).unwrap();
    play.enqueue(intent(1));
    until(&mut play, |play| play.lane.wishes.is_empty());
    let mut batch = tallystick_ports::Batch::default();
    play.lane.table.put_header(&mut batch, &header);
    play.store.commit(batch).unwrap();
    play.stored.retain(|_, (nonce, _)| *nonce == 0);
    play.crash();
    until(&mut play, |play| {
        play.lane.state() == LaneState::Halted(Halt::ForeignNonce { nonce: 1 })
    });
}

#[test]
fn a_wish_past_its_deadline_is_taken_back_by_a_transaction_that_does_nothing() {
    let mut play = Play::new(6, 1, 1);
    let deadline = WallTime::new(play.now.get() + 60_000);
    play.enqueue(Intent { deadline: Some(deadline), max_fee_per_gas: 1_000_000, ..intent(0) });
    until(&mut play, |play| !play.stored.is_empty());
    play.world.base_fee = 100_000;
    // The market is out of reach for the first price until the deadline is over.
    while play.now < deadline {
        play.tick(5_000);
        while let Some(place) = play.asked.len().checked_sub(1) {
            play.answer(place);
        }
    }
    let key = intent(0).key;
    until(&mut play, |play| {
        let status = play.lane.statuses().find(|(of, _)| *of == key);
        matches!(status, Some((_, IntentStatus::Cancelling { .. })))
    });
    play.settle();
    let ends: Vec<_> = play.outcomes().into_iter().map(|(_, result)| result).collect();
    assert_eq!(ends, [OutcomeResult::Expired]);
    assert!(play.world.effects().is_empty());
}

#[test]
fn a_call_gets_the_gas_that_its_wish_names_however_little_is_estimated() {
    let mut play = Play::new(7, 1, 1);
    play.enqueue(Intent { least_gas: 4_000_000, ..intent(0) });
    until(&mut play, |play| !play.stored.is_empty());
    let nonces = play.lane.table.nonces(&play.store).unwrap();
    assert_eq!(nonces.first().unwrap().1.newest().gas, 4_000_000);
}

#[test]
fn what_is_refused_again_and_again_is_given_up_with_its_reason() {
    let mut play = Play::new(8, 1, 1);
    play.world.hopeless.insert(intent(0).key);
    play.enqueue(intent(0));
    play.settle();
    let reason = "JobManagerTooLate".to_owned();
    assert_eq!(play.outcomes(), [(intent(0).key, OutcomeResult::GaveUp { reason })]);
}

#[test]
fn what_somebody_else_fulfilled_is_superseded_once_that_is_final() {
    let mut play = Play::new(9, 1, 1);
    play.world.rivals.push(intent(0).key);
    play.world.mine(&mut Chance(0));
    play.enqueue(intent(0));
    for _ in 0..FINALITY - 1 {
        play.tick(2_000);
        while !play.asked.is_empty() {
            play.answer(0);
        }
        assert!(play.outcomes().is_empty(), "not final yet");
        play.world.mine(&mut Chance(0));
    }
    play.settle();
    assert_eq!(play.outcomes(), [(intent(0).key, OutcomeResult::Superseded)]);
}

#[test]
fn endpoints_of_another_chain_halt_the_lane() {
    let mut play = Play::new(10, 1, 1);
    let mut sight = play.world.look(&[], 0);
    sight.chain = 1;
    let step = play.lane.looked(play.now, vec![Some(sight)]);
    play.carry_out(step);
    assert_eq!(play.lane.state(), LaneState::Halted(Halt::Configuration));
}

#[test]
fn gas_that_does_not_fit_is_tried_again_under_the_same_nonce() {
    let mut play = Play::new(11, 1, 1);
    play.enqueue(intent(0));
    until(&mut play, |play| !play.stored.is_empty());
    let tx = *play.stored.keys().next().unwrap();
    let refused = [SendAnswer::Refused(SendClass::Gas)];
    let step = play.lane.sent(play.now, 0, tx, &refused);
    assert!(matches!(step.requests[..], [Request::Try { .. }]), "{step:?}");
    play.carry_out(step);
    until(&mut play, |play| play.stored.len() == 2);
    play.settle();
    play.check_ends();
}
