//! What others hold of ingest, and how they hear of it.

use std::sync::Arc;

use tallystick_ports::Store;
use tokio::sync::{Notify, watch};

use super::kept::{self, KeptError};
use super::machine::Machine;
use super::{BlockPlace, Delivery, IngestStatus, Seq};

/// Shows the holders of a handle how far a machine is. Whoever steps the machine tells after each
/// commit and each rest.
#[derive(Debug)]
pub struct Notices {
    pub(super) wake: Arc<Notify>,
    seq: watch::Sender<Seq>,
    status: watch::Sender<IngestStatus>,
}

/// What others hold. Cheap to clone.
#[derive(Clone, Debug)]
pub struct IngestHandle {
    pub(super) store: Arc<dyn Store>,
    pub(super) wake: Arc<Notify>,
    pub(super) seq: watch::Receiver<Seq>,
    pub(super) status: watch::Receiver<IngestStatus>,
}

impl Notices {
    /// Speaks for a machine over this store.
    pub fn of(machine: &Machine, store: Arc<dyn Store>) -> (Self, IngestHandle) {
        let wake = Arc::new(Notify::new());
        let (seq, seq_seen) = watch::channel(machine.seq());
        let (status, status_seen) = watch::channel(machine.status());
        let woken = Arc::clone(&wake);
        let handle = IngestHandle { store, wake: woken, seq: seq_seen, status: status_seen };
        (Self { wake, seq, status }, handle)
    }

    /// Tells how far the machine is now.
    pub fn tell(&self, machine: &Machine) {
        self.seq.send_if_modified(|seq| std::mem::replace(seq, machine.seq()) != *seq);
        let status = machine.status();
        self.status.send_if_modified(|told| {
            let changed = *told != status;
            *told = status;
            changed
        });
    }
}

impl IngestHandle {
    /// The deliveries after one, in order, at most so many.
    ///
    /// A consumer keeps the number of the last one together with what it made of it.
    pub fn deliveries(&self, after: Seq, most: usize) -> Result<Vec<(Seq, Delivery)>, KeptError> {
        kept::deliveries(self.store.as_ref(), after, most)
    }

    /// Shows the number of the last delivery.
    pub fn watch(&self) -> watch::Receiver<Seq> {
        self.seq.clone()
    }

    /// Where ingest stands.
    pub fn status(&self) -> IngestStatus {
        self.status.borrow().clone()
    }

    /// Shows where ingest stands.
    pub fn watch_status(&self) -> watch::Receiver<IngestStatus> {
        self.status.clone()
    }

    /// The block that was read at a height; nothing above the cursor or where its header is no
    /// longer kept. Tells whether a receipt's block is part of the chain.
    pub fn block(&self, number: u64) -> Result<Option<BlockPlace>, KeptError> {
        kept::block(self.store.as_ref(), number)
    }

    /// Looks at the chain now, for example because somebody told of a new block.
    pub fn wake(&self) {
        self.wake.notify_one();
    }
}
