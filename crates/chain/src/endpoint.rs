//! One JSON-RPC endpoint.
//!
//! Every call has a time limit and ends in one of two ways: an answer, or [`NoAnswer`]. What the
//! chain says against a request (a revert, a refused transaction) is an answer. An answer is
//! believed only as far as its form goes: that it fits the question. Whether it is true is asked
//! by `ingest`.

mod answer;
mod refusal;
#[cfg(test)]
mod tests;
mod wire;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use alloy::rpc::types::{FeeHistory, Log, Transaction};
use alloy_primitives::{Address, B256, Bytes, TxHash, U64, U128, U256, keccak256};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tallystick_tls::Authorities;
use tallystick_types::ChainId;

pub use answer::{Answer, BlockReceipt, Fees, Header, NoAnswer, RawLog, Receipt, TransactionSeen};
pub use refusal::{CallClass, CallRefusal, SendClass, SendRefusal};

use answer::WireReceipt;
use wire::{Said, Wire};

pub use wire::{Carried, Carrier, Uncarried};

/// One JSON-RPC endpoint over HTTP. Cheap to clone; clones share connections.
///
/// Its `Debug` and its errors show the host alone, because paths of such addresses hold keys.
#[derive(Clone)]
pub struct Endpoint(Arc<Wire>);

/// Which block is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BlockRef {
    /// The one of this height.
    Number(u64),
    /// The newest.
    Latest,
    /// The newest that the chain calls safe.
    Safe,
    /// The newest that the chain calls final.
    Finalized,
}

/// After which transactions a nonce is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NonceAt {
    /// Those in blocks.
    Latest,
    /// Those that the endpoint waits to see in a block as well.
    Pending,
    /// Those in final blocks.
    Finalized,
    /// Those in blocks up to a height.
    Number(u64),
}

/// A call to be tried, not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Who would send it.
    pub from: Address,
    /// Whom it would reach.
    pub to: Address,
    /// Its data.
    pub data: Bytes,
    /// Wei that would come with it.
    pub value: U256,
}

/// Why an address cannot be that of an endpoint.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// It is no address that HTTP knows.
    #[error("the address of a chain endpoint must be like http://host:port/path")]
    Address,
    /// The part that talks HTTP could not be set up.
    #[error("the HTTP client could not be set up; look at the limits of this machine")]
    Client {
        /// Why.
        source: reqwest::Error,
    },
}

impl Endpoint {
    /// Takes an address; nothing is sent. `limit` is the longest that one call may take. By https
    /// the public authorities are believed.
    pub fn new(address: &str, limit: Duration) -> Result<Self, EndpointError> {
        Self::believing(address, limit, &Authorities::default())
    }

    /// As [`Endpoint::new`], believing other authorities.
    pub fn believing(
        address: &str,
        limit: Duration,
        authorities: &Authorities,
    ) -> Result<Self, EndpointError> {
        Ok(Self(Arc::new(Wire::new(address, limit, authorities)?)))
    }

    /// Over a carrier of the caller's, such as a simulated network. `name` is what may be logged.
    pub fn through(name: String, limit: Duration, carrier: Arc<dyn Carrier>) -> Self {
        Self(Arc::new(Wire::through(name, limit, carrier)))
    }

    /// Host and port: what may be logged.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// The chain's number.
    pub async fn chain_id(&self) -> Answer<ChainId> {
        let number: U64 = self.value("eth_chainId", json!([])).await?;
        Ok(ChainId::new(number.to()))
    }

    /// Height of the newest block.
    pub async fn block_number(&self) -> Answer<u64> {
        let number: U64 = self.value("eth_blockNumber", json!([])).await?;
        Ok(number.to())
    }

    /// Header of a block; nothing where the endpoint has no such block. The hash is as stated.
    pub async fn header(&self, block: BlockRef) -> Answer<Option<Header>> {
        const METHOD: &str = "eth_getBlockByNumber";
        let found: Option<Header> = self.option(METHOD, json!([block.text(), false])).await?;
        match (block, &found) {
            (BlockRef::Number(number), Some(header)) if header.number != number => {
                Err(malformed(METHOD, "is the block of another number"))
            }
            _ => Ok(found),
        }
    }

    /// Header of the block with a hash; nothing where the endpoint has no such block.
    pub async fn header_by_hash(&self, hash: B256) -> Answer<Option<Header>> {
        const METHOD: &str = "eth_getBlockByHash";
        let found: Option<Header> = self.option(METHOD, json!([hash, false])).await?;
        match &found {
            Some(header) if header.hash != hash => {
                Err(malformed(METHOD, "is the block of another hash"))
            }
            _ => Ok(found),
        }
    }

