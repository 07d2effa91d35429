//! Pinning. A blob can be pinned before it is here, so that it is safe from its first moment.

use std::sync::MutexGuard;

use tallystick_types::BlobDigest;

use super::{BlobStore, Shared};
use crate::error::BlobError;
use crate::pin::{MOST_PINS, Pin, PinReason, PinSet};

impl BlobStore {
    /// Keeps a blob from collection and removal; again with the same reason moves the end. When
    /// this returns, the pin survives a crash.
    ///
    /// # Errors
    ///
    /// [`BlobError::TooManyPins`], and [`BlobError::DiskFull`] or [`BlobError::Io`] when the
    /// disk fails; the pins are then as before.
    pub fn pin(&self, digest: BlobDigest, pin: Pin) -> Result<(), BlobError> {
        let names = self.shared.names();
        self.shared.add_pin(&names, digest, pin)
    }

    /// Removes the pin of one reason; whether there was one.
    ///
    /// # Errors
    ///
    /// [`BlobError::DiskFull`] or [`BlobError::Io`] when the disk fails; the pin then stays.
    pub fn unpin(&self, digest: BlobDigest, reason: PinReason) -> Result<bool, BlobError> {
        let names = self.shared.names();
        let mut pins = self.shared.pins_of(digest);
        let removed = pins.remove(reason);
        if removed {
            self.shared.write_pins(&names, digest, pins)?;
        }
        Ok(removed)
    }

    /// The pins of a blob, in the order of their reasons.
    pub fn pins(&self, digest: BlobDigest) -> Vec<Pin> {
        self.shared.pins_of(digest).iter().collect()
    }
}

impl Shared {
    pub(super) fn pins_of(&self, digest: BlobDigest) -> PinSet {
        self.index().pins.get(&digest).cloned().unwrap_or_default()
    }

    /// Adds a pin. A record that was unreadable is replaced: the caller knows who needs the blob.
    pub(super) fn add_pin(
        &self,
        names: &MutexGuard<'_, ()>,
        digest: BlobDigest,
        pin: Pin,
    ) -> Result<(), BlobError> {
        let mut pins = self.pins_of(digest);
        if !pins.insert(pin) {
            return Err(BlobError::TooManyPins { digest, limit: MOST_PINS });
        }
        pins.unreadable = false;
        self.write_pins(names, digest, pins)
    }

    /// Writes the record of a blob's pins, or removes it with the last one.
    pub(super) fn write_pins(
        &self,
        _names: &MutexGuard<'_, ()>,
        digest: BlobDigest,
        pins: PinSet,
    ) -> Result<(), BlobError> {
        let path = self.layout.pin(digest);
        if pins.is_empty() {
            // A removal that a crash takes back leaves a pin too many, which harms nobody.
            self.disk.remove(&path).map_err(BlobError::io(&path))?;
            self.index().pins.remove(&digest);
        } else {
            self.replace(&path, &pins.to_record())?;
            self.index().pins.insert(digest, pins);
        }
        Ok(())
    }
}
