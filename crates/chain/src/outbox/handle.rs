//! The way in to an outbox.

use std::collections::BTreeMap;
use std::sync::Arc;

use tallystick_ports::Store;
use tokio::sync::{mpsc, oneshot, watch};

use super::intent::{Intent, IntentKey, IntentStatus, LaneState, Outcome, Seq};
use super::record::{RecordError, Table};

/// The way in to an outbox. Cheap to clone; holds no state of its own.
#[derive(Clone, Debug)]
pub struct OutboxHandle {
    pub(super) inbox: mpsc::Sender<Wanted>,
    pub(super) board: watch::Receiver<Arc<Board>>,
    pub(super) store: Arc<dyn Store>,
    pub(super) table: Table,
}

/// A wish and who waits until it is kept.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) intent: Intent,
    pub(super) kept: oneshot::Sender<()>,
}

/// What a lane shows of itself. Everything on it is on the disk already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Board {
    /// What the lane does as a whole.
    pub lane: LaneState,
    /// The number of the newest outcome.
    pub newest_outcome: Seq,
    /// The wishes that are not over.
    pub wishes: BTreeMap<IntentKey, IntentStatus>,
}

/// Why a wish was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnqueueError {
    /// The outbox stopped before it kept the wish; it may have kept it or not.
    #[error("the outbox stopped; hand in the same wish again after a restart, it counts once")]
    Stopped,
}

impl OutboxHandle {
    /// Hands in a wish. When it returns, the disk has it. A wish whose key is known, even one that
    /// is over, changes nothing. Waits while many others do: that wait is the back-pressure.
    pub async fn enqueue(&self, intent: Intent) -> Result<(), EnqueueError> {
        let (kept, answer) = oneshot::channel();
        let wanted = Wanted { intent, kept };
        self.inbox.send(wanted).await.map_err(|_| EnqueueError::Stopped)?;
        answer.await.map_err(|_| EnqueueError::Stopped)
    }

    /// Where a wish stands, or nothing where it was never handed in.
    pub fn status(&self, key: IntentKey) -> Result<Option<IntentStatus>, RecordError> {
        // The board first: a wish that leaves it in between is found among the outcomes.
        if let Some(status) = self.board.borrow().wishes.get(&key) {
            return Ok(Some(status.clone()));
        }
        Ok(self.table.ended(&*self.store, &key)?.map(IntentStatus::Ended))
    }

    /// Shows every change of the lane; wakes whoever follows [`Self::outcomes`].
    pub fn watch(&self) -> watch::Receiver<Arc<Board>> {
        self.board.clone()
    }

    /// The outcomes after a number, at most so many, in their order. Keep the last number together
    /// with what followed from it, and begin there after a restart.
    pub fn outcomes(&self, after: Seq, most: usize) -> Result<Vec<(Seq, Outcome)>, RecordError> {
        let mut found = Vec::new();
        let mut seq = after;
        while found.len() < most {
            seq = Seq(seq.0.saturating_add(1));
            let Some(outcome) = self.table.outcome(&*self.store, seq)? else { break };
            found.push((seq, outcome));
        }
        Ok(found)
    }
}
