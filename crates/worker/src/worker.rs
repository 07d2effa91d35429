//! The shell around the agent: performs its effects and tells it what happened.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tallystick_abi::JobDomain;
use tallystick_blobs::{BlobStore, Pin, PinReason};
use tallystick_ports::{
    Batch, Cancellation, Clock, Executor, JobFacts, Store, StoreError, WorkerKeys, blocking,
};
use tallystick_protocol::commitment::TaskAssignment;
use tallystick_protocol::ledger::Failure;
use tallystick_tls::is_local;
use tallystick_types::{BlobDigest, JobId};
use tallystick_wire::authentication::Network;
use tallystick_wire::version::SUPPORTED;
use tallystick_wire::worker::{Capabilities, Hello};
use tokio::sync::{mpsc, watch};
use tokio::task::{self, JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, interval_at, sleep_until, timeout};

use crate::agent::{
    Agent, Effect, FetchFailure, Input, Moment, Ran, RestoreError, RunFailure, RunOrder,
};
use crate::config::WorkerConfig;
use crate::execute::{Bench, execute};
use crate::link::{Line, LinkEvent, Opened};
use crate::shell::{heartbeat, look_up, sign};
use crate::translate::{message, outward};
use crate::{carry, status::WorkerStatus};

/// What happened on the line and was not looked at yet.
const EVENTS: usize = 64;
/// Reports of progress that wait; more are left out.
const PROGRESS: usize = 64;
/// Between two looks at the room for blobs.
const ROOM_LOOK: Duration = Duration::from_secs(60);
/// Longer than any worker runs.
const FAR: Duration = Duration::from_secs(1 << 30);

/// What a worker meets the world through.
#[derive(Clone, Debug)]
pub struct Ports {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The journal of the agent; nobody else writes into it.
    pub store: Arc<dyn Store>,
    /// Runs programs.
    pub executor: Arc<dyn Executor>,
    /// Signs.
    pub keys: Arc<dyn WorkerKeys>,
    /// Knows what the chain says.
    pub facts: Arc<dyn JobFacts>,
    /// Programs, inputs, outputs.
    pub blobs: BlobStore,
}

/// Why a worker ended by itself. What it had begun follows from its store at the next start.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The journal or the record of signatures failed; nothing was said or signed that is not in
    /// it.
    #[error("the worker's journal or its record of signatures failed")]
    Store(#[from] StoreError),
    /// A part of this program failed.
    #[error("a part of the worker failed")]
    Lost(#[from] JoinError),
    /// The line ended, which it never does by itself.
    #[error("the line to the coordinators ended")]
    Line,
}

/// Why a worker cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The journal cannot be read.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// No coordinator to connect to.
    #[error("no coordinator is named; give at least one address")]
    NoCoordinator,
    /// A line without TLS to another machine.
    #[error("{address} is not on this machine and has no TLS; use https")]
    Plain {
        /// The coordinator.
        address: String,
    },
    /// Two places say how many tasks run at a time, and differ.
    #[error("the capabilities offer {offered} places, the agent has {places}; make them equal")]
    Places {
        /// In the capabilities.
        offered: u16,
        /// In the agent's rules.
        places: u16,
    },
}

/// A worker that can be run.
#[derive(Debug)]
pub struct Worker {
    agent: Agent,
    ports: Ports,
    line: Arc<Line>,
    domain: JobDomain,
    capabilities: Capabilities,
    status: watch::Sender<WorkerStatus>,
}

/// What came of something that was started.
#[derive(Debug)]
enum Done {
    Fetched(Result<(), FetchFailure>),
    Ran(Result<Ran, RunFailure>),
    Uploaded(bool),
    Forgotten,
    /// The thread that did it failed.
    Lost,
}

/// What was started.
#[derive(Clone, Copy, Debug)]
enum Started {
    Fetch(JobId, BlobDigest),
    Run(TaskAssignment),
    Upload(TaskAssignment),
    Forget,
}

/// A worker that runs.
struct Runner {
    worker: Worker,
    session: Option<Opened>,
    works: JoinSet<Done>,
    started: HashMap<task::Id, Started>,
    runs: BTreeMap<TaskAssignment, Cancellation>,
    progress: mpsc::Sender<(TaskAssignment, u64)>,
    stopping: bool,
    /// The agent has nothing to do any more in this session.
    left: bool,
    /// The end of the session was asked for and did not come yet.
    closing: bool,
    /// When the worker ends, finished or not.
    end: Instant,
}

