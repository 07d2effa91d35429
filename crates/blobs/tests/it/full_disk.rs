//! Quotas and disks that are full: an error that says so, and nothing lost.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;

use tallystick_blobs::{BlobError, BlobStore, PutOptions, Remedy, StoreConfig};

use crate::faulty_disk::FaultyDisk;
use crate::sample::{QUOTA, bytes, local, on, reopened};

#[test]
fn a_quota_is_kept_to_the_byte_and_says_what_is_missing() {
    let (store, folder) = local(3_000);
    let first = store.put(&bytes(1_000, 1)).unwrap().digest;
    let free = store.statistics().free_bytes;
    assert_eq!(free, 3_000 - 1_000 - 32 - 82);
    let error = store.put(&bytes(free as usize, 2)).unwrap_err();
    assert!(matches!(error, BlobError::NoSpace { needed, free: left }
        if needed == free + 32 + 82 && left == free));
    assert_eq!(error.remedy(), Remedy::FreeSpace);
    assert_eq!(store.statistics().free_bytes, free);
    store.put(&bytes(free as usize - 32 - 82, 3)).unwrap();
    assert_eq!(store.statistics().free_bytes, 0);
    assert_eq!(store.get(first).unwrap(), bytes(1_000, 1));
    drop(store);
    let (store, _) = reopened(folder.path(), 3_000);
    assert_eq!(store.statistics().free_bytes, 0);
}

#[test]
fn space_is_promised_before_it_is_written() {
    let (store, _folder) = local(10_000);
    let options = PutOptions { size: Some(6_000), ..PutOptions::default() };
    let writer = store.writer(options).unwrap();
    assert!(matches!(store.put(&bytes(5_000, 1)), Err(BlobError::NoSpace { .. })));
    drop(writer);
    store.put(&bytes(5_000, 1)).unwrap();
    let endless = store.put_with(std::io::repeat(1), PutOptions::default()).unwrap_err();
    assert!(matches!(endless, BlobError::NoSpace { .. }));
    assert_eq!(store.statistics().reserved_bytes, 0);
}

#[test]
fn a_full_disk_loses_nothing_and_leaves_nothing() {
    let disk = Arc::new(FaultyDisk::default());
    let (store, _) = on(&disk, QUOTA);
    disk.limit(100_000);
    let kept = store.put(&bytes(60_000, 1)).unwrap().digest;
    for size in [60_000, 40_000, 39_800] {
        let error = store.put(&bytes(size, 2)).unwrap_err();
        assert!(matches!(error, BlobError::DiskFull { .. }), "{error}");
        assert_eq!(error.remedy(), Remedy::AskOperator);
        assert_eq!(disk.used_below("/store/incoming"), 0);
    }
    assert_eq!(store.get(kept).unwrap(), bytes(60_000, 1));
    assert_eq!(store.list(), [kept]);
    store.delete(kept).unwrap();
    store.put(&bytes(60_000, 2)).unwrap();
}

#[test]
fn a_writer_that_failed_once_never_finishes() {
    let disk = Arc::new(FaultyDisk::default());
    let (store, _) = on(&disk, QUOTA);
    let mut writer = store.writer(PutOptions::default()).unwrap();
    disk.limit(1_000);
    assert!(writer.write(&bytes(2_000, 1)).is_err());
    disk.limit(1 << 20);
    assert!(writer.write(&bytes(2_000, 1)).is_err());
    assert!(matches!(writer.finish(), Err(BlobError::Io { .. })));
    assert_eq!(store.list(), []);
}

/// Run again by the test below, in a process whose files may not grow beyond a limit.
#[test]
fn a_real_file_that_may_not_grow_is_a_full_disk() {
    const FOLDER: &str = "TALLY_TEST_LIMITED_FOLDER";
    if let Ok(folder) = std::env::var(FOLDER) {
        let (store, _) = BlobStore::open(StoreConfig::new(&folder, QUOTA)).unwrap();
        let kept = store.put(&bytes(100_000, 1)).unwrap().digest;
        let error = store.put(&bytes(2_000_000, 2)).unwrap_err();
        assert!(matches!(error, BlobError::DiskFull { .. }), "{error}");
        assert_eq!(store.get(kept).unwrap(), bytes(100_000, 1));
        assert_eq!(store.list(), [kept]);
        let incoming = std::path::Path::new(&folder).join("incoming");
        assert_eq!(std::fs::read_dir(incoming).unwrap().count(), 0);
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let test = "full_disk::a_real_file_that_may_not_grow_is_a_full_disk";
    // 1 MiB in the shell's unit; an ignored signal turns the limit into an error.
    let limited = "trap '' XFSZ; ulimit -f 1024; exec \"$0\" --exact \"$1\"";
    let status = Command::new("bash")
        .arg0("bash")
        .args(["-c", limited])
        .arg(std::env::current_exe().unwrap())
        .arg(test)
        .env(FOLDER, folder.path())
        .status()
        .unwrap();
    assert!(status.success());
    let (store, report) = reopened(folder.path(), QUOTA);
    assert_eq!((report.blobs, report.swept), (1, 0));
    assert_eq!(store.list().len(), 1);
}
