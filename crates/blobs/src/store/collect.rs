//! Removing: one blob on request, or whatever nobody needs until there is room.

use std::collections::BTreeSet;

use tallystick_types::{BlobDigest, WallTime};

use super::{BlobStore, Shared};
use crate::error::BlobError;
use crate::index::Mark;

/// What a collection did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Blobs that are gone, oldest use first.
    pub blobs: Vec<BlobDigest>,
    /// Partial fetches that were dropped.
    pub partials: u64,
    /// Damaged files that were dropped.
    pub quarantined: u64,
    /// Pins whose end had come.
    pub pins: u64,
    /// Bytes on disk that became free.
    pub bytes: u64,
    /// Bytes on disk above the target that are left, because they are pinned or in use.
    pub over: u64,
}

impl BlobStore {
    /// Removes a blob.
    ///
    /// # Errors
    ///
    /// [`BlobError::Missing`], [`BlobError::Pinned`], [`BlobError::InUse`] while somebody reads
    /// it, [`BlobError::Io`] when the disk fails; the blob then stays.
    pub fn delete(&self, digest: BlobDigest) -> Result<(), BlobError> {
        self.shared.remove_blob(digest, Mark::END)
    }

    /// Ends the pins whose time has come and removes, until at most `target_bytes` are occupied:
    /// damaged files, then partial fetches that nobody works on, then blobs, oldest use first.
    /// Never touches what is pinned, open or being written.
    ///
    /// # Errors
    ///
    /// [`BlobError::Io`] when the disk fails; what was removed before stays removed.
    pub fn collect(&self, now: WallTime, target_bytes: u64) -> Result<Collected, BlobError> {
        self.collect_unneeded(now, target_bytes, Mark::END, &BTreeSet::new())
    }

    /// Like [`Self::collect`], and leaves blobs that were stored, read or asked for since the
    /// mark, and those that are needed. So whoever answered a question about a blob has until the
    /// mark moves on to say that it is needed.
    ///
    /// # Errors
    ///
    /// Those of [`Self::collect`].
    pub fn collect_unneeded(
        &self,
        now: WallTime,
        target_bytes: u64,
        mark: Mark,
        needed: &BTreeSet<BlobDigest>,
    ) -> Result<Collected, BlobError> {
        let mut done = Collected::default();
        self.expire_pins(now, &mut done)?;
        let before = self.shared.index().occupied();
        let full = || self.shared.index().occupied() > target_bytes;
        let damaged: Vec<String> = self.shared.index().quarantine.keys().cloned().collect();
        for name in damaged {
            if !full() {
                break;
            }
            self.shared.remove_quarantined(&name)?;
            done.quarantined += 1;
        }
        let partials: Vec<BlobDigest> = self.shared.index().partials.keys().copied().collect();
        for digest in partials {
            if !full() {
                break;
            }
            if !self.shared.index().is_pinned(digest) {
                done.partials += u64::from(self.shared.remove_partial(digest)?);
            }
        }
        let candidates = if full() { self.shared.index().collectable(mark) } else { Vec::new() };
        for digest in candidates.into_iter().filter(|digest| !needed.contains(digest)) {
            if !full() {
                break;
            }
            match self.shared.remove_blob(digest, mark) {
                Ok(()) => done.blobs.push(digest),
                // Somebody began to need it meanwhile, or was faster.
                Err(
                    BlobError::InUse { .. } | BlobError::Pinned { .. } | BlobError::Missing { .. },
                ) => {}
                Err(error) => return Err(error),
            }
        }
        let after = self.shared.index().occupied();
        done.bytes = before.saturating_sub(after);
        done.over = after.saturating_sub(target_bytes);
        Ok(done)
    }

    fn expire_pins(&self, now: WallTime, done: &mut Collected) -> Result<(), BlobError> {
        let expiring = self.shared.index().expiring(now);
        for digest in expiring {
            let names = self.shared.names();
            let mut pins = self.shared.pins_of(digest);
            let expired = pins.expire(now);
            if expired > 0 {
                self.shared.write_pins(&names, digest, pins)?;
                done.pins += expired as u64;
            }
        }
        Ok(())
    }
}

impl Shared {
    /// Removes the file of a blob that nobody pins, reads or used since the mark. It is invisible
    /// before it is gone.
    fn remove_blob(&self, digest: BlobDigest, mark: Mark) -> Result<(), BlobError> {
        let _names = self.names();
        let entry = {
            let mut index = self.index();
            index.removable(digest, mark)?;
            index.remove(digest).ok_or(BlobError::Missing { digest })?
        };
        let path = self.layout.blob(digest);
        match self.disk.remove(&path) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(source) => {
                self.index().restore(digest, entry);
                Err(BlobError::io(&path)(source))
            }
        }
    }

    fn remove_quarantined(&self, name: &str) -> Result<(), BlobError> {
        let _names = self.names();
        let path = self.layout.quarantine().join(name);
        self.disk.remove(&path).map_err(BlobError::io(&path))?;
        self.index().quarantine.remove(name);
        Ok(())
    }

    /// Drops a partial fetch that nobody works on; whether there was one.
    pub(crate) fn remove_partial(&self, digest: BlobDigest) -> Result<bool, BlobError> {
        let _names = self.names();
        match self.index().partials.get(&digest) {
            None => return Ok(false),
            Some(partial) if partial.open => return Ok(false),
            Some(_) => {}
        }
        let (data, log) = (self.layout.partial_data(digest), self.layout.partial_log(digest));
        self.disk.remove(&data).map_err(BlobError::io(&data))?;
        self.index().partials.remove(&digest);
        // Without its data a log is swept at the next start.
        let _swept_later = self.disk.remove(&log);
        Ok(true)
    }
}
