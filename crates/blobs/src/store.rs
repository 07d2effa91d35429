//! The store: one folder, one process, many threads.
//!
//! Two locks. `index` guards the bookkeeping and is never held across a call to the disk;
//! `names` orders whatever makes names appear or vanish, so that two puts of one blob, a
//! removal and a quarantine do not cross.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tallystick_types::BlobDigest;

use crate::disk::{Disk, FolderLock};
use crate::error::BlobError;
use crate::index::{Index, Mark, Statistics};
use crate::layout::Layout;

mod collect;
mod open;
mod pins;
mod quarantine;
mod read;
mod write;

pub use collect::Collected;
pub use open::{OpenReport, StoreConfig};
pub use read::BlobReader;
pub use write::{BlobWriter, PutOptions, Stored};

/// Content-addressed bytes on the local disk. Cheap to clone; every clone is the same store.
///
/// All calls block on the disk. Asynchronous callers run them where blocking is allowed.
#[derive(Clone, Debug)]
pub struct BlobStore {
    pub(crate) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) layout: Layout,
    pub(crate) config: StoreConfig,
    index: Mutex<Index>,
    names: Mutex<()>,
    numbers: AtomicU64,
    _lock: Box<dyn FolderLock>,
}

impl Shared {
    /// The bookkeeping. A thread that panicked leaves it consistent: no step of it can panic
    /// halfway.
    pub(crate) fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The right to make names appear or vanish.
    pub(crate) fn names(&self) -> MutexGuard<'_, ()> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A fresh name for a file that is being written.
    pub(crate) fn incoming(&self) -> PathBuf {
        self.layout.incoming().join(self.number().to_string())
    }

    /// A number that this process has not used.
    pub(crate) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }
}

impl BlobStore {
    /// Whether the blob is here. Asks no disk: damage shows when it is read. To ask is a use.
    pub fn has(&self, digest: BlobDigest) -> bool {
        self.size(digest).is_some()
    }

    /// The bytes of a blob, where it is here. To ask is a use.
    pub fn size(&self, digest: BlobDigest) -> Option<u64> {
        let mut index = self.shared.index();
        index.touch(digest);
        index.size(digest)
    }

    /// The present moment in the order of use, for [`Self::collect_unneeded`].
    pub fn mark(&self) -> Mark {
        self.shared.index().mark()
    }

    /// The addresses of all blobs, in ascending order.
    pub fn list(&self) -> Vec<BlobDigest> {
        self.shared.index().digests()
    }

    /// Figures.
    pub fn statistics(&self) -> Statistics {
        self.shared.index().statistics()
    }
}

/// Bytes of the quota that a running call holds. Dropping it gives them back.
#[derive(Debug)]
pub(crate) struct Reservation {
    shared: Arc<Shared>,
    bytes: u64,
}

impl Reservation {
    pub(crate) fn new(shared: &Arc<Shared>, bytes: u64) -> Result<Self, BlobError> {
        shared.index().reserve(bytes)?;
        Ok(Self { shared: Arc::clone(shared), bytes })
    }

    /// Holds bytes that the caller has just reserved in the index.
    pub(crate) fn taken(shared: &Arc<Shared>, bytes: u64) -> Self {
        Self { shared: Arc::clone(shared), bytes }
    }

    /// Holds at least this many bytes.
    pub(crate) fn grow_to(&mut self, bytes: u64) -> Result<(), BlobError> {
        let more = bytes.saturating_sub(self.bytes);
        if more > 0 {
            self.shared.index().reserve(more)?;
            self.bytes += more;
        }
        Ok(())
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.shared.index().release(self.bytes);
    }
}
