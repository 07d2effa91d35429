//! Stores and bytes to test with.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tallystick_blobs::{BlobStore, OpenReport, StoreConfig, chunk_digest};
use tallystick_types::BlobDigest;
use tempfile::TempDir;

use crate::faulty_disk::FaultyDisk;

pub(crate) const QUOTA: u64 = 64 << 20;

/// Bytes that differ in every place and with every seed.
pub(crate) fn bytes(size: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

pub(crate) fn address(bytes: &[u8]) -> BlobDigest {
    BlobDigest::new(chunk_digest(bytes))
}

/// A store in a folder that is removed with it.
pub(crate) fn local(quota: u64) -> (BlobStore, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = BlobStore::open(StoreConfig::new(folder.path(), quota)).unwrap();
    (store, folder)
}

pub(crate) fn reopened(folder: &Path, quota: u64) -> (BlobStore, OpenReport) {
    BlobStore::open(StoreConfig::new(folder, quota)).unwrap()
}

/// A store on a disk that fails on purpose.
pub(crate) fn on(disk: &Arc<FaultyDisk>, quota: u64) -> (BlobStore, OpenReport) {
    BlobStore::open_on(disk.clone(), StoreConfig::new("/store", quota)).unwrap()
}

/// The file of a blob, as the front page describes it.
pub(crate) fn blob_file(root: &Path, digest: BlobDigest) -> PathBuf {
    let name = digest.to_string().trim_start_matches("0x").to_owned();
    root.join("blobs").join(&name[..2]).join(name)
}
