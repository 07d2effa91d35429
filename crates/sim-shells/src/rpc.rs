//! Endpoints of the chain: HTTP servers on simulated machines that speak JSON-RPC about one chain,
//! and go wrong as they are told.

mod answer;
mod lie;

use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tallystick_sim::chain::Chain;
use tallystick_sim::random::Dice;
use tokio::task::JoinSet;

pub(crate) use self::lie::Lie;
use crate::socket::{Line, Place};

/// The chain behind all endpoints.
#[derive(Clone, Debug)]
pub(crate) struct Ledger(Arc<Mutex<Chain>>);

/// How an endpoint is at a time, in millionths of its answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mood {
    /// Milliseconds that an answer takes at most.
    pub(crate) late_ms: u64,
    /// Answers with "too many requests".
    pub(crate) busy_ppm: u64,
    /// Questions that are not looked at.
    pub(crate) deaf_ppm: u64,
    /// Questions that have their effect, without an answer.
    pub(crate) mute_ppm: u64,
    /// Blocks by which its head is behind.
    pub(crate) behind: u64,
    /// What it says that is not true, and of how many questions that give occasion.
    pub(crate) lie: Option<(Lie, u64)>,
}

/// An endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    ledger: Ledger,
    place: Place,
    held: Arc<Mutex<Held>>,
}

#[derive(Debug)]
struct Held {
    mood: Mood,
    dice: Dice,
    spoiled: u64,
    lies: u64,
}

/// What becomes of one question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Answered,
    Busy,
    Deaf,
    Mute,
}

/// The connection is closed instead of an answer.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the endpoint hangs up")]
struct HangsUp;

impl Ledger {
    pub(crate) fn new(chain: Chain) -> Self {
        Self(Arc::new(Mutex::new(chain)))
    }

    pub(crate) fn chain(&self) -> MutexGuard<'_, Chain> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Endpoint {
    pub(crate) fn new(ledger: Ledger, place: Place, seed: u64) -> Self {
        let dice = Dice::of(seed, &place.name);
        let held = Held { mood: Mood::default(), dice, spoiled: 0, lies: 0 };
        Self { ledger, place, held: Arc::new(Mutex::new(held)) }
    }

    pub(crate) fn set(&self, mood: Mood) {
        self.held().mood = mood;
    }

    /// Answers that were late, refused or lost.
    pub(crate) fn spoiled(&self) -> u64 {
        self.held().spoiled
    }

    /// Answers that were not true.
    pub(crate) fn lies(&self) -> u64 {
        self.held().lies
    }

    /// Serves for ever.
    pub(crate) async fn serve(self) -> io::Result<()> {
        let mut lines = pin!(self.place.listen_as_chain().await?);
        let mut serving = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                Some(_ended) = serving.join_next(), if !serving.is_empty() => {}
                line = lines.next() => match line {
                    Some(line) => drop(serving.spawn(self.clone().converse(line?))),
                    None => return Ok(()),
                },
            }
        }
    }

    async fn converse(self, line: Line) {
        let answer = service_fn(|request| self.clone().take(request));
        let connection = http1::Builder::new().serve_connection(TokioIo::new(line), answer);
        if let Err(error) = connection.await {
            self.place.trace.note(&self.place.name, format_args!("connection ends: {error}"));
        }
    }

    async fn take(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, HangsUp> {
        let question = request.into_body().collect().await.map_err(|_| HangsUp)?.to_bytes();
        let question: Value = serde_json::from_slice(&question).map_err(|_| HangsUp)?;
        let (fate, late) = self.fate();
        tokio::time::sleep(late).await;
        let method = question["method"].as_str().unwrap_or_default();
        self.place.trace.note(&self.place.name, format_args!("{method}: {fate:?} after {late:?}"));
        let mut answer = Response::new(Full::default());
        match fate {
            Fate::Deaf => return Err(HangsUp),
            Fate::Busy => *answer.status_mut() = StatusCode::TOO_MANY_REQUESTS,
            Fate::Answered | Fate::Mute => {
                let said = self.say(&question);
                *answer.body_mut() = Full::new(Bytes::from(said.to_string()));
            }
        }
        if fate == Fate::Mute { Err(HangsUp) } else { Ok(answer) }
    }

    /// What one question, or each of several, leads to.
    fn say(&self, question: &Value) -> Value {
        if let Value::Array(questions) = question {
            return questions.iter().map(|question| self.say(question)).collect();
        }
        let behind = self.held().mood.behind;
        let truth = || answer::answer(&mut self.ledger.chain(), behind, question);
        let said = self.lie(question, || truth().unwrap_or_default()).map_or_else(truth, Ok);
        let mut all = json!({ "jsonrpc": "2.0", "id": question["id"] });
        match said {
            Ok(result) => all["result"] = result,
            Err(error) => {
                self.place.trace.note(&self.place.name, format_args!("refuses: {error}"));
                all["error"] = error;
            }
        }
        all
    }

    fn lie(&self, question: &Value, truth: impl FnOnce() -> Value) -> Option<Value> {
        let (lie, share) = self.held().mood.lie?;
        let untrue = lie.instead(question, truth)?;
        let mut held = self.held();
        if !held.dice.falls(share) {
            return None;
        }
        held.lies += 1;
        drop(held);
        self.place.trace.note(&self.place.name, format_args!("lies: {lie:?}"));
        Some(untrue)
    }

    fn fate(&self) -> (Fate, Duration) {
        let mut held = self.held();
        let mood = held.mood;
        let late = if mood.late_ms > 0 { held.dice.between(1, mood.late_ms) } else { 0 };
        let fates =
            [(mood.busy_ppm, Fate::Busy), (mood.deaf_ppm, Fate::Deaf), (mood.mute_ppm, Fate::Mute)];
        let struck = fates.into_iter().find(|(share, _)| *share > 0 && held.dice.falls(*share));
        let fate = struck.map_or(Fate::Answered, |(_, fate)| fate);
        held.spoiled += u64::from(fate != Fate::Answered || late > 0);
        (fate, Duration::from_millis(late))
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
