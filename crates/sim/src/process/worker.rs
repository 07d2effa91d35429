//! A worker: its agent, whose effects the simulation performs, and its lies, if it tells any.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::num::NonZeroU16;
use std::sync::Arc;

use ed25519_dalek::SigningKey;
use tallystick_abi::{Deployment, JobDomain};
use tallystick_blobs::{BlobStore, Pin, PinReason, PutOptions};
use tallystick_chain::keys::LocalKey;
use tallystick_chain::keys::protection::{History, SigningProtection};
use tallystick_node::{HouseFacts, NodeKeys};
use tallystick_ports::{Cancellation, Clock, JobFacts, Store, WorkerKeys};
use tallystick_protocol::commitment::TaskAssignment;
use tallystick_types::{Amount, BlobDigest, EngineProfile, JobId, Seat, Seconds, WallTime};
use tallystick_wire::worker::{Capabilities, CoordinatorMessage, Hello, KindOffer, WorkKind, v1};
use tallystick_wire::{Software, version};
use tallystick_worker::agent::{
    Agent, AgentConfig, AgentSays, CoordinatorSays, Effect, FetchFailure, Input, Maxima, Moment,
    NodeSecret, RunOrder,
};
use tallystick_worker::shell::{
    Assembly, Bench, execute, heartbeat, look_up, message, outward, sign,
};

use super::{End, Eyes, Machine};
use crate::disk::Disk;
use crate::event::{Answer, Message, Pid, Session, Timer};
use crate::executor::Computer;
use crate::kernel::MachineClock;
use crate::lies::{BareKeys, Character, Overheard};
use crate::oracles::Stop;
use crate::outside::Here;
use crate::random::Dice;
use crate::situations::Situation;

/// Milliseconds between two ticks of the agent.
const TICK: u64 = 500;
/// Milliseconds between two heartbeats.
const BEAT: u64 = 10_000;
/// Silence after which a session counts as broken.
const SILENCE: Seconds = Seconds::new(30);

/// A running worker.
#[derive(Debug)]
pub struct Worker {
    agent: Agent,
    eyes: Eyes,
    facts: HouseFacts,
    keys: Arc<dyn WorkerKeys>,
    bare: BareKeys,
    store: Arc<dyn Store>,
    disk: Disk,
    blobs: BlobStore,
    clock: MachineClock,
    domain: JobDomain,
    hello: Hello,
    coordinators: Vec<Pid>,
    computer: Computer,
    character: Character,
    dice: Dice,
    line: Line,
    tries: usize,
    runs: BTreeMap<TaskAssignment, RunOrder>,
    fetches: BTreeSet<(JobId, BlobDigest)>,
    uploads: BTreeMap<BlobDigest, TaskAssignment>,
}

/// Whether an effect says what becomes of an output that was asked for.
fn answers(effect: &Effect, wanted: TaskAssignment) -> bool {
    match effect {
        Effect::Upload { assignment, .. } => *assignment == wanted,
        Effect::Send(says) => {
            matches!(**says, AgentSays::Failed { assignment, .. } if assignment == wanted)
        }
        _ => false,
    }
}

/// Where the line to a coordinator stands.
#[derive(Debug)]
enum Line {
    Down,
    Greeting(Session, WallTime),
    Up { session: Session, assembly: Box<Assembly>, heard: WallTime },
}

/// What a worker is set up with.
#[derive(Clone, Debug)]
pub struct WorkerPlan {
    /// The contracts.
    pub deployment: Deployment,
    /// Who it is.
    pub seat: Seat,
    /// Its key on the chain.
    pub signer: LocalKey,
    /// Its key in the network.
    pub identity: [u8; 32],
    /// Where it connects, in this order.
    pub coordinators: Vec<Pid>,
    /// What kind of node it is.
    pub character: Character,
    /// How many endpoints there are, and how many must agree.
    pub endpoints: (usize, usize),
    /// What its dice begin with.
    pub seed: u64,
}

