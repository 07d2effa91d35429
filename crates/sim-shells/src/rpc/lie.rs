//! Answers of the right shape that are not true.

use alloy::consensus::EMPTY_ROOT_HASH;
use alloy::rpc::types::Header;
use alloy_primitives::{Bloom, Bytes, keccak256};
use serde_json::{Value, json};

/// How far above the newest block an invented one is.
const ABOVE: u64 = 3;

/// One way not to tell the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    /// Nothing was logged.
    EmptyLogs,
    /// No transaction was included.
    NullReceipt,
    /// A header has other fields than those that its hash is made of.
    ForgedHeader,
    /// The newest block is one that nobody made.
    LyingTip,
    /// A transaction was taken, which is forgotten.
    DroppedSend,
}

impl Lie {
    pub(crate) const ALL: [Self; 5] =
        [Self::EmptyLogs, Self::NullReceipt, Self::ForgedHeader, Self::LyingTip, Self::DroppedSend];

    /// What is said instead of the truth; nothing where the question gives no occasion.
    pub(super) fn instead(self, question: &Value, truth: impl FnOnce() -> Value) -> Option<Value> {
        let (method, parameters) = (question["method"].as_str()?, &question["params"]);
        match (self, method) {
            (Self::EmptyLogs, "eth_getLogs" | "eth_getBlockReceipts") => Some(json!([])),
            (Self::NullReceipt, "eth_getTransactionReceipt") => Some(Value::Null),
            (Self::ForgedHeader, "eth_getBlockByNumber" | "eth_getBlockByHash") => {
                let mut block = truth();
                if block.is_object() {
                    block["receiptsRoot"] = json!(EMPTY_ROOT_HASH);
                    block["logsBloom"] = json!(Bloom::ZERO);
                }
                Some(block)
            }
            (Self::LyingTip, "eth_getBlockByNumber") if parameters[0] == "latest" => {
                invented(truth())
            }
            (Self::DroppedSend, "eth_sendRawTransaction") => {
                let raw: Bytes = serde_json::from_value(parameters[0].clone()).ok()?;
                Some(json!(keccak256(&raw)))
            }
            _ => None,
        }
    }
}

/// A block above this one, whose hash is that of its fields.
fn invented(mut block: Value) -> Option<Value> {
    let mut fields = serde_json::from_value::<Header>(block.clone()).ok()?.inner;
    fields.number = fields.number.saturating_add(ABOVE);
    fields.parent_hash = keccak256(fields.parent_hash);
    let stated = json!(Header::new(fields));
    for (name, value) in stated.as_object()? {
        block[name] = value.clone();
    }
    Some(block)
}
