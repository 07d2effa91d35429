//! The chain as it is: every block of the branch that counts, read without ingest, and what of it
//! went again.

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
}

/// One block's events.
#[derive(Debug)]
struct Told {
    place: Place,
    events: Vec<(EventContext, HouseEvent)>,
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
        for number in from..=head.number() {
            let Some(block) = chain.block_at(&head, number) else { break };
            let told = self.read(block);
            new.extend(told.jobs());
            self.blocks.push(told);
        }
        (undone, new)
    }

    fn read(&self, block: &Block) -> Told {
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
        Told { place, events }
    }

    /// Everything up to a height, folded anew.
    pub fn replay(&self, to: u64) -> Option<HouseView> {
        let mut view = HouseView::default();
        let blocks = self.blocks.iter().take_while(|told| told.place.number <= to);
        for (at, event) in blocks.flat_map(|told| &told.events) {
            view.apply(at, event).ok()?;
        }
        Some(view)
    }

    /// The hash of the block at a height.
    pub fn hash_at(&self, number: u64) -> Option<BlockHash> {
        let told = self.blocks.iter().find(|told| told.place.number == number)?;
        Some(told.place.hash)
    }

    /// Every job ends at most once on the branch that counts.
    pub fn check_ends(&self, oracles: &mut Oracles) {
        let ends = self.blocks.iter().flat_map(Told::jobs);
        let ends = ends.filter(|(_, event)| {
            matches!(event, JobEvent::Settled { .. } | JobEvent::Refunded { .. })
        });
        let mut jobs: Vec<JobId> = ends.map(|(job, _)| job).collect();
        jobs.sort_unstable();
        let count = jobs.len();
        jobs.dedup();
        oracles.check("a job is settled or refunded at most once", jobs.len() == count, || {
            "two ends of one job are on the chain".to_owned()
        });
    }
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
