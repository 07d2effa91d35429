//! A look at an endpoint that does not answer everything.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// An endpoint that knows the chain and breaks down over the receipts of some transactions.
async fn serve(mut stream: TcpStream, broken: &[B256]) {
    let mut bytes = Vec::new();
    let question: Value = loop {
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).await.unwrap();
        assert_ne!(read, 0, "the question ended early");
        bytes.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&bytes);
        let (_, body) = text.split_once("\r\n\r\n").unwrap_or_default();
        if let Ok(question) = serde_json::from_str(body) {
            break question;
        }
    };
    let fees =
        json!({"oldestBlock": "0x9", "baseFeePerGas": ["0x1", "0x1"], "gasUsedRatio": [0.5]});
    let result = match question["method"].as_str().unwrap() {
        "eth_feeHistory" => fees,
        "eth_getTransactionReceipt" => {
            let asked: B256 = serde_json::from_value(question["params"][0].clone()).unwrap();
            if broken.contains(&asked) {
                return;
            }
            Value::Null
        }
        _ => json!("0x63"),
    };
    let body = json!({"jsonrpc": "2.0", "id": question["id"], "result": result}).to_string();
    let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}", body.len());
    stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await.unwrap();
}

/// The nonces, out of five, about which a look learns nothing where these have no answer.
async fn unread(broken: &[u8]) -> Vec<u64> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let endpoint = Endpoint::new(&url, Duration::from_secs(10)).unwrap();
    let broken: Vec<B256> = broken.iter().map(|number| B256::repeat_byte(*number)).collect();
    let server = async {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            serve(stream, &broken).await;
        }
    };
    let nonces: Vec<_> = (1..=5).map(|it| (u64::from(it), vec![B256::repeat_byte(it)])).collect();
    let finality = Finality::Depth { safe: 1, last: 200 };
    let seen = tokio::select! {
        sight = look(&endpoint, Address::ZERO, finality, &nonces) => sight.unwrap(),
        () = server => unreachable!("it serves for ever"),
    };
    assert_eq!((seen.chain, seen.latest_nonce, seen.receipts), (0x63, 0x63, Vec::new()));
    seen.unread.into_iter().collect()
}

#[tokio::test]
async fn what_an_endpoint_answers_counts_though_it_does_not_answer_everything() {
    assert!(unread(&[]).await.is_empty());
    assert_eq!(unread(&[2, 4]).await, [2, 4]);
}

#[tokio::test]
async fn an_endpoint_that_answers_nothing_about_receipts_is_not_asked_for_all() {
    assert_eq!(unread(&[1, 2, 3]).await, [1, 2, 3, 4, 5]);
}
