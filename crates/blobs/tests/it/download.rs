//! Fetches that are kept on disk: resumed after a restart, from any node, within the quota.

use std::path::Path;
use std::sync::Arc;

use tallystick_blobs::transfer::{
    Descriptor, DownloadError, FetchError, Part, Request, SenderFault, Serving,
};
use tallystick_blobs::{BlobError, BlobStore, CHUNK_BYTES, Pin, PinReason, Stored};
use tallystick_types::{BlobDigest, WallTime};

use crate::faulty_disk::FaultyDisk;
use crate::sample::{QUOTA, address, bytes, local, on, reopened};

const SIZE: usize = 6 * CHUNK_BYTES + 17;
const NOW: WallTime = WallTime::new(1);
const PIN: Pin = Pin { reason: PinReason::Operator, until: None };

/// Fetches up to `most` chunks.
fn fetch_some(store: &BlobStore, source: &mut Serving, most: u32) -> u64 {
    let mut download = store.download(source.descriptor().digest, QUOTA).unwrap();
    if let Some(request) = download.request(most) {
        for part in source.answer(request) {
            download.receive(part.unwrap()).unwrap();
        }
    }
    download.progress().chunks
}

fn fetch_all(store: &BlobStore, source: &mut Serving) -> Result<Stored, DownloadError> {
    let mut download = store.download(source.descriptor().digest, QUOTA)?;
    while let Some(request) = download.request(2) {
        for part in source.answer(request) {
            download.receive(part.unwrap())?;
        }
    }
    download.finish(Some(PIN))
}

fn origin(content: &[u8]) -> (Serving, tempfile::TempDir) {
    let (store, folder) = local(QUOTA);
    let digest = store.put(content).unwrap().digest;
    (store.serve(digest).unwrap(), folder)
}

#[test]
fn a_fetch_goes_on_after_a_restart_with_another_sender() {
    let content = bytes(SIZE, 1);
    let digest = address(&content);
    let ((mut first, _a), (mut second, _b)) = (origin(&content), origin(&content));
    let (store, folder) = local(QUOTA);
    assert_eq!(fetch_some(&store, &mut first, 3), 3);
    assert!(!store.has(digest));
    drop(store);
    let (store, report) = reopened(folder.path(), QUOTA);
    assert_eq!(report.partials, [digest]);
    let mut download = store.download(digest, QUOTA).unwrap();
    let progress = download.progress();
    assert_eq!((progress.chunks, progress.of), (3, Some(7)));
    let request = download.request(100).unwrap();
    assert_eq!((request.first, request.count), (3, 4));
    drop(download);
    let stored = fetch_all(&store, &mut second).unwrap();
    assert_eq!((stored.digest, stored.existed), (digest, false));
    assert_eq!(store.get(digest).unwrap(), content);
    assert_eq!(store.pins(digest), [PIN]);
    let figures = store.statistics();
    assert_eq!((figures.partials, figures.partial_bytes, figures.reserved_bytes), (0, 0, 0));
    assert_eq!(std::fs::read_dir(folder.path().join("partial")).unwrap().count(), 0);
}

#[test]
fn what_rotted_between_two_fetches_is_fetched_again() {
    let content = bytes(SIZE, 1);
    let name = address(&content).to_string().trim_start_matches("0x").to_owned();
    let data = Path::new("/store/partial").join(&name);
    let log = Path::new("/store/partial").join(name.clone() + ".log");
    for (path, bit, left) in
        [(&data, 2 * CHUNK_BYTES * 8, 2), (&log, (114 + 32) * 8, 1), (&log, 300, 0)]
    {
        let (mut source, _folder) = origin(&content);
        let disk = Arc::new(FaultyDisk::default());
        let (store, _) = on(&disk, QUOTA);
        fetch_some(&store, &mut source, 4);
        disk.flip(path, bit);
        let download = store.download(address(&content), QUOTA).unwrap();
        assert_eq!(download.progress().chunks, left);
        drop(download);
        fetch_all(&store, &mut source).unwrap();
        assert_eq!(store.get(address(&content)).unwrap(), content);
    }
}

#[test]
fn a_wrong_chunk_is_not_kept_and_the_next_sender_goes_on() {
    let content = bytes(SIZE, 1);
    let (mut source, _folder) = origin(&content);
    let (store, _own) = local(QUOTA);
    let mut download = store.download(address(&content), QUOTA).unwrap();
    let request = download.request(4).unwrap();
    let mut parts: Vec<Part> = source.answer(request).map(Result::unwrap).collect();
    if let Part::Chunk(chunk) = &mut parts[3] {
        chunk.bytes[0] ^= 1;
    }
    let results: Vec<_> = parts.into_iter().map(|part| download.receive(part)).collect();
    assert!(matches!(
        results[3],
        Err(DownloadError::Fetch(FetchError::Fault(SenderFault::NotInTree { index: 2 })))
    ));
    assert!(results[4].is_err() && results[5].is_err());
    assert_eq!(download.progress().chunks, 2);
    drop(download);
    fetch_all(&store, &mut source).unwrap();
    assert_eq!(store.get(address(&content)).unwrap(), content);
}

