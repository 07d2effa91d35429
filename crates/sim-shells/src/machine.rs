//! What of a machine survives the process on it, and its clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tallystick_blobs::{BlobStore, OpenError, StoreConfig};
use tallystick_ports::{Clock, Store};
use tallystick_sim::disk::{Disk, Files, Fuse};
use tallystick_types::WallTime;

/// Bytes of blobs that a machine has room for.
const BLOB_BYTES: u64 = 1 << 30;

/// A machine.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    disks: [Disk; DISKS],
    files: Files,
}

/// What a room of a node keeps by itself.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shelf {
    Chain,
    Outbox,
    Journal,
    Worker,
    Protection,
    Settlement,
}

const DISKS: usize = 6;

impl Machine {
    pub(crate) fn new() -> Self {
        let fuse = Fuse::default();
        Self { disks: std::array::from_fn(|_| Disk::new(fuse.clone())), files: Files::new(fuse) }
    }

    pub(crate) fn shelf(&self, shelf: Shelf) -> Arc<dyn Store> {
        Arc::new(self.disks[shelf as usize].clone())
    }

    pub(crate) fn blobs(&self) -> Result<BlobStore, OpenError> {
        let config = StoreConfig::new("/blobs", BLOB_BYTES);
        Ok(BlobStore::open_on(Arc::new(self.files.clone()), config)?.0)
    }

    /// Only what was synced is there afterwards.
    pub(crate) fn lose_power(&self) {
        self.disks.iter().for_each(Disk::lose_power);
        self.files.lose_power();
    }
}

/// The time of the simulation, which is that of every machine in it.
#[derive(Debug, Default)]
pub(crate) struct SimulatedClock(AtomicU64);

impl Clock for SimulatedClock {
    fn now(&self) -> WallTime {
        // Between two machines' turns it is as late as it was.
        let since = turmoil::since_epoch().unwrap_or_default();
        let now = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        WallTime::new(self.0.fetch_max(now, Ordering::Relaxed).max(now))
    }
}
