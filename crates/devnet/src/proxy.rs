//! An endpoint of the chain that breaks: a proxy of JSON-RPC over HTTP whose faults a seed decides.
//!
//! Each request goes to the real endpoint unless a fault says otherwise. Every fault that happened
//! is counted, so that a run can show that it was not a quiet one.

mod fault;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::dice::Dice;
use crate::relay::next_stream;
pub use fault::{Fault, Weather};

/// Longest wait for the real endpoint.
const UPSTREAM: Duration = Duration::from_secs(20);

/// The lowest that a stale head is below the true one, in blocks.
const STALE: u64 = 4;

/// A body that can end too early.
type Body = StreamBody<stream::Iter<std::vec::IntoIter<io::Result<Frame<Bytes>>>>>;

/// A proxy in front of an endpoint. Dropping it closes it.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    inner: Arc<Inner>,
    _serving: JoinSet<()>,
}

#[derive(Debug)]
struct Inner {
    upstream: String,
    client: reqwest::Client,
    state: Mutex<State>,
    dark: watch::Sender<bool>,
}

#[derive(Debug)]
struct State {
    weather: Weather,
    dice: Dice,
    requests: u64,
    faults: BTreeMap<Fault, u64>,
}

impl Proxy {
    /// Opens a proxy on a free port of this machine, in the present runtime. `weather` says what
    /// goes wrong, `dice` when.
    pub fn open(upstream: &str, weather: Weather, dice: Dice) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        // Whatever the addresses are, every client wants one.
        tallystick_tls::install_provider();
        let client = reqwest::Client::builder().timeout(UPSTREAM).build();
        let inner = Arc::new(Inner {
            upstream: upstream.to_owned(),
            client: client.map_err(io::Error::other)?,
            state: Mutex::new(State { weather, dice, requests: 0, faults: BTreeMap::new() }),
            dark: watch::Sender::new(false),
        });
        let address = listener.local_addr()?;
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, Arc::clone(&inner)));
        Ok(Self { address, inner, _serving: serving })
    }

    /// Where it answers.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Changes what goes wrong from now on.
    pub fn set_weather(&self, weather: Weather) {
        self.inner.state().weather = weather;
    }

    /// While it is dark, no request is answered or sent on, and connections stay open.
    pub fn set_dark(&self, dark: bool) {
        self.inner.dark.send_replace(dark);
    }

    /// Requests so far.
    pub fn requests(&self) -> u64 {
        self.inner.state().requests
    }

    /// Faults so far, by kind.
    pub fn faults(&self) -> BTreeMap<Fault, u64> {
        self.inner.state().faults.clone()
    }
}

