use super::{Batch, MemoryStore, Store, StoreError};

fn one(key: &[u8], value: &[u8]) -> Batch {
    let mut batch = Batch::default();
    batch.put(key, value);
    batch
}

#[test]
fn a_scan_finds_exactly_the_keys_with_a_prefix_in_their_order() {
    let store = MemoryStore::default();
    for key in [b"b/2".as_slice(), b"b/1", b"a/9", b"c/0", b"b"] {
        store.commit(one(key, key)).unwrap();
    }
    let keys: Vec<_> = store.scan(b"b/").unwrap().into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, [b"b/1", b"b/2"]);
}

#[test]
fn the_last_change_to_a_key_wins() {
    let store = MemoryStore::default();
    let mut batch = one(b"key", b"first");
    batch.delete(b"key".as_slice());
    batch.put(b"key".as_slice(), b"last".as_slice());
    store.commit(batch).unwrap();
    assert_eq!(store.get(b"key").unwrap().as_deref(), Some(b"last".as_slice()));
}

#[test]
fn a_commit_that_fails_keeps_nothing_and_a_clone_has_what_was_kept() {
    let store = MemoryStore::default();
    store.fail_after(1);
    store.commit(one(b"kept", b"1")).unwrap();
    assert!(matches!(store.commit(one(b"lost", b"1")), Err(StoreError::NoSpace(_))));
    let restarted = store.clone();
    drop(store);
    assert_eq!(restarted.get(b"lost").unwrap(), None);
    assert_eq!(restarted.get(b"kept").unwrap().as_deref(), Some(b"1".as_slice()));
    restarted.mend();
    restarted.commit(one(b"lost", b"2")).unwrap();
    assert_eq!(restarted.commits(), 2);
}
