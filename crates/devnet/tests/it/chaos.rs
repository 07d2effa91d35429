//! A short run of faults, one of each kind, and the books afterwards.

use tallystick_devnet::chaos::{self, Settings};
use tallystick_devnet::proxy::Fault;

use crate::house::unused_chain;

/// Which faults happen; a long run takes others.
const SEED: u64 = 1;

#[tokio::test(flavor = "multi_thread")]
async fn whatever_dies_every_job_is_paid_once_and_the_books_agree() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        seed: SEED,
        minutes: 0,
        kills: 12,
        strike: false,
        watched_jobs: None,
        partitions: None,
        folder: folder.path().join("network"),
        program: env!("CARGO_BIN_EXE_tallystick-devnet").into(),
        chain: unused_chain(),
    };
    let report = chaos::run(&settings, &|_| {}).await.unwrap();
    if !report.findings.is_empty() {
        let kept = folder.keep();
        panic!("all logs are in {}\n{report}", kept.display());
    }
    let census = &report.census;
    assert!(census.killed() >= 12, "{report}");
    for role in ["coordinator", "worker", "archive", "settler", "client"] {
        assert!(census.kills.contains_key(role), "no {role} was killed\n{report}");
    }
    assert!(!census.reorganisations.is_empty() && census.chain_deaths > 0, "{report}");
    assert!(census.cuts > 0 && census.severed > 0 && census.dark > 0, "{report}");
    // Logs are asked of endpoints that answer well, so that a liar seldom gets the chance.
    for fault in Fault::ALL.iter().filter(|fault| **fault != Fault::EmptyLogs) {
        assert!(report.faults.contains_key(fault), "{fault:?} never happened\n{report}");
    }
}
