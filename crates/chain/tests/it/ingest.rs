//! Reading a chain that reorganises itself.
//!
//! What Anvil does differently from public chains: a reorganisation is never announced, in
//! particular no log comes back as `removed`; the replaced transactions are gone, not pending; the
//! new branch is exactly as long as the old one; `safe` and `finalized` trail the head by one and
//! two epochs, that is, stay at block zero in short tests, so depth is the better measure here.
//! Its headers are those of Ethereum: their hashes and receipt roots can be recomputed.

use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes, TxHash, U256};
use serde_json::json;
use tallystick_chain::endpoint::{BlockRef, Call, Endpoint, NonceAt, RawLog, SendClass};
use tallystick_chain::ingest::{
    Delivery, Finality, Followed, Ingest, IngestConfig, IngestHandle, Phase, Seq,
};
use tallystick_ports::{ManualClock, MemoryStore};
use tokio::sync::oneshot;

use crate::anvil::Anvil;

/// Logs the first word of its input as the only topic.
const EMITTER: &str = "0x655f355f5fa1005f526006601af3";

fn topic(number: u8) -> B256 {
    B256::with_last_byte(number)
}

async fn deployed(anvil: &Anvil) -> Address {
    let receipt = anvil.send(None, EMITTER).await;
    receipt["contractAddress"].as_str().unwrap().parse().unwrap()
}

fn endpoint(anvil: &Anvil) -> Endpoint {
    Endpoint::new(&anvil.url, Duration::from_secs(10)).unwrap()
}

async fn config(endpoint: &Endpoint, address: Address) -> IngestConfig {
    IngestConfig {
        chain: endpoint.chain_id().await.unwrap(),
        contracts: vec![Followed {
            address,
            code_hash: endpoint.code_hash(address).await.unwrap(),
        }],
        start: 0,
        agreement: 1,
        finality: Finality::Depth { safe: 1, last: 6 },
        window: 64,
        stride: 16,
        range: 16,
        poll: Duration::from_millis(10),
        patience: Duration::from_secs(30),
    }
}

/// What is left after all deliveries, and how many rollbacks there were.
fn folded(handle: &IngestHandle) -> (Vec<(B256, RawLog)>, u64, u64) {
    let (mut events, mut rollbacks, mut last) = (Vec::new(), 0, 0);
    for (_, delivery) in handle.deliveries(Seq(0), usize::MAX).unwrap() {
        match delivery {
            Delivery::Event(observed) => events.push(observed),
            Delivery::Rollback { to, .. } => {
                events.retain(|event| event.block.number <= to);
                rollbacks += 1;
            }
            Delivery::Levels { last: level, .. } => last = level,
        }
    }
    let events = events.into_iter().map(|event| (event.block.hash, event.log));
    (events.collect(), rollbacks, last)
}

async fn logs_now(endpoint: &Endpoint, address: Address) -> Vec<(B256, RawLog)> {
    let head = endpoint.block_number().await.unwrap();
    let logs = endpoint.logs_between(0, head, &[address]).await.unwrap();
    logs.into_iter().map(|(hash, _, log)| (hash, log)).collect()
}

