//! Health and metrics over HTTP, for whoever watches the process.

mod pipelines;
mod progress;

use std::convert::Infallible;
use std::fmt::Write as _;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tallystick_archive::{Archive, CollectorStatus};
use tallystick_blobs::BlobStore;
use tallystick_chain::follow::House;
use tallystick_chain::ingest::Phase;
use tallystick_chain::outbox::{LaneState, OutboxHandle};
use tallystick_ports::Clock;
use tallystick_settlement::SettlerStatus;
use tallystick_types::{JobState, Seat, Seconds};
use tallystick_worker::WorkerStatus;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use progress::{Progress, Standing};

/// How long a client has to send its request.
const PATIENCE: Duration = Duration::from_secs(5);
/// Connections at a time.
const MOST: usize = 64;
/// Blocks behind the chain with which the node is still ready.
const MOST_BEHIND: u64 = 8;
/// How often the pipelines are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// What there is to see.
#[derive(Clone, Debug)]
pub(crate) struct Observed {
    pub(crate) house: House,
    pub(crate) outbox: Option<OutboxHandle>,
    pub(crate) running: watch::Receiver<Vec<&'static str>>,
    /// What runs once all roles do; empty before.
    pub(crate) started: Vec<&'static str>,
    pub(crate) settler: Option<watch::Receiver<SettlerStatus>>,
    pub(crate) worker: Option<watch::Receiver<WorkerStatus>>,
    pub(crate) archive: Option<Archive>,
    pub(crate) collector: Option<watch::Receiver<CollectorStatus>>,
    pub(crate) blobs: Option<BlobStore>,
    /// Who the node is on the chain, where it coordinates or executes.
    pub(crate) me: Option<Seat>,
    pub(crate) times: PipelineTimes,
}

/// How long what waits may take before the node says that it is late.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PipelineTimes {
    /// For the next block; zero where the chain makes blocks only when there is something to do.
    pub(crate) chain: Seconds,
    /// For everything on which money depends.
    pub(crate) money: Seconds,
}

/// The pipelines as they were at the last look.
#[derive(Clone, Debug)]
struct Watched {
    clock: Arc<dyn Clock>,
    progress: Arc<Mutex<Progress>>,
}

impl Watched {
    fn look(&self, observed: &Observed) {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        pipelines::look(observed, &mut progress, self.clock.now());
    }

    fn standings(&self) -> Vec<Standing> {
        let progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress.standings().collect()
    }

    fn late(&self) -> impl Iterator<Item = String> {
        let now = self.clock.now();
        self.standings().into_iter().filter_map(move |standing| standing.late(now))
    }
}

impl Observed {
    /// Why the node cannot do its work now; nothing where it can.
    pub(crate) fn reasons(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        let status = self.house.status();
        if status.phase != Phase::Follow {
            reasons.push(format!("the chain is not followed: {:?}", status.phase));
        }
        let behind = status.head.unwrap_or(0).saturating_sub(self.house.heights().head);
        if behind > MOST_BEHIND {
            reasons.push(format!("the view is {behind} blocks behind the chain"));
        }
        if status.strange > 0 {
            reasons.push(format!("{} logs are not understood; update", status.strange));
        }
        if let Some(outbox) = &self.outbox {
            let lane = outbox.watch().borrow().lane.clone();
            if lane != LaneState::Open {
                reasons.push(format!("transactions wait: {lane:?}"));
            }
        }
        if self.started.is_empty() {
            reasons.push("the roles wait for the chain".to_owned());
        }
        let running = self.running.borrow();
        for ended in self.started.iter().filter(|task| !running.contains(task)) {
            reasons.push(format!("{ended} has ended and the node stops; its log says why"));
        }
        drop(running);
        if let Some(worker) = &self.worker {
            let worker = worker.borrow();
            if worker.connected.is_none() {
                let why = worker.last_error.as_ref().map(ToString::to_string).unwrap_or_default();
                reasons.push(format!("the worker has no coordinator: {why}"));
            }
        }
        reasons
    }

