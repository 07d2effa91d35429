//! What the tests keep in a journal.

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};
use tallystick_journal::{JobRecord, JobStatus, Journal, JournalError, Network, Stored};
use tallystick_types::{ChainId, IdentityKey, JobId, Policy, Privacy, WallTime};
use tempfile::TempDir;

/// An event of the tests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Added(pub(crate) u64);

impl Stored for Added {
    const VERSION: u8 = 1;
    const NAME: &'static str = "addition";
}

/// The sum of all events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sum(pub(crate) u64);

impl Stored for Sum {
    const VERSION: u8 = 1;
    const NAME: &'static str = "sum";
}

pub(crate) const NETWORK: Network = Network { chain: ChainId::new(31_337), jobs: Address::ZERO };

pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().expect("the system has a folder for temporary files")
}

pub(crate) fn open(folder: &TempDir) -> Result<Journal, JournalError> {
    Journal::open(folder.path().join("journal"), NETWORK)
}

pub(crate) fn job(number: u8) -> JobId {
    JobId::new([number; 32])
}

pub(crate) fn node(number: u8) -> IdentityKey {
    IdentityKey::new([number; 32])
}

pub(crate) fn time(milliseconds: u64) -> WallTime {
    WallTime::new(milliseconds)
}

pub(crate) fn pending() -> JobRecord {
    JobRecord {
        kind: "wasm".to_owned(),
        policy: Policy::default(),
        privacy: Privacy::default(),
        user: Address::repeat_byte(7),
        status: JobStatus::default(),
        payload: vec![1, 2, 3],
        result: None,
        worker: None,
        created_at: time(1000),
        completed_at: None,
    }
}
