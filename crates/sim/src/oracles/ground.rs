//! The chain as it is: every block of the branch that counts, read without ingest, and what of it
//! went again.

use std::sync::Arc;

use tallystick_chain::view::{
    Block as Place, EventContext, HouseContracts, HouseEvent, HouseView, JobEvent,
};
use tallystick_types::{BlockHash, ChainTime, JobId};

use crate::chain::{Block, Chain};

/// The branch that counts, with its events.
#[derive(Debug)]
pub struct Ground {
    contracts: HouseContracts,
    blocks: Vec<Told>,
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
    /// Height of the first block that is new.
    pub from: u64,
    /// What they told of jobs.
    pub events: Vec<(JobId, JobEvent)>,
}

impl Ground {
    /// Nothing read yet.
    pub const fn new(contracts: HouseContracts) -> Self {
        Self { contracts, blocks: Vec::new() }
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
            undone.events.extend(self.blocks.pop().into_iter().flat_map(|told| told.jobs()));
        }
        let from = self.blocks.last().map_or(0, |told| told.place.number.saturating_add(1));
        undone.from = from;
        for number in from..=head.number() {
            let Some(block) = chain.block_at(&head, number) else { break };
            let before =
                self.blocks.last().map_or_else(|| Some(Arc::default()), |told| told.after.clone());
            let told = self.read(block, before);
            new.extend(told.jobs());
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

    /// What the blocks from a height on tell.
    pub fn since(&self, from: u64) -> impl Iterator<Item = (&EventContext, &HouseEvent)> {
        let first = self.blocks.partition_point(|told| told.place.number < from);
        let new = self.blocks.get(first..).unwrap_or_default();
        new.iter().flat_map(|told| &told.events).map(|(at, event)| (at, event))
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
