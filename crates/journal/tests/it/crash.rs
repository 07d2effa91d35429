//! A writer that is killed, and a writer that may write no more.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tallystick_journal::{EventNumber, Family, JobRecord, Journal, JournalError, Table};

use crate::house::{Added, NETWORK, Sum, folder, job, pending};

pub(crate) const FOLDER: &str = "TALLY_JOURNAL_TEST_FOLDER";
const SUMS: Table<u64, Sum> = Table::new(Family::Cursors);
const KEY: u64 = 0;

/// Runs the child as it is.
pub(crate) const UNLIMITED: &str = "exec \"$0\" \"$@\"";

/// 256 blocks of 512 bytes a file: enough to begin, and soon too little for the engine's log.
pub(crate) const SMALL_FILES: &str = "trap '' XFSZ; ulimit -f 256; exec \"$0\" \"$@\"";

/// The child of the tests below: one event and its sum a step, for ever, with a line of output for
/// each step that was kept, and one for the error that ends it.
#[test]
#[ignore = "runs as the child of another test"]
fn writer() {
    let Ok(path) = std::env::var(FOLDER) else { return };
    let mut out = std::io::stdout();
    let mut journal = Journal::open(path, NETWORK).expect("the folder is ours");
    loop {
        match add(&mut journal) {
            Ok(number) => writeln!(out, "kept {number}").expect("the parent listens"),
            Err(error) => {
                writeln!(out, "refused {error:?}").expect("the parent listens");
                return;
            }
        }
    }
}

fn add(journal: &mut Journal) -> Result<u64, JournalError> {
    let mut step = journal.step();
    let sum = step.get(SUMS, &KEY)?.unwrap_or_default();
    let number = step.append(&Added(7))?.get();
    step.put(SUMS, &KEY, &Sum(sum.0 + 7))?;
    step.put_job(job(1), &JobRecord { payload: vec![7; 1024], ..pending() })?;
    step.commit()?;
    Ok(number)
}

#[test]
fn a_killed_writer_loses_nothing_that_was_kept_and_keeps_no_half_step() {
    let folder = folder();
    let mut kept = 0;
    for round in 1..=3 {
        let mut child = start("crash::writer", folder.path(), UNLIMITED);
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
        check(folder.path(), kept);
    }
}

#[test]
fn a_writer_without_space_says_so_and_loses_nothing() {
    let folder = folder();
    let mut child = start("crash::writer", folder.path(), SMALL_FILES);
    let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let mut kept = 0;
    let mut refused = String::new();
    for line in lines.map_while(Result::ok) {
        if let Some(number) = line.rsplit("kept ").next().and_then(|text| text.parse().ok()) {
            kept = number;
        } else if line.contains("refused ") {
            refused = line;
        }
    }
    child.wait().expect("it is our child");
    assert!(refused.contains("NoSpace"), "the writer ended otherwise: {refused}");
    assert!(kept > 0, "nothing was kept before");
    check(folder.path(), kept);
}

pub(crate) fn start(writer: &str, folder: &Path, script: &str) -> Child {
    let tests = std::env::current_exe().expect("the test runs from a file");
    Command::new("sh")
        .args(["-c", script])
        .arg(tests)
        .args(["--exact", writer, "--ignored", "--nocapture"])
        .env(FOLDER, folder.join("journal"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("every system has sh")
}

/// At least the acknowledged steps are there, none of them half.
fn check(folder: &Path, kept: u64) {
    let mut journal = Journal::open(folder.join("journal"), NETWORK).expect("it opens again");
    let reader = journal.reader();
    let events = reader.events::<Added>(EventNumber::FIRST).expect("the family is there");
    let events: Vec<_> = events.collect::<Result<_, _>>().expect("no event is missing");
    let count = events.len() as u64;
    assert!(count >= kept, "{count} of {kept} events are left");
    let sum = reader.get(SUMS, &KEY).expect("it can be read").unwrap_or_default();
    assert_eq!(sum.0, count * 7, "an event without its sum");
    assert_eq!(add(&mut journal).expect("there is space again"), count + 1);
}
