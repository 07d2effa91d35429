//! What is put comes back, whole and in parts.

use std::io::{Cursor, Read, Seek, SeekFrom};

use proptest::prelude::*;
use tallystick_blobs::{
    BlobError, BlobStore, CHUNK_BYTES, OpenError, PutOptions, Remedy, StoreConfig, chunks_of,
};

use crate::sample::{QUOTA, address, bytes, local, reopened};

fn border_size() -> impl Strategy<Value = usize> {
    (0_usize..4, 0_usize..5)
        .prop_map(|(chunks, near)| (chunks * CHUNK_BYTES + near).saturating_sub(2))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_put_is_what_is_got(
        size in border_size(), seed: u64, step in 1_usize..100_000,
        from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>(),
    ) {
        let (store, folder) = local(QUOTA);
        let content = bytes(size, seed);
        let mut writer = store.writer(PutOptions::default()).unwrap();
        for part in content.chunks(step) {
            writer.write(part).unwrap();
        }
        let stored = writer.finish().unwrap();
        prop_assert_eq!(stored.digest, address(&content));
        prop_assert_eq!(store.size(stored.digest), Some(size as u64));
        drop(store);
        let (store, report) = reopened(folder.path(), QUOTA);
        prop_assert_eq!(report.blobs, 1);
        prop_assert_eq!(&store.get(stored.digest).unwrap(), &content);
        let (from, to) = (from.index(size + 1), to.index(size + 1));
        let (from, to) = (from.min(to), from.max(to));
        let part = store.range(stored.digest, from as u64, (to - from) as u64).unwrap();
        prop_assert_eq!(&part, &content[from..to]);
        let mut reader = store.reader(stored.digest).unwrap();
        let mut rest = Vec::new();
        reader.seek(SeekFrom::Start(from as u64)).unwrap();
        reader.read_to_end(&mut rest).unwrap();
        prop_assert_eq!(&rest, &content[from..]);
        prop_assert_eq!(reader.chunks(), chunks_of(size as u64));
    }
}

#[test]
fn the_same_bytes_are_kept_once() {
    let (store, _folder) = local(QUOTA);
    let first = store.put(b"notch").unwrap();
    let used = store.statistics().stored_bytes;
    let again = store.put(b"notch").unwrap();
    assert!(!first.existed && again.existed);
    assert_eq!(first.digest, again.digest);
    assert_eq!(store.statistics().stored_bytes, used);
    assert_eq!(store.list(), [first.digest]);
}

#[test]
fn bytes_of_another_digest_are_not_kept() {
    let (store, _folder) = local(QUOTA);
    let expected = address(b"ordered");
    let options = PutOptions { expected: Some(expected), ..PutOptions::default() };
    let error = store.put_with(Cursor::new(b"delivered"), options).unwrap_err();
    assert!(matches!(error, BlobError::DigestMismatch { expected: named, actual }
        if named == expected && actual == address(b"delivered")));
    assert_eq!(error.remedy(), Remedy::Abandon);
    assert_eq!(store.list(), []);
    assert_eq!(store.statistics().reserved_bytes, 0);
}

#[test]
fn a_stream_has_the_size_that_was_announced() {
    let (store, _folder) = local(QUOTA);
    let options = PutOptions { size: Some(3), ..PutOptions::default() };
    let long = store.put_with(Cursor::new(b"four"), options).unwrap_err();
    assert!(matches!(long, BlobError::TooLarge { limit: 3, .. }));
    let short = store.put_with(Cursor::new(b"do"), options).unwrap_err();
    assert!(matches!(short, BlobError::TooShort { expected: 3, actual: 2 }));
    let mut endless_config = StoreConfig::new(tempfile::tempdir().unwrap().path(), QUOTA);
    endless_config.largest_bytes = 1 << 20;
    let (store, _) = BlobStore::open(endless_config).unwrap();
    let endless = store.put_with(std::io::repeat(7), PutOptions::default()).unwrap_err();
    assert!(matches!(endless, BlobError::TooLarge { limit, .. } if limit == 1 << 20));
    assert_eq!(store.statistics().free_bytes, QUOTA);
}

#[test]
fn a_stream_that_fails_leaves_nothing() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _buffer: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::ConnectionReset.into())
        }
    }
    let (store, folder) = local(QUOTA);
    let stream = Cursor::new(bytes(100_000, 1)).chain(Broken);
    let error = store.put_with(stream, PutOptions::default()).unwrap_err();
    assert!(matches!(error, BlobError::Stream { read: 100_000, .. }));
    assert_eq!(std::fs::read_dir(folder.path().join("incoming")).unwrap().count(), 0);
}

#[test]
fn what_is_not_here_and_what_is_too_much_say_so() {
    let (store, folder) = local(QUOTA);
    let missing = store.get(address(b"nobody put this")).unwrap_err();
    assert!(matches!(missing, BlobError::Missing { .. }));
    assert_eq!(missing.remedy(), Remedy::Fetch);
    let digest = store.put(&bytes(1_000, 1)).unwrap().digest;
    for (offset, length) in [(0, 1_001), (1_001, 0), (u64::MAX, 2)] {
        let error = store.range(digest, offset, length).unwrap_err();
        assert!(matches!(error, BlobError::OutOfRange { size: 1_000, .. }));
    }
    drop(store);
    let mut config = StoreConfig::new(folder.path(), QUOTA);
    config.memory_bytes = 10;
    let (store, _) = BlobStore::open(config).unwrap();
    let error = store.get(digest).unwrap_err();
    assert!(matches!(error, BlobError::TooLarge { size: 1_000, limit: 10 }));
    assert_eq!(store.range(digest, 5, 10).unwrap().len(), 10);
    assert!(store.range(digest, 5, 11).is_err());
}

#[test]
fn one_folder_belongs_to_one_store() {
    let (store, folder) = local(QUOTA);
    let config = StoreConfig::new(folder.path(), QUOTA);
    assert!(matches!(BlobStore::open(config.clone()), Err(OpenError::Locked { .. })));
    drop(store);
    assert!(BlobStore::open(config).is_ok());
}

#[test]
fn a_folder_of_a_newer_format_is_refused_and_left_alone() {
    let (store, folder) = local(QUOTA);
    drop(store);
    let path = folder.path().join("FORMAT");
    std::fs::write(&path, "tallystick-blobs 2\n").unwrap();
    let error = BlobStore::open(StoreConfig::new(folder.path(), QUOTA)).unwrap_err();
    assert!(matches!(&error, OpenError::Format { found, .. } if found.contains('2')));
    assert_eq!(error.remedy(), Remedy::AskOperator);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "tallystick-blobs 2\n");
}
