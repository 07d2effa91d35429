//! What the store knows without asking the disk: blobs, bytes, pins. Pure bookkeeping.

use std::collections::{BTreeMap, BTreeSet};

use tallystick_types::{BlobDigest, WallTime};

use crate::error::BlobError;
use crate::pin::PinSet;
use crate::trailer::stored_length;

/// One visible blob.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) size: u64,
    /// Place in the order of use.
    used: u64,
    /// Tells this entry from a later one of the same blob.
    id: u64,
    open: u32,
}

/// One partial fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Partial {
    /// Bytes of its files while nobody works on it.
    pub(crate) bytes: u64,
    pub(crate) open: bool,
}

/// Everything that changes under the lock.
#[derive(Debug, Default)]
pub(crate) struct Index {
    quota: u64,
    entries: BTreeMap<BlobDigest, Entry>,
    pub(crate) partials: BTreeMap<BlobDigest, Partial>,
    pub(crate) pins: BTreeMap<BlobDigest, PinSet>,
    /// Files moved aside, with their bytes.
    pub(crate) quarantine: BTreeMap<String, u64>,
    /// Folders of blobs whose names are on stable storage.
    pub(crate) shards: BTreeSet<String>,
    stored: u64,
    reserved: u64,
    counter: u64,
}

/// A moment in the order of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(u64);

impl Mark {
    /// After every use.
    pub(crate) const END: Self = Self(u64::MAX);
}

/// Figures of a store. Bytes are those on disk, trailers included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Blobs that can be read.
    pub blobs: u64,
    /// Bytes of these blobs without trailers.
    pub content_bytes: u64,
    /// Bytes of their files.
    pub stored_bytes: u64,
    /// Bytes promised to running puts and fetches.
    pub reserved_bytes: u64,
    /// Fetches that stopped halfway and can be resumed.
    pub partials: u64,
    /// Bytes of these.
    pub partial_bytes: u64,
    /// Damaged files that were moved aside.
    pub quarantined: u64,
    /// Bytes of these.
    pub quarantined_bytes: u64,
    /// Blobs with at least one pin, whether they are here or not.
    pub pinned: u64,
    /// The limit of all bytes together.
    pub quota_bytes: u64,
    /// Bytes that the quota leaves.
    pub free_bytes: u64,
}

impl Statistics {
    /// Whether less than a tenth of the quota is left.
    pub const fn is_crowded(&self) -> bool {
        self.free_bytes < self.quota_bytes / 10
    }
}

impl Index {
    pub(crate) fn new(quota: u64) -> Self {
        Self { quota, ..Self::default() }
    }

    /// Bytes on disk that the store answers for, reservations left out.
    pub(crate) fn occupied(&self) -> u64 {
        let partials: u64 = self.partials.values().map(|partial| partial.bytes).sum();
        let quarantine: u64 = self.quarantine.values().sum();
        self.stored.saturating_add(partials).saturating_add(quarantine)
    }

    pub(crate) fn free(&self) -> u64 {
        self.quota.saturating_sub(self.occupied().saturating_add(self.reserved))
    }

    pub(crate) fn reserve(&mut self, needed: u64) -> Result<(), BlobError> {
        let free = self.free();
        if needed > free {
            return Err(BlobError::NoSpace { needed, free });
        }
        self.reserved += needed;
        Ok(())
    }

    pub(crate) fn release(&mut self, bytes: u64) {
        self.reserved = self.reserved.saturating_sub(bytes);
    }

    pub(crate) fn size(&self, digest: BlobDigest) -> Option<u64> {
        self.entries.get(&digest).map(|entry| entry.size)
    }

    pub(crate) fn digests(&self) -> Vec<BlobDigest> {
        self.entries.keys().copied().collect()
    }