impl Worker {
    /// Takes up what its machine keeps. `restarted`: it ran before.
    pub fn open(machine: &Machine, plan: &WorkerPlan, life: u32) -> Result<Self, End> {
        let (endpoints, agreement) = plan.endpoints;
        let eyes = Eyes::open(machine, &plan.deployment, endpoints, agreement)?;
        let domain = plan.deployment.job_domain();
        // Whoever has lived once has its record, unless it was never written.
        let protection = SigningProtection::open(machine.store(), History::NewKey)?;
        let identity = SigningKey::from_bytes(&plan.identity);
        let signer = plan.signer.clone();
        let bare = BareKeys { signer: signer.clone(), identity: identity.clone(), domain };
        let signer = Arc::new(signer);
        let keys = NodeKeys::new(domain, plan.seat.node, signer, identity, protection);
        let keys: Arc<dyn WorkerKeys> = Arc::new(keys);
        let capabilities = capabilities();
        let agent = agent_config(domain, capabilities.places.get());
        let secret = NodeSecret::new(plan.identity);
        let store = machine.store();
        let agent = Agent::restore(agent, plan.seat, secret, &*store)?;
        let hello = Hello {
            versions: version::SUPPORTED.to_vec().try_into().unwrap_or_default(),
            seat: plan.seat,
            identity: keys.identity_key(),
            instance_epoch: u64::from(life).saturating_add(1),
            capabilities,
            software: Software::cut("simulated"),
            // Handshakes have no challenge here that it could go into.
            nonce: None,
        };
        Ok(Self {
            agent,
            facts: HouseFacts::new(eyes.house().clone()),
            eyes,
            keys,
            bare,
            store,
            disk: machine.disk.clone(),
            blobs: machine.blobs()?,
            clock: machine.clock.clone(),
            domain,
            hello,
            coordinators: plan.coordinators.clone(),
            computer: Computer::of(plan.character, plan.seed),
            character: plan.character,
            dice: Dice::of(plan.seed.wrapping_add(life.into()), "worker"),
            line: Line::Down,
            tries: 0,
            runs: BTreeMap::new(),
            fetches: BTreeSet::new(),
            uploads: BTreeMap::new(),
        })
    }

    /// How it sees the chain.
    pub const fn eyes(&self) -> &Eyes {
        &self.eyes
    }

    /// Who it is.
    pub const fn seat(&self) -> Seat {
        self.hello.seat
    }

    /// What it works on.
    pub const fn agent(&self) -> &Agent {
        &self.agent
    }

    /// Whether another one that read the same store works on the same.
    pub fn is_as(&self, other: &Self) -> bool {
        let work = |it: &Self| (it.agent.running(), it.agent.busy());
        work(self) == work(other)
    }

    /// Begins.
    pub fn start(&mut self, here: &mut Here<'_>) -> Result<(), End> {
        here.wake(0, Timer::Ingest);
        here.wake(TICK, Timer::Agent);
        here.wake(BEAT, Timer::Beat);
        let wait = self.dice.between(200, 2_000);
        here.wake(wait, Timer::Connect);
        if !self.agent.running().is_empty() {
            here.mark(Situation::WorkerGoesOnAfterRestart);
        }
        Ok(())
    }

    /// A timer rang.
    pub fn timer(&mut self, timer: Timer, here: &mut Here<'_>) -> Result<(), End> {
        match timer {
            Timer::Ingest => self.eyes.wake(here),
            Timer::Agent => {
                here.wake(TICK, Timer::Agent);
                self.mind_the_line(here)?;
                self.feed(Input::Tick, here)
            }
            Timer::Beat => {
                here.wake(BEAT, Timer::Beat);
                if let Line::Up { session, .. } = self.line {
                    let beat = heartbeat(&self.agent, &self.hello.capabilities, self.clock.now());
                    here.say(session, Message::Agent(Box::new(message(beat))));
                }
                Ok(())
            }
            Timer::Connect => {
                self.connect(here);
                Ok(())
            }
            Timer::Ran(assignment) => self.ran(assignment, here),
            _ => Ok(()),
        }
    }

    /// The endpoints answered.
    pub fn answer(&mut self, answer: Answer, here: &mut Here<'_>) -> Result<(), End> {
        match answer {
            Answer::Ingest(answers) => self.eyes.answers(answers, here),
            _ => Ok(()),
        }
    }

    fn connect(&mut self, here: &mut Here<'_>) {
        if !matches!(self.line, Line::Down) {
            return;
        }
        let place = self.tries.checked_rem(self.coordinators.len()).unwrap_or_default();
        self.tries = self.tries.wrapping_add(1);
        let Some(to) = self.coordinators.get(place).copied() else { return };
        match here.open(to) {
            Some(session) => {
                self.line = Line::Greeting(session, self.clock.now());
                here.say(session, Message::Hello(Box::new(self.hello.clone())));
            }
            None => self.connect_later(here),
        }
    }