impl Worker {
    /// Reads the journal and checks the configuration. Blocks on the store.
    ///
    /// # Errors
    ///
    /// [`SetupError`].
    pub fn new(config: WorkerConfig, ports: Ports) -> Result<Self, SetupError> {
        if config.coordinators.is_empty() {
            return Err(SetupError::NoCoordinator);
        }
        for endpoint in &config.coordinators {
            check_plain(endpoint.uri())?;
        }
        let (offered, places) = (config.capabilities.places.get(), config.agent.places);
        if offered != places {
            return Err(SetupError::Places { offered, places });
        }
        let (domain, seat) = (config.agent.domain, ports.keys.seat());
        let agent = Agent::restore(config.agent, seat, config.secret, &*ports.store)?;
        let hello = Hello {
            versions: SUPPORTED.to_vec().try_into().unwrap_or_default(),
            seat,
            identity: ports.keys.identity_key(),
            instance_epoch: config.instance_epoch,
            capabilities: config.capabilities.clone(),
            software: config.software,
            // Each session has its own.
            nonce: None,
        };
        let line = Arc::new(Line {
            coordinators: config.coordinators,
            dial: config.dial,
            hello,
            network: Network { chain: domain.chain, job_manager: domain.job_manager },
            benchmark_bytes: config.benchmark_bytes,
            times: config.times,
            keys: Arc::clone(&ports.keys),
            facts: Arc::clone(&ports.facts),
            clock: Arc::clone(&ports.clock),
        });
        let (status, _) = watch::channel(WorkerStatus::default());
        let capabilities = config.capabilities;
        Ok(Self { agent, ports, line, domain, capabilities, status })
    }

    /// How the worker is, for health checks.
    pub fn status(&self) -> watch::Receiver<WorkerStatus> {
        self.status.subscribe()
    }

    /// Works until `stop` resolves and everything is finished, or the time for that is over.
    ///
    /// # Errors
    ///
    /// [`WorkerError`]; a later worker on the same store goes on.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), WorkerError> {
        let (progress, heard) = mpsc::channel(PROGRESS);
        let runner = Runner {
            worker: self,
            session: None,
            works: JoinSet::new(),
            started: HashMap::new(),
            runs: BTreeMap::new(),
            progress,
            stopping: false,
            left: false,
            closing: false,
            end: Instant::now() + FAR,
        };
        runner.run(stop, heard).await
    }
}

/// Refuses a line that others can read and change.
fn check_plain(uri: &tonic::transport::Uri) -> Result<(), SetupError> {
    if is_local(uri) || uri.scheme_str() == Some("https") {
        Ok(())
    } else {
        Err(SetupError::Plain { address: uri.to_string() })
    }
}

