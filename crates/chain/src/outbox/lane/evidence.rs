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

/// Weighs what each endpoint saw. `quorum` of them must agree; who gave no answer about the nonce
/// says nothing.
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
    let is_absent = |sight: &&Sight| receipt_of(sight).is_none() && !sight.unread.contains(&nonce);
    let absent = || sights.iter().filter(is_absent);
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use alloy_primitives::{B256, U256};

    use super::*;

    const NONCE: u64 = 7;

    /// What an endpoint says of the nonce: that it was used for ours, that it was not, or nothing.
    fn sight(receipt: Option<bool>) -> Sight {
        let seen = SeenReceipt {
            tx: B256::repeat_byte(1),
            block: 5,
            block_hash: B256::repeat_byte(2),
            success: true,
            is_final: true,
        };
        Sight {
            chain: 1,
            head: 9,
            base_fee: 1,
            tip: 1,
            final_nonce: 9,
            latest_nonce: 9,
            pending_nonce: 9,
            balance: U256::ZERO,
            receipts: receipt
                .filter(|is_there| *is_there)
                .map(|_| (NONCE, seen))
                .into_iter()
                .collect(),
            unread: receipt.is_none().then_some(NONCE).into_iter().collect::<BTreeSet<_>>(),
        }
    }

    fn weighed(said: [Option<bool>; 3]) -> Evidence {
        weigh(NONCE, &said.map(sight), 2)
    }

    #[test]
    fn who_gives_no_answer_about_a_nonce_says_neither_that_it_is_ours_nor_that_it_is_not() {
        assert!(matches!(weighed([Some(true), None, Some(true)]), Evidence::Mined(_)));
        assert_eq!(weighed([Some(true), None, None]), Evidence::Unclear);
        assert_eq!(weighed([Some(false), None, None]), Evidence::Unclear);
        assert_eq!(weighed([Some(false), None, Some(false)]), Evidence::Foreign);
        assert_eq!(weighed([Some(true), Some(false), Some(false)]), Evidence::Absent);
        assert_eq!(weighed([None; 3]), Evidence::Unclear);
    }
}
