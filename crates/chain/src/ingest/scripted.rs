//! What ingest keeps and says, written by a test.

use std::sync::Arc;

use tallystick_ports::{Batch, MemoryStore, Store};
use tokio::sync::{Notify, watch};

use super::kept;
use super::{BlockPlace, IngestHandle, IngestStatus, Phase, Place, Seq};

/// Takes the place of a running ingest behind its handle.
#[derive(Debug)]
pub(crate) struct ScriptedIngest {
    store: MemoryStore,
    status: watch::Sender<IngestStatus>,
    /// Held so that nobody takes the reading of the chain for ended.
    _seq: watch::Sender<Seq>,
}

impl ScriptedIngest {
    /// Follows a chain of which no block was read yet.
    pub(crate) fn new() -> (Self, IngestHandle) {
        let store = MemoryStore::default();
        let (seq, seq_seen) = watch::channel(Seq(0));
        let (status, status_seen) = watch::channel(IngestStatus {
            phase: Phase::Follow,
            cursor: None,
            head: None,
            safe: None,
            last: None,
            epoch: 0,
            strange: 0,
            progress: None,
            peers: Vec::new(),
        });
        let handle = IngestHandle {
            store: Arc::new(store.clone()),
            wake: Arc::new(Notify::new()),
            seq: seq_seen,
            status: status_seen,
        };
        (Self { store, status, _seq: seq }, handle)
    }

    /// A block was read.
    pub(crate) fn read(&self, block: BlockPlace) {
        let mut batch = Batch::default();
        kept::put_place(&mut batch, block);
        self.store.commit(batch).expect("memory takes everything");
        self.say(|status| {
            status.cursor = Some(Place { number: block.number, hash: block.hash });
            status.head = Some(block.number);
        });
    }

    /// Changes what is said of the state of ingest.
    pub(crate) fn say(&self, change: impl FnOnce(&mut IngestStatus)) {
        self.status.send_modify(change);
    }
}