    fn connect_later(&mut self, here: &mut Here<'_>) {
        self.line = Line::Down;
        let wait = self.dice.between(300, 3_000);
        here.wake(wait, Timer::Connect);
    }

    /// A line that is silent for too long is none.
    fn mind_the_line(&mut self, here: &mut Here<'_>) -> Result<(), End> {
        let now = self.clock.now();
        let over = match self.line {
            Line::Down => None,
            Line::Greeting(session, since) => (since.after(SILENCE) <= now).then_some(session),
            Line::Up { session, heard, .. } => {
                // A coordinator answers every heartbeat; so much silence is none.
                (heard.after(Seconds::new(SILENCE.get() * 4)) <= now).then_some(session)
            }
        };
        match over {
            Some(session) => {
                here.close(session);
                self.closed(session, here)
            }
            None => Ok(()),
        }
    }

    /// A session is over.
    pub fn closed(&mut self, session: Session, here: &mut Here<'_>) -> Result<(), End> {
        let mine = match &self.line {
            Line::Down => false,
            Line::Greeting(open, _) | Line::Up { session: open, .. } => *open == session,
        };
        if !mine {
            return Ok(());
        }
        let was_up = matches!(self.line, Line::Up { .. });
        self.connect_later(here);
        if was_up {
            self.feed(Input::Disconnected, here)?;
            for (job, blob) in std::mem::take(&mut self.fetches) {
                let outcome = Err(FetchFailure::Unreachable);
                self.feed(Input::Fetched { job, blob, outcome }, here)?;
            }
            for assignment in std::mem::take(&mut self.uploads).into_values() {
                self.feed(Input::Uploaded { assignment, done: false }, here)?;
            }
        }
        Ok(())
    }