    /// What these contracts logged in one block, in order.
    ///
    /// An empty list may be a lie of the endpoint: compare with the block's bloom filter.
    pub async fn logs(&self, block: B256, addresses: &[Address]) -> Answer<Vec<RawLog>> {
        const METHOD: &str = "eth_getLogs";
        let filter = json!([{ "blockHash": block, "address": addresses }]);
        let found: Vec<Log> = self.value(METHOD, filter).await?;
        let mut logs: Vec<RawLog> = Vec::with_capacity(found.len());
        for log in found {
            if log.block_hash != Some(block) {
                return Err(malformed(METHOD, "has a log of another block"));
            }
            let log = RawLog::of_wire(log, addresses).map_err(|what| malformed(METHOD, what))?;
            if logs.last().is_some_and(|last| last.index >= log.index) {
                return Err(malformed(METHOD, "has logs out of order"));
            }
            logs.push(log);
        }
        Ok(logs)
    }

    /// What these contracts logged from one height to another, both included, with each log's
    /// block. Right only below the last final block, and only as far as the endpoint is honest.
    pub async fn logs_between(
        &self,
        first: u64,
        last: u64,
        addresses: &[Address],
    ) -> Answer<Vec<(B256, u64, RawLog)>> {
        const METHOD: &str = "eth_getLogs";
        let range = (BlockRef::Number(first).text(), BlockRef::Number(last).text());
        let filter = json!([{ "fromBlock": range.0, "toBlock": range.1, "address": addresses }]);
        let found: Vec<Log> = self.value(METHOD, filter).await?;
        let mut logs: Vec<(B256, u64, RawLog)> = Vec::with_capacity(found.len());
        for log in found {
            let (Some(hash), Some(number)) = (log.block_hash, log.block_number) else {
                return Err(malformed(METHOD, "has a log without its block"));
            };
            if !(first..=last).contains(&number) {
                return Err(malformed(METHOD, "has a log from outside the range"));
            }
            let log = RawLog::of_wire(log, addresses).map_err(|what| malformed(METHOD, what))?;
            let place = |number: u64, log: &RawLog| (number, log.index);
            if logs.last().is_some_and(|last| place(last.1, &last.2) >= place(number, &log)) {
                return Err(malformed(METHOD, "has logs out of order"));
            }
            logs.push((hash, number, log));
        }
        Ok(logs)
    }

    /// All receipts of one block, in the order of its transactions.
    pub async fn receipts(&self, block: B256) -> Answer<Vec<BlockReceipt>> {
        const METHOD: &str = "eth_getBlockReceipts";
        let found: Vec<WireReceipt> = self.value(METHOD, json!([block])).await?;
        BlockReceipt::of_wire(found, block).map_err(|what| malformed(METHOD, what))
    }

    /// keccak256 of the code at an address; that of nothing where there is none.
    pub async fn code_hash(&self, address: Address) -> Answer<B256> {
        let code: Bytes = self.value("eth_getCode", json!([address, "latest"])).await?;
        Ok(keccak256(&code))
    }

    /// The nonce that the next transaction of an account has.
    pub async fn nonce(&self, account: Address, at: NonceAt) -> Answer<u64> {
        let at = match at {
            NonceAt::Latest => "latest".to_owned(),
            NonceAt::Pending => "pending".to_owned(),
            NonceAt::Finalized => "finalized".to_owned(),
            NonceAt::Number(number) => BlockRef::Number(number).text(),
        };
        let nonce: U64 = self.value("eth_getTransactionCount", json!([account, at])).await?;
        Ok(nonce.to())
    }

    /// Wei that an account holds at the newest block.
    pub async fn balance(&self, account: Address) -> Answer<U256> {
        self.value("eth_getBalance", json!([account, "latest"])).await
    }

    /// Tries a call on the newest block. The inner result is what the chain says.
    pub async fn call(&self, call: &Call) -> Answer<Result<Bytes, CallRefusal>> {
        self.call_at(call, BlockRef::Latest).await
    }

    /// Tries a call on a block. The inner result is what the chain says.
    pub async fn call_at(&self, call: &Call, at: BlockRef) -> Answer<Result<Bytes, CallRefusal>> {
        const METHOD: &str = "eth_call";
        match self.0.ask(METHOD, json!([call.json(), at.text()])).await? {
            Said::Result(value) => decoded(METHOD, &value).map(Ok),
            Said::Error(error) => CallRefusal::of_error(METHOD, error).map(Err),
        }
    }

