//! What a process was handed of the chain, held against the chain at that very moment: a later
//! rollback would hide what was never true.

use std::collections::BTreeMap;

use alloy_primitives::B256;
use tallystick_chain::ingest::{Delivery, Observed, Place, Seq};
use tallystick_chain::view::{HouseContracts, HouseEvent};

use super::Oracles;
use crate::chain::{Block, Chain};

/// What one process was handed so far.
#[derive(Debug)]
pub struct Handed {
    contracts: HouseContracts,
    seq: Seq,
    /// The newest block that it passed of each height where its place was told, the newest last.
    passed: Vec<(u64, B256)>,
    /// Events of each block that it was handed and that was not taken back.
    events: BTreeMap<u64, u64>,
}

/// How many logs of our contracts there are in a block, for those that were looked at.
pub type Counted = BTreeMap<B256, u64>;

impl Handed {
    /// Nothing yet, of blocks above one that all agree on.
    pub const fn new(contracts: HouseContracts) -> Self {
        Self { contracts, seq: Seq(0), passed: Vec::new(), events: BTreeMap::new() }
    }

    /// The last delivery that it was handed.
    pub const fn seq(&self) -> Seq {
        self.seq
    }

    /// It is handed a delivery.
    pub fn take(
        &mut self,
        (seq, delivery): &(Seq, Delivery),
        chain: &Chain,
        (oracles, who): (&mut Oracles, &str),
    ) {
        self.seq = *seq;
        match delivery {
            Delivery::Event(event) => {
                *self.events.entry(event.block.number).or_default() += 1;
                let real = chain.block(event.block.hash).is_some_and(|it| has(it, event));
                oracles.check("a log that is folded is one of its block", real, || {
                    let (place, log) = (&event.block, &event.log);
                    format!(
                        "{who} folds log {} of block {} {}, which has no such log",
                        log.index, place.number, place.hash
                    )
                });
            }
            Delivery::Rollback { to, .. } => {
                self.events.split_off(&to.saturating_add(1));
                self.passed.retain(|(number, _)| number <= to);
            }
            Delivery::Levels { last, .. } => {
                let (last, real) = (*last, chain.final_number());
                let fair = last <= real || oracles.finality_broke;
                oracles.check("no block is taken as final before it is", fair, || {
                    format!("{who} takes block {last} as final, where {real} is the last")
                });
            }
        }
    }

    /// It goes on to a block: of each one up to there it has every log.
    pub fn pass(&mut self, to: Place, chain: &Chain, (oracles, who): (&mut Oracles, &str)) {
        let Some(mut at) = chain.block(to.hash) else { return };
        let (last, hash) = self.passed.last().copied().unwrap_or((to.number, to.hash));
        if (last, hash) == (to.number, to.hash) {
            if self.passed.is_empty() {
                self.passed.push((to.number, to.hash));
            }
            return;
        }
        while at.number() > last {
            let handed = self.events.get(&at.number()).copied().unwrap_or_default();
            let there = self.count(at, &mut oracles.counted);
            oracles.check("no log of a block is left out", handed == there, || {
                format!("{who} has {handed} of the {there} logs of block {}", at.number())
            });
            let Some(parent) = chain.block(at.header.inner.parent_hash) else { return };
            at = parent;
        }
        oracles.check("a branch is left by a rollback alone", at.hash() == hash, || {
            format!("{who} goes on from block {last} {hash} to {to:?}, which is on another branch")
        });
        self.passed.push((to.number, to.hash));
    }

    fn count(&self, block: &Block, counted: &mut Counted) -> u64 {
        *counted.entry(block.hash()).or_insert_with(|| {
            let logs = block.receipts.iter().flat_map(|receipt| &receipt.logs);
            let ours = logs.filter(|log| {
                HouseEvent::decode(&self.contracts, log.address, &log.topics, &log.data).is_ok()
            });
            u64::try_from(ours.count()).unwrap_or(u64::MAX)
        })
    }
}

fn has(block: &Block, event: &Observed) -> bool {
    let (place, log) = (&event.block, &event.log);
    let mut logs = block.receipts.iter().flat_map(|receipt| &receipt.logs);
    block.number() == place.number
        && block.time() == place.time.get()
        && logs.any(|other| other == log)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use alloy_primitives::{Address, Bytes};
    use tallystick_chain::endpoint::RawLog;
    use tallystick_chain::ingest::{BlockPlace, EventKey};
    use tallystick_types::{ChainId, ChainTime};

    use super::*;
    use crate::cast::{Cast, Scene};
    use crate::chain::{Branch, Choice, Returned, Settings};

    /// A chain of a few blocks in which nothing happened.
    fn quiet() -> (Chain, Handed, Oracles) {
        let mut chain = Chain::new(1, Settings::default(), 1_000, &[]);
        for number in 0..12 {
            chain.mine(2_000 + number, &Choice::ALL);
        }
        let contracts = HouseContracts::of(&Cast::of(&Scene::fair(1)).unwrap().genesis.deployment);
        (chain, Handed::new(contracts), Oracles::default())
    }

    fn place(block: &Arc<Block>) -> Place {
        Place { number: block.number(), hash: block.hash() }
    }

    #[test]
    fn a_log_that_its_block_does_not_have_is_noticed_when_it_is_folded() {
        let (chain, mut handed, mut oracles) = quiet();
        let Place { number, hash } = place(chain.head());
        let block = BlockPlace { number, hash, time: ChainTime::new(2_011).unwrap() };
        let (topics, data, tx) = (Vec::new(), Bytes::new(), B256::ZERO);
        let log = RawLog { address: Address::ZERO, topics, data, tx, index: 0 };
        let key = EventKey { chain: ChainId::new(1), block: block.hash, tx, index: 0 };
        let event = Delivery::Event(Observed { seq: Seq(1), key, block, log });
        handed.take(&(Seq(1), event), &chain, (&mut oracles, "somebody"));
        assert!(oracles.failure().unwrap().contains("has no such log"));
    }

    #[test]
    fn a_block_that_is_not_final_must_not_be_taken_as_such() {
        let (chain, mut handed, mut oracles) = quiet();
        let last = chain.final_number();
        let mut level = |last, oracles: &mut Oracles| {
            let levels = Delivery::Levels { safe: last, last };
            handed.take(&(Seq(1), levels), &chain, (oracles, "somebody"));
        };
        level(last, &mut oracles);
        assert_eq!(oracles.failure(), None);
        level(last + 1, &mut oracles);
        assert!(oracles.failure().is_some());
    }

    #[test]
    fn another_branch_without_a_rollback_is_noticed_and_so_is_a_log_too_many() {
        let (mut chain, mut handed, mut oracles) = quiet();
        handed.pass(place(chain.head()), &chain, (&mut oracles, "somebody"));
        let blocks = vec![(3_000, Choice::ALL), (3_001, Choice::ALL)];
        let returned = Returned::All;
        chain.reorganise(&Branch { depth: 1, blocks, returned, breaks_finality: false }).unwrap();
        let again = place(chain.head());
        handed.events.insert(again.number, 1);
        handed.pass(again, &chain, (&mut oracles, "somebody"));
        assert!(oracles.failure().unwrap().contains("1 of the 0 logs"));
        let mut oracles = Oracles::default();
        handed.events.clear();
        handed.passed.truncate(1);
        handed.pass(again, &chain, (&mut oracles, "somebody"));
        assert!(oracles.failure().unwrap().contains("another branch"));
    }
}
