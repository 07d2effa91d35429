//! A small server that misbehaves in every way that was seen in the field.

use std::cell::Cell;
use std::net::SocketAddr;

use tallystick_tls::{SampleAuthority, Trouble, Validity};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

const LIMIT: Duration = Duration::from_millis(500);

/// What the server answers; `ID` stands for the id of the question.
#[derive(Clone, Copy)]
enum Behaviour {
    Says(u16, &'static str),
    Silent,
    HangsUp,
}

use Behaviour::{HangsUp, Says, Silent};

/// Runs a question against a server that behaves in one way.
async fn ask<T>(behaviour: Behaviour, question: impl AsyncFnOnce(Endpoint) -> T) -> T {
    ask_in_turn(&[behaviour], question).await.0
}

/// The same, where it behaves in another way each time, and in the last way from then on. The
/// answer, and how often it was asked.
async fn ask_in_turn<T>(
    behaviours: &[Behaviour],
    question: impl AsyncFnOnce(Endpoint) -> T,
) -> (T, usize) {
    let asked = Cell::new(0);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint::new(&url(listener.local_addr().unwrap()), LIMIT).unwrap();
    let server = async {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let turn = asked.replace(asked.get() + 1).min(behaviours.len() - 1);
            serve(stream, behaviours[turn]).await;
        }
    };
    tokio::select! {
        answer = question(endpoint) => (answer, asked.get()),
        () = server => unreachable!("it serves for ever"),
    }
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}/v3/secret-key")
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, behaviour: Behaviour) {
    let mut question = Vec::new();
    let id = loop {
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).await.unwrap();
        question.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&question);
        let (_, body) = text.split_once("\r\n\r\n").unwrap_or_default();
        if let Ok(body) = serde_json::from_str::<Value>(body) {
            break body["id"].to_string();
        }
        assert_ne!(read, 0, "the question ended early");
    };
    match behaviour {
        Says(status, body) => {
            let body = body.replace("ID", &id);
            let head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\n");
            let whole = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
            stream.write_all(whole.as_bytes()).await.unwrap();
        }
        Silent => std::future::pending().await,
        HangsUp => {}
    }
}

const NULL: &str = r#"{"jsonrpc":"2.0","id":ID,"result":null}"#;
const FIVE: &str = r#"{"jsonrpc":"2.0","id":ID,"result":"0x5"}"#;
const OTHER_ID: &str = r#"{"jsonrpc":"2.0","id":999,"result":"0x5"}"#;
const NO_LOGS: &str = r#"{"jsonrpc":"2.0","id":ID,"result":[]}"#;
const LIMITED: &str = r#"{"jsonrpc":"2.0","id":ID,"error":{"code":-32005,"message":"limit"}}"#;
const REVERT: &str = r#"{"jsonrpc":"2.0","id":ID,"error":{"code":3,
    "message":"execution reverted","data":"0x01020304"}}"#;
const LOG_OF_OTHER_BLOCK: &str = r#"{"jsonrpc":"2.0","id":ID,"result":[{
    "address":"0x1111111111111111111111111111111111111111","topics":[],"data":"0x",
    "blockHash":"0x2222222222222222222222222222222222222222222222222222222222222222",
    "blockNumber":"0x1","transactionHash":
    "0x3333333333333333333333333333333333333333333333333333333333333333",
    "transactionIndex":"0x0","logIndex":"0x0","removed":false}]}"#;

async fn number(behaviour: Behaviour) -> Answer<u64> {
    ask(behaviour, async |endpoint| endpoint.block_number().await).await
}

#[tokio::test]
async fn an_answer_in_the_right_form_is_taken() {
    assert_eq!(number(Says(200, FIVE)).await.unwrap(), 5);
}

