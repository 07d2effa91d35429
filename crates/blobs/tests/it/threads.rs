//! Many threads and one store.

use tallystick_blobs::BlobError;
use tallystick_types::WallTime;

use crate::sample::{QUOTA, address, bytes, local};

#[test]
fn many_puts_of_one_blob_at_once_keep_it_once() {
    let (store, _folder) = local(QUOTA);
    let content = bytes(200_000, 4);
    let new = std::thread::scope(|scope| {
        let puts: Vec<_> =
            (0..8).map(|_| scope.spawn(|| store.put(&content).unwrap().existed)).collect();
        puts.into_iter().map(|put| put.join().unwrap()).filter(|old| !old).count()
    });
    assert_eq!(new, 1);
    assert_eq!(store.get(address(&content)).unwrap(), content);
    assert_eq!(store.statistics().blobs, 1);
    assert_eq!(store.statistics().reserved_bytes, 0);
}

#[test]
fn readers_removers_and_collectors_never_see_half_a_blob() {
    let (store, folder) = local(QUOTA);
    let contents: Vec<_> = (0..4).map(|seed| bytes(70_000, seed)).collect();
    std::thread::scope(|scope| {
        let store = &store;
        for content in &contents {
            scope.spawn(move || {
                for _ in 0..25 {
                    store.put(content).unwrap();
                    match store.get(address(content)) {
                        Ok(got) => assert_eq!(&got, content),
                        Err(error) => assert!(matches!(error, BlobError::Missing { .. })),
                    }
                }
            });
        }
        scope.spawn(|| {
            for round in 0..100 {
                store.collect(WallTime::new(round), 100_000).unwrap();
                let digest = address(&contents[round as usize % 4]);
                match store.delete(digest) {
                    Ok(()) | Err(BlobError::Missing { .. } | BlobError::InUse { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        });
    });
    let figures = store.statistics();
    assert_eq!((figures.reserved_bytes, figures.quarantined), (0, 0));
    let files = |name| std::fs::read_dir(folder.path().join(name)).unwrap().count();
    assert_eq!(files("incoming"), 0);
    store.list().into_iter().for_each(|digest| store.verify(digest).unwrap());
}
