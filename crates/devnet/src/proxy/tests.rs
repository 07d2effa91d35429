//! The proxy before an endpoint that says what reached it.

use std::convert::Infallible;

use http_body_util::Full;
use tallystick_chain::endpoint::{BlockRef, Endpoint, NoAnswer};

use super::*;

/// An endpoint at block 100, and the methods that reached it.
struct Real {
    url: String,
    reached: Arc<Mutex<Vec<String>>>,
    _serving: JoinSet<()>,
}

impl Real {
    async fn open() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let reached = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&reached);
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let kept = Arc::clone(&kept);
                let answers = service_fn(move |request: Request<Incoming>| {
                    let kept = Arc::clone(&kept);
                    async move {
                        let body = request.into_body().collect().await.unwrap().to_bytes();
                        let asked: Value = serde_json::from_slice(&body).unwrap();
                        kept.lock().unwrap().push(asked["method"].as_str().unwrap().to_owned());
                        let answer = serde_json::to_vec(&answer(&asked)).unwrap();
                        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(answer))))
                    }
                });
                let connection = http1::Builder::new();
                let connection = connection.serve_connection(TokioIo::new(stream), answers);
                connections.spawn(async move { connection.await.unwrap_or(()) });
            }
        });
        Self { url, reached, _serving: serving }
    }

    fn reached(&self) -> usize {
        self.reached.lock().unwrap().len()
    }
}

fn answer(asked: &Value) -> Value {
    let result = match asked["method"].as_str().unwrap() {
        "eth_blockNumber" => json!("0x64"),
        // The block that was asked for, by name or number.
        "eth_getBlockByNumber" => asked["params"][0].clone(),
        "eth_getLogs" => json!([{ "a log": 1 }]),
        "eth_getTransactionReceipt" => json!({ "a receipt": 1 }),
        _ => json!("0x7a69"),
    };
    json!({ "jsonrpc": "2.0", "id": asked["id"], "result": result })
}

/// A proxy with one fault that always happens.
async fn proxy(fault: Fault) -> (Proxy, Real) {
    let real = Real::open().await;
    let mut weather = Weather::calm().with(fault, 1_000_000);
    weather.longest_delay = Duration::from_millis(5);
    let proxy = Proxy::open(&real.url, weather, Dice::new(1)).unwrap();
    (proxy, real)
}

fn endpoint(proxy: &Proxy) -> Endpoint {
    Endpoint::new(&proxy.url(), Duration::from_millis(400)).unwrap()
}

async fn ask(proxy: &Proxy, method: &str, parameters: Value) -> Value {
    let asked = json!({ "jsonrpc": "2.0", "id": 9, "method": method, "params": parameters });
    let client = reqwest::Client::new();
    let body = serde_json::to_vec(&asked).unwrap();
    let answer = client.post(proxy.url()).body(body).send().await.unwrap().bytes().await.unwrap();
    serde_json::from_slice(&answer).unwrap()
}

#[tokio::test]
async fn without_a_fault_the_answer_is_that_of_the_endpoint() {
    let real = Real::open().await;
    let proxy = Proxy::open(&real.url, Weather::calm(), Dice::new(1)).unwrap();
    assert_eq!(endpoint(&proxy).chain_id().await.unwrap().get(), 31_337);
    assert_eq!(endpoint(&proxy).block_number().await.unwrap(), 100);
    assert_eq!((proxy.requests(), real.reached(), proxy.faults().len()), (2, 2, 0));
}

#[tokio::test]
async fn faults_of_the_line_are_no_answer_and_only_some_of_them_reach_the_chain() {
    let faults = [
        (Fault::Drop, 0),
        (Fault::LoseAnswer, 1),
        (Fault::Truncate, 1),
        (Fault::ServerError, 0),
        (Fault::TooMany, 0),
        (Fault::WrongId, 1),
    ];
    for (fault, reached) in faults {
        let (proxy, real) = proxy(fault).await;
        let answer = endpoint(&proxy).chain_id().await;
        assert!(answer.is_err(), "{fault:?}: {answer:?}");
        // A client may try a dropped connection again by itself.
        let times = usize::try_from(proxy.faults()[&fault]).unwrap();
        assert_eq!(real.reached(), reached * times, "{fault:?}");
    }
}

