//! An outbox whose chain is a test, for tests of whoever hands in wishes.

use std::sync::Arc;

use alloy_primitives::Address;
use tallystick_ports::{Batch, MemoryStore, Store};
use tallystick_types::ChainId;
use tokio::sync::{mpsc, watch};

use super::handle::{Board, OutboxHandle, Wanted};
use super::intent::{Intent, IntentKey, LaneState, Outcome, OutcomeResult, Seq};
use super::record::Table;

/// Takes the place of a running outbox behind its handle: the test takes the wishes, and says what
/// became of them.
#[derive(Debug)]
pub struct ScriptedOutbox {
    inbox: mpsc::Receiver<Wanted>,
    board: watch::Sender<Arc<Board>>,
    store: MemoryStore,
    table: Table,
}

impl ScriptedOutbox {
    /// A lane that is open and has nothing to do.
    pub fn new(chain: ChainId) -> (Self, OutboxHandle) {
        let (sender, inbox) = mpsc::channel(64);
        let board = Board { lane: LaneState::Open, ..Board::default() };
        let (board, watcher) = watch::channel(Arc::new(board));
        let (store, table) = (MemoryStore::default(), Table::of(chain, Address::ZERO));
        let handle = OutboxHandle {
            inbox: sender,
            board: watcher,
            store: Arc::new(store.clone()),
            table: table.clone(),
        };
        (Self { inbox, board, store, table }, handle)
    }

    /// The next wish; whoever handed it in is told that it is kept. Nothing when all handles are
    /// gone.
    pub async fn next(&mut self) -> Option<Intent> {
        let Wanted { intent, kept } = self.inbox.recv().await?;
        // Whoever asked may be gone.
        let _gone = kept.send(());
        Some(intent)
    }

    /// As [`Self::next`], where one is there already.
    pub fn try_next(&mut self) -> Option<Intent> {
        let Wanted { intent, kept } = self.inbox.try_recv().ok()?;
        let _gone = kept.send(());
        Some(intent)
    }

    /// Says what became of a wish.
    pub fn end(&self, key: IntentKey, result: OutcomeResult) {
        let seq = Seq(self.board.borrow().newest_outcome.0.saturating_add(1));
        let mut batch = Batch::default();
        self.table.put_outcome(&mut batch, seq, &Outcome { key, result });
        self.store.commit(batch).expect("memory takes everything");
        self.change(|board| board.newest_outcome = seq);
    }

    /// Changes what the lane shows of itself.
    pub fn lane(&self, state: LaneState) {
        self.change(|board| board.lane = state);
    }

    fn change(&self, change: impl FnOnce(&mut Board)) {
        self.board.send_modify(|board| change(Arc::make_mut(board)));
    }
}