#[tokio::test]
async fn whatever_else_comes_back_is_no_answer() {
    assert!(matches!(number(Says(200, NULL)).await, Err(NoAnswer::Null { .. })));
    assert!(matches!(number(Says(200, OTHER_ID)).await, Err(NoAnswer::WrongId { .. })));
    assert!(matches!(number(Says(200, "<html>busy</html>")).await, Err(NoAnswer::Form { .. })));
    assert!(matches!(number(Says(200, NO_LOGS)).await, Err(NoAnswer::Form { .. })));
    assert!(matches!(number(Says(200, LIMITED)).await, Err(NoAnswer::Refused { .. })));
    let limited = number(Says(429, LIMITED)).await;
    assert!(matches!(limited, Err(NoAnswer::Status { status: 429, .. })));
    let broken = number(Says(502, "")).await;
    assert!(matches!(broken, Err(NoAnswer::Status { status: 502, .. })));
    assert!(matches!(number(HangsUp).await, Err(NoAnswer::Transport { .. })));
}

#[tokio::test]
async fn a_question_is_asked_again_and_a_transaction_is_sent_once() {
    let block = async |endpoint: Endpoint| endpoint.block_number().await;
    let (answer, asked) = ask_in_turn(&[Says(503, ""), HangsUp, Says(200, FIVE)], block).await;
    assert_eq!((answer.unwrap(), asked), (5, 3));
    let (answer, asked) = ask_in_turn(&[Says(503, "")], block).await;
    assert!(matches!(answer, Err(NoAnswer::Status { status: 503, .. })));
    assert_eq!(asked, 3);
    // What an endpoint says is an answer, and asking again brings no other.
    let (answer, asked) = ask_in_turn(&[Says(200, LIMITED), Says(200, FIVE)], block).await;
    assert!(matches!(answer, Err(NoAnswer::Refused { .. })));
    assert_eq!(asked, 1);
    let send = async |endpoint: Endpoint| endpoint.send_raw(&[1]).await;
    let (answer, asked) = ask_in_turn(&[HangsUp, Says(200, FIVE)], send).await;
    assert!(matches!(answer, Err(NoAnswer::Transport { .. })));
    assert_eq!(asked, 1);
}

#[tokio::test]
async fn a_slow_endpoint_is_given_up_at_the_limit() {
    let slow = number(Silent).await;
    assert!(matches!(slow, Err(NoAnswer::TimedOut { limit: LIMIT, .. })));
}

#[tokio::test]
async fn null_is_an_answer_only_where_absence_is_one() {
    let absent = ask(Says(200, NULL), async |endpoint| endpoint.receipt(TxHash::ZERO).await).await;
    assert_eq!(absent.unwrap(), None);
    let absent = ask(Says(200, NULL), async |endpoint| endpoint.header(BlockRef::Safe).await).await;
    assert_eq!(absent.unwrap(), None);
    let logs = ask(Says(200, NULL), async |endpoint| endpoint.logs(B256::ZERO, &[]).await).await;
    assert!(matches!(logs, Err(NoAnswer::Null { .. })));
    let receipts = ask(Says(200, NULL), async |endpoint| endpoint.receipts(B256::ZERO).await).await;
    assert!(matches!(receipts, Err(NoAnswer::Null { .. })));
}

#[tokio::test]
async fn logs_of_another_block_or_contract_are_no_answer() {
    let ours = [Address::repeat_byte(0x11)];
    let behaviour = Says(200, LOG_OF_OTHER_BLOCK);
    let wrong = async |endpoint: Endpoint| endpoint.logs(B256::ZERO, &ours).await;
    assert!(matches!(ask(behaviour, wrong).await, Err(NoAnswer::Malformed { .. })));
    let right = async |endpoint: Endpoint| endpoint.logs(B256::repeat_byte(0x22), &ours).await;
    assert_eq!(ask(behaviour, right).await.unwrap().len(), 1);
    let foreign = async |endpoint: Endpoint| endpoint.logs(B256::repeat_byte(0x22), &[]).await;
    assert!(matches!(ask(behaviour, foreign).await, Err(NoAnswer::Malformed { .. })));
}

