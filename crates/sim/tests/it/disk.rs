//! One suite for the simulated disk and for the one of production.

use std::sync::Arc;

use alloy_primitives::Address;
use tallystick_journal::{Network, Shelf};
use tallystick_ports::{Batch, Store, StoreError};
use tallystick_sim::disk::{Disk, Fuse};
use tallystick_types::ChainId;

fn batch(puts: &[(&[u8], &[u8])], deletes: &[&[u8]]) -> Batch {
    let mut batch = Batch::default();
    for (key, value) in puts {
        batch.put(*key, *value);
    }
    for key in deletes {
        batch.delete(*key);
    }
    batch
}

/// What every store does. `again` opens it as a later process does.
fn conforms(open: &dyn Fn() -> Arc<dyn Store>) {
    let store = open();
    assert_eq!(store.get(b"none").unwrap(), None);
    store
        .commit(batch(&[(b"b/2", b"2"), (b"b/1", b"1"), (b"a", b"a"), (b"c", b"c")], &[]))
        .unwrap();
    store.commit(batch(&[(b"b/3", b"3")], &[b"a", b"never"])).unwrap();
    let keys: Vec<_> = store.scan(b"b/").unwrap().into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, [b"b/1", b"b/2", b"b/3"]);
    let mut twice = batch(&[(b"k", b"first")], &[b"k"]);
    twice.put(b"k".as_slice(), b"last".as_slice());
    store.commit(twice).unwrap();
    store.commit(Batch::default()).unwrap();
    drop(store);
    let later = open();
    assert_eq!(later.get(b"k").unwrap().as_deref(), Some(b"last".as_slice()));
    assert_eq!(later.get(b"a").unwrap(), None);
    assert_eq!(later.scan(b"").unwrap().len(), 5);
}

#[test]
fn the_simulated_disk_and_that_of_production_keep_the_same() {
    let disk = Disk::new(Fuse::default());
    conforms(&|| {
        disk.lose_power();
        Arc::new(disk.clone())
    });
    let folder = tempfile::tempdir().unwrap();
    let network = Network { chain: ChainId::new(31_337), jobs: Address::ZERO };
    let path = folder.path().join("shelf");
    conforms(&|| Arc::new(Shelf::open(path.clone(), network).unwrap()));
}

#[test]
fn power_goes_before_or_after_a_commit_and_never_in_it() {
    for after in [false, true] {
        let fuse = Fuse::default();
        let disk = Disk::new(fuse.clone());
        disk.commit(batch(&[(b"1", b"kept")], &[])).unwrap();
        fuse.arm(0, after);
        let two = batch(&[(b"2", b"a"), (b"3", b"b")], &[b"1"]);
        assert!(matches!(disk.commit(two), Err(StoreError::Engine(_))));
        assert!(disk.commit(batch(&[(b"4", b"")], &[])).is_err() && fuse.is_gone());
        fuse.mend();
        disk.lose_power();
        let found = disk.scan(b"").unwrap().len();
        assert_eq!(found, if after { 2 } else { 1 });
    }
}

#[test]
fn a_full_disk_and_one_that_fails_keep_nothing_and_say_which() {
    let disk = Disk::new(Fuse::default());
    disk.set_full(true);
    assert!(matches!(disk.commit(batch(&[(b"1", b"")], &[])), Err(StoreError::NoSpace(_))));
    disk.set_full(false);
    disk.fail_next();
    assert!(matches!(disk.commit(batch(&[(b"1", b"")], &[])), Err(StoreError::Engine(_))));
    assert_eq!(disk.scan(b"").unwrap(), []);
    disk.commit(batch(&[(b"1", b"")], &[])).unwrap();
}

#[test]
fn a_disk_that_lies_about_syncing_loses_what_it_said_it_kept() {
    let disk = Disk::new(Fuse::default());
    disk.lie();
    disk.commit(batch(&[(b"1", b"")], &[])).unwrap();
    disk.lose_power();
    assert_eq!(disk.get(b"1").unwrap(), None);
}