/// Waits until what is held is what the chain has.
async fn caught_up(handle: &IngestHandle, clock: &ManualClock, endpoint: &Endpoint, of: Address) {
    let wait = async {
        loop {
            let head = endpoint.header(BlockRef::Latest).await.unwrap().unwrap().hash;
            let cursor = handle.status().cursor.map(|cursor| cursor.hash);
            if cursor == Some(head) && folded(handle).0 == logs_now(endpoint, of).await {
                return;
            }
            clock.pass_ms(100);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(30), wait).await;
    assert!(ended.is_ok(), "{:?}", handle.status());
}

#[tokio::test]
async fn what_is_held_follows_a_real_chain_through_a_reorganisation_and_a_restart() {
    let anvil = Anvil::start();
    let address = deployed(&anvil).await;
    let endpoint = endpoint(&anvil);
    let config = config(&endpoint, address).await;
    let (store, clock) = (Arc::new(MemoryStore::default()), Arc::new(ManualClock::default()));
    let open = || {
        let endpoints = vec![endpoint.clone()];
        let reader = Arc::new(|_: &RawLog| true);
        Ingest::open(config.clone(), endpoints, store.clone(), clock.clone(), reader).unwrap()
    };
    for number in 1..=5 {
        anvil.send(Some(address), &topic(number).to_string()).await;
    }
    let (ingest, handle) = open();
    let (stop, stopped) = oneshot::channel::<()>();
    let story = async {
        caught_up(&handle, &clock, &endpoint, address).await;
        assert_eq!(folded(&handle).0.len(), 5);
        let other = anvil.transaction(Some(address), &topic(9).to_string()).await;
        anvil.ask("anvil_reorg", json!([3, [[other, 1]]])).await;
        caught_up(&handle, &clock, &endpoint, address).await;
        let (events, rollbacks, _) = folded(&handle);
        let topics: Vec<B256> = events.iter().map(|(_, log)| log.topics[0]).collect();
        assert_eq!((topics, rollbacks), (vec![topic(1), topic(2), topic(9)], 1));
        anvil.ask("anvil_mine", json!(["0x28"])).await;
        caught_up(&handle, &clock, &endpoint, address).await;
        stop.send(()).unwrap();
    };
    let (ended, ()) = tokio::join!(ingest.run(async { drop(stopped.await) }), story);
    ended.unwrap();
    let head = endpoint.block_number().await.unwrap();
    assert_eq!(folded(&handle).2, head - 6);
    assert_eq!(handle.status().phase, Phase::Follow);

    let before = handle.deliveries(Seq(0), usize::MAX).unwrap();
    let (ingest, handle) = open();
    let (stop, stopped) = oneshot::channel::<()>();
    let story = async {
        caught_up(&handle, &clock, &endpoint, address).await;
        while handle.status().phase == Phase::Boot {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stop.send(()).unwrap();
    };
    let (ended, ()) = tokio::join!(ingest.run(async { drop(stopped.await) }), story);
    ended.unwrap();
    assert_eq!(handle.deliveries(Seq(0), usize::MAX).unwrap(), before);
}

#[tokio::test]
async fn a_real_endpoint_answers_all_questions() {
    let anvil = Anvil::start();
    let receipt = anvil.send(None, EMITTER).await;
    let endpoint = endpoint(&anvil);
    let address: Address = receipt["contractAddress"].as_str().unwrap().parse().unwrap();
    let sender: Address = receipt["from"].as_str().unwrap().parse().unwrap();
    let tx: TxHash = receipt["transactionHash"].as_str().unwrap().parse().unwrap();
    assert_eq!(endpoint.nonce(sender, NonceAt::Latest).await.unwrap(), 1);
    assert_eq!(endpoint.nonce(sender, NonceAt::Pending).await.unwrap(), 1);
    assert_eq!(endpoint.nonce(sender, NonceAt::Finalized).await.unwrap(), 0);
    assert!(endpoint.balance(sender).await.unwrap() > U256::ZERO);
    assert!(endpoint.fees().await.unwrap().base_fee > 0);
    let receipt = endpoint.receipt(tx).await.unwrap().unwrap();
    assert!(receipt.success && receipt.block_number == 1);
    assert_eq!(endpoint.receipt(TxHash::ZERO).await.unwrap(), None);
    let seen = endpoint.transaction(tx).await.unwrap().unwrap();
    assert_eq!((seen.from, seen.nonce), (sender, 0));
    assert_eq!(seen.block, Some((1, receipt.block_hash)));
    assert_eq!(endpoint.header(BlockRef::Number(99)).await.unwrap(), None);
    let call = Call { from: sender, to: address, data: Bytes::new(), value: U256::ZERO };
    assert_eq!(endpoint.call(&call).await.unwrap(), Ok(Bytes::new()));
    assert!(endpoint.estimate_gas(&call).await.unwrap().unwrap() > 21_000);
    let poor = Call { from: address, value: U256::from(1), ..call };
    assert!(endpoint.call(&poor).await.unwrap().is_err());
    // A transaction that was taken already is refused in words that are understood.
    let raw = anvil.ask("eth_getRawTransactionByHash", json!([tx])).await;
    let raw: Bytes = raw.as_str().unwrap().parse().unwrap();
    let refusal = endpoint.send_raw(&raw).await.unwrap().unwrap_err();
    assert!(matches!(refusal.class, SendClass::NonceTooLow | SendClass::AlreadyKnown));
}
