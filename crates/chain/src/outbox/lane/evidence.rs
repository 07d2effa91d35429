//! What the endpoints say together about one nonce.

use super::super::answer::{SeenReceipt, Sight};

/// What is to be believed about a nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Evidence {
    /// One of our transactions is in this block.
    Mined(SeenReceipt),
    /// None of ours is in a block.
    Absent,
    /// A final block used the nonce, and not for one of ours.
    Foreign,
    /// They contradict each other.
    Unclear,
}

/// Weighs what each endpoint saw. `quorum` of them must agree.
pub(super) fn weigh(nonce: u64, sights: &[Sight], quorum: usize) -> Evidence {
    let receipt_of = |sight: &Sight| {
        sight.receipts.iter().find(|(of, _)| *of == nonce).map(|(_, receipt)| *receipt)
    };
    let receipts: Vec<SeenReceipt> = sights.iter().filter_map(receipt_of).collect();
    for receipt in &receipts {
        let same = |other: &&SeenReceipt| {
            (other.tx, other.block_hash, other.success)
                == (receipt.tx, receipt.block_hash, receipt.success)
        };
        let agreeing: Vec<&SeenReceipt> = receipts.iter().filter(same).collect();
        if agreeing.len() >= quorum {
            let finals = agreeing.iter().filter(|other| other.is_final).count();
            return Evidence::Mined(SeenReceipt { is_final: finals >= quorum, ..*receipt });
        }
    }
    let absent = || sights.iter().filter(|sight| receipt_of(sight).is_none());
    if absent().count() < quorum {
        return Evidence::Unclear;
    }
    let used = absent().filter(|sight| sight.final_nonce > nonce).count();
    match (receipts.is_empty(), used >= quorum) {
        (true, true) => Evidence::Foreign,
        _ => Evidence::Absent,
    }
}

/// The value in the middle, the lower of two: one liar among three moves nothing.
pub(super) fn middle<T: Ord + Copy>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    values.get(values.len().checked_sub(1)?.checked_div(2)?).copied()
}

/// The highest value that `quorum` endpoints reach.
pub(super) fn reached(values: impl Iterator<Item = u64>, quorum: usize) -> Option<u64> {
    let mut values: Vec<u64> = values.collect();
    values.sort_unstable_by(|one, other| other.cmp(one));
    values.get(quorum.checked_sub(1)?).copied()
}
