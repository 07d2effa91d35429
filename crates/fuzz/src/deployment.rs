//! The record of where contracts live.

use std::fs;
use std::sync::LazyLock;

use tallystick_abi::deployment::record_path;
use tallystick_abi::{Contract, Deployment};
use tallystick_types::ChainId;
use tempfile::TempDir;

/// The chain whose record is asked for.
const CHAIN: ChainId = ChainId::new(31_337);

static FOLDER: LazyLock<TempDir> =
    LazyLock::new(|| tempfile::tempdir().expect("a folder for records can be made"));

/// Reads one input, the file of chain 31337. A record that is taken is complete, and is taken
/// again as it is written.
pub fn read(bytes: &[u8]) {
    match record(bytes) {
        Ok(record) => {
            for contract in Contract::ALL {
                assert!(!record.address(contract).is_zero(), "{contract:?}");
            }
            let written = serde_json::to_vec(&record).expect("a record is JSON");
            assert_eq!(self::record(&written).ok(), Some(record));
        }
        Err(refusal) => assert!(!refusal.to_string().is_empty()),
    }
}

fn record(bytes: &[u8]) -> Result<Deployment, tallystick_abi::DeploymentError> {
    fs::write(record_path(FOLDER.path(), CHAIN), bytes).expect("the folder takes a record");
    Deployment::read(FOLDER.path(), CHAIN)
}
