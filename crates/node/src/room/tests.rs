use std::future::pending;

use tallystick_blobs::{Pin, PinReason, StoreConfig};
use tallystick_types::BlobDigest;

use super::*;
use crate::SystemClock;

const QUOTA: u64 = 100_000;

/// A store that is full, but for less than a tenth.
fn crowded() -> (BlobStore, Vec<BlobDigest>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = BlobStore::open(StoreConfig::new(folder.path(), QUOTA)).unwrap();
    let put = |seed: u8| store.put(&[seed; 9_000]).unwrap().digest;
    let blobs = (0..10).map(put).collect();
    assert!(store.statistics().is_crowded());
    (store, blobs, folder)
}

#[tokio::test(start_paused = true)]
async fn what_nobody_needs_goes_until_a_fifth_is_free() {
    let (store, blobs, _folder) = crowded();
    store.pin(blobs[0], Pin { reason: PinReason::Operator, until: None }).unwrap();
    let making = make_room(store.clone(), Arc::new(SystemClock::default()), None, pending());
    assert!(tokio::time::timeout(LOOK * 3, making).await.is_err(), "it goes on");
    assert!(store.statistics().free_bytes >= QUOTA / 5);
    let here: Vec<bool> = blobs.iter().map(|blob| store.has(*blob)).collect();
    assert_eq!(here[..3], [true, false, false], "the pinned one stays, the oldest go");
    assert!(here[3..].iter().all(|here| *here), "no more than that");
}
