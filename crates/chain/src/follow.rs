//! Keeps a view of the house in step with ingest, for everybody in the process.

use std::collections::{BTreeSet, VecDeque};
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use tallystick_planted::{Bug, planted};
use tallystick_ports::Beacon;
use tallystick_types::{BeaconRound, BlockHash, JobId, NodeId, Seed};
use tokio::sync::{broadcast, watch};

use crate::endpoint::RawLog;
use crate::ingest::{
    BlockPlace, Delivery, IngestHandle, IngestStatus, KeptError, Observed, Phase, Seq,
};
use crate::view::{
    Block, DecodeError, EventContext, FoldError, HouseContracts, HouseEvent, LayeredView,
    RollBackError,
};

#[cfg(feature = "test-utils")]
mod scripted;

#[cfg(feature = "test-utils")]
pub use scripted::ScriptedChain;

/// Deliveries that are folded before anybody is told.
const BATCH: usize = 256;

/// Changes that a slow listener may be behind until it is told to look at everything.
const CHANGES: usize = 64;

/// What the chain says, for everybody to read. Cheap to clone.
#[derive(Clone, Debug)]
pub struct House {
    view: Arc<RwLock<LayeredView>>,
    heights: watch::Receiver<Heights>,
    changes: broadcast::Sender<Arc<Change>>,
    ingest: IngestHandle,
}

/// How far the view is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heights {
    /// The last block that was read.
    pub head: u64,
    /// Blocks up to this height are safe.
    pub safe: u64,
    /// Blocks up to this height are final.
    pub last: u64,
}

/// What changed, in the latest view or in the final one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Blocks were replaced, so that anything may have changed.
    pub everything: bool,
    /// Jobs of which the chain said something, or whose last word became final.
    pub jobs: BTreeSet<JobId>,
    /// The same for nodes.
    pub nodes: BTreeSet<NodeId>,
}

