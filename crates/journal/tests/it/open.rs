//! What is refused when a journal is opened or read.

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};
use tallystick_journal::{FORMAT, Family, Journal, JournalError, Network, Stored, Table};
use tallystick_types::ChainId;

use crate::house::{NETWORK, Sum, folder, open};

type Outcome = Result<(), JournalError>;

const SUMS: Table<u64, Sum> = Table::new(Family::Cursors);

/// A sum as a later program writes it.
#[derive(Debug, Serialize, Deserialize)]
struct WideSum {
    low: u64,
    high: u64,
}

impl Stored for WideSum {
    const VERSION: u8 = 2;
    const NAME: &'static str = "sum";

    fn from_older(version: u8, bytes: &[u8]) -> Option<Self> {
        (version == 1).then_some(())?;
        let (low, _) = postcard::take_from_bytes::<u64>(bytes).ok()?;
        Some(Self { low, high: 0 })
    }
}

const WIDE_SUMS: Table<u64, WideSum> = Table::new(Family::Cursors);

#[test]
fn a_journal_in_use_is_refused() -> Outcome {
    let folder = folder();
    let journal = open(&folder)?;
    assert!(matches!(open(&folder), Err(JournalError::Locked { .. })));
    drop(journal);
    open(&folder).map(drop)
}

#[test]
fn a_journal_of_another_network_is_refused() -> Outcome {
    let folder = folder();
    open(&folder)?;
    let path = folder.path().join("journal");
    let others = [
        Network { chain: ChainId::new(1), ..NETWORK },
        Network { jobs: Address::repeat_byte(1), ..NETWORK },
    ];
    for wanted in others {
        let error = Journal::open(&path, wanted).expect_err("it is another network");
        assert!(error.to_string().contains("give each network a folder of its own"), "{error}");
    }
    open(&folder).map(drop)
}

#[test]
fn a_journal_of_a_newer_format_is_refused_and_left_alone() -> Outcome {
    let folder = folder();
    open(&folder)?;
    let path = folder.path().join("journal");
    write_format(&path, FORMAT + 1);
    for _ in 0..2 {
        let error = open(&folder).expect_err("the format is newer");
        assert!(matches!(error, JournalError::NewerFormat { found, known, .. }
            if found == FORMAT + 1 && known == FORMAT));
    }
    write_format(&path, FORMAT);
    open(&folder).map(drop)
}

#[test]
fn a_value_of_a_newer_version_is_refused_and_an_older_one_is_read() -> Outcome {
    let folder = folder();
    let mut journal = open(&folder)?;
    let mut step = journal.step();
    step.put(SUMS, &1, &Sum(5))?;
    step.put(WIDE_SUMS, &2, &WideSum { low: 1, high: 1 })?;
    step.commit()?;
    let reader = journal.reader();
    let old = reader.get(WIDE_SUMS, &1)?.expect("it was put");
    assert_eq!((old.low, old.high), (5, 0));
    let newer = reader.get(SUMS, &2).expect_err("version 2 is newer");
    let JournalError::UnknownVersion { what, found, known } = newer else {
        unreachable!("another error: {newer}");
    };
    assert_eq!((what, found, known), ("sum", 2, 1));
    Ok(())
}

#[test]
fn damaged_values_are_named_and_never_guessed() -> Outcome {
    let folder = folder();
    open(&folder)?;
    let path = folder.path().join("journal");
    for bytes in [&b""[..], b"\x01", b"\x01\x05\x05"] {
        write_raw(&path, "cursors", &1_u64.to_be_bytes(), bytes);
        let error = open(&folder)?.reader().get(SUMS, &1).expect_err("it is damaged");
        assert!(matches!(error, JournalError::Damaged { family: "cursors", .. }), "{error}");
    }
    write_raw(&path, "cursors", b"odd", b"\x01\x05");
    let error = open(&folder)?.reader().scan(SUMS, b"o").expect_err("no key looks like this");
    assert!(error.to_string().contains("a key of 3 bytes"), "{error}");
    Ok(())
}

fn write_format(path: &std::path::Path, format: u32) {
    write_raw(path, "meta", b"format", &format.to_be_bytes());
}

/// Writes past the journal, as a newer program or a broken disk would.
fn write_raw(path: &std::path::Path, family: &str, key: &[u8], value: &[u8]) {
    let options = rocksdb::Options::default();
    let families = rocksdb::DB::list_cf(&options, path).expect("the journal is there");
    let db = rocksdb::DB::open_cf(&options, path, families).expect("nobody has it open");
    let family = db.cf_handle(family).expect("every journal has it");
    db.put_cf(family, key, value).expect("the disk takes it");
}
