//! What endpoints say, in the words of the rules.

use std::collections::BTreeSet;

use alloy_primitives::{B256, U256};
use tallystick_abi::decode_error;

use crate::endpoint::{CallClass, CallRefusal, SendClass};

/// The longest reason that is kept, in characters.
const REASON: usize = 300;

/// What one endpoint saw in one look, asked in the order of the fields: an account's nonce before
/// the receipts, so that a receipt that was missing cannot have come in between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// The chain that it speaks for.
    pub chain: u64,
    /// Its newest block.
    pub head: u64,
    /// The base fee of the block to come, in wei per unit of gas.
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
    /// Of the nonces that were asked for, those that it has in its chain.
    pub receipts: Vec<(u64, SeenReceipt)>,
    /// The nonces that were asked for and about which it gave no answer.
    pub unread: BTreeSet<u64>,
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
    /// The account has too little for the value that goes along.
    NoFunds,
    /// Not tried: the guard says that it is done.
    GuardDone {
        /// Whether a final block says so.
        is_final: bool,
    },
}

/// What one endpoint's answer to signed bytes means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendAnswer {
    /// It has them, or had them already.
    Taken,
    /// It says why it does not take them.
    Refused(SendClass),
    /// No answer that can be understood: it may have them or not.
    Unknown,
}

/// Signed bytes and their hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedTransaction {
    /// As the chain takes them.
    pub raw: alloy_primitives::Bytes,
    /// Their hash: the name of the transaction.
    pub tx: B256,
}

impl Trial {
    /// What an estimate of a call's gas means.
    pub fn of_estimate(estimate: Result<u64, CallRefusal>) -> Self {
        match estimate {
            Ok(gas) => Self::Gas(gas),
            Err(CallRefusal { class: CallClass::Funds, .. }) => Self::NoFunds,
            Err(refusal) => Self::Refused(reason(&refusal)),
        }
    }
}

impl SendAnswer {
    /// What an answer means that says why the bytes are not taken, if it says so.
    pub fn of_refusal(refusal: Option<SendClass>) -> Self {
        match refusal {
            None | Some(SendClass::AlreadyKnown) => Self::Taken,
            Some(class) => Self::Refused(class),
        }
    }
}

fn reason(refusal: &CallRefusal) -> String {
    let words = if refusal.data.is_empty() {
        refusal.text.clone()
    } else {
        decode_error(&refusal.data).to_string()
    };
    words.chars().take(REASON).collect()
}
