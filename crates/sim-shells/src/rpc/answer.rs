//! What an endpoint says of the chain, in the words of JSON-RPC.

use std::sync::Arc;

use alloy::consensus::ReceiptEnvelope;
use alloy::eips::Decodable2718;
use alloy::rpc::types::{FeeHistory, Log, TransactionReceipt};
use alloy_primitives::{Address, B256, Bytes, U64, U128, U256, keccak256};
use serde_json::{Value, json};
use tallystick_chain::endpoint::{Call, CallClass, CallRefusal, RawLog, SendClass};
use tallystick_sim::chain::{Block, Chain, Mined};

/// The question has no answer here; as JSON-RPC states it.
type Said = Result<Value, Value>;

/// Answers one question, as an endpoint whose head is so many blocks behind.
pub(super) fn answer(chain: &mut Chain, behind: u64, question: &Value) -> Said {
    let parameters = &question["params"];
    if question["method"] == "eth_sendRawTransaction" {
        let raw: Bytes = read(&parameters[0])?;
        let sent = chain.send(&raw);
        return sent.map(|hash| json!(hash)).map_err(|class| error(-32_000, send_words(class)));
    }
    let height = chain.head().number().saturating_sub(behind);
    let head = chain.block_at(chain.head(), height).ok_or_else(|| error(-32_000, "no head"))?;
    let view = View { head: Arc::clone(head), chain };
    match question["method"].as_str().unwrap_or_default() {
        "eth_chainId" => Ok(json!(U64::from(chain.id()))),
        "eth_blockNumber" => Ok(json!(U64::from(view.head.number()))),
        "eth_getBlockByNumber" => Ok(view.at(&parameters[0]).map_or(Value::Null, whole)),
        "eth_getBlockByHash" => {
            let hash: B256 = read(&parameters[0])?;
            Ok(chain.block(hash).map_or(Value::Null, |block| whole(block)))
        }
        "eth_getLogs" => view.logs(&parameters[0]),
        "eth_getBlockReceipts" => {
            let block = view.named(&parameters[0])?;
            let all = 0..block.transactions.len();
            Ok(json!(all.filter_map(|place| receipt(block, place)).collect::<Vec<_>>()))
        }
        "eth_getTransactionReceipt" => {
            let hash: B256 = read(&parameters[0])?;
            let found = chain.receipt(&view.head, hash);
            let place = |(block, mined): (&Arc<Block>, &Mined)| {
                let same = |other: &Mined| other.tx.hash == mined.tx.hash;
                receipt(block, block.transactions.iter().position(same)?)
            };
            Ok(json!(found.and_then(place)))
        }
        "eth_getCode" => view.code(&parameters[0]),
        "eth_getBalance" => {
            Ok(json!(chain.balance(view.state(&parameters[1])?, read(&parameters[0])?)))
        }
        "eth_getTransactionCount" => {
            let account = read(&parameters[0])?;
            if parameters[1] == "pending" {
                return Ok(json!(U64::from(chain.pending_nonce(&view.head, account))));
            }
            Ok(json!(U64::from(chain.nonce(view.state(&parameters[1])?, account))))
        }
        "eth_call" => {
            let tried = chain.call(view.state(&parameters[1])?, &call(&parameters[0])?);
            tried.map(|data| json!(data)).map_err(call_error)
        }
        "eth_estimateGas" => {
            let tried = chain.estimate(&view.head, &call(&parameters[0])?);
            tried.map(|gas| json!(U64::from(gas))).map_err(call_error)
        }
        "eth_feeHistory" => view.fees(parameters),
        "eth_maxPriorityFeePerGas" => Ok(json!(U128::from(chain.settings().suggested_tip))),
        other => Err(error(-32_601, &format!("the method {other} does not exist"))),
    }
}

/// The chain as one endpoint has it.
struct View<'a> {
    head: Arc<Block>,
    chain: &'a Chain,
}

impl View<'_> {
    /// The block of a number or tag.
    fn at(&self, block: &Value) -> Option<&Block> {
        let head = self.head.number();
        let number = match block.as_str()? {
            "latest" | "pending" => head,
            "safe" => self.chain.safe_number().min(head),
            "finalized" => self.chain.final_number().min(head),
            "earliest" => 0,
            _ => read::<U64>(block).ok()?.to(),
        };
        self.chain.block_at(&self.head, number).map(|block| &**block)
    }

    /// The block whose state is meant; the newest where none is named.
    fn state(&self, block: &Value) -> Result<&Block, Value> {
        let found = if block.is_null() { Some(&*self.head) } else { self.at(block) };
        found.ok_or_else(|| error(-32_000, "header not found"))
    }

    /// The block of a hash.
    fn named(&self, hash: &Value) -> Result<&Block, Value> {
        let found = self.chain.block(read(hash)?);
        found.map(|block| &**block).ok_or_else(|| error(-32_000, "unknown block"))
    }

    /// The code at an address. Endpoints say all of it; that of one is as long as its contract, so
    /// it is asked for rarely.
    fn code(&self, address: &Value) -> Said {
        let address: Address = read(address)?;
        let code = self.chain.code(&self.head, address);
        debug_assert_eq!(keccak256(&code), self.chain.code_hash(&self.head, address));
        Ok(json!(code))
    }

    fn logs(&self, filter: &Value) -> Said {
        let blocks: Vec<&Block> = if filter["blockHash"].is_null() {
            let bound = |name: &str| match &filter[name] {
                Value::Null => Ok(self.head.number()),
                block => {
                    self.at(block).map(Block::number).ok_or_else(|| error(-32_000, "no block"))
                }
            };
            let heights = bound("fromBlock")?..=bound("toBlock")?;
            let blocks = heights.filter_map(|at| self.chain.block_at(&self.head, at));
            blocks.map(|block| &**block).collect()
        } else {
            vec![self.named(&filter["blockHash"])?]
        };
        let mut found = Vec::new();
        for block in blocks {
            for (place, receipt) in (0_u64..).zip(block.receipts.iter()) {
                let logs = receipt.logs.iter().filter(|log| matches(filter, log));
                found.extend(logs.map(|log| stated(block, place, log)));
            }
        }
        Ok(json!(found))
    }

    fn fees(&self, parameters: &Value) -> Said {
        let count: U64 = read(&parameters[0])?;
        let last = self.head.number();
        let first = last.saturating_sub(count.to::<u64>().saturating_sub(1));
        let blocks = (first..=last).filter_map(|at| self.chain.block_at(&self.head, at));
        let blocks: Vec<&Arc<Block>> = blocks.collect();
        let paid = |block: &&Arc<Block>| {
            u128::from(block.header.inner.base_fee_per_gas.unwrap_or_default())
        };
        let mut base_fee_per_gas: Vec<u128> = blocks.iter().map(paid).collect();
        let next = if self.head.hash() == self.chain.head().hash() {
            self.chain.base_fee()
        } else {
            self.head.next_base_fee()
        };
        base_fee_per_gas.push(next.into());
        let tip = self.chain.settings().suggested_tip;
        let wanted = parameters[2].as_array().map_or(0, Vec::len);
        Ok(json!(FeeHistory {
            base_fee_per_gas,
            gas_used_ratio: vec![0.5; blocks.len()],
            oldest_block: first,
            reward: (wanted > 0).then(|| vec![vec![tip; wanted]; blocks.len()]),
            ..FeeHistory::default()
        }))
    }
}