impl Runner {
    async fn run(
        mut self,
        stop: impl Future<Output = ()>,
        mut heard: mpsc::Receiver<(TaskAssignment, u64)>,
    ) -> Result<(), WorkerError> {
        let times = self.worker.line.times;
        let (events, mut line) = mpsc::channel(EVENTS);
        let mut lines = JoinSet::new();
        lines.spawn(Arc::clone(&self.worker.line).keep(events));
        let mut ticks = interval(times.tick);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut looks = interval(ROOM_LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // Set anew by each session.
        let mut beats = interval(FAR);
        let mut stop = std::pin::pin!(stop);
        while !(self.stopping && self.left && !self.closing) {
            tokio::select! {
                () = &mut stop, if !self.stopping => {
                    self.stopping = true;
                    self.end = Instant::now() + times.drain;
                    self.feed(Input::Stop).await?;
                }
                () = sleep_until(self.end) => break,
                event = line.recv() => {
                    let event = event.ok_or(WorkerError::Line)?;
                    if let LinkEvent::Opened(opened) = &event {
                        beats = interval_at(Instant::now() + opened.heartbeat, opened.heartbeat);
                    }
                    self.on_line(event).await?;
                }
                Some(done) = self.works.join_next_with_id() => self.on_done(done).await?,
                Some((assignment, slices)) = heard.recv() => {
                    self.feed(Input::Progressed { assignment, slices }).await?;
                }
                _ = ticks.tick() => self.feed(Input::Tick).await?,
                _ = looks.tick() => {
                    if self.worker.ports.blobs.statistics().is_crowded() {
                        self.feed(Input::Crowded).await?;
                    }
                }
                _ = beats.tick() => self.beat().await,
            }
        }
        for cancellation in self.runs.values() {
            cancellation.cancel();
        }
        Ok(())
    }

    fn moment(&self) -> Moment {
        Moment { now: self.worker.ports.clock.now(), head: self.worker.ports.facts.head() }
    }

    /// Tells the agent what happened and performs what follows, in its order.
    async fn feed(&mut self, input: Input) -> Result<(), WorkerError> {
        let moment = self.moment();
        let mut effects = VecDeque::from(self.worker.agent.step(moment, input));
        while let Some(effect) = effects.pop_front() {
            if let Some(input) = self.perform(effect).await? {
                let moment = self.moment();
                effects.extend(self.worker.agent.step(moment, input));
            }
        }
        let (running, connected) = (self.worker.agent.busy(), self.session.as_ref());
        let connected = connected.map(|opened| opened.coordinator);
        self.worker.status.send_if_modified(|status| {
            let changed = status.running != running || status.connected != connected;
            status.running = running;
            status.connected = connected;
            changed
        });
        Ok(())
    }

    /// Performs one effect; what is known of it at once.
    async fn perform(&mut self, effect: Effect) -> Result<Option<Input>, WorkerError> {
        match effect {
            Effect::Store(batch) => {
                self.commit(batch).await?;
                return Ok(None);
            }
            Effect::Send(says) => self.send(outward(*says)).await,
            Effect::LookUp { job } => {
                return Ok(Some(look_up(&*self.worker.ports.facts, job)));
            }
            Effect::Fetch { job, blob, most_bytes } => self.fetch(job, blob, most_bytes),
            Effect::Run(order) => self.execute(*order),
            Effect::CancelRun { assignment } => {
                if let Some(cancellation) = self.runs.remove(&assignment) {
                    cancellation.cancel();
                }
            }
            effect @ (Effect::SignPledge { .. }
            | Effect::SignClaim { .. }
            | Effect::SignReceipt { .. }) => {
                let (keys, domain) = (Arc::clone(&self.worker.ports.keys), self.worker.domain);
                let signed = blocking::run(move || sign(&effect, &*keys, &domain)).await??;
                fail::fail_point!("worker.signature.given");
                return Ok(signed);
            }
            Effect::Upload { assignment, blob } => self.upload(assignment, blob),
            Effect::Forget { job, blobs } => self.forget(job, blobs),
            Effect::Leave => self.leave(),
        }
        Ok(None)
    }

    async fn commit(&self, batch: Batch) -> Result<(), WorkerError> {
        let store = Arc::clone(&self.worker.ports.store);
        fail::fail_point!("worker.record.before");
        blocking::run(move || store.commit(batch)).await??;
        fail::fail_point!("worker.record.kept");
        Ok(())
    }

    /// Sends a message. A coordinator that takes none for too long has no session any more.
    async fn send(&mut self, says: tallystick_wire::worker::v1::AgentMessage) {
        let Some(session) = &self.session else { return };
        let limit = self.worker.line.times.answer;
        if !matches!(timeout(limit, session.outbound.send(says)).await, Ok(Ok(()))) {
            // The line notices that nobody sends, and says that the session is closed.
            self.session = None;
        }
        fail::fail_point!("worker.message.sent");
    }

    fn fetch(&mut self, job: JobId, blob: BlobDigest, most_bytes: u64) {
        let pin = Pin { reason: PinReason::Job(job), until: None };
        let (store, silence) = (self.worker.ports.blobs.clone(), self.worker.line.times.blob);
        let channel = self.session.as_ref().map(|opened| opened.channel.clone());
        let work = async move {
            let fetched = carry::fetch(store, channel, blob, most_bytes, pin, silence);
            let fetched = fetched.await;
            fail::fail_point!("worker.input.fetched");
            Done::Fetched(fetched)
        };
        let id = self.works.spawn(work).id();
        self.started.insert(id, Started::Fetch(job, blob));
    }

    fn execute(&mut self, order: RunOrder) {
        let assignment = order.assignment;
        let cancellation = Cancellation::default();
        self.runs.insert(assignment, cancellation.clone());
        let (ports, progress) = (self.worker.ports.clone(), self.progress.clone());
        let work = move || {
            let bench = Bench {
                blobs: &ports.blobs,
                executor: &*ports.executor,
                clock: &*ports.clock,
                cancellation: &cancellation,
            };
            // Progress is a courtesy: where the agent is behind, it is left out.
            let report = |slices| {
                let _left_out = progress.try_send((assignment, slices));
            };
            fail::fail_point!("worker.run.before");
            let ran = execute(&order, &bench, report);
            fail::fail_point!("worker.run.over");
            Done::Ran(ran)
        };
        let id = self.block(work);
        self.started.insert(id, Started::Run(assignment));
    }

    /// Does work that blocks.
    fn block(&mut self, work: impl FnOnce() -> Done + Send + 'static) -> task::Id {
        let work = async move { blocking::run(work).await.unwrap_or(Done::Lost) };
        self.works.spawn(work).id()
    }

    fn upload(&mut self, assignment: TaskAssignment, blob: BlobDigest) {
        let (store, silence) = (self.worker.ports.blobs.clone(), self.worker.line.times.blob);
        let channel = self.session.as_ref().map(|opened| opened.channel.clone());
        let work = async move {
            fail::fail_point!("worker.upload.before");
            let uploaded = carry::upload(store, channel, blob, silence).await;
            fail::fail_point!("worker.upload.over");
            Done::Uploaded(uploaded)
        };
        let id = self.works.spawn(work).id();
        self.started.insert(id, Started::Upload(assignment));
    }

    fn forget(&mut self, job: JobId, blobs: Vec<BlobDigest>) {
        let store = self.worker.ports.blobs.clone();
        let work = move || {
            for blob in blobs {
                // A pin that stays keeps a blob longer than needed, and nothing else.
                let _kept = store.unpin(blob, PinReason::Job(job));
            }
            Done::Forgotten
        };
        let id = self.block(work);
        self.started.insert(id, Started::Forget);
    }

    /// Closes the session: what was said is sent, then the stream ends.
    fn leave(&mut self) {
        self.left = true;
        self.closing = self.session.take().is_some();
        if self.stopping {
            self.end = self.end.min(Instant::now() + self.worker.line.times.answer);
        }
    }

    async fn on_line(&mut self, event: LinkEvent) -> Result<(), WorkerError> {
        match event {
            LinkEvent::Opened(opened) => {
                let coordinator = opened.coordinator;
                self.session = Some(opened);
                (self.left, self.closing) = (false, false);
                self.feed(Input::Connected { coordinator }).await
            }
            LinkEvent::Says(says) => {
                fail::fail_point!("worker.message.heard");
                self.feed(Input::Heard(says)).await
            }
            LinkEvent::Closed(error) => {
                (self.session, self.closing) = (None, false);
                let error = Arc::new(error);
                self.worker.status.send_modify(|status| status.last_error = Some(error));
                self.feed(Input::Disconnected).await
            }
        }
    }

    async fn on_done(
        &mut self,
        done: Result<(task::Id, Done), JoinError>,
    ) -> Result<(), WorkerError> {
        let id = done.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let Some(started) = self.started.remove(&id) else { return Ok(()) };
        let done = done.map(|(_, done)| done);
        let input = match (started, done) {
            (Started::Fetch(job, blob), Ok(Done::Fetched(outcome))) => {
                Input::Fetched { job, blob, outcome }
            }
            (Started::Fetch(job, blob), _) => {
                Input::Fetched { job, blob, outcome: Err(FetchFailure::Machine) }
            }
            (Started::Run(assignment), done) => {
                self.runs.remove(&assignment);
                let outcome = match done {
                    Ok(Done::Ran(outcome)) => outcome,
                    // A program must not be able to end the worker.
                    _ => Err(RunFailure {
                        failure: Failure::Internal,
                        detail: "the executor failed".to_owned(),
                    }),
                };
                Input::Ran { assignment, outcome }
            }
            (Started::Upload(assignment), done) => {
                let done = matches!(done, Ok(Done::Uploaded(true)));
                Input::Uploaded { assignment, done }
            }
            (Started::Forget, _) => return Ok(()),
        };
        self.feed(input).await
    }

    /// Says that the node lives, and what it works on.
    async fn beat(&mut self) {
        if self.session.is_none() {
            return;
        }
        let now = self.worker.ports.clock.now();
        let beat = heartbeat(&self.worker.agent, &self.worker.capabilities, now);
        self.send(message(beat)).await;
    }
}
