//! What the chain says against a call or a transaction, read from the words of its endpoints.
//!
//! Every client words it in its own way, and codes are no help: almost all of it is `-32000`. Words
//! that are not known are no answer, so that nothing is concluded from them.

use alloy::rpc::json_rpc::ErrorPayload;
use alloy_primitives::Bytes;
use serde_json::Value;

use super::answer::{Answer, NoAnswer};

/// The code for a revert that carries data.
const REVERTED: i64 = 3;

/// Why a call would fail if it were sent now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the call would fail: {text}")]
pub struct CallRefusal {
    /// Its kind.
    pub class: CallClass,
    /// The endpoint's words.
    pub text: String,
    /// What the contract gave as its reason; empty where it gave none.
    pub data: Bytes,
}

/// Kinds of calls that would fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallClass {
    /// The contract, or what it ran, refuses.
    Reverted,
    /// The sender has too little.
    Funds,
    /// No gas limit that a block allows is enough.
    Gas,
}

/// Why an endpoint did not take a transaction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the transaction was not taken: {text}")]
pub struct SendRefusal {
    /// Its kind.
    pub class: SendClass,
    /// The endpoint's words.
    pub text: String,
}

/// Kinds of refused transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SendClass {
    /// The endpoint has it already: as good as taken.
    AlreadyKnown,
    /// The nonce is used.
    NonceTooLow,
    /// A lower nonce is missing.
    NonceTooHigh,
    /// It offers less than the market, or too little more than the one it replaces.
    Underpriced,
    /// The sender has too little for value and fees.
    Funds,
    /// The gas limit is below what any transaction needs, or above what a block has.
    Gas,
    /// The chain or the sender is not the one that signed.
    Identity,
}

/// Words of the clients, in lower case. The first line with a match decides.
const SEND_WORDS: &[(SendClass, &[&str])] = &[
    (SendClass::AlreadyKnown, &["already known", "already imported", "already exists", "known tx"]),
    (SendClass::NonceTooLow, &["nonce too low", "nonce is too low", "old nonce"]),
    (SendClass::NonceTooHigh, &["nonce too high", "nonce is too high", "nonce gap"]),
    (
        SendClass::Underpriced,
        &[
            "underpriced",
            "max fee per gas less than",
            "max priority fee per gas higher than max fee",
            "less than block base fee",
            "fee too low",
            "feetoolow",
            "gas price too low",
        ],
    ),
    (SendClass::Funds, &["insufficient funds", "insufficient balance", "overdraft"]),
    (
        SendClass::Gas,
        &[
            "intrinsic gas",
            "exceeds block gas",
            "gas limit too high",
            "gas limit exceeded",
            "transaction gas limit",
            "gas too low",
            "floor data gas",
        ],
    ),
    (
        SendClass::Identity,
        &["invalid chain id", "invalid sender", "chain id", "chainid", "invalid signature"],
    ),
];

const CALL_WORDS: &[(CallClass, &[&str])] = &[
    (CallClass::Funds, &["insufficient funds", "insufficient balance", "outoffund"]),
    (
        CallClass::Gas,
        &["gas required exceeds", "out of gas", "outofgas", "intrinsic gas", "exceeds block gas"],
    ),
    (
        CallClass::Reverted,
        &[
            "revert",
            "invalid opcode",
            "invalid jump",
            "invalidfeopcode",
            "opcodenotfound",
            "stack underflow",
            "stack limit",
            "vm execution error",
            "contract validation error",
        ],
    ),
];

impl CallRefusal {
    /// Reads a stated error; one that is not about the call is no answer.
    pub(super) fn of_error(method: &'static str, error: ErrorPayload) -> Answer<Self> {
        let class = if error.code == REVERTED {
            Some(CallClass::Reverted)
        } else {
            class_of(CALL_WORDS, &error.message)
        };
        match class {
            Some(class) => {
                let data = revert_data(&error);
                Ok(Self { class, text: error.message.into_owned(), data })
            }
            None => Err(NoAnswer::of_error(method, error)),
        }
    }
}

impl SendRefusal {
    /// Reads a stated error; one that is not about the transaction is no answer.
    pub(super) fn of_error(method: &'static str, error: ErrorPayload) -> Answer<Self> {
        match class_of(SEND_WORDS, &error.message) {
            Some(class) => Ok(Self { class, text: error.message.into_owned() }),
            None => Err(NoAnswer::of_error(method, error)),
        }
    }
}

fn class_of<C: Copy>(words: &[(C, &[&str])], text: &str) -> Option<C> {
    let text = text.to_lowercase();
    let found = words.iter().find(|(_, words)| words.iter().any(|word| text.contains(word)));
    found.map(|(class, _)| *class)
}

/// The bytes after `data`: most clients give them as text, some wrap them in an object.
fn revert_data(error: &ErrorPayload) -> Bytes {
    let Some(Ok(data)) = error.data.as_ref().map(|raw| serde_json::from_str::<Value>(raw.get()))
    else {
        return Bytes::new();
    };
    let text = data.as_str().or_else(|| data.get("data").and_then(Value::as_str));
    let text = text.map(|text| text.strip_prefix("Reverted ").unwrap_or(text));
    text.and_then(|text| text.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stated(text: &str) -> ErrorPayload {
        ErrorPayload { code: -32_000, message: text.to_owned().into(), data: None }
    }

    #[test]
    fn each_client_is_understood_in_its_own_words() {
        let said = [
            ("already known", SendClass::AlreadyKnown),
            ("nonce too low: next nonce 5, tx nonce 4", SendClass::NonceTooLow),
            ("replacement transaction underpriced", SendClass::Underpriced),
            ("max fee per gas less than block base fee: address 0x0", SendClass::Underpriced),
            ("Insufficient funds for gas * price + value", SendClass::Funds),
            ("intrinsic gas too low: have 20000, want 21000", SendClass::Gas),
            ("invalid chain id for signer: have 1 want 2", SendClass::Identity),
        ];
        for (text, class) in said {
            let refusal = SendRefusal::of_error("send", stated(text)).unwrap();
            assert_eq!(refusal.class, class, "{text}");
        }
    }

    #[test]
    fn words_that_nobody_knows_are_no_answer() {
        for text in ["header not found", "internal error", "daily request count exceeded"] {
            assert!(SendRefusal::of_error("send", stated(text)).is_err(), "{text}");
            assert!(CallRefusal::of_error("call", stated(text)).is_err(), "{text}");
        }
    }
}