/// Why the view cannot follow.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// What ingest kept cannot be read.
    #[error(transparent)]
    Kept(#[from] KeptError),
    /// A log that ingest took for one of ours is none.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// An event contradicts those before it.
    #[error(
        "the chain's events contradict each other; delete the folder of the chain's events \
             and let them be read again"
    )]
    Fold(#[from] FoldError),
    /// Ingest took back what was final.
    #[error(transparent)]
    RollBack(#[from] RollBackError),
}

/// Folds deliveries as they come.
#[derive(Debug)]
pub struct Follower {
    contracts: HouseContracts,
    house: House,
    heights: watch::Sender<Heights>,
    seq: Seq,
    /// Who was spoken of in blocks that are not final yet.
    open: VecDeque<(u64, Subject)>,
}

#[derive(Clone, Copy, Debug)]
enum Subject {
    Job(JobId),
    Node(NodeId),
}

impl House {
    /// The views, for as long as the guard is held. Hold it shortly, and never while waiting.
    pub fn read(&self) -> RwLockReadGuard<'_, LayeredView> {
        self.view.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far the view is.
    pub fn heights(&self) -> Heights {
        *self.heights.borrow()
    }

    /// Shows how far the view is.
    pub fn watch_heights(&self) -> watch::Receiver<Heights> {
        self.heights.clone()
    }

    /// Changes from now on. A listener that fell behind has to look at everything.
    pub fn changes(&self) -> broadcast::Receiver<Arc<Change>> {
        self.changes.subscribe()
    }

    /// The block that was read at a height, see [`IngestHandle::block`].
    pub fn block(&self, number: u64) -> Result<Option<BlockPlace>, KeptError> {
        self.ingest.block(number)
    }

    /// Whether the chain contradicts a block that was final: nothing is to be done on what the view
    /// says, until a person decided.
    pub fn is_halted(&self) -> bool {
        matches!(self.status().phase, Phase::Halted(_))
    }

    /// Where ingest stands.
    pub fn status(&self) -> IngestStatus {
        self.ingest.status()
    }
}

/// The round of a block is its height, its randomness the hash of the block once that is final.
/// Whoever makes blocks can try several; a beacon of its own takes this place where that matters.
impl Beacon for House {
    fn seed(&self, round: BeaconRound) -> Option<Seed> {
        let heights = self.heights();
        let last = if planted(Bug::DrawsUnsettled) { heights.head } else { heights.last };
        if last < round.get() {
            return None;
        }
        let block = self.block(round.get()).ok().flatten()?;
        Some(Seed::from(block.hash))
    }
}

impl Follower {
    /// A follower, and what it lets everybody read. It has folded everything that ingest kept.
    pub fn open(
        ingest: IngestHandle,
        contracts: HouseContracts,
    ) -> Result<(Self, House), FollowError> {
        let (heights, watched) = watch::channel(Heights::default());
        let (changes, _) = broadcast::channel(CHANGES);
        let view = Arc::new(RwLock::new(LayeredView::default()));
        let house = House { view, heights: watched, changes, ingest };
        let (seq, open) = (Seq(0), VecDeque::new());
        let mut follower = Self { contracts, house: house.clone(), heights, seq, open };
        while follower.fold()? {}
        Ok((follower, house))
    }

    /// Folds what comes until `stop` is ready.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> Result<(), FollowError> {
        let mut stop = pin!(stop);
        let mut seq = self.house.ingest.watch();
        let mut status = self.house.ingest.watch_status();
        loop {
            while self.fold()? {}
            tokio::select! {
                () = &mut stop => return Ok(()),
                changed = seq.changed() => if changed.is_err() { return Ok(()) },
                changed = status.changed() => if changed.is_err() { return Ok(()) },
            }
        }
    }

    /// Folds the next deliveries and tells of them; false where there are none.
    pub fn fold(&mut self) -> Result<bool, FollowError> {
        let deliveries = self.house.ingest.deliveries(self.seq, BATCH)?;
        let mut change = Change::default();
        let mut heights = *self.heights.borrow();
        for (seq, delivery) in &deliveries {
            self.take(delivery, &mut change, &mut heights)?;
            self.seq = *seq;
        }
        if let Some(cursor) = self.house.ingest.status().cursor {
            heights.head = cursor.number;
        }
        fail::fail_point!("follow.batch.folded");
        self.spread(heights, change);
        Ok(!deliveries.is_empty())
    }

    /// Tells everybody.
    fn spread(&self, heights: Heights, change: Change) {
        self.heights.send_if_modified(|known| std::mem::replace(known, heights) != heights);
        if change != Change::default() {
            // Nobody listens where this fails.
            let _nobody = self.house.changes.send(Arc::new(change));
        }
    }

    fn take(
        &mut self,
        delivery: &Delivery,
        change: &mut Change,
        heights: &mut Heights,
    ) -> Result<(), FollowError> {
        match delivery {
            Delivery::Event(observed) => self.observe(observed, change)?,
            Delivery::Rollback { to, .. } => {
                self.write().roll_back(*to)?;
                self.open.retain(|(block, _)| block <= to);
                change.everything = true;
            }
            Delivery::Levels { safe, last } => {
                let last = if planted(Bug::ClosesEarly) { safe } else { last };
                (heights.safe, heights.last) = (*safe, *last);
                self.write().finalise(*last);
                while let Some((_, subject)) = self.open.pop_front_if(|(block, _)| *block <= *last)
                {
                    change.note(subject);
                }
            }
        }
        Ok(())
    }

    fn observe(&mut self, observed: &Observed, change: &mut Change) -> Result<(), FollowError> {
        let RawLog { address, topics, data, tx, index } = &observed.log;
        let event = HouseEvent::decode(&self.contracts, *address, topics, data)?;
        let block = Block {
            number: observed.block.number,
            hash: BlockHash::from(observed.block.hash),
            time: observed.block.time,
        };
        let at = EventContext { block, tx: *tx, log_index: *index };
        Ok(self.tell(at, event, change)?)
    }

    /// Folds one event.
    fn tell(
        &mut self,
        at: EventContext,
        event: HouseEvent,
        change: &mut Change,
    ) -> Result<(), FoldError> {
        let subject = match &event {
            HouseEvent::Job(job, _) => Some(Subject::Job(*job)),
            HouseEvent::Node(node, _) => Some(Subject::Node(*node)),
            HouseEvent::Network(_) | HouseEvent::WithoutEffect { .. } => None,
        };
        self.write().observe(at, event)?;
        if let Some(subject) = subject {
            change.note(subject);
            self.open.push_back((at.block.number, subject));
        }
        Ok(())
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, LayeredView> {
        self.house.view.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Change {
    fn note(&mut self, subject: Subject) {
        match subject {
            Subject::Job(job) => self.jobs.insert(job),
            Subject::Node(node) => self.nodes.insert(node),
        };
    }
}

/// Whether a log of these contracts can be read: what ingest asks.
pub fn reader(contracts: HouseContracts) -> impl Fn(&RawLog) -> bool + Send + Sync {
    move |log| HouseEvent::decode(&contracts, log.address, &log.topics, &log.data).is_ok()
}
