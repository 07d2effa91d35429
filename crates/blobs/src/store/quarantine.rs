//! Damaged files: moved aside where a person can look at them, and missing from then on.

use tallystick_types::BlobDigest;

use super::Shared;
use crate::error::{BlobError, Damage};
use crate::layout::digits;
use crate::trailer::stored_length;

impl Shared {
    /// Moves the file of a damaged blob aside, unless a newer file has taken its place.
    pub(super) fn set_aside(&self, digest: BlobDigest, id: u64, damage: Damage) -> BlobError {
        let _names = self.names();
        let mut moved_to = None;
        if self.index().is_current(digest, id) {
            let path = self.layout.blob(digest);
            let name = format!("{}-{}", self.number(), digits(digest));
            let target = self.layout.quarantine().join(&name);
            let length = match damage {
                Damage::Length { actual, .. } => actual,
                Damage::Trailer | Damage::Chunk { .. } | Damage::Whole { .. } => {
                    self.index().size(digest).map_or(0, stored_length)
                }
            };
            let moved = self.disk.rename(&path, &target);
            let mut index = self.index();
            index.remove(digest);
            // A file that stays where it is counts for nothing; the next put goes over it.
            if moved.is_ok() {
                index.quarantine.insert(name, length);
                moved_to = Some(target);
            }
        }
        BlobError::Damaged { digest, damage, moved_to }
    }

    /// Strikes out a blob whose file somebody else removed.
    pub(super) fn forget(&self, digest: BlobDigest, id: u64) {
        let _names = self.names();
        let mut index = self.index();
        if index.is_current(digest, id) {
            index.remove(digest);
        }
    }
}