/// Accepts connections for as long as the proxy lives.
async fn serve(listener: TcpListener, inner: Arc<Inner>) {
    let mut connections = JoinSet::new();
    loop {
        let stream = next_stream(&listener, &mut connections).await;
        let inner = Arc::clone(&inner);
        let answers = service_fn(move |request| Arc::clone(&inner).answer(request));
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), answers);
        connections.spawn(async move {
            // Connections that end in an error are what this proxy is for.
            let _broken = connection.await;
        });
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, fault: Fault) {
        *self.state().faults.entry(fault).or_default() += 1;
    }

    /// An error of a service ends its connection without an answer.
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> io::Result<Response<Body>> {
        let question = request.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
        if *self.dark.borrow() {
            self.count(Fault::BlackHole);
            let mut dark = self.dark.subscribe();
            let _lit = dark.wait_for(|dark| !dark).await;
            return Err(io::Error::other("black hole"));
        }
        let asked: Option<Value> = serde_json::from_slice(&question).ok();
        let method = asked.as_ref().and_then(|asked| asked.get("method")).and_then(Value::as_str);
        let (fault, delay) = self.draw(method.unwrap_or_default());
        match fault {
            None => whole(&self.forward(question).await?),
            Some(Fault::StaleHead) => self.stale(asked.unwrap_or_default(), question).await,
            Some(fault) => {
                self.count(fault);
                self.spoil(fault, question, delay).await
            }
        }
    }

    fn draw(&self, method: &str) -> (Option<Fault>, Duration) {
        let state = &mut *self.state();
        state.requests += 1;
        let fault = state.weather.draw(method, &mut state.dice);
        (fault, state.dice.between(Duration::ZERO, state.weather.longest_delay))
    }

    async fn spoil(
        &self,
        fault: Fault,
        question: Bytes,
        delay: Duration,
    ) -> io::Result<Response<Body>> {
        match fault {
            Fault::Drop => return Err(io::Error::other("dropped")),
            Fault::ServerError => return status(StatusCode::SERVICE_UNAVAILABLE),
            Fault::TooMany => return status(StatusCode::TOO_MANY_REQUESTS),
            Fault::Delay => tokio::time::sleep(delay).await,
            _ => {}
        }
        let answer = self.forward(question).await?;
        match fault {
            Fault::LoseAnswer => Err(io::Error::other("answer lost")),
            Fault::Truncate => half(&answer),
            Fault::EmptyLogs | Fault::NullReceipt | Fault::WrongId => {
                let mut false_answer: Value = serde_json::from_slice(&answer)?;
                fault::falsify(fault, &mut false_answer);
                whole(&serde_json::to_vec(&false_answer)?.into())
            }
            _ => whole(&answer),
        }
    }

    /// Answers a question about the head with a block below it, and others truthfully.
    async fn stale(&self, mut asked: Value, question: Bytes) -> io::Result<Response<Body>> {
        let number =
            json!({ "jsonrpc": "2.0", "id": 0, "method": "eth_blockNumber", "params": [] });
        let head = self.forward(serde_json::to_vec(&number)?.into()).await?;
        let head: Value = serde_json::from_slice(&head)?;
        let head = head.get("result").and_then(Value::as_str).unwrap_or_default();
        let head = u64::from_str_radix(head.trim_start_matches("0x"), 16).unwrap_or(0);
        let by = 1 + self.state().dice.below(STALE);
        if asked.get("method").is_some_and(|method| method == "eth_blockNumber") {
            self.count(Fault::StaleHead);
            let stale = format!("{:#x}", head.saturating_sub(by));
            let answer = json!({ "jsonrpc": "2.0", "id": asked["id"], "result": stale });
            return whole(&serde_json::to_vec(&answer)?.into());
        }
        if !fault::lower(&mut asked, head, by) {
            return whole(&self.forward(question).await?);
        }
        self.count(Fault::StaleHead);
        whole(&self.forward(serde_json::to_vec(&asked)?.into()).await?)
    }

    async fn forward(&self, question: Bytes) -> io::Result<Bytes> {
        let request = self.client.post(&self.upstream).header(CONTENT_TYPE, "application/json");
        let answer = request.body(question).send().await.map_err(io::Error::other)?;
        answer.bytes().await.map_err(io::Error::other)
    }
}

fn status(code: StatusCode) -> io::Result<Response<Body>> {
    respond(code, 0, Vec::new())
}

fn whole(answer: &Bytes) -> io::Result<Response<Body>> {
    respond(StatusCode::OK, answer.len(), vec![Ok(Frame::data(answer.clone()))])
}

/// The first half of an answer, and then the end of the connection.
fn half(answer: &Bytes) -> io::Result<Response<Body>> {
    let first = answer.slice(..answer.len() / 2);
    let end = Err(io::Error::other("truncated"));
    respond(StatusCode::OK, answer.len(), vec![Ok(Frame::data(first)), end])
}

fn respond(
    code: StatusCode,
    length: usize,
    frames: Vec<io::Result<Frame<Bytes>>>,
) -> io::Result<Response<Body>> {
    Response::builder()
        .status(code)
        .header(CONTENT_TYPE, "application/json")
        .header(CONTENT_LENGTH, length)
        .body(StreamBody::new(stream::iter(frames)))
        .map_err(io::Error::other)
}
