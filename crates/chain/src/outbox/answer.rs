//! What endpoints say, sorted into what may follow from it.

use alloy_primitives::{B256, U256};

/// What one endpoint saw in one look, asked in the order of the fields: an account's nonce before
/// the receipts, so that a receipt that was missing cannot have come in between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// The chain that it speaks for.
    pub chain: u64,
    /// Its newest block.
    pub head: u64,
    /// The newest block's base fee, in wei per unit of gas.
    pub base_fee: u128,
    /// The tip that it suggests, in wei per unit of gas.
    pub tip: u128,
    /// The account's nonce at a final block.
    pub final_nonce: u64,
    /// The account's nonce at the newest block.
    pub latest_nonce: u64,
    /// The account's nonce with what waits in its pool.
    pub pending_nonce: u64,
    /// What the account has, in wei.
    pub balance: U256,
    /// What it knows of each nonce that was asked for.
    pub nonces: Vec<(u64, Found)>,
}

/// What one endpoint knows of a nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// None of our transactions.
    Nothing,
    /// One of our transactions in a block of its chain.
    Receipt(SeenReceipt),
}

/// A receipt in a block that the endpoint still has in its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeenReceipt {
    /// The transaction.
    pub tx: B256,
    /// Number of its block.
    pub block: u64,
    /// Hash of its block.
    pub block_hash: B256,
    /// Whether it took effect.
    pub success: bool,
    /// Whether the block is final.
    pub is_final: bool,
}

/// What one endpoint says about a call that is not yet sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trial {
    /// It would run with this gas.
    Gas(u64),
    /// It would be refused, with the decoded reason.
    Refused(String),
    /// Not tried: the guard says that it is done.
    GuardDone {
        /// Whether a final block says so.
        is_final: bool,
    },
}

/// What one endpoint's answer to signed bytes means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendAnswer {
    /// It has them.
    Taken,
    /// The nonce is used, by us or by somebody else: the chain tells.
    NonceTooLow,
    /// A lower nonce is missing there.
    NonceTooHigh,
    /// The price is too low, to enter or to replace.
    Underpriced,
    /// The account cannot pay for it.
    NoFunds,
    /// The gas limit does not fit.
    GasLimit,
    /// Signed for another chain or account.
    WrongSigner,
    /// Anything else, and no answer at all: it may have them or not.
    Unknown,
}

impl SendAnswer {
    /// Sorts the text of an endpoint's error. Endpoints have no codes for these in their own right.
    pub fn of_error(text: &str) -> Self {
        let text = text.to_lowercase();
        let says = |parts: &[&str]| parts.iter().any(|part| text.contains(part));
        if says(&["already known", "already imported", "known transaction", "alreadyknown"]) {
            Self::Taken
        } else if says(&["nonce too low", "nonce is too low", "nonce has already been used"]) {
            Self::NonceTooLow
        } else if says(&["nonce too high", "nonce gap", "nonce too far", "nonce is too high"]) {
            Self::NonceTooHigh
        } else if says(&["underpriced", "less than block base fee", "max fee per gas less than"])
            || says(&["fee too low", "feetoolow", "gas price below", "gas price too low"])
        {
            Self::Underpriced
        } else if says(&["insufficient funds", "insufficient balance", "exceeds the balance"]) {
            Self::NoFunds
        } else if says(&["intrinsic gas", "exceeds block gas", "gas limit too", "block gas limit"])
        {
            Self::GasLimit
        } else if says(&["invalid chain", "chain id", "invalid sender", "invalid signer"]) {
            Self::WrongSigner
        } else {
            Self::Unknown
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_usual_nodes_are_understood() {
        for (text, meaning) in [
            ("already known", SendAnswer::Taken),
            ("AlreadyKnown", SendAnswer::Taken),
            ("transaction already imported", SendAnswer::Taken),
            ("nonce too low: next nonce 5, tx nonce 3", SendAnswer::NonceTooLow),
            ("nonce too high: address 0x0, tx: 9 state: 3", SendAnswer::NonceTooHigh),
            ("replacement transaction underpriced", SendAnswer::Underpriced),
            ("transaction underpriced: tip needed 1", SendAnswer::Underpriced),
            ("max fee per gas less than block base fee: address 0x0", SendAnswer::Underpriced),
            ("insufficient funds for gas * price + value", SendAnswer::NoFunds),
            ("Insufficient funds for gas * price + value", SendAnswer::NoFunds),
            ("intrinsic gas too low: have 1, want 21000", SendAnswer::GasLimit),
            ("exceeds block gas limit", SendAnswer::GasLimit),
            ("invalid chain id for signer: have 1 want 2", SendAnswer::WrongSigner),
            ("invalid sender", SendAnswer::WrongSigner),
            ("header not found", SendAnswer::Unknown),
            ("429 Too Many Requests", SendAnswer::Unknown),
        ] {
            assert_eq!(SendAnswer::of_error(text), meaning, "{text}");
        }
    }
}