#[test]
fn a_false_descriptor_leaves_nothing_behind() {
    let (mut source, _folder) = origin(&bytes(SIZE, 2));
    let (store, folder) = local(QUOTA);
    let digest = address(&bytes(SIZE, 1));
    let mut download = store.download(digest, QUOTA).unwrap();
    while let Some(request) = download.request(10) {
        let request = Request { digest: source.descriptor().digest, ..request };
        for part in source.answer(request) {
            let part = match part.unwrap() {
                Part::Descriptor(descriptor) => {
                    Part::Descriptor(Descriptor { digest, ..descriptor })
                }
                other => other,
            };
            download.receive(part).unwrap();
        }
    }
    let error = download.finish(None).unwrap_err();
    assert!(matches!(error, DownloadError::Fetch(FetchError::FalseDescriptor { .. })));
    assert_eq!(std::fs::read_dir(folder.path().join("partial")).unwrap().count(), 0);
    assert_eq!(store.statistics().free_bytes, QUOTA);
    assert_eq!(store.list(), []);
}

#[test]
fn a_blob_is_fetched_by_one_at_a_time_and_finished_when_it_is_whole() {
    let (mut source, _folder) = origin(&bytes(SIZE, 1));
    let digest = source.descriptor().digest;
    let (store, _own) = local(QUOTA);
    let mut download = store.download(digest, QUOTA).unwrap();
    assert!(matches!(store.download(digest, QUOTA), Err(BlobError::InUse { .. })));
    assert!(!store.discard_partial(digest).unwrap());
    let request = download.request(1).unwrap();
    for part in source.answer(request) {
        download.receive(part.unwrap()).unwrap();
    }
    let error = download.finish(None).unwrap_err();
    assert!(matches!(error, DownloadError::Store(BlobError::TooShort { .. })));
    assert_eq!(fetch_some(&store, &mut source, 1), 2);
    assert!(store.discard_partial(digest).unwrap());
    assert!(!store.discard_partial(digest).unwrap());
    assert_eq!(store.statistics().free_bytes, QUOTA);
    assert_eq!(fetch_some(&store, &mut source, 1), 1);
}

#[test]
fn a_fetch_reserves_the_whole_before_its_first_chunk() {
    let (mut source, _folder) = origin(&bytes(SIZE, 1));
    let digest = source.descriptor().digest;
    let (store, _own) = local(SIZE as u64);
    let mut download = store.download(digest, QUOTA).unwrap();
    let request = download.request(1).unwrap();
    let first = source.answer(request).next().unwrap().unwrap();
    let error = download.receive(first).unwrap_err();
    assert!(matches!(error, DownloadError::Store(BlobError::NoSpace { .. })));
    drop(download);
    assert_eq!(store.statistics().free_bytes, SIZE as u64);
    let (store, _own) = local(QUOTA);
    fetch_some(&store, &mut source, 2);
    let error = store.download(digest, 1_000).unwrap_err();
    assert!(matches!(error, BlobError::TooLarge { limit: 1_000, .. }));
}

#[test]
fn what_is_left_of_a_fetch_is_collected_unless_it_is_pinned() {
    let (mut source, _folder) = origin(&bytes(SIZE, 1));
    let digest: BlobDigest = source.descriptor().digest;
    let (store, folder) = local(QUOTA);
    fetch_some(&store, &mut source, 2);
    let left = store.statistics().partial_bytes;
    let on_disk: u64 = std::fs::read_dir(folder.path().join("partial"))
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    assert_eq!(left, on_disk);
    store.pin(digest, PIN).unwrap();
    assert_eq!(store.collect(NOW, 0).unwrap().partials, 0);
    store.unpin(digest, PinReason::Operator).unwrap();
    let open = store.download(digest, QUOTA).unwrap();
    assert_eq!(store.collect(NOW, 0).unwrap().partials, 0);
    drop(open);
    assert_eq!(store.collect(NOW, 0).unwrap().partials, 1);
    assert_eq!(store.statistics().free_bytes, QUOTA);
}

#[test]
fn a_blob_that_was_put_during_its_fetch_is_kept_once() {
    let content = bytes(SIZE, 1);
    let (mut source, _folder) = origin(&content);
    let (store, folder) = local(QUOTA);
    fetch_some(&store, &mut source, 2);
    store.put(&content).unwrap();
    assert!(fetch_all(&store, &mut source).unwrap().existed);
    assert_eq!(std::fs::read_dir(folder.path().join("partial")).unwrap().count(), 0);
    assert_eq!(store.statistics().blobs, 1);
}
