//! The file in which Anvil keeps the chain. It is written in place and slowly, and after a
//! reorganisation sometimes without the blocks that came in place of others: an Anvil that starts
//! with such a file has a hole for ever.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use alloy_primitives::U64;
use serde::Deserialize;

/// How long the file must have been left alone to be written to its end.
const QUIET: Duration = Duration::from_millis(250);

#[derive(Deserialize)]
struct Kept {
    best_block_number: u64,
    blocks: Vec<Block>,
}

#[derive(Deserialize)]
struct Block {
    header: Header,
}

#[derive(Deserialize)]
struct Header {
    number: U64,
}

/// What came of an attempt to copy the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Copied {
    /// The copy is a whole chain.
    Whole,
    /// The file is being written.
    Busy,
    /// The file lacks blocks, so that no copy was made.
    Lacks(Vec<u64>),
}

/// Copies the file, where nobody writes it and no block is missing in it.
pub(super) fn copy(file: &Path, copy: &Path) -> io::Result<Copied> {
    let changed = fs::metadata(file)?.modified()?;
    if changed.elapsed().unwrap_or_default() < QUIET {
        return Ok(Copied::Busy);
    }
    let bytes = fs::read(file)?;
    if fs::metadata(file)?.modified()? != changed {
        return Ok(Copied::Busy);
    }
    let missing = missing(&bytes)?;
    if !missing.is_empty() {
        return Ok(Copied::Lacks(missing));
    }
    fs::write(copy, bytes)?;
    Ok(Copied::Whole)
}

/// Heights up to the newest block of which the file has no block.
fn missing(bytes: &[u8]) -> io::Result<Vec<u64>> {
    let kept: Kept = serde_json::from_slice(bytes)?;
    let there: BTreeSet<u64> = kept.blocks.iter().map(|block| block.header.number.to()).collect();
    Ok((0..=kept.best_block_number).filter(|number| !there.contains(number)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(best: u64, numbers: &[u64]) -> Vec<u8> {
        let block = |number: &u64| {
            let header = serde_json::json!({ "number": format!("{number:#x}"), "nonce": "0x0" });
            serde_json::json!({ "header": header })
        };
        let blocks: Vec<_> = numbers.iter().map(block).collect();
        let kept = serde_json::json!({ "best_block_number": best, "blocks": blocks, "more": 1 });
        serde_json::to_vec(&kept).unwrap()
    }

    #[test]
    fn a_block_of_an_abandoned_branch_makes_up_for_none_that_is_missing() {
        assert!(missing(&file(3, &[2, 0, 3, 1])).unwrap().is_empty());
        assert_eq!(missing(&file(4, &[4, 0, 1, 1, 1])).unwrap(), [2, 3]);
    }

    #[test]
    fn only_a_whole_file_that_nobody_writes_is_copied() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("kept"), folder.path().join("copy"));
        fs::write(&from, file(1, &[0, 1])).unwrap();
        assert_eq!(copy(&from, &to).unwrap(), Copied::Busy);
        std::thread::sleep(2 * QUIET);
        assert_eq!(copy(&from, &to).unwrap(), Copied::Whole);
        assert_eq!(fs::read(&to).unwrap(), fs::read(&from).unwrap());
        fs::write(&from, file(2, &[0, 2])).unwrap();
        std::thread::sleep(2 * QUIET);
        assert_eq!(copy(&from, &to).unwrap(), Copied::Lacks(vec![1]));
        assert_eq!(fs::read(&to).unwrap(), file(1, &[0, 1]));
    }
}
