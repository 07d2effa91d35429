//! The chain as it is: every block of the branch that counts, read without ingest, and what of it
//! went again.

use std::collections::BTreeSet;
use std::sync::Arc;

use tallystick_chain::view::{
    Block as Place, EventContext, HouseContracts, HouseEvent, HouseView, JobEvent,
};
use tallystick_types::{BlockHash, ChainTime, JobId};

use super::Oracles;
use crate::chain::{Block, Chain};

/// The branch that counts, with its events.
#[derive(Debug)]
pub struct Ground {
    contracts: HouseContracts,
    blocks: Vec<Told>,
    ended: BTreeSet<JobId>,
    ended_twice: Option<JobId>,
}

/// One block's events.
#[derive(Debug)]
struct Told {
    place: Place,
    events: Vec<(EventContext, HouseEvent)>,
    /// Everything up to here; nothing where it cannot be folded.
    after: Option<Arc<HouseView>>,
}

/// What a reorganisation took back.
#[derive(Clone, Debug, Default)]
pub struct Undone {
    /// How many blocks.
    pub blocks: u64,
    /// What they told of jobs.
    pub events: Vec<(JobId, JobEvent)>,
}

impl Ground {
    /// Nothing read yet.
    pub const fn new(contracts: HouseContracts) -> Self {
        Self { contracts, blocks: Vec::new(), ended: BTreeSet::new(), ended_twice: None }
    }

    /// Reads up to the newest block; what went, and what came.
    pub fn follow(&mut self, chain: &Chain) -> (Undone, Vec<(JobId, JobEvent)>) {
        let (head, mut undone, mut new) = (chain.head().clone(), Undone::default(), Vec::new());
        while let Some(told) = self.blocks.last() {
            let place = told.place;
            let stands = chain.block_at(&head, place.number);
            if stands.is_some_and(|block| BlockHash::from(block.hash()) == place.hash) {
                break;
            }
            undone.blocks += 1;
            let gone = self.blocks.pop().map(|told| told.jobs()).unwrap_or_default();
            for job in gone.iter().filter_map(end) {
                self.ended.remove(&job);
            }
            undone.events.extend(gone);
        }
        let from = self.blocks.last().map_or(0, |told| told.place.number.saturating_add(1));
        for number in from..=head.number() {
            let Some(block) = chain.block_at(&head, number) else { break };
            let before =
                self.blocks.last().map_or_else(|| Some(Arc::default()), |told| told.after.clone());
            let told = self.read(block, before);
            let jobs = told.jobs();
            for job in jobs.iter().filter_map(end) {
                if !self.ended.insert(job) {
                    self.ended_twice = Some(job);
                }
            }
            new.extend(jobs);
            self.blocks.push(told);
        }
        (undone, new)
    }

    fn read(&self, block: &Block, before: Option<Arc<HouseView>>) -> Told {
        let place = Place {
            number: block.number(),
            hash: BlockHash::from(block.hash()),
            time: ChainTime::new(block.time()).unwrap_or_default(),
        };
        let mut events = Vec::new();
        for log in block.receipts.iter().flat_map(|receipt| &receipt.logs) {
            let (address, topics, data) = (log.address, &log.topics, &log.data);
            if let Ok(event) = HouseEvent::decode(&self.contracts, address, topics, data) {
                let at = EventContext { block: place, tx: log.tx, log_index: log.index };
                events.push((at, event));
            }
        }
        let after =
            if events.is_empty() { before } else { before.and_then(|it| fold(&it, &events)) };
        Told { place, events, after }
    }

    /// Everything up to a height. It was folded from the events of this branch alone.
    pub fn view(&self, to: u64) -> Option<Arc<HouseView>> {
        let above = self.blocks.partition_point(|told| told.place.number <= to);
        let told = above.checked_sub(1).and_then(|index| self.blocks.get(index));
        told.map_or_else(|| Some(Arc::default()), |told| told.after.clone())
    }

    /// The hash of the block at a height.
    pub fn hash_at(&self, number: u64) -> Option<BlockHash> {
        let index = self.blocks.binary_search_by_key(&number, |told| told.place.number).ok()?;
        Some(self.blocks.get(index)?.place.hash)
    }

    /// Every job ends at most once on the branch that counts.
    pub fn check_ends(&self, oracles: &mut Oracles) {
        oracles.check(
            "a job is settled or refunded at most once",
            self.ended_twice.is_none(),
            || format!("two ends of job {:?} are on the chain", self.ended_twice),
        );
    }
}

/// The job that an event ends.
const fn end((job, event): &(JobId, JobEvent)) -> Option<JobId> {
    match event {
        JobEvent::Settled { .. } | JobEvent::Refunded { .. } => Some(*job),
        _ => None,
    }
}

fn fold(before: &HouseView, events: &[(EventContext, HouseEvent)]) -> Option<Arc<HouseView>> {
    let mut view = before.clone();
    for (at, event) in events {
        view.apply(at, event).ok()?;
    }
    Some(Arc::new(view))
}

impl Told {
    fn jobs(&self) -> Vec<(JobId, JobEvent)> {
        let job = |(_, event): &(EventContext, HouseEvent)| match event {
            HouseEvent::Job(job, event) => Some((*job, event.clone())),
            HouseEvent::Node(..) | HouseEvent::Network(_) | HouseEvent::WithoutEffect { .. } => {
                None
            }
        };
        self.events.iter().filter_map(job).collect()
    }
}
