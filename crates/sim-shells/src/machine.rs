//! What of a machine survives the process on it, and its clock.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tallystick_blobs::{BlobStore, OpenError, StoreConfig};
use tallystick_ports::{Clock, Store};
use tallystick_types::WallTime;

use crate::files::{Files, Log};

/// Bytes of blobs that a machine has room for.
const BLOB_BYTES: u64 = 1 << 30;

/// Opens what one room of a node keeps by itself. The machine is the one that runs now.
///
/// # Errors
///
/// Where the disk fails.
pub(crate) fn shelf(name: &str, lies: bool) -> io::Result<Arc<dyn Store>> {
    Ok(Arc::new(Log::open(&Path::new("/node").join(name), lies)?))
}

/// Opens the blobs of the machine that runs now.
///
/// # Errors
///
/// [`OpenError`].
pub(crate) fn blobs() -> Result<BlobStore, OpenError> {
    let config = StoreConfig::new("/node/blobs", BLOB_BYTES);
    Ok(BlobStore::open_on(Arc::new(Files), config)?.0)
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
