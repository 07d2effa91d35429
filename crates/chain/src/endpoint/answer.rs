//! What an endpoint answers, and the ways in which it does not.

use std::error::Error;
use std::time::Duration;

use alloy::consensus::Transaction as _;
use alloy::consensus::{Receipt as Outcome, ReceiptWithBloom};
use alloy::eips::Encodable2718;
use alloy::network::{AnyReceiptEnvelope, TransactionResponse};
use alloy::rpc::json_rpc::ErrorPayload;
use alloy::rpc::types::{Log, Transaction, TransactionReceipt};
use alloy_primitives::{Address, B256, Bytes, TxHash};
use serde::{Deserialize, Serialize};

/// A block's header with the hash that the endpoint states for it.
pub type Header = alloy::rpc::types::Header;

/// A receipt in the form of the wire; its kind may be one that only this chain has.
pub(super) type WireReceipt = TransactionReceipt<AnyReceiptEnvelope<Log>>;

/// An answer, or none.
pub type Answer<T> = Result<T, NoAnswer>;

/// The endpoint did not answer. It says nothing about the chain: ask again, or ask another one.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// It took too long.
    #[error("{method}: no answer within {} ms", limit.as_millis())]
    TimedOut {
        /// What was asked.
        method: &'static str,
        /// How long it may take.
        limit: Duration,
    },
    /// The connection failed.
    #[error("{method}: the endpoint could not be reached")]
    Transport {
        /// What was asked.
        method: &'static str,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// HTTP says that it failed.
    #[error("{method}: the endpoint answers with HTTP status {status}")]
    Status {
        /// What was asked.
        method: &'static str,
        /// The status, 429 for too many requests.
        status: u16,
    },
    /// The bytes are not what this question has as its answer.
    #[error("{method}: the answer has another form")]
    Form {
        /// What was asked.
        method: &'static str,
        /// Where it differs.
        source: serde_json::Error,
    },
    /// The answer has the form and cannot be the one to this question.
    #[error("{method}: the answer {what}")]
    Malformed {
        /// What was asked.
        method: &'static str,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Nothing, where only a value is an answer.
    #[error("{method}: the answer is null")]
    Null {
        /// What was asked.
        method: &'static str,
    },
    /// It is the answer to another question.
    #[error("{method}: the answer is to another question")]
    WrongId {
        /// What was asked.
        method: &'static str,
    },
    /// The endpoint states an error of its own, such as a limit or a block that it lacks.
    #[error("{method}: the endpoint refuses with {code}: {text}")]
    Refused {
        /// What was asked.
        method: &'static str,
        /// The code of JSON-RPC.
        code: i64,
        /// Its words.
        text: String,
    },
}

/// One log, undecoded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawLog {
    /// The contract.
    pub address: Address,
    /// The topics, at most four.
    pub topics: Vec<B256>,
    /// The data.
    pub data: Bytes,
    /// The transaction.
    pub tx: TxHash,
    /// Its place among all logs of the block, from zero.
    pub index: u64,
}

/// One receipt of a whole block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockReceipt {
    /// The transaction.
    pub tx: TxHash,
    /// What the receipts root of the header is computed over.
    pub encoded: Vec<u8>,
    /// What was logged, by anyone. The places are counted, not taken from the endpoint.
    pub logs: Vec<RawLog>,
}

/// What became of one transaction, as an endpoint says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The transaction.
    pub tx: TxHash,
    /// Height of its block.
    pub block_number: u64,
    /// Hash of its block.
    pub block_hash: B256,
    /// Whether it did what it should; otherwise only the fee was taken.
    pub success: bool,
    /// Gas that it used.
    pub gas_used: u64,
    /// Wei paid for each unit of gas.
    pub gas_price: u128,
}

/// A transaction, as an endpoint says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionSeen {
    /// The transaction.
    pub tx: TxHash,
    /// Who signed it.
    pub from: Address,
    /// Its nonce.
    pub nonce: u64,
    /// Height and hash of its block; nothing while it waits.
    pub block: Option<(u64, B256)>,
}

/// What gas costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fees {
    /// Wei per unit of gas that the next block burns.
    pub base_fee: u128,
    /// Wei per unit of gas on top that the endpoint suggests.
    pub suggested_tip: u128,
}