#[tokio::test]
async fn statuses_are_what_the_client_is_told() {
    for (fault, code) in [(Fault::ServerError, 503), (Fault::TooMany, 429)] {
        let (proxy, _real) = proxy(fault).await;
        let answer = endpoint(&proxy).chain_id().await;
        assert!(matches!(answer, Err(NoAnswer::Status { .. })), "{answer:?}");
        let plain = reqwest::Client::new().post(proxy.url()).body("{}").send().await.unwrap();
        assert_eq!(plain.status().as_u16(), code);
    }
}

#[tokio::test]
async fn lies_are_told_where_they_fit_and_nowhere_else() {
    let (empty, _real) = proxy(Fault::EmptyLogs).await;
    assert_eq!(ask(&empty, "eth_getLogs", json!([{}])).await["result"], json!([]));
    assert_eq!(ask(&empty, "eth_blockNumber", json!([])).await["result"], "0x64");
    assert_eq!(empty.faults(), [(Fault::EmptyLogs, 1)].into());
    let (null, _real) = proxy(Fault::NullReceipt).await;
    let answer = ask(&null, "eth_getTransactionReceipt", json!(["0x1"])).await;
    assert_eq!(answer, json!({ "jsonrpc": "2.0", "id": 9, "result": null }));
    assert_eq!(ask(&null, "eth_getLogs", json!([{}])).await["result"][0]["a log"], 1);
}

#[tokio::test]
async fn a_stale_head_is_below_the_true_one_and_no_other_block_changes() {
    let (proxy, _real) = proxy(Fault::StaleHead).await;
    let head = endpoint(&proxy).block_number().await.unwrap();
    assert!((96..100).contains(&head), "{head}");
    let block = ask(&proxy, "eth_getBlockByNumber", json!(["latest", false])).await;
    let block = block["result"].as_str().unwrap().to_owned();
    assert!(["0x60", "0x61", "0x62", "0x63"].contains(&&*block), "{block}");
    let named = ask(&proxy, "eth_getBlockByNumber", json!(["0x5", false])).await;
    assert_eq!(named["result"], "0x5");
    assert_eq!(proxy.faults()[&Fault::StaleHead], 2);
}

#[tokio::test]
async fn in_the_dark_nobody_is_answered_and_nothing_reaches_the_chain() {
    let real = Real::open().await;
    let proxy = Proxy::open(&real.url, Weather::calm(), Dice::new(1)).unwrap();
    proxy.set_dark(true);
    let answer = endpoint(&proxy).header(BlockRef::Latest).await;
    assert!(matches!(answer, Err(NoAnswer::TimedOut { .. })), "{answer:?}");
    assert_eq!(real.reached(), 0);
    proxy.set_dark(false);
    assert_eq!(endpoint(&proxy).block_number().await.unwrap(), 100);
    assert_eq!(proxy.faults(), [(Fault::BlackHole, 1)].into());
}

#[tokio::test]
async fn a_liar_lies_always_and_an_honest_endpoint_never() {
    let mut dice = Dice::new(3);
    let lies = |weather: &Weather, dice: &mut Dice| {
        let drawn = (0..1_000).map(|_| weather.draw("eth_getLogs", dice));
        drawn.filter(|fault| *fault == Some(Fault::EmptyLogs)).count()
    };
    assert_eq!(lies(&Weather::rough(200_000), &mut dice), 0);
    assert!(lies(&Weather::lying(10_000), &mut dice) > 850);
    let seen = Fault::ALL.iter().filter(|fault| {
        let weather = Weather::calm().with(**fault, 1_000_000);
        let methods = ["eth_getLogs", "eth_blockNumber", "eth_getBlockReceipts"];
        methods.iter().any(|method| weather.draw(method, &mut dice) == Some(**fault))
    });
    assert_eq!(seen.count(), Fault::ALL.len() - 1, "the black hole is not drawn");
}
