//! A lane with its store: each step is on the disk and on the board before anything is asked.

use std::sync::Arc;

use tallystick_ports::Store;
use tokio::sync::{mpsc, watch};

use super::driver::RunError;
use super::handle::{Board, OutboxHandle, Wanted};
use super::intent::Intent;
use super::lane::{Lane, Request, Settings, Step};
use super::record::{RecordError, Table};

/// How many wishes wait to be kept before callers wait.
const INBOX: usize = 64;

/// One lane over its store. Whoever has it brings the time and the answers, and performs what it
/// asks for; [`super::Outbox`] does that over endpoints.
#[derive(Debug)]
pub struct KeptLane {
    lane: Lane,
    store: Arc<dyn Store>,
    table: Table,
    board: watch::Sender<Arc<Board>>,
    /// What comes through handles.
    pub(super) inbox: mpsc::Receiver<Wanted>,
}

impl KeptLane {
    /// Reads what the store has of a lane.
    pub fn open(
        settings: Settings,
        store: Arc<dyn Store>,
    ) -> Result<(Self, OutboxHandle), RecordError> {
        let table = Table::of(settings.chain, settings.account);
        let lane = Lane::load(settings, &*store)?;
        let (sender, inbox) = mpsc::channel(INBOX);
        let (board, watcher) = watch::channel(Arc::new(Board::of(&lane)));
        let (kept, known) = (Arc::clone(&store), table.clone());
        let handle = OutboxHandle { inbox: sender, board: watcher, store: kept, table: known };
        Ok((Self { lane, store, table, board, inbox }, handle))
    }

    /// The rules, to look at.
    pub const fn lane(&self) -> &Lane {
        &self.lane
    }

    /// Takes a wish. One whose key is known, even one that is over, changes nothing.
    ///
    /// # Errors
    ///
    /// As [`Self::step`].
    pub fn keep(&mut self, intent: Intent) -> Result<Vec<Request>, RunError> {
        if self.table.ended(&*self.store, &intent.key)?.is_some() {
            return Ok(Vec::new());
        }
        self.step(|lane| lane.enqueue(intent))
    }

    /// Lets the rules take one step, commits it, shows it, and gives what is to be asked then.
    ///
    /// # Errors
    ///
    /// Where the step could not be kept. Nothing of it may be asked, and the lane must be opened
    /// again.
    pub fn step(&mut self, step: impl FnOnce(&mut Lane) -> Step) -> Result<Vec<Request>, RunError> {
        let Step { batch, requests } = step(&mut self.lane);
        if !batch.is_empty() {
            fail::fail_point!("outbox.step.before");
            self.store.commit(batch)?;
            fail::fail_point!("outbox.step.kept");
        }
        let board = Board::of(&self.lane);
        self.board.send_if_modified(|shown| {
            let changed = **shown != board;
            if changed {
                *shown = Arc::new(board);
            }
            changed
        });
        Ok(requests)
    }
}

impl Board {
    fn of(lane: &Lane) -> Self {
        let (state, newest_outcome) = (lane.state(), lane.newest_outcome());
        Self { lane: state, newest_outcome, wishes: lane.statuses().collect() }
    }
}
