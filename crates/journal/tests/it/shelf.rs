//! A shelf: what is refused, what survives.

use std::io::{BufRead, BufReader, Write};

use tallystick_journal::{JournalError, Network, Shelf};
use tallystick_ports::{Batch, DiskFull, Store, StoreError};
use tallystick_types::ChainId;
use tempfile::TempDir;

use crate::crash::{FOLDER, SMALL_FILES, UNLIMITED, start};
use crate::house::{NETWORK, folder};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn open(folder: &TempDir) -> Result<Shelf, JournalError> {
    Shelf::open(folder.path().join("journal"), NETWORK)
}

fn put(entries: &[(&[u8], &[u8])]) -> Batch {
    let mut batch = Batch::default();
    for (key, value) in entries {
        batch.put(*key, *value);
    }
    batch
}

/// The child of the tests below: two entries a batch, for ever.
#[test]
#[ignore = "runs as the child of another test"]
fn writer() {
    let Ok(path) = std::env::var(FOLDER) else { return };
    let mut out = std::io::stdout();
    let shelf = Shelf::open(path, NETWORK).expect("the folder is ours");
    let kept = shelf.scan(b"left/").expect("it can be read").len() as u64;
    for number in kept + 1.. {
        let mut batch = Batch::default();
        batch.put([b"left/".as_slice(), &number.to_be_bytes()].concat(), vec![7; 1024]);
        batch.put([b"right/".as_slice(), &number.to_be_bytes()].concat(), vec![7; 1024]);
        match shelf.commit(batch) {
            Ok(()) => writeln!(out, "kept {number}").expect("the parent listens"),
            Err(error) => {
                writeln!(out, "refused {error:?}").expect("the parent listens");
                return;
            }
        }
    }
}

#[test]
fn a_shelf_is_a_store_whose_clones_see_the_same_and_survives_its_last_clone() -> Outcome {
    let folder = folder();
    let shelf = open(&folder)?;
    let other = shelf.clone();
    shelf.commit(put(&[
        (b"b/2", b"2"),
        (b"b/1", b"1"),
        (b"a/9", b"9"),
        (b"c", b""),
        (b"b", b""),
    ]))?;
    let mut batch = put(&[(b"b/3", b"first")]);
    batch.delete(b"b/3".as_slice());
    batch.put(b"b/3".as_slice(), b"last".as_slice());
    batch.delete(b"b/2".as_slice());
    other.commit(batch)?;
    drop((shelf, other));

    let shelf = open(&folder)?;
    let entry = |key: &[u8], value: &[u8]| (key.to_vec(), value.to_vec());
    assert_eq!(shelf.scan(b"b/")?, [entry(b"b/1", b"1"), entry(b"b/3", b"last")]);
    assert_eq!(shelf.scan(b"")?.len(), 5);
    assert_eq!((shelf.get(b"b/2")?, shelf.get(b"c")?), (None, Some(Vec::new())));
    Ok(())
}

#[test]
fn a_shelf_in_use_of_another_network_or_of_a_newer_format_is_refused() -> Outcome {
    let folder = folder();
    let shelf = open(&folder)?;
    assert!(matches!(open(&folder), Err(JournalError::Locked { .. })));
    drop(shelf);

    let path = folder.path().join("journal");
    let wanted = Network { chain: ChainId::new(1), ..NETWORK };
    let error = Shelf::open(&path, wanted).expect_err("it is another network");
    assert!(matches!(error, JournalError::WrongNetwork { found: NETWORK, .. }), "{error}");

    let options = rocksdb::Options::default();
    let db = rocksdb::DB::open_cf(&options, &path, ["default", "entries"])?;
    db.put(b"format", 2_u32.to_be_bytes())?;
    drop(db);
    let error = open(&folder).expect_err("the format is newer");
    assert!(matches!(error, JournalError::NewerFormat { found: 2, known: 1, .. }), "{error}");
    Ok(())
}

#[test]
fn a_killed_owner_loses_no_batch_that_was_kept_and_keeps_no_half_one() -> Outcome {
    let folder = folder();
    let mut kept = 0;
    for round in 1..=3 {
        let mut child = start("shelf::writer", folder.path(), UNLIMITED);
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        for line in lines {
            let line = line.expect("the child writes text");
            if let Some(number) = line.rsplit("kept ").next().and_then(|text| text.parse().ok()) {
                kept = number;
            }
            if kept >= 40 * round {
                child.kill().expect("it is our child");
                break;
            }
        }
        child.wait().expect("it is our child");
        check(&folder, kept)?;
    }
    Ok(())
}

#[test]
fn a_full_disk_is_told_apart_and_costs_nothing_that_was_kept() -> Outcome {
    let folder = folder();
    let mut child = start("shelf::writer", folder.path(), SMALL_FILES);
    let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let (mut kept, mut refused) = (0, String::new());
    for line in lines.map_while(Result::ok) {
        if let Some(number) = line.rsplit("kept ").next().and_then(|text| text.parse().ok()) {
            kept = number;
        } else if line.contains("refused ") {
            refused = line;
        }
    }
    child.wait().expect("it is our child");
    assert!(
        refused.ends_with(&format!("{:?}", StoreError::NoSpace(DiskFull))),
        "it ended so: {refused}"
    );
    assert!(kept > 0, "nothing was kept before");
    check(&folder, kept)?;
    let shelf = open(&folder)?;
    shelf.commit(put(&[(b"after", b"there is space again")]))?;
    Ok(())
}

/// At least the acknowledged batches are there, none of them half.
fn check(folder: &TempDir, kept: u64) -> Outcome {
    let shelf = open(folder)?;
    let left = shelf.scan(b"left/")?;
    assert!(left.len() as u64 >= kept, "{} of {kept} batches are left", left.len());
    assert_eq!(left.len(), shelf.scan(b"right/")?.len(), "a batch is half");
    Ok(())
}
