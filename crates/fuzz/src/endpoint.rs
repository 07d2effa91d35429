//! Answers of a chain endpoint, through the real door: HTTP over the loopback.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes, U256};
use tallystick_chain::endpoint::{BlockRef, Call, Endpoint, NonceAt};
use tokio::runtime::{Builder, Runtime};

/// Longest wait for an answer that is there at once.
const LIMIT: Duration = Duration::from_secs(2);

/// The contract whose logs are asked for.
const CONTRACT: Address = Address::repeat_byte(0x11);

/// The block and the transaction that are asked for.
const HASH: B256 = B256::repeat_byte(0x22);

/// One endpoint, and who asks it.
struct Asked {
    runtime: Runtime,
    endpoint: Endpoint,
}

/// What is said to every question until it is replaced.
#[derive(Default)]
struct Said {
    status: u16,
    before: &'static [u8],
    body: Vec<u8>,
    after: &'static [u8],
}

static SAID: Mutex<Option<Said>> = Mutex::new(None);

static ASKED: LazyLock<Mutex<Asked>> = LazyLock::new(|| {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback has a free port");
    let address = listener.local_addr().expect("a listener has an address");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A connection that breaks is opened anew by the next question.
            thread::spawn(move || drop(serve(stream)));
        }
    });
    let runtime = Builder::new_current_thread().enable_all().build();
    let endpoint = Endpoint::new(&format!("http://{address}"), LIMIT);
    Mutex::new(Asked {
        runtime: runtime.expect("a runtime without threads can be made"),
        endpoint: endpoint.expect("the address is one of HTTP"),
    })
});

/// Reads one input: one byte for the question, one for the kind of answer, then its body: a
/// result, an error, or a whole answer.
pub fn read(bytes: &[u8]) {
    let &[question, kind, ref body @ ..] = bytes else { return };
    let status = [200, 429, 500, 302][usize::from((kind >> 2) & 3)];
    let (before, after): (&[u8], &[u8]) = match kind & 3 {
        0 | 1 => (b",\"result\":", b"}"),
        2 => (b",\"error\":", b"}"),
        _ => (b"", b""),
    };
    *held(&SAID) = Some(Said { status, before, body: body.to_vec(), after });
    let asked = held(&ASKED);
    let answer = asked.runtime.block_on(ask(&asked.endpoint, question));
    if let Some(refusal) = answer {
        assert!(!refusal.contains("no answer within"), "reading took longer than {LIMIT:?}");
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Asks one question, and tells why there was no answer.
async fn ask(endpoint: &Endpoint, question: u8) -> Option<String> {
    let call = || Call { from: CONTRACT, to: CONTRACT, data: Bytes::new(), value: U256::ZERO };
    let refusal = match question {
        0 => endpoint.header(BlockRef::Latest).await.err(),
        1 => endpoint.header_by_hash(HASH).await.err(),
        2 => endpoint.logs(HASH, &[CONTRACT]).await.err(),
        3 => endpoint.logs_between(1, 9, &[CONTRACT]).await.err(),
        4 => endpoint.receipts(HASH).await.err(),
        5 => endpoint.receipt(HASH).await.err(),
        6 => endpoint.transaction(HASH).await.err(),
        7 => endpoint.call(&call()).await.err(),
        8 => endpoint.estimate_gas(&call()).await.err(),
        9 => endpoint.fees().await.err(),
        10 => endpoint.send_raw(&[1, 2, 3]).await.err(),
        11 => endpoint.nonce(CONTRACT, NonceAt::Latest).await.err(),
        12 => endpoint.balance(CONTRACT).await.err(),
        13 => endpoint.code_hash(CONTRACT).await.err(),
        14 => endpoint.chain_id().await.err(),
        _ => endpoint.block_number().await.err(),
    };
    refusal.map(|refusal| refusal.to_string())
}

/// Answers every question of a connection.
fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    let (mut question, mut piece) = (Vec::new(), [0; 4_096]);
    loop {
        let count = stream.read(&mut piece)?;
        if count == 0 {
            return Ok(());
        }
        question.extend_from_slice(piece.get(..count).unwrap_or_default());
        let Some(id) = id_of(&question) else { continue };
        question.clear();
        let said = held(&SAID).take().unwrap_or_default();
        let mut body = Vec::new();
        if !said.before.is_empty() {
            write!(body, "{{\"jsonrpc\":\"2.0\",\"id\":{id}")?;
        }
        body.extend_from_slice(said.before);
        body.extend_from_slice(&said.body);
        body.extend_from_slice(said.after);
        let status = said.status;
        *held(&SAID) = Some(said);
        let length = body.len();
        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all(&[head.as_bytes(), &body].concat())?;
    }
}

/// The id of a question that is whole.
fn id_of(question: &[u8]) -> Option<u64> {
    let end = question.windows(4).position(|four| four == b"\r\n\r\n")?;
    let body = question.get(end.saturating_add(4)..)?;
    serde_json::from_slice::<serde_json::Value>(body).ok()?.get("id")?.as_u64()
}
