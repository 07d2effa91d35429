//! `cargo xtask vectors`: examples that every language computes and must agree on.
//!
//! Each file of `test/vectors` is an object of lists; a case holds what goes in and what comes out.
//! Amounts and large numbers are strings of decimal digits, words and digests `0x` and 64 digits.
//! Rust writes them; a Foundry test and the SDKs compute the same from their own code.

mod commitments;
mod eip712;
mod merkle;
mod packing;
mod sample;
mod shares;

use std::io::Write;
use std::path::Path;

use alloy_primitives::U256;

use crate::record::{self, Record, RecordError};

/// Writes or checks the files. True when nothing is left to do.
pub(crate) fn run(root: &Path, check: bool, report: &mut impl Write) -> Result<bool, RecordError> {
    let records = records();
    if check {
        return record::check(root, "vectors", &records, report);
    }
    record::write(root, &records, report)?;
    Ok(true)
}

fn records() -> Vec<Record> {
    [
        ("commitments", commitments::cases()),
        ("eip712", eip712::cases()),
        ("merkle", merkle::cases()),
        ("packing", packing::cases()),
        ("shares", shares::cases()),
    ]
    .map(|(name, cases)| Record::json(format!("test/vectors/{name}.json"), &cases))
    .to_vec()
}

/// A word with all its digits.
fn word(word: U256) -> String {
    format!("0x{word:064x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root;

    #[test]
    fn the_vectors_are_fresh() {
        let mut report = Vec::new();
        let fresh = run(&root::folder(), true, &mut report).unwrap();
        assert!(fresh, "{}", String::from_utf8_lossy(&report));
    }
}