    /// The metrics, as Prometheus reads them.
    fn metrics(&self, is_ready: bool, pipelines: &[Standing]) -> String {
        let (status, heights) = (self.house.status(), self.house.heights());
        let mut page = Page::default();
        page.gauge("ready", u64::from(is_ready));
        page.pipelines(pipelines);
        page.gauge("chain_head", status.head.unwrap_or(0));
        page.gauge("view_head", heights.head);
        page.gauge("view_safe", heights.safe);
        page.gauge("view_final", heights.last);
        page.gauge("chain_rollbacks", status.epoch);
        page.gauge("chain_strange_logs", status.strange);
        page.gauge("tasks_running", self.running.borrow().len() as u64);
        let states = [
            ("open", JobState::Open),
            ("assigned", JobState::Assigned),
            ("proposed", JobState::Proposed),
            ("challenged", JobState::Challenged),
        ];
        page.head("jobs");
        for (name, state) in states {
            let count = self.house.read().latest().jobs_in(state).count();
            page.line(format_args!("tally_jobs{{state=\"{name}\"}} {count}"));
        }
        if let Some(outbox) = &self.outbox {
            let board = outbox.watch().borrow().clone();
            page.gauge("outbox_open", u64::from(board.lane == LaneState::Open));
            page.gauge("outbox_wishes", board.wishes.len() as u64);
            page.gauge("outbox_outcomes", board.newest_outcome.0);
        }
        if let Some(settler) = &self.settler {
            let settler = *settler.borrow();
            page.gauge("settler_under_way", settler.under_way as u64);
            page.gauge("settler_handed_in", settler.handed_in);
            page.gauge("settler_ended", settler.ended);
        }
        if let Some(worker) = &self.worker {
            let worker = worker.borrow();
            page.gauge("worker_connected", u64::from(worker.connected.is_some()));
            page.gauge("worker_running", worker.running as u64);
        }
        if let Some(archive) = &self.archive {
            page.gauge("archive_receipts", archive.count());
        }
        if let Some(blobs) = &self.blobs {
            let blobs = blobs.statistics();
            page.gauge("blobs_free_bytes", blobs.free_bytes);
            page.gauge("blobs_quota_bytes", blobs.quota_bytes);
        }
        page.0
    }
}

/// A page of metrics.
#[derive(Debug, Default)]
struct Page(String);

impl Page {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.0, "{line}").expect("a text takes everything");
    }

    fn head(&mut self, name: &str) {
        self.line(format_args!("# TYPE tally_{name} gauge"));
    }

    fn gauge(&mut self, name: &str, value: u64) {
        self.head(name);
        self.line(format_args!("tally_{name} {value}"));
    }

    /// When each pipeline last got on, by when it must again (0: nothing waits), and what waits.
    fn pipelines(&mut self, standings: &[Standing]) {
        type Read = fn(&Standing) -> u64;
        let gauges: [(&str, Read); 3] = [
            ("pipeline_last_progress_seconds", |it| it.progressed.get() / 1_000),
            ("pipeline_expected_next_seconds", |it| {
                it.expected.map_or(0, |expected| expected.get() / 1_000)
            }),
            ("pipeline_waiting", |it| it.waiting as u64),
        ];
        for (name, read) in gauges {
            self.head(name);
            for it in standings {
                let (pipeline, value) = (it.pipeline, read(it));
                self.line(format_args!("tally_{name}{{pipeline=\"{pipeline}\"}} {value}"));
            }
        }
    }
}

/// Serves until `stop` is ready.
pub(crate) async fn serve(
    listener: TcpListener,
    observed: watch::Receiver<Observed>,
    clock: Arc<dyn Clock>,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let mut stop = pin!(stop);
    let mut connections = JoinSet::new();
    let watched = Watched { clock, progress: Arc::default() };
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let stream = tokio::select! {
            () = &mut stop => return Ok(()),
            _ = looks.tick() => {
                let now = observed.borrow().clone();
                watched.look(&now);
                continue;
            }
            Some(_ended) = connections.join_next(), if !connections.is_empty() => continue,
            accepted = listener.accept(), if connections.len() < MOST => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // A client that is gone already, or no file left: neither ends the node.
                    tracing::warn!(%error, "node.observe.accept");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let (observed, watched) = (observed.clone(), watched.clone());
        let answers = service_fn(move |request| {
            let answer = answer(&request, &observed, &watched);
            async move { Ok::<_, Infallible>(answer) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(PATIENCE)
            .serve_connection(TokioIo::new(stream), answers);
        connections.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "node.observe.connection");
            }
        });
    }
}

fn answer(
    request: &Request<Incoming>,
    observed: &watch::Receiver<Observed>,
    watched: &Watched,
) -> Response<Full<Bytes>> {
    let observed = || observed.borrow().clone();
    let reasons =
        || -> Vec<String> { observed().reasons().into_iter().chain(watched.late()).collect() };
    let (status, text) = match (request.method(), request.uri().path()) {
        (&Method::GET, "/healthz") => (StatusCode::OK, "alive\n".to_owned()),
        (&Method::GET, "/readyz") => match reasons() {
            reasons if reasons.is_empty() => (StatusCode::OK, "ready\n".to_owned()),
            reasons => (StatusCode::SERVICE_UNAVAILABLE, reasons.join("\n") + "\n"),
        },
        (&Method::GET, "/metrics") => {
            let page = observed().metrics(reasons().is_empty(), &watched.standings());
            (StatusCode::OK, page)
        }
        _ => (StatusCode::NOT_FOUND, "/healthz, /readyz or /metrics\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests;