#[tokio::test]
async fn a_revert_is_an_answer_and_a_limit_is_none() {
    let call =
        Call { from: Address::ZERO, to: Address::ZERO, data: Bytes::new(), value: U256::ZERO };
    for status in [200, 400] {
        let said = ask(Says(status, REVERT), async |endpoint| endpoint.call(&call).await).await;
        let refusal = said.unwrap().unwrap_err();
        assert_eq!(refusal.class, CallClass::Reverted);
        assert_eq!(refusal.data.as_ref(), [1, 2, 3, 4]);
    }
    let limited = ask(Says(200, LIMITED), async |endpoint| endpoint.call(&call).await).await;
    assert!(matches!(limited, Err(NoAnswer::Refused { .. })));
}

#[tokio::test]
async fn a_sent_transaction_is_known_by_its_own_hash_alone() {
    const HASH: &str = r#"{"id":ID,"result":
        "0x3333333333333333333333333333333333333333333333333333333333333333"}"#;
    const KNOWN: &str = r#"{"id":ID,"error":{"code":-32000,"message":"already known"}}"#;
    const BUSY: &str = r#"{"id":ID,"error":{"code":-32603,"message":"internal error"}}"#;
    let send = async |endpoint: Endpoint| endpoint.send_raw(&[1]).await;
    assert!(matches!(ask(Says(200, HASH), send).await, Err(NoAnswer::Malformed { .. })));
    assert!(matches!(ask(Says(200, BUSY), send).await, Err(NoAnswer::Refused { .. })));
    assert!(matches!(ask(Says(200, NULL), send).await, Err(NoAnswer::Null { .. })));
    let known = ask(Says(200, KNOWN), send).await.unwrap().unwrap_err();
    assert_eq!(known.class, SendClass::AlreadyKnown);
}

#[tokio::test]
async fn what_is_logged_of_an_endpoint_holds_no_key() {
    ask(HangsUp, async |endpoint| {
        let failure = endpoint.chain_id().await.unwrap_err();
        let shown = format!("{endpoint:?} {failure:?} {failure}");
        assert!(shown.contains("127.0.0.1") && !shown.contains("secret"), "{shown}");
    })
    .await;
}

#[test]
fn an_address_that_http_does_not_know_is_refused() {
    for address in ["", "localhost:8545", "ws://localhost", "/tmp/socket"] {
        let made = Endpoint::new(address, LIMIT);
        assert!(matches!(made, Err(EndpointError::Address)), "{address}");
    }
}

#[tokio::test]
async fn an_endpoint_is_asked_by_tls_where_its_authority_is_believed() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), SampleAuthority::new());
    let config = authority.pair("127.0.0.1", Validity::Present).server_config();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = url(listener.local_addr().unwrap()).replace("http:", "https:");
    let server = async {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // Whoever does not believe the certificate goes away.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            serve(&mut stream, Says(200, FIVE)).await;
            stream.shutdown().await.unwrap();
        }
    };
    let own = Endpoint::believing(&url, LIMIT * 10, &authority.believed(folder.path())).unwrap();
    let public = Endpoint::new(&url, LIMIT * 10).unwrap();
    tokio::select! {
        () = server => unreachable!("it serves for ever"),
        () = async {
            assert_eq!(own.chain_id().await.unwrap(), ChainId::new(5));
            let error = public.chain_id().await.unwrap_err();
            assert_eq!(Trouble::of(&error), Some(Trouble::UnknownAuthority), "{error:?}");
        } => {}
    }
}

#[tokio::test]
async fn a_range_that_holds_too_much_is_told_from_other_errors() {
    const MANY: &str = r#"{"id":ID,"error":{"code":-32602,
        "message":"query returned more than 10000 results"}}"#;
    const LOST: &str = r#"{"id":ID,"error":{"code":-32000,"message":"header not found"}}"#;
    let range = async |endpoint: Endpoint| endpoint.logs_between(1, 9, &[]).await;
    assert!(ask(Says(200, MANY), range).await.unwrap_err().is_too_much());
    assert!(ask(Silent, range).await.unwrap_err().is_too_much());
    assert!(!ask(Says(200, LOST), range).await.unwrap_err().is_too_much());
}
