//! Simulations of the shells, each in a process of its own.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::tempdir;

fn simulate(seed: u64, others: &[&str], trace: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tallystick-sim-shells"))
        .args(["--seed", &seed.to_string(), "--trace"])
        .arg(trace)
        .args(others)
        .output()
        .expect("the simulator starts")
}

/// The trace of a run in which everything held.
fn trace(seed: u64, others: &[&str]) -> Vec<u8> {
    let folder = tempdir().expect("there is room for a folder");
    let path = folder.path().join("trace");
    let ran = simulate(seed, others, &path);
    let (said, trouble) =
        (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "seed {seed} {others:?}: {said}{trouble}");
    fs::read(path).expect("the simulator wrote its trace")
}

/// Where two traces differ first.
fn difference(one: &[u8], other: &[u8]) -> Option<String> {
    let lines = |trace: &[u8]| String::from_utf8_lossy(trace).lines().map(str::to_owned).collect();
    let (one, other): (Vec<String>, Vec<String>) = (lines(one), lines(other));
    let number = one.iter().zip(&other).position(|(one, other)| one != other);
    let number = number.or((one.len() != other.len()).then(|| one.len().min(other.len())))?;
    Some(format!("line {}: {:?} and {:?}", number + 1, one.get(number), other.get(number)))
}

#[test]
fn jobs_by_order_and_by_call_are_settled_and_each_seed_has_its_own_course_of_events() {
    let first = trace(1, &["--fair"]);
    let told = String::from_utf8_lossy(&first);
    let settled =
        told.lines().filter(|line| line.contains(" chain ") && line.contains("Settled {"));
    assert_eq!(settled.count(), 2);
    assert_eq!(difference(&first, &trace(1, &["--fair"])), None);
    assert!(difference(&first, &trace(2, &["--fair"])).is_some());
}

#[test]
fn under_faults_everything_ends_well_and_again_in_the_same_way() {
    let seed = 11;
    let first = trace(seed, &[]);
    let told = String::from_utf8_lossy(&first);
    let wanted =
        ["lies: LyingTip", "lies: NullReceipt", "Crash(\"endpoint-", "hears Some(Quarantined("];
    for wanted in wanted {
        assert!(told.contains(wanted), "seed {seed} has no {wanted}");
    }
    assert_eq!(difference(&first, &trace(seed, &[])), None, "seed {seed}");
}

#[test]
fn a_disk_that_says_it_synced_is_noticed() {
    let folder = tempdir().expect("there is room for a folder");
    for (seed, machine) in [(8, "worker-0"), (3, "archive")] {
        let ran = simulate(seed, &["--lying-disk", machine], &folder.path().join("trace"));
        let said = String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.code() == Some(1) && said.contains("FAILED"), "{machine}: {said}");
    }
}
