//! Deployment records: which contracts are the network's.

use std::fs;
use std::path::Path;

use tallystick_abi::Deployment;
use tallystick_types::ChainId;

use crate::failure::Failure;

/// The record of a chain; where none is named, the only one in the folder.
pub(crate) fn read(folder: &Path, chain: Option<u64>) -> Result<Deployment, Failure> {
    let chain = match chain {
        Some(chain) => chain,
        None => only(folder)?,
    };
    Deployment::read(folder, ChainId::new(chain)).map_err(Failure::usage)
}

fn only(folder: &Path) -> Result<u64, Failure> {
    let entries = fs::read_dir(folder).map_err(|error| {
        Failure::misused(format!("{}: {error}; name another folder", folder.display()))
    })?;
    let number = |entry: fs::DirEntry| {
        let name = entry.file_name();
        name.to_str()?.strip_suffix(".json")?.parse::<u64>().ok()
    };
    let chains: Vec<u64> = entries.filter_map(Result::ok).filter_map(number).collect();
    match chains.as_slice() {
        [chain] => Ok(*chain),
        found => Err(Failure::misused(format!(
            "{} has {} records; say which one with --chain",
            folder.display(),
            found.len()
        ))),
    }
}
