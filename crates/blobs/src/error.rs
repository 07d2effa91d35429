//! What can go wrong, with the values that explain it and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use tallystick_types::BlobDigest;

/// What to do about an error. Retry loops look at nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Try again; nothing needs to change.
    Retry,
    /// Fetch the blob from another node or put it again.
    Fetch,
    /// Collect garbage or unpin, then try again.
    FreeSpace,
    /// Give up this call: the same call fails again.
    Abandon,
    /// A person has to look at the disk or the configuration.
    AskOperator,
}

/// How a file differs from the blob that it should hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The file has another length.
    #[error("the file has {actual} bytes instead of {expected}")]
    Length {
        /// Bytes it should have.
        expected: u64,
        /// Bytes it has.
        actual: u64,
    },
    /// The trailer is not the one that was written.
    #[error("the trailer is damaged")]
    Trailer,
    /// A chunk does not have its digest.
    #[error("chunk {index} is damaged")]
    Chunk {
        /// Number of the chunk, from 0.
        index: u64,
    },
    /// The bytes together do not have the address.
    #[error("the bytes have the digest {actual}")]
    Whole {
        /// Their digest.
        actual: BlobDigest,
    },
}

/// Why a store does not open. Nothing was lost.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has the store.
    #[error("{path} is in use by another process; stop it or choose another folder")]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// The folder was written by a newer program or holds something else.
    #[error("{path} says {found:?}, this program reads {known:?}; use the program that wrote it")]
    Format {
        /// The file that names the format.
        path: PathBuf,
        /// What it says, at most 64 bytes.
        found: String,
        /// What this program writes.
        known: &'static str,
    },
    /// The disk failed.
    #[error("the disk failed at {path}; check that it is mounted and writable")]
    Io {
        /// Where.
        path: PathBuf,
        /// How.
        #[source]
        source: io::Error,
    },
}

impl OpenError {
    /// What to do.
    pub const fn remedy(&self) -> Remedy {
        match self {
            Self::Locked { .. } | Self::Format { .. } | Self::Io { .. } => Remedy::AskOperator,
        }
    }

    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}

/// Why a call on a store failed. Whatever was stored before is still there.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The blob is not here.
    #[error("blob {digest} is not here; fetch it from another node")]
    Missing {
        /// The blob.
        digest: BlobDigest,
    },
    /// The bytes are not those of the address.
    #[error("the bytes have the digest {actual}, not {expected}; they are not kept")]
    DigestMismatch {
        /// What the caller named.
        expected: BlobDigest,
        /// What the bytes have.
        actual: BlobDigest,
    },
    /// The stored file is damaged. It was moved aside; from now on the blob is missing.
    #[error("the stored blob {digest} is damaged ({damage}); fetch it again")]
    Damaged {
        /// The blob.
        digest: BlobDigest,
        /// How.
        damage: Damage,
        /// Where the file is now, or nothing where it could not be moved.
        moved_to: Option<PathBuf>,
    },
    /// The quota of the store does not allow it.
    #[error(
        "{needed} bytes are needed and {free} of the quota are free; wait until others are not \
         needed any more, or raise it"
    )]
    NoSpace {
        /// Bytes on disk that the call needs in addition.
        needed: u64,
        /// Bytes on disk that the quota leaves.
        free: u64,
    },
    /// The disk is full, below the quota.
    #[error("the disk is full at {path}; free space on it or lower the quota")]
    DiskFull {
        /// The file that could not grow.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// More bytes than this call takes.
    #[error("{size} bytes are more than the {limit} that are allowed here; use a reader")]
    TooLarge {
        /// Bytes, as far as known.
        size: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// A stream ended before the size that was announced.
    #[error("the stream ended after {actual} of {expected} bytes; send it again")]
    TooShort {
        /// Bytes announced.
        expected: u64,
        /// Bytes that came.
        actual: u64,
    },
    /// A range that the blob does not have.
    #[error("{length} bytes from {offset} are not within the {size} bytes of the blob")]
    OutOfRange {
        /// First byte.
        offset: u64,
        /// Bytes.
        length: u64,
        /// Bytes of the blob.
        size: u64,
    },
    /// The blob is pinned.
    #[error("blob {digest} is pinned {pins} times; unpin it first")]
    Pinned {
        /// The blob.
        digest: BlobDigest,
        /// How many pins there are; 0 where the record of its pins is unreadable.
        pins: usize,
    },
    /// The blob is being read, or is being fetched by somebody else.
    #[error("blob {digest} is in use; try again later")]
    InUse {
        /// The blob.
        digest: BlobDigest,
    },
    /// One blob has as many pins as it may have.
    #[error("blob {digest} has {limit} pins, which is the limit; unpin what is over")]
    TooManyPins {
        /// The blob.
        digest: BlobDigest,
        /// The limit.
        limit: usize,
    },
    /// The stream that was to be stored failed, not the disk.
    #[error("the stream failed after {read} bytes; send it again")]
    Stream {
        /// Bytes read from it.
        read: u64,
        /// How.
        #[source]
        source: io::Error,
    },
    /// The disk failed.
    #[error("the disk failed at {path}; check it")]
    Io {
        /// Where.
        path: PathBuf,
        /// How.
        #[source]
        source: io::Error,
    },
}

impl BlobError {
    /// What to do.
    pub const fn remedy(&self) -> Remedy {
        match self {
            Self::Missing { .. } | Self::Damaged { .. } => Remedy::Fetch,
            Self::NoSpace { .. } => Remedy::FreeSpace,
            Self::InUse { .. } | Self::TooShort { .. } | Self::Stream { .. } => Remedy::Retry,
            Self::DigestMismatch { .. }
            | Self::TooLarge { .. }
            | Self::OutOfRange { .. }
            | Self::Pinned { .. }
            | Self::TooManyPins { .. } => Remedy::Abandon,
            Self::DiskFull { .. } | Self::Io { .. } => Remedy::AskOperator,
        }
    }

    /// A failure of the disk; a full one is told apart.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| {
            let path = path.to_owned();
            match source.kind() {
                io::ErrorKind::StorageFull
                | io::ErrorKind::QuotaExceeded
                | io::ErrorKind::FileTooLarge => Self::DiskFull { path, source },
                _ => Self::Io { path, source },
            }
        }
    }
}