    /// A message of a session came.
    pub fn message(
        &mut self,
        session: Session,
        said: Message,
        here: &mut Here<'_>,
    ) -> Result<(), End> {
        let now = self.clock.now();
        match said {
            Message::Admitted(coordinator) => {
                let assembly = Box::default();
                self.line = Line::Up { session, assembly, heard: now };
                self.feed(Input::Connected { coordinator }, here)
            }
            Message::Refused => {
                here.close(session);
                self.closed(session, here)
            }
            Message::Coordinator(said) => self.hear(session, *said, here),
            Message::Blob(digest, bytes) => self.fetched(digest, bytes.as_deref(), here),
            Message::Stored(digest, done) => match self.uploads.remove(&digest) {
                Some(assignment) => self.feed(Input::Uploaded { assignment, done }, here),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn hear(
        &mut self,
        from: Session,
        said: v1::CoordinatorMessage,
        here: &mut Here<'_>,
    ) -> Result<(), End> {
        let now = self.clock.now();
        let Line::Up { session, assembly, heard } = &mut self.line else { return Ok(()) };
        if *session != from {
            return Ok(());
        }
        *heard = now;
        let Ok(CoordinatorMessage { body: Some(body) }) = CoordinatorMessage::try_from(said) else {
            return Ok(());
        };
        match assembly.take(body) {
            Ok(Some(says)) => self.feed(Input::Heard(says), here),
            Ok(None) => Ok(()),
            Err(error) => {
                here.out.tally.oracles.failed(&format!("a coordinator spoke out of turn: {error}"));
                Ok(())
            }
        }
    }

    fn fetched(
        &mut self,
        digest: BlobDigest,
        bytes: Option<&[u8]>,
        here: &mut Here<'_>,
    ) -> Result<(), End> {
        let wanted: Vec<_> =
            self.fetches.iter().filter(|(_, blob)| *blob == digest).copied().collect();
        for (job, blob) in wanted {
            self.fetches.remove(&(job, blob));
            let outcome = match bytes {
                Some(bytes) => self.keep(job, bytes),
                None => Err(FetchFailure::Unavailable),
            };
            self.feed(Input::Fetched { job, blob, outcome }, here)?;
        }
        Ok(())
    }

    fn keep(&self, job: JobId, bytes: &[u8]) -> Result<(), FetchFailure> {
        let pin = Some(Pin { reason: PinReason::Job(job), until: None });
        let options = PutOptions { pin, ..PutOptions::default() };
        self.blobs.put_with(bytes, options).map(drop).map_err(|_| FetchFailure::Machine)
    }

    /// Tells the agent what happened and performs what follows, in its order.
    fn feed(&mut self, input: Input, here: &mut Here<'_>) -> Result<(), End> {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let moment = Moment { now: self.clock.now(), head: self.facts.head() };
            let is_order = matches!(input, Input::Heard(_));
            let output = match &input {
                Input::Heard(CoordinatorSays::Output { assignment }) => Some(*assignment),
                _ => None,
            };
            let mut effects = VecDeque::from(self.agent.step(moment, input));
            if let Some(assignment) = output.filter(|_| !self.character.withholds()) {
                let uploads = self.uploads.values().any(|it| *it == assignment);
                let answers = uploads || effects.iter().any(|effect| answers(effect, assignment));
                let seat = self.hello.seat;
                here.out.tally.oracles.asked_for_output(seat, assignment, answers);
            }
            while let Some(effect) = effects.pop_front() {
                if let Effect::CancelRun { assignment } = &effect {
                    self.stops(*assignment, is_order, here);
                }
                if let Some(input) = self.perform(effect, here)? {
                    let moment = Moment { now: self.clock.now(), head: self.facts.head() };
                    effects.extend(self.agent.step(moment, input));
                }
            }
        }
        Ok(())
    }

    /// Stops a run: why, as far as can be told from outside of the agent.
    fn stops(&self, assignment: TaskAssignment, is_order: bool, here: &mut Here<'_>) {
        let now = self.clock.now();
        // A run that came to its end by itself is stopped as well, which means nothing.
        let Some(run) = self.runs.get(&assignment) else { return };
        let why = match (is_order, run.deadline <= now) {
            (true, _) => Stop::Ordered,
            (false, true) => Stop::Late,
            (false, false) => Stop::Chain,
        };
        here.mark_if(why == Stop::Chain, Situation::RunStoppedByChain);
        let oracles = &mut here.out.tally.oracles;
        oracles.stops(self.hello.seat, &assignment, why, &here.out.chain);
    }

    fn perform(&mut self, effect: Effect, here: &mut Here<'_>) -> Result<Option<Input>, End> {
        crate::watcher::performs(self.hello.seat, &effect, here);
        if let Some(signed) = sign(&effect, &*self.keys, &self.domain)? {
            return Ok(Some(signed));
        }
        match effect {
            Effect::Store(batch) => self.store.commit(batch)?,
            Effect::Send(says) => {
                if let Line::Up { session, .. } = self.line {
                    let opens = matches!(*says, AgentSays::Reveal { .. });
                    if opens && self.character == Character::FalseOpening {
                        here.mark(Situation::FalseOpeningHeard);
                    }
                    if self.character.is_honest() {
                        crate::watcher::says(self.hello.seat, &says, &self.disk, here);
                    }
                    let said = self.speaks(*says, here);
                    for says in said {
                        here.say(session, Message::Agent(Box::new(outward(says))));
                    }
                }
            }
            Effect::LookUp { job } => return Ok(Some(look_up(&self.facts, job))),
            Effect::Fetch { job, blob, .. } => return Ok(self.fetch(job, blob, here)),
            Effect::Run(order) => {
                let program = self.blobs.get(order.specification.program().into());
                let program = program.unwrap_or_default();
                let wait = self.computer.time(&program, &mut self.dice);
                let assignment = order.assignment;
                self.runs.insert(assignment, *order);
                if !self.character.stalls() {
                    here.wake(wait, Timer::Ran(assignment));
                }
            }
            Effect::CancelRun { assignment } => {
                self.runs.remove(&assignment);
            }
            Effect::Upload { assignment, blob } => {
                return Ok(self.upload(assignment, blob, here));
            }
            Effect::Forget { job, blobs } => {
                // What is kept for a week goes in a simulation only where its place is needed.
                here.mark(Situation::RoomMade);
                for blob in blobs {
                    // A pin that stays keeps a blob longer than needed, and nothing else.
                    let _kept = self.blobs.unpin(blob, PinReason::Job(job));
                }
            }
            Effect::Leave => {
                if let Line::Up { session, .. } = self.line {
                    here.close(session);
                }
            }
            Effect::SignPledge { .. } | Effect::SignClaim { .. } | Effect::SignReceipt { .. } => {}
        }
        Ok(None)
    }

    /// What it says in place of its agent. Who copies hears what all others say.
    fn speaks(&self, says: AgentSays, here: &mut Here<'_>) -> Vec<AgentSays> {
        let about = match &says {
            AgentSays::Commit { pledge, .. } => Some(pledge.assignment),
            AgentSays::Reveal { assignment, .. } => Some(*assignment),
            _ => None,
        };
        let Some(about) = about else {
            return self.character.says(says, &self.bare, &Overheard::default());
        };
        let heard = here.out.overheard.entry((about.job, about.task)).or_default();
        if self.character.copies() {
            let said = self.character.says(says, &self.bare, heard);
            let commits = matches!(said.first(), Some(AgentSays::Commit { .. }));
            let opens = matches!(said.first(), Some(AgentSays::Reveal { .. }));
            here.mark_if(commits, Situation::CommitmentCopied);
            here.mark_if(opens, Situation::OpeningCopied);
            return said;
        }
        match &says {
            AgentSays::Commit { pledge, .. } => heard.commitment = Some(pledge.commitment),
            AgentSays::Reveal { opening, output_blob, .. } => {
                heard.opening = Some((*opening, *output_blob));
            }
            _ => {}
        }
        self.character.says(says, &self.bare, &Overheard::default())
    }

    fn fetch(&mut self, job: JobId, blob: BlobDigest, here: &mut Here<'_>) -> Option<Input> {
        if self.blobs.has(blob) {
            let pin = Pin { reason: PinReason::Job(job), until: None };
            let outcome = self.blobs.pin(blob, pin).map_err(|_| FetchFailure::Machine);
            return Some(Input::Fetched { job, blob, outcome });
        }
        let Line::Up { session, .. } = self.line else {
            let outcome = Err(FetchFailure::Unreachable);
            return Some(Input::Fetched { job, blob, outcome });
        };
        self.fetches.insert((job, blob));
        here.say(session, Message::Want(blob));
        None
    }

    fn upload(
        &mut self,
        assignment: TaskAssignment,
        blob: BlobDigest,
        here: &mut Here<'_>,
    ) -> Option<Input> {
        let (Line::Up { session, .. }, Ok(bytes)) = (&self.line, self.blobs.get(blob)) else {
            return Some(Input::Uploaded { assignment, done: false });
        };
        if self.character.withholds() {
            if self.dice.falls(500_000) {
                here.say(*session, Message::Put(blob, Arc::from(b"something else".as_slice())));
            }
            here.mark(Situation::OutputWithheld);
            return None;
        }
        self.uploads.insert(blob, assignment);
        here.say(*session, Message::Put(blob, bytes.into()));
        None
    }

    /// A run came to its end: what it led to is kept and told.
    fn ran(&mut self, assignment: TaskAssignment, here: &mut Here<'_>) -> Result<(), End> {
        let Some(order) = self.runs.remove(&assignment) else { return Ok(()) };
        let bench = Bench {
            blobs: &self.blobs,
            executor: &self.computer,
            clock: &self.clock,
            cancellation: &Cancellation::default(),
        };
        let outcome = execute(&order, &bench, |_| {});
        self.feed(Input::Ran { assignment, outcome }, here)
    }
}

fn capabilities() -> Capabilities {
    let offer = KindOffer {
        kind: WorkKind::Wasm,
        engine_profiles: vec![engine()].try_into().unwrap_or_default(),
    };
    Capabilities {
        kinds: vec![offer].try_into().unwrap_or_default(),
        cpu_millis: 8_000,
        memory_bytes: 8 << 30,
        disk_bytes: 64 << 30,
        architecture: "simulated".to_owned().try_into().unwrap_or_default(),
        accelerators: Vec::new().try_into().unwrap_or_default(),
        places: NonZeroU16::new(4).unwrap_or(NonZeroU16::MIN),
        region: 1,
        price: Amount::new(1),
    }
}

/// The engine of every simulated machine.
pub(super) fn engine() -> EngineProfile {
    EngineProfile::new("simulated/1").expect("a short name is one")
}

fn agent_config(domain: JobDomain, places: u16) -> AgentConfig {
    AgentConfig {
        domain,
        engine: engine(),
        places,
        maxima: Maxima {
            units: u64::MAX,
            memory_bytes: 1 << 30,
            program_bytes: 1 << 20,
            input_bytes: 1 << 20,
            output_bytes: 1 << 20,
            execution: Seconds::new(3_600),
        },
        price: Amount::new(1),
        fact_wait: Seconds::new(60),
        fetch_retry: Seconds::new(1),
        round_distance: 3,
        keep_ended: Seconds::new(7 * 86_400),
        // Fewer than a rush of jobs brings.
        most_held: 96,
    }
}