    fn next(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// The present moment in the order of use.
    pub(crate) fn mark(&self) -> Mark {
        Mark(self.counter)
    }

    /// Makes a blob visible, as the one used last.
    pub(crate) fn insert(&mut self, digest: BlobDigest, size: u64) {
        let (used, id) = (self.next(), self.next());
        self.entries.insert(digest, Entry { size, used, id, open: 0 });
        self.stored = self.stored.saturating_add(stored_length(size));
    }

    /// Makes a blob invisible.
    pub(crate) fn remove(&mut self, digest: BlobDigest) -> Option<Entry> {
        let entry = self.entries.remove(&digest)?;
        self.stored = self.stored.saturating_sub(stored_length(entry.size));
        Some(entry)
    }

    /// Takes back a removal that the disk refused.
    pub(crate) fn restore(&mut self, digest: BlobDigest, entry: Entry) {
        self.stored = self.stored.saturating_add(stored_length(entry.size));
        self.entries.insert(digest, entry);
    }

    /// Marks a use.
    pub(crate) fn touch(&mut self, digest: BlobDigest) {
        let used = self.next();
        if let Some(entry) = self.entries.get_mut(&digest) {
            entry.used = used;
        }
    }

    /// Counts one reader: size and id of the entry.
    pub(crate) fn open(&mut self, digest: BlobDigest) -> Option<(u64, u64)> {
        self.touch(digest);
        let entry = self.entries.get_mut(&digest)?;
        entry.open += 1;
        Some((entry.size, entry.id))
    }

    /// Counts a reader off, unless its blob is another by now.
    pub(crate) fn close(&mut self, digest: BlobDigest, id: u64) {
        if let Some(entry) = self.entries.get_mut(&digest).filter(|entry| entry.id == id) {
            entry.open = entry.open.saturating_sub(1);
        }
    }

    /// Whether this very entry is still the visible one.
    pub(crate) fn is_current(&self, digest: BlobDigest, id: u64) -> bool {
        self.entries.get(&digest).is_some_and(|entry| entry.id == id)
    }

    pub(crate) fn is_pinned(&self, digest: BlobDigest) -> bool {
        self.pins.get(&digest).is_some_and(|pins| !pins.is_empty())
    }

    /// Why a blob may not be removed now, where what was used after the mark stays.
    pub(crate) fn removable(&self, digest: BlobDigest, mark: Mark) -> Result<(), BlobError> {
        let entry = self.entries.get(&digest).ok_or(BlobError::Missing { digest })?;
        if let Some(pins) = self.pins.get(&digest).filter(|pins| !pins.is_empty()) {
            return Err(BlobError::Pinned { digest, pins: pins.count() });
        }
        let used = entry.open > 0 || Mark(entry.used) > mark;
        if used { Err(BlobError::InUse { digest }) } else { Ok(()) }
    }

    /// What may be collected, oldest use first; what was used after the mark stays.
    pub(crate) fn collectable(&self, mark: Mark) -> Vec<BlobDigest> {
        let mut found: Vec<(u64, BlobDigest)> = self
            .entries
            .iter()
            .filter(|(digest, _)| self.removable(**digest, mark).is_ok())
            .map(|(digest, entry)| (entry.used, *digest))
            .collect();
        found.sort_unstable();
        found.into_iter().map(|(_, digest)| digest).collect()
    }

    /// Blobs of which a pin ends by `now`.
    pub(crate) fn expiring(&self, now: WallTime) -> Vec<BlobDigest> {
        let ends = |pins: &PinSet| pins.iter().any(|pin| pin.until.is_some_and(|end| end <= now));
        self.pins.iter().filter(|(_, pins)| ends(pins)).map(|(digest, _)| *digest).collect()
    }

    pub(crate) fn statistics(&self) -> Statistics {
        Statistics {
            blobs: self.entries.len() as u64,
            content_bytes: self.entries.values().map(|entry| entry.size).sum(),
            stored_bytes: self.stored,
            reserved_bytes: self.reserved,
            partials: self.partials.len() as u64,
            partial_bytes: self.partials.values().map(|partial| partial.bytes).sum(),
            quarantined: self.quarantine.len() as u64,
            quarantined_bytes: self.quarantine.values().sum(),
            pinned: self.pins.values().filter(|pins| !pins.is_empty()).count() as u64,
            quota_bytes: self.quota,
            free_bytes: self.free(),
        }
    }
}