    /// Gas that a call needs at the newest block, without any reserve.
    pub async fn estimate_gas(&self, call: &Call) -> Answer<Result<u64, CallRefusal>> {
        const METHOD: &str = "eth_estimateGas";
        match self.0.ask(METHOD, json!([call.json()])).await? {
            Said::Result(value) => decoded(METHOD, &value).map(|gas: U64| Ok(gas.to())),
            Said::Error(error) => CallRefusal::of_error(METHOD, error).map(Err),
        }
    }

    /// What gas costs now.
    pub async fn fees(&self) -> Answer<Fees> {
        const METHOD: &str = "eth_feeHistory";
        let history: FeeHistory = self.value(METHOD, json!(["0x1", "latest", []])).await?;
        // The last entry is the base fee of the block to come.
        let Some(&base_fee) = history.base_fee_per_gas.last() else {
            return Err(malformed(METHOD, "has no base fee"));
        };
        let suggested_tip: U128 = self.value("eth_maxPriorityFeePerGas", json!([])).await?;
        Ok(Fees { base_fee, suggested_tip: suggested_tip.to() })
    }

    /// Sends the bytes of a signed transaction. No answer does not mean that it was not taken.
    pub async fn send_raw(&self, raw: &[u8]) -> Answer<Result<TxHash, SendRefusal>> {
        const METHOD: &str = "eth_sendRawTransaction";
        match self.0.ask_once(METHOD, json!([Bytes::copy_from_slice(raw)])).await? {
            Said::Result(value) => match decoded::<Option<B256>>(METHOD, &value)? {
                Some(hash) if hash == keccak256(raw) => Ok(Ok(hash)),
                Some(_) => Err(malformed(METHOD, "is the hash of another transaction")),
                None => Err(NoAnswer::Null { method: METHOD }),
            },
            Said::Error(error) => SendRefusal::of_error(METHOD, error).map(Err),
        }
    }

    /// What became of a transaction; nothing while it is in no block that the endpoint has.
    pub async fn receipt(&self, tx: TxHash) -> Answer<Option<Receipt>> {
        const METHOD: &str = "eth_getTransactionReceipt";
        let found: Option<WireReceipt> = self.option(METHOD, json!([tx])).await?;
        found
            .map(|found| Receipt::of_wire(&found, tx))
            .transpose()
            .map_err(|w| malformed(METHOD, w))
    }

    /// A transaction; nothing where the endpoint does not know it.
    pub async fn transaction(&self, tx: TxHash) -> Answer<Option<TransactionSeen>> {
        const METHOD: &str = "eth_getTransactionByHash";
        let found: Option<Transaction> = self.option(METHOD, json!([tx])).await?;
        found
            .map(|seen| TransactionSeen::of_wire(&seen, tx))
            .transpose()
            .map_err(|w| malformed(METHOD, w))
    }

    /// Asks where only a value is an answer.
    async fn value<T: DeserializeOwned>(&self, method: &'static str, params: Value) -> Answer<T> {
        self.option(method, params).await?.ok_or(NoAnswer::Null { method })
    }

    /// Asks where nothing is an answer too.
    async fn option<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: Value,
    ) -> Answer<Option<T>> {
        match self.0.ask(method, params).await? {
            Said::Result(value) => decoded(method, &value),
            Said::Error(error) => Err(NoAnswer::of_error(method, error)),
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Endpoint").field(&self.name()).finish()
    }
}

impl BlockRef {
    fn text(self) -> String {
        match self {
            Self::Number(number) => format!("{number:#x}"),
            Self::Latest => "latest".to_owned(),
            Self::Safe => "safe".to_owned(),
            Self::Finalized => "finalized".to_owned(),
        }
    }
}

impl Call {
    fn json(&self) -> Value {
        json!({ "from": self.from, "to": self.to, "data": self.data, "value": self.value })
    }
}

fn decoded<T: DeserializeOwned>(method: &'static str, value: &RawValue) -> Answer<T> {
    if value.get() == "null" {
        // Distinguished by the type: only an `Option` takes it.
        return serde_json::from_str("null").map_err(|_| NoAnswer::Null { method });
    }
    serde_json::from_str(value.get()).map_err(|source| NoAnswer::Form { method, source })
}

const fn malformed(method: &'static str, what: &'static str) -> NoAnswer {
    NoAnswer::Malformed { method, what }
}
