//! Where things are in the folder of a store. Every name is made here from a digest or a number.
//!
//! ```text
//! FORMAT          the version of this layout
//! LOCK            held by the process that has the store open
//! blobs/ab/<64 digits>       one blob with its trailer; ab are the first two digits
//! incoming/<number>          being written; swept at start
//! partial/<64 digits>        bytes of a fetch that is under way; .log: what is known of them
//! pins/<64 digits>           the pins of a blob
//! quarantine/<number>-<name> damaged files
//! ```

use std::path::{Path, PathBuf};

use tallystick_types::BlobDigest;

pub(crate) const FORMAT: &str = "FORMAT";
pub(crate) const FORMAT_TEXT: &str = "tallystick-blobs 1\n";
pub(crate) const LOG: &str = ".log";

/// The paths of one store.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    root: PathBuf,
}

/// The hexadecimal digits of an address, without `0x`.
pub(crate) fn digits(digest: BlobDigest) -> String {
    digest.to_string().trim_start_matches("0x").to_owned()
}

/// The address that a name spells, where it is one that this module writes.
pub(crate) fn parse_digits(name: &str) -> Option<BlobDigest> {
    let digest = name.parse().ok()?;
    (digits(digest) == name).then_some(digest)
}

impl Layout {
    pub(crate) const fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn format(&self) -> PathBuf {
        self.root.join(FORMAT)
    }

    pub(crate) fn new_format(&self) -> PathBuf {
        self.root.join("FORMAT.new")
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.root.join("LOCK")
    }

    pub(crate) fn blobs(&self) -> PathBuf {
        self.root.join("blobs")
    }

    pub(crate) fn incoming(&self) -> PathBuf {
        self.root.join("incoming")
    }

    pub(crate) fn partial(&self) -> PathBuf {
        self.root.join("partial")
    }

    pub(crate) fn pins(&self) -> PathBuf {
        self.root.join("pins")
    }

    pub(crate) fn quarantine(&self) -> PathBuf {
        self.root.join("quarantine")
    }

    /// All folders directly below the root.
    pub(crate) fn folders(&self) -> [PathBuf; 5] {
        [self.blobs(), self.incoming(), self.partial(), self.pins(), self.quarantine()]
    }

    pub(crate) fn shard_name(digest: BlobDigest) -> String {
        digits(digest).chars().take(2).collect()
    }

    pub(crate) fn shard(&self, digest: BlobDigest) -> PathBuf {
        self.blobs().join(Self::shard_name(digest))
    }

    pub(crate) fn blob(&self, digest: BlobDigest) -> PathBuf {
        self.shard(digest).join(digits(digest))
    }

    pub(crate) fn partial_data(&self, digest: BlobDigest) -> PathBuf {
        self.partial().join(digits(digest))
    }

    pub(crate) fn partial_log(&self, digest: BlobDigest) -> PathBuf {
        self.partial().join(digits(digest) + LOG)
    }

    pub(crate) fn pin(&self, digest: BlobDigest) -> PathBuf {
        self.pins().join(digits(digest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_names_that_are_written_are_read() {
        let digest = BlobDigest::new([0xab; 32]);
        assert_eq!(parse_digits(&digits(digest)), Some(digest));
        for name in ["", "ab", "../../etc/passwd", &format!("0x{}", digits(digest))] {
            assert_eq!(parse_digits(name), None);
        }
        assert_eq!(parse_digits(&"AB".repeat(32)), None);
    }

    #[test]
    fn a_blob_lies_in_the_folder_of_its_first_digits() {
        let layout = Layout::new(PathBuf::from("/r"));
        let path = layout.blob(BlobDigest::new([0x0c; 32]));
        assert_eq!(path, Path::new("/r/blobs/0c").join("0c".repeat(32)));
    }
}