fn whole(block: &Block) -> Value {
    let mut value = json!(block.header);
    let hashes: Vec<B256> = block.transactions.iter().map(|mined| mined.tx.hash).collect();
    value["transactions"] = json!(hashes);
    value["uncles"] = json!([]);
    value
}

fn stated(block: &Block, place: u64, log: &RawLog) -> Log {
    let inner =
        alloy_primitives::Log::new_unchecked(log.address, log.topics.clone(), log.data.clone());
    Log {
        inner,
        block_hash: Some(block.hash()),
        block_number: Some(block.number()),
        block_timestamp: Some(block.time()),
        transaction_hash: Some(log.tx),
        transaction_index: Some(place),
        log_index: Some(log.index),
        removed: false,
    }
}

fn matches(filter: &Value, log: &RawLog) -> bool {
    let is = |wanted: &Value, value: Value| match wanted {
        Value::Null => true,
        Value::Array(any) => any.contains(&value),
        one => *one == value,
    };
    let topics = filter["topics"].as_array().cloned().unwrap_or_default();
    let named = topics.iter().zip(0..).all(|(wanted, place)| {
        let topic = log.topics.get::<usize>(place).map_or(Value::Bool(false), |topic| json!(topic));
        is(wanted, topic)
    });
    // Addresses are compared as numbers: their letters may be of either case.
    let address = match &filter["address"] {
        Value::Null => true,
        Value::Array(any) => {
            any.iter().any(|one| read(one).is_ok_and(|one: Address| one == log.address))
        }
        one => read(one).is_ok_and(|one: Address| one == log.address),
    };
    named && address
}

fn receipt(block: &Block, place: usize) -> Option<TransactionReceipt<ReceiptEnvelope<Log>>> {
    let (mined, kept) = (block.transactions.get(place)?, block.receipts.get(place)?);
    let envelope = ReceiptEnvelope::decode_2718(&mut kept.encoded.as_slice()).ok()?;
    let number = u64::try_from(place).ok()?;
    let mut logs = kept.logs.iter().map(|log| stated(block, number, log));
    let inner = envelope.map_logs(|_: alloy_primitives::Log| logs.next().unwrap_or_default());
    Some(TransactionReceipt {
        inner,
        transaction_hash: mined.tx.hash,
        transaction_index: Some(number),
        block_hash: Some(block.hash()),
        block_number: Some(block.number()),
        gas_used: mined.gas_used,
        effective_gas_price: mined.gas_price,
        blob_gas_used: None,
        blob_gas_price: None,
        from: mined.tx.from,
        to: mined.tx.to.to().copied(),
        contract_address: None,
    })
}

fn call(value: &Value) -> Result<Call, Value> {
    let data = if value["data"].is_null() { &value["input"] } else { &value["data"] };
    let or = |value: &Value| if value.is_null() { Ok(U256::ZERO) } else { read(value) };
    let from = if value["from"].is_null() { Address::ZERO } else { read(&value["from"])? };
    Ok(Call { from, to: read(&value["to"])?, data: read(data)?, value: or(&value["value"])? })
}

fn read<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T, Value> {
    serde_json::from_value(value.clone()).map_err(|why| error(-32_602, &why.to_string()))
}

fn error(code: i64, message: &str) -> Value {
    json!({ "code": code, "message": message })
}

fn call_error(refusal: CallRefusal) -> Value {
    let code = if refusal.class == CallClass::Reverted { 3 } else { -32_000 };
    let mut said = error(code, &refusal.text);
    if !refusal.data.is_empty() {
        said["data"] = json!(refusal.data);
    }
    said
}

/// The words of geth.
const fn send_words(class: SendClass) -> &'static str {
    match class {
        SendClass::AlreadyKnown => "already known",
        SendClass::NonceTooLow => "nonce too low",
        SendClass::NonceTooHigh => "nonce too high",
        SendClass::Underpriced => "replacement transaction underpriced",
        SendClass::Funds => "insufficient funds for gas * price + value",
        SendClass::Gas => "intrinsic gas too low",
        SendClass::Identity => "invalid chain id for signer",
    }
}
