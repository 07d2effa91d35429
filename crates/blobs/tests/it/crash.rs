//! A fault at every single call to the disk, then a restart.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use tallystick_blobs::transfer::{DownloadError, Serving};
use tallystick_blobs::{BlobError, BlobStore, Pin, PinReason, StoreConfig};
use tallystick_types::{BlobDigest, JobId, WallTime};

use crate::faulty_disk::{Fault, FaultyDisk};
use crate::sample::{QUOTA, address, blob_file, bytes, local, on};

const SIZES: [usize; 4] = [0, 900, 70_000, 150_000];

/// What the caller was told.
#[derive(Debug, Default)]
struct Told {
    /// Puts that returned and were not asked to go.
    stored: BTreeMap<BlobDigest, Vec<u8>>,
    pinned: Vec<BlobDigest>,
    failures: u64,
}

fn content(number: usize) -> Vec<u8> {
    bytes(SIZES[number], number as u64)
}

fn pin() -> Pin {
    Pin { reason: PinReason::Job(JobId::new([5; 32])), until: Some(WallTime::new(50)) }
}

/// Everything that changes the disk, one after the other, whatever fails.
fn live(store: &BlobStore, source: &mut Serving) -> Told {
    let mut told = Told::default();
    for number in 0..3 {
        match store.put(&content(number)) {
            Ok(stored) => {
                told.stored.insert(stored.digest, content(number));
            }
            Err(_) => told.failures += 1,
        }
    }
    let (first, second) = (address(&content(0)), address(&content(1)));
    match store.pin(first, pin()) {
        Ok(()) => told.pinned.push(first),
        Err(_) => told.failures += 1,
    }
    // Whether a failed removal happened is not known, so nothing is expected of it.
    told.stored.remove(&second);
    match store.delete(second) {
        Ok(()) | Err(BlobError::Missing { .. }) => {}
        Err(_) => told.failures += 1,
    }
    match fetch(store, source) {
        Ok(digest) => {
            told.stored.insert(digest, content(3));
        }
        Err(_) => told.failures += 1,
    }
    match store.put(&content(1)) {
        Ok(stored) => {
            told.stored.insert(stored.digest, content(1));
        }
        Err(_) => told.failures += 1,
    }
    told
}

fn fetch(store: &BlobStore, source: &mut Serving) -> Result<BlobDigest, DownloadError> {
    let mut download = store.download(source.descriptor().digest, QUOTA)?;
    while let Some(request) = download.request(2) {
        for part in source.answer(request) {
            download.receive(part?)?;
        }
    }
    Ok(download.finish(None)?.digest)
}

fn check(store: &BlobStore, told: &Told, context: &str) {
    for (digest, content) in &told.stored {
        let got = store.get(*digest);
        assert!(got.as_ref().is_ok_and(|got| got == content), "{context}: {digest} {got:?}");
    }
    for digest in store.list() {
        assert!(store.verify(digest).is_ok(), "{context}: {digest} is visible and damaged");
    }
    for digest in &told.pinned {
        assert_eq!(store.pins(*digest), [pin()], "{context}");
    }
    assert_eq!(store.statistics().reserved_bytes, 0, "{context}");
    assert_eq!(store.statistics().quarantined, 0, "{context}");
}

/// After a restart the figures are those of the disk, and everything works again.
fn check_restarted(disk: &Arc<FaultyDisk>, told: &Told, source: &mut Serving, context: &str) {
    let (store, _) = on(disk, QUOTA);
    check(&store, told, context);
    let figures = store.statistics();
    assert_eq!(disk.used_below("/store/incoming"), 0, "{context}");
    assert_eq!(disk.used_below("/store/blobs"), figures.stored_bytes, "{context}");
    assert_eq!(disk.used_below("/store/partial"), figures.partial_bytes, "{context}");
    for number in 0..3 {
        store.put(&content(number)).unwrap();
    }
    fetch(&store, source).unwrap();
    for number in 0..4 {
        assert_eq!(store.get(address(&content(number))).unwrap(), content(number), "{context}");
    }
    assert_eq!(store.statistics().partials, 0, "{context}");
}