impl NoAnswer {
    pub(super) fn of_error(method: &'static str, error: ErrorPayload) -> Self {
        Self::Refused { method, code: error.code, text: error.message.into_owned() }
    }

    /// Whether a smaller range might be answered.
    pub fn is_too_much(&self) -> bool {
        match self {
            Self::TimedOut { .. } => true,
            Self::Status { status, .. } => matches!(status, 413 | 502..=504),
            Self::Malformed { what, .. } => what.contains("longer than any"),
            Self::Refused { code, text, .. } => {
                let text = text.to_lowercase();
                let words =
                    ["too many", "more than", "limit", "range", "too large", "response size"];
                // Said by providers that limit calls, too: a smaller range does no harm there.
                *code == -32005 || words.iter().any(|word| text.contains(word))
            }
            Self::Transport { .. }
            | Self::Form { .. }
            | Self::Null { .. }
            | Self::WrongId { .. } => false,
        }
    }
}

impl RawLog {
    /// Refuses what is not in a block, was taken back, or is of a contract nobody asked for.
    pub(super) fn of_wire(log: Log, addresses: &[Address]) -> Result<Self, &'static str> {
        if log.removed {
            return Err("has a log that was removed");
        }
        if !addresses.contains(&log.inner.address) {
            return Err("has a log of another contract");
        }
        match (log.transaction_hash, log.log_index) {
            (Some(tx), Some(index)) => Ok(Self::of_parts(log.inner, tx, index)),
            _ => Err("has a log that is in no block"),
        }
    }

    fn of_parts(log: alloy_primitives::Log, tx: TxHash, index: u64) -> Self {
        let (topics, data) = log.data.split();
        Self { address: log.address, topics, data, tx, index }
    }
}

impl BlockReceipt {
    pub(super) fn of_wire(all: Vec<WireReceipt>, block: B256) -> Result<Vec<Self>, &'static str> {
        let mut place = 0_u64;
        let mut receipts = Vec::with_capacity(all.len());
        for (position, receipt) in (0_u64..).zip(all) {
            if receipt.block_hash != Some(block) {
                return Err("has a receipt of another block");
            }
            if receipt.transaction_index != Some(position) {
                return Err("has receipts out of order");
            }
            let tx = receipt.transaction_hash;
            let kind = receipt.inner.r#type;
            let ReceiptWithBloom { receipt: outcome, logs_bloom } = receipt.inner.inner;
            let logs: Vec<_> = outcome.logs.into_iter().map(|log| log.inner).collect();
            let outcome = Outcome {
                status: outcome.status,
                cumulative_gas_used: outcome.cumulative_gas_used,
                logs,
            };
            let inner = ReceiptWithBloom { receipt: outcome, logs_bloom };
            let envelope = AnyReceiptEnvelope { inner, r#type: kind };
            let encoded = envelope.encoded_2718();
            let logs = (place..).zip(envelope.inner.receipt.logs);
            let logs: Vec<_> = logs.map(|(at, log)| RawLog::of_parts(log, tx, at)).collect();
            place = logs.last().map_or(place, |last| last.index.saturating_add(1));
            receipts.push(Self { tx, encoded, logs });
        }
        Ok(receipts)
    }
}

impl Receipt {
    pub(super) fn of_wire(receipt: &WireReceipt, tx: TxHash) -> Result<Self, &'static str> {
        let (Some(block_number), Some(block_hash)) = (receipt.block_number, receipt.block_hash)
        else {
            return Err("has no block");
        };
        if receipt.transaction_hash != tx {
            return Err("is the receipt of another transaction");
        }
        let success = receipt.inner.is_success();
        let (gas_used, gas_price) = (receipt.gas_used, receipt.effective_gas_price);
        Ok(Self { tx, block_number, block_hash, success, gas_used, gas_price })
    }
}

impl TransactionSeen {
    pub(super) fn of_wire(seen: &Transaction, tx: TxHash) -> Result<Self, &'static str> {
        if seen.tx_hash() != tx {
            return Err("is another transaction");
        }
        let block = seen.block_number.zip(seen.block_hash);
        Ok(Self { tx, from: seen.from(), nonce: seen.nonce(), block })
    }
}
