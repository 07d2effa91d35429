#![doc = include_str!("../README.md")]

mod chunk;
mod disk;
mod error;
mod index;
mod layout;
mod pin;
mod service;
mod store;
mod trailer;
pub mod transfer;

pub use chunk::{
    CHUNK_BYTES, ChunkDigest, ChunkHasher, ChunkTree, Hashed, LARGEST_BLOB, chunk_digest,
    chunk_leaf, chunk_length, chunks_of,
};
pub use disk::{AppendFile, Disk, DiskEntry, FolderLock, LocalDisk, ReadFile};
pub use error::{BlobError, Damage, OpenError, Remedy};
pub use index::{Mark, Statistics};
pub use pin::{MOST_PINS, Pin, PinReason};
pub use service::{BlobService, Withheld};
pub use store::{
    BlobReader, BlobStore, BlobWriter, Collected, OpenReport, PutOptions, StoreConfig, Stored,
};
