//! Damaged files: noticed, moved aside, missing from then on, fetched again.

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use tallystick_blobs::{BlobError, CHUNK_BYTES, Damage, Remedy};

use crate::faulty_disk::FaultyDisk;
use crate::sample::{QUOTA, address, blob_file, bytes, local, on, reopened};

const SIZE: usize = CHUNK_BYTES + 5_000;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_flipped_bit_is_noticed_by_get_and_by_verify(
        seed: u64, bit in any::<prop::sample::Index>(), by_get: bool
    ) {
        let disk = Arc::new(FaultyDisk::default());
        let (store, _) = on(&disk, QUOTA);
        let content = bytes(SIZE, seed);
        let digest = store.put(&content).unwrap().digest;
        let path = blob_file(Path::new("/store"), digest);
        disk.flip(&path, bit.index((SIZE + 2 * 32 + 82) * 8));
        let result =
            if by_get { store.get(digest).map(|_| ()) } else { store.verify(digest) };
        let error = result.unwrap_err();
        prop_assert_eq!(error.remedy(), Remedy::Fetch);
        prop_assert!(
            matches!(error, BlobError::Damaged { moved_to: Some(_), .. }), "{}", error
        );
        prop_assert!(!store.has(digest));
        prop_assert_eq!(store.statistics().quarantined, 1);
        store.put(&content).unwrap();
        prop_assert_eq!(store.get(digest).unwrap(), content);
    }
}

#[test]
fn a_range_notices_damage_in_its_own_chunks_only() {
    let disk = Arc::new(FaultyDisk::default());
    let (store, _) = on(&disk, QUOTA);
    let content = bytes(3 * CHUNK_BYTES, 1);
    let digest = store.put(&content).unwrap().digest;
    disk.flip(&blob_file(Path::new("/store"), digest), (2 * CHUNK_BYTES + 9) * 8);
    let start = store.range(digest, 0, 100).unwrap();
    assert_eq!(start, content[..100]);
    let end = store.range(digest, 2 * CHUNK_BYTES as u64, 1).unwrap_err();
    assert!(matches!(end, BlobError::Damaged { damage: Damage::Chunk { index: 2 }, .. }));
    assert!(matches!(store.range(digest, 0, 100), Err(BlobError::Missing { .. })));
}

#[test]
fn a_file_that_was_cut_is_moved_aside_when_it_is_read_and_when_it_is_found() {
    let (store, folder) = local(QUOTA);
    let read = store.put(&bytes(SIZE, 1)).unwrap().digest;
    let found = store.put(&bytes(SIZE, 2)).unwrap().digest;
    // A file that ends before its trailer could be a smaller blob until it is read; one that is
    // shorter than any trailer is noticed at once.
    for (digest, length) in [(read, SIZE as u64), (found, 100)] {
        let path = blob_file(folder.path(), digest);
        std::fs::File::options().write(true).open(path).unwrap().set_len(length).unwrap();
    }
    let error = store.get(read).unwrap_err();
    let moved = match error {
        BlobError::Damaged { damage: Damage::Length { .. }, moved_to: Some(path), .. } => path,
        other => panic!("{other}"),
    };
    assert_eq!(moved.metadata().unwrap().len(), SIZE as u64);
    drop(store);
    let (store, report) = reopened(folder.path(), QUOTA);
    assert_eq!(report.quarantined.len(), 1);
    assert_eq!(store.list(), []);
    assert_eq!(store.statistics().quarantined, 2);
    assert_eq!(store.statistics().quarantined_bytes, 100 + SIZE as u64);
}

#[test]
fn a_blob_under_the_name_of_another_is_not_served() {
    let (store, folder) = local(QUOTA);
    let digest = store.put(&bytes(SIZE, 1)).unwrap().digest;
    let other = store.put(&bytes(SIZE, 2)).unwrap().digest;
    std::fs::copy(blob_file(folder.path(), other), blob_file(folder.path(), digest)).unwrap();
    assert!(matches!(store.reader(digest), Err(BlobError::Damaged { .. })));
    assert!(store.get(other).is_ok());
}

#[test]
fn what_is_no_blob_is_moved_aside_at_the_start() {
    let (store, folder) = local(QUOTA);
    let digest = store.put(b"kept").unwrap().digest;
    drop(store);
    std::fs::create_dir_all(folder.path().join("blobs/zz")).unwrap();
    std::fs::write(folder.path().join("blobs/zz/stranger"), "x").unwrap();
    std::fs::write(folder.path().join("blobs/file"), "x").unwrap();
    std::fs::write(folder.path().join("pins/stranger"), "x").unwrap();
    std::fs::write(folder.path().join("incoming/7"), "half").unwrap();
    let (store, report) = reopened(folder.path(), QUOTA);
    assert_eq!((report.swept, report.quarantined.len(), report.blobs), (1, 3, 1));
    assert_eq!(store.get(digest).unwrap(), b"kept");
}

#[test]
fn a_file_that_somebody_removed_is_missing() {
    let disk = Arc::new(FaultyDisk::default());
    let (store, _) = on(&disk, QUOTA);
    let digest = store.put(b"gone").unwrap().digest;
    disk.lose(&blob_file(Path::new("/store"), digest));
    assert!(matches!(store.get(digest), Err(BlobError::Missing { .. })));
    assert!(!store.has(digest));
    assert_eq!(store.statistics().stored_bytes, 0);
    assert_eq!(digest, address(b"gone"));
}
