//! Pins, and the collection of what nobody needs.

use tallystick_blobs::{BlobError, Pin, PinReason, PutOptions, Remedy};
use tallystick_types::{JobId, WallTime};

use crate::sample::{QUOTA, address, bytes, local, reopened};

fn job(number: u8) -> PinReason {
    PinReason::Job(JobId::new([number; 32]))
}

fn until(reason: PinReason, moment: u64) -> Pin {
    Pin { reason, until: Some(WallTime::new(moment)) }
}

const FOR_EVER: Pin = Pin { reason: PinReason::Operator, until: None };
const NOW: WallTime = WallTime::new(100);

#[test]
fn the_oldest_use_goes_first_and_only_down_to_the_target() {
    let (store, _folder) = local(QUOTA);
    let digests: Vec<_> =
        (0..4).map(|seed| store.put(&bytes(1_000, seed)).unwrap().digest).collect();
    store.get(digests[0]).unwrap();
    let each = store.statistics().stored_bytes / 4;
    let done = store.collect(NOW, 2 * each).unwrap();
    assert_eq!(done.blobs, [digests[1], digests[2]]);
    assert_eq!((done.bytes, done.over), (2 * each, 0));
    assert!(store.has(digests[0]) && store.has(digests[3]));
    assert_eq!(store.collect(NOW, 2 * each).unwrap().blobs, []);
}

#[test]
fn what_is_pinned_or_open_is_neither_collected_nor_removed() {
    let (store, _folder) = local(QUOTA);
    let pinned = store.put(b"pinned").unwrap().digest;
    let open = store.put(b"open").unwrap().digest;
    store.pin(pinned, until(job(1), 101)).unwrap();
    let reader = store.reader(open).unwrap();
    let done = store.collect(NOW, 0).unwrap();
    assert_eq!(done.blobs, []);
    assert_eq!(done.over, store.statistics().stored_bytes);
    let error = store.delete(pinned).unwrap_err();
    assert!(matches!(error, BlobError::Pinned { pins: 1, .. }));
    assert_eq!(error.remedy(), Remedy::Abandon);
    assert!(matches!(store.delete(open), Err(BlobError::InUse { .. })));
    drop(reader);
    let done = store.collect(WallTime::new(101), 0).unwrap();
    assert_eq!((done.blobs.len(), done.pins), (2, 1));
    assert_eq!(store.statistics().pinned, 0);
}

#[test]
fn pins_survive_a_restart_and_each_reason_counts_for_itself() {
    let (store, folder) = local(QUOTA);
    let digest = store.put(b"kept").unwrap().digest;
    store.pin(digest, until(job(1), 200)).unwrap();
    store.pin(digest, until(job(2), 300)).unwrap();
    store.pin(digest, until(job(1), 400)).unwrap();
    store.pin(digest, FOR_EVER).unwrap();
    assert!(store.unpin(digest, job(2)).unwrap());
    assert!(!store.unpin(digest, job(2)).unwrap());
    drop(store);
    let (store, report) = reopened(folder.path(), QUOTA);
    assert_eq!(store.pins(digest), [until(job(1), 400), FOR_EVER]);
    assert_eq!(report.unreadable_pins, []);
    assert_eq!(store.collect(WallTime::new(u64::MAX), 0).unwrap().blobs, []);
    assert!(store.unpin(digest, PinReason::Operator).unwrap());
    drop(store);
    let (store, _) = reopened(folder.path(), QUOTA);
    assert_eq!(store.pins(digest), []);
    assert_eq!(store.collect(NOW, 0).unwrap().blobs, [digest]);
}

#[test]
fn a_blob_can_be_pinned_before_it_comes() {
    let (store, _folder) = local(QUOTA);
    let digest = address(b"later");
    store.pin(digest, FOR_EVER).unwrap();
    store.put(b"later").unwrap();
    assert_eq!(store.collect(NOW, 0).unwrap().blobs, []);
    let options = PutOptions { pin: Some(until(job(3), 200)), ..PutOptions::default() };
    let other = store.put_with(&b"together"[..], options).unwrap().digest;
    assert_eq!(store.pins(other), [until(job(3), 200)]);
    assert_eq!(store.collect(NOW, 0).unwrap().blobs, []);
}

#[test]
fn a_blob_whose_pins_are_unreadable_is_kept_until_it_is_pinned_anew() {
    let (store, folder) = local(QUOTA);
    let digest = store.put(b"whose").unwrap().digest;
    store.pin(digest, until(job(1), 200)).unwrap();
    drop(store);
    let name = digest.to_string().trim_start_matches("0x").to_owned();
    std::fs::write(folder.path().join("pins").join(name), "nonsense").unwrap();
    let (store, report) = reopened(folder.path(), QUOTA);
    assert_eq!(report.unreadable_pins, [digest]);
    assert_eq!(store.collect(WallTime::new(u64::MAX), 0).unwrap().blobs, []);
    store.pin(digest, until(job(1), 200)).unwrap();
    assert_eq!(store.collect(WallTime::new(200), 0).unwrap().blobs, [digest]);
}

#[test]
fn damaged_files_go_before_any_blob() {
    let (store, folder) = local(QUOTA);
    let kept = store.put(b"kept").unwrap().digest;
    let used = store.statistics().stored_bytes;
    drop(store);
    std::fs::write(folder.path().join("blobs/stranger"), bytes(5_000, 1)).unwrap();
    let (store, _) = reopened(folder.path(), QUOTA);
    let done = store.collect(NOW, used).unwrap();
    assert_eq!((done.quarantined, done.bytes, done.blobs.len()), (1, 5_000, 0));
    assert!(store.has(kept));
}

#[test]
fn what_is_needed_or_was_asked_for_since_the_mark_stays() {
    let (store, _folder) = local(QUOTA);
    let put = |seed| store.put(&bytes(1_000, seed)).unwrap().digest;
    let (needed, asked, unneeded) = (put(0), put(1), put(2));
    let mark = store.mark();
    let stored = put(3);
    assert!(store.has(asked));
    let left = store.collect_unneeded(NOW, 0, mark, &[needed].into()).unwrap();
    assert_eq!(left.blobs, [unneeded]);
    assert_eq!(left.over, store.statistics().stored_bytes);
    let left = store.collect_unneeded(NOW, 0, store.mark(), &[needed].into()).unwrap();
    assert_eq!(left.blobs, [stored, asked]);
    assert!(store.has(needed));
}