/// How many calls there are from the start to the end of a life without faults.
fn calls(source: &mut Serving) -> u64 {
    let disk = Arc::new(FaultyDisk::default());
    disk.fail_at(u64::MAX, Fault::Error);
    let (store, _) = on(&disk, QUOTA);
    assert_eq!(live(&store, source).failures, 0);
    disk.calls()
}

#[test]
fn a_power_cut_at_any_call_keeps_what_was_acknowledged() {
    let (origin, _folder) = local(QUOTA);
    let mut source = origin.serve(origin.put(&content(3)).unwrap().digest).unwrap();
    let calls = calls(&mut source);
    assert!(calls > 60, "{calls}");
    for call in 1..=calls + 1 {
        for seed in 0..6 {
            let context = format!("call {call} of {calls}, seed {seed}");
            let disk = Arc::new(FaultyDisk::default());
            disk.fail_at(call, Fault::Off);
            let config = StoreConfig::new("/store", QUOTA);
            let told = match BlobStore::open_on(disk.clone(), config) {
                Ok((store, _)) => live(&store, &mut source),
                Err(_) => Told::default(),
            };
            disk.crash(seed);
            check_restarted(&disk, &told, &mut source, &context);
        }
    }
}

#[test]
fn a_process_that_dies_at_any_call_keeps_what_was_acknowledged() {
    let (origin, _folder) = local(QUOTA);
    let mut source = origin.serve(origin.put(&content(3)).unwrap().digest).unwrap();
    for call in 1..=calls(&mut source) {
        let disk = Arc::new(FaultyDisk::default());
        let config = StoreConfig::new("/store", QUOTA);
        disk.fail_at(call, Fault::Off);
        let told = match BlobStore::open_on(disk.clone(), config) {
            Ok((store, _)) => live(&store, &mut source),
            Err(_) => Told::default(),
        };
        disk.heal();
        check_restarted(&disk, &told, &mut source, &format!("call {call}"));
    }
}

#[test]
fn one_failing_call_harms_only_the_operation_that_made_it() {
    let (origin, _folder) = local(QUOTA);
    let mut source = origin.serve(origin.put(&content(3)).unwrap().digest).unwrap();
    for call in 1..=calls(&mut source) {
        let context = format!("call {call}");
        let disk = Arc::new(FaultyDisk::default());
        disk.fail_at(call, Fault::Error);
        let config = StoreConfig::new("/store", QUOTA);
        let Ok((store, _)) = BlobStore::open_on(disk.clone(), config) else { continue };
        let told = live(&store, &mut source);
        assert!(told.failures <= 1, "{context}: {} operations failed", told.failures);
        disk.heal();
        check(&store, &told, &context);
        let on_disk = disk.used_below("/store/blobs");
        assert_eq!(on_disk, store.statistics().stored_bytes, "{context}");
        drop(store);
        check_restarted(&disk, &told, &mut source, &context);
    }
}

#[test]
fn what_is_acknowledged_after_a_failed_call_survives_as_well() {
    let (origin, _folder) = local(QUOTA);
    let mut source = origin.serve(origin.put(&content(3)).unwrap().digest).unwrap();
    for call in 1..=calls(&mut source) {
        for seed in 0..6 {
            let disk = Arc::new(FaultyDisk::default());
            disk.fail_at(call, Fault::Error);
            let config = StoreConfig::new("/store", QUOTA);
            let Ok((store, _)) = BlobStore::open_on(disk.clone(), config) else { continue };
            live(&store, &mut source);
            let told = live(&store, &mut source);
            drop(store);
            disk.crash(seed);
            check_restarted(&disk, &told, &mut source, &format!("call {call}, seed {seed}"));
        }
    }
}

#[test]
fn a_disk_that_cannot_move_a_damaged_file_still_does_not_serve_it() {
    let disk = Arc::new(FaultyDisk::default());
    let (store, _) = on(&disk, QUOTA);
    let digest = store.put(&content(2)).unwrap().digest;
    disk.flip(&blob_file(Path::new("/store"), digest), 77);
    disk.fail_at(1, Fault::Error);
    let error = store.get(digest).unwrap_err();
    assert!(matches!(error, BlobError::Damaged { moved_to: None, .. }), "{error}");
    assert!(matches!(store.get(digest), Err(BlobError::Missing { .. })));
    store.put(&content(2)).unwrap();
    assert_eq!(store.get(digest).unwrap(), content(2));
}
