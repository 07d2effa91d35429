//! A coordinator: the shell's parts that need no runtime, driven by the simulation.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tallystick_abi::{Deployment, JobDomain};
use tallystick_blobs::BlobStore;
use tallystick_chain::keys::LocalKey;
use tallystick_chain::outbox::Intent;
use tallystick_coordinator::CoordinatorConfig;
use tallystick_coordinator::machine::{Input, Machine as Rules, Wish};
use tallystick_coordinator::shell::{
    Batch, Chore, Chores, Facts, Heard, Keeper, Outlook, QUEUE, Session as Seated, Sessions,
    Speaker, bodies, checked, joined, judge, quote, signed_of,
};
use tallystick_ports::Clock;
use tallystick_protocol::ledger::{Event as Happened, Evidence, NodeProfile, Settings};
use tallystick_scheduler::{SchedulingParameters, Tier};
use tallystick_types::{IdentityKey, JobId, NodeId, Ppm, Seat, Seconds, WallTime};
use tallystick_wire::worker::{
    AgentBody, AgentMessage, CoordinatorBody, CoordinatorMessage, Heartbeat, Hello, v1,
};
use tokio::sync::{mpsc, watch};

use super::{End, Eyes, Machine, Mouth};
use crate::disk::StoreLog;
use crate::event::{Answer, Letter, Message, Pid, Session, Timer};
use crate::kernel::MachineClock;
use crate::outside::Here;
use crate::situations::Situation;
use crate::watcher::Draws;

/// Milliseconds between two looks after what is under way.
const LOOK: u64 = 250;
/// Looks after which evidence is handed in again.
const REPORT_LOOKS: u64 = 20;
/// Milliseconds between two looks without a word from the chain.
const WATCH: u64 = 1_000;
/// Silence after which a node counts as gone.
const SILENCE: Seconds = Seconds::new(30);
/// Speed of every simulated machine, in work units per second.
const SPEED: u64 = 1_000;

/// A running coordinator.
#[derive(Debug)]
pub struct Coordinator {
    config: CoordinatorConfig,
    deployment: Deployment,
    domain: JobDomain,
    me: Seat,
    eyes: Eyes,
    mouth: Mouth,
    keeper: Keeper<StoreLog>,
    chores: Chores,
    sessions: Sessions,
    lines: BTreeMap<Session, Line>,
    blobs: BlobStore,
    clock: MachineClock,
    numbers: u64,
    looks: u64,
    due: Draws,
}

/// One node's session.
#[derive(Debug)]
struct Line {
    seat: Seat,
    identity: IdentityKey,
    number: u64,
    queue: mpsc::Receiver<CoordinatorBody>,
    _present: watch::Receiver<()>,
    heard: WallTime,
}

/// What a coordinator is set up with.
#[derive(Clone, Debug)]
pub struct CoordinatorPlan {
    /// How it behaves.
    pub config: CoordinatorConfig,
    /// The contracts.
    pub deployment: Deployment,
    /// Who it is.
    pub seat: Seat,
    /// Its key.
    pub signer: LocalKey,
    /// How many endpoints there are, and how many must agree.
    pub endpoints: (usize, usize),
}

impl Coordinator {
    /// Takes up what its machine keeps.
    pub fn open(machine: &Machine, plan: &CoordinatorPlan) -> Result<Self, End> {
        let (endpoints, agreement) = plan.endpoints;
        let eyes = Eyes::open(machine, &plan.deployment, endpoints, agreement)?;
        let chain = plan.deployment.chain_id;
        let mouth = Mouth::open(machine, chain, plan.signer.clone(), agreement)?;
        let node_lease = SILENCE;
        let settings = Settings { node_lease, ..Settings::default() };
        let log = StoreLog::open(machine.log.clone())?;
        let keeper = Keeper::open(log, (settings, SchedulingParameters::default()))?;
        let newest = mouth.handle().watch().borrow().newest_outcome;
        Ok(Self {
            config: plan.config.clone(),
            domain: plan.deployment.job_domain(),
            deployment: plan.deployment.clone(),
            me: plan.seat,
            eyes,
            mouth,
            keeper,
            chores: Chores::new(newest),
            sessions: Sessions::default(),
            lines: BTreeMap::new(),
            blobs: machine.blobs()?,
            clock: machine.clock.clone(),
            numbers: 0,
            looks: 0,
            due: Draws::new(),
        })
    }

    /// How it sees the chain.
    pub const fn eyes(&self) -> &Eyes {
        &self.eyes
    }

    /// How it speaks to the chain.
    pub const fn mouth(&self) -> &Mouth {
        &self.mouth
    }

    /// What it decides.
    pub const fn rules(&self) -> &Rules {
        self.keeper.machine()
    }

    /// What it kept.
    pub const fn keeper(&self) -> &Keeper<StoreLog> {
        &self.keeper
    }

    /// Who it is.
    pub const fn seat(&self) -> Seat {
        self.me
    }

    /// Whether another one that read the same log and store is the same: jobs, nodes, wishes.
    pub fn is_as(&self, other: &Self) -> bool {
        let state = |it: &Self| postcard::to_allocvec(&it.keeper.machine().state()).ok();
        state(self) == state(other) && self.mouth.is_as(&other.mouth)
    }

    /// Begins: what a crash may have lost is wished for again.
    pub fn start(&mut self, here: &mut Here<'_>) -> Result<(), End> {
        for (after, timer) in [(0, Timer::Ingest), (1, Timer::Lane), (2, Timer::Look)] {
            here.wake(after, timer);
        }
        here.wake(WATCH, Timer::Watch);
        let is_there = |blob| self.blobs.get(blob).is_ok();
        here.out.tally.oracles.check_acknowledged(here.me.pid, is_there);
        let machine = self.keeper.machine();
        let has_evidence = |job, seat| {
            let of =
                |it: &Evidence| matches!(it, Evidence::TwoClaims { seat: by, .. } if *by == seat);
            machine.book(job).is_none_or(|book| book.reports.iter().any(of))
        };
        here.out.tally.oracles.check_evidence(here.me.pid, has_evidence);
        let outstanding = machine.outstanding();
        if !outstanding.is_empty() {
            here.mark(Situation::WishesOutstandingAfterRestart);
        }
        self.fulfil(outstanding, here)?;
        self.look_at_everything(here)
    }

    /// A timer rang.
    pub fn timer(&mut self, timer: Timer, here: &mut Here<'_>) -> Result<(), End> {
        match timer {
            Timer::Ingest => {
                self.eyes.wake(here)?;
                self.follow(here)?;
            }
            Timer::Lane => self.mouth.tick(here)?,
            Timer::Look => self.look(here)?,
            Timer::Watch => self.watch(here)?,
            _ => {}
        }
        self.flush(here)
    }

    /// The endpoints answered.
    pub fn answer(&mut self, answer: Answer, here: &mut Here<'_>) -> Result<(), End> {
        match answer {
            Answer::Ingest(answers) => {
                self.eyes.answers(answers, here)?;
                self.follow(here)?;
            }
            answer => self.mouth.answer(answer, here)?,
        }
        self.flush(here)
    }

    /// What can be read off chain and blobs.
    fn outlook(&self) -> Outlook<'_> {
        Outlook {
            config: &self.config,
            deployment: &self.deployment,
            domain: &self.domain,
            me: self.me,
            house: self.eyes.house(),
            blobs: &self.blobs,
        }
    }

    /// Keeps inputs, then lets everything follow from them. False where the ledger refused one.
    fn take(&mut self, inputs: Vec<Input>, here: &mut Here<'_>) -> Result<bool, End> {
        let (mut batch, mut taken) = (Batch::default(), true);
        let now = self.clock.now();
        self.keeper.note_time(now, &mut batch);
        for input in inputs {
            crate::watcher::takes(self.me, &input, &self.deployment, here);
            let claim = crate::watcher::claim_in(&input);
            let fits = self.keeper.apply(input, &mut batch).is_none();
            if let Some((claim, seat)) = claim.filter(|_| fits) {
                let ledger = self.keeper.machine().ledger();
                here.out.tally.oracles.claim_taken(ledger, &claim, seat, here.name);
            }
            taken &= fits;
        }
        let wishes = self.keeper.keep(batch, now)?;
        self.fulfil(wishes, here)?;
        Ok(taken)
    }

    /// Asks something of the chain, which nobody does whose view halted.
    fn hand_in(&mut self, intent: Intent, here: &mut Here<'_>) -> Result<(), End> {
        here.out.tally.oracles.asks_chain(here.name, self.eyes.house().is_halted());
        self.mouth.hand_in(intent, here)
    }

    fn fulfil(&mut self, wishes: Vec<Wish>, here: &mut Here<'_>) -> Result<(), End> {
        for wish in wishes {
            crate::watcher::wished(self.me, &wish, here);
            if let Some((job, task, seat)) = Chores::asks_for(&wish) {
                let slices = Chores::slices(self.keeper.machine(), job, task);
                if let Some(slices) = slices {
                    let awaited =
                        tallystick_coordinator::shell::Awaited { job, task, seat, slices };
                    self.chores.expect(awaited);
                }
            }
            // The chores and the outlook are of different fields.
            let outlook = Outlook {
                config: &self.config,
                deployment: &self.deployment,
                domain: &self.domain,
                me: self.me,
                house: self.eyes.house(),
                blobs: &self.blobs,
            };
            match self.chores.fulfil(wish, &outlook, self.mouth.handle()) {
                Some(Chore::Say(seat, bodies)) => self.sessions.tell(seat, bodies),
                Some(Chore::HandIn(intent)) => self.hand_in(*intent, here)?,
                Some(Chore::Join(job, parts)) => {
                    if let Some((output, bytes)) = joined(&self.blobs, &parts) {
                        self.take(vec![Input::OutputJoined { job, output, bytes }], here)?;
                    }
                }
                Some(Chore::Tell(..)) | None => {}
            }
        }
        Ok(())
    }

    /// What has to be looked at now and then.
    fn look(&mut self, here: &mut Here<'_>) -> Result<(), End> {
        here.wake(LOOK, Timer::Look);
        self.looks = self.looks.wrapping_add(1);
        self.take(Vec::new(), here)?;
        let seeds = self.chores.seeds(self.eyes.house());
        if !seeds.is_empty() {
            self.take(seeds, here)?;
        }
        for awaited in self.chores.awaited() {
            let Some(described) = Chores::described(self.keeper.machine(), awaited) else {
                self.chores.give_up(awaited);
                continue;
            };
            if !self.blobs.has(described.1.blob) {
                continue;
            }
            self.chores.give_up(awaited);
            let (job, task, output_root) = (awaited.job, awaited.task, described.0);
            match checked(&self.blobs, awaited.slices, described) {
                Some(output) => {
                    let input = Input::OutputStored { job, task, output_root, output };
                    self.take(vec![input], here)?;
                }
                None => here.mark(Situation::WrongOutputUploaded),
            }
        }
        let failed = self.chores.outcomes(self.mouth.handle())?;
        if !failed.is_empty() {
            here.mark(Situation::ChainCallFailed);
            self.take(failed, here)?;
        }
        if self.looks.is_multiple_of(REPORT_LOOKS) {
            let outlook = Outlook {
                config: &self.config,
                deployment: &self.deployment,
                domain: &self.domain,
                me: self.me,
                house: self.eyes.house(),
                blobs: &self.blobs,
            };
            for intent in self.chores.reports(&outlook) {
                self.hand_in(intent, here)?;
            }
        }
        Ok(())
    }

    /// What the chain's change means.
    fn follow(&mut self, here: &mut Here<'_>) -> Result<(), End> {
        match self.eyes.changes() {
            None => self.look_at_everything(here),
            Some(change) => {
                for job in change.jobs {
                    self.look_at(job, here)?;
                }
                for node in change.nodes {
                    self.refresh(node, here)?;
                }
                Ok(())
            }
        }
    }

    fn known(&self) -> BTreeSet<JobId> {
        self.keeper.machine().books().map(|(job, _)| job).collect()
    }

    fn look_at_everything(&mut self, here: &mut Here<'_>) -> Result<(), End> {
        let mut jobs = self.known();
        jobs.extend(self.outlook().jobs());
        for job in jobs {
            self.look_at(job, here)?;
        }
        for seat in self.sessions.seats() {
            self.refresh(seat.node, here)?;
        }
        Ok(())
    }

    fn look_at(&mut self, job: JobId, here: &mut Here<'_>) -> Result<(), End> {
        let offer = self.outlook().offer(job).ok();
        let inputs = self.outlook().news(job, offer).inputs(self.keeper.machine());
        if inputs.is_empty() {
            return Ok(());
        }
        self.take(inputs, here).map(drop)
    }

    fn refresh(&mut self, node: NodeId, here: &mut Here<'_>) -> Result<(), End> {
        let seats = self.sessions.seats().into_iter().filter(|seat| seat.node == node);
        for seat in seats.collect::<Vec<_>>() {
            let Some(session) = self.sessions.get(seat) else { continue };
            match self.outlook().standing(seat) {
                Some(standing) => {
                    let candidate = Box::new(session.facts.candidate(seat, standing));
                    self.take(vec![Input::Candidate(candidate)], here)?;
                }
                None => {
                    here.mark(Situation::NodeLostItsStanding);
                    self.sessions.leave(seat, session.number);
                }
            }
        }
        Ok(())
    }

    fn watch(&mut self, here: &mut Here<'_>) -> Result<(), End> {
        here.wake(WATCH, Timer::Watch);
        for job in self.outlook().waiting(&self.known()) {
            self.look_at(job, here)?;
        }
        let machine = self.keeper.machine();
        here.out.tally.oracles.check_ledger(machine.ledger(), here.name);
        crate::watcher::draws(machine.ledger(), self.eyes.house(), &mut self.due, here);
        let held = machine.books().filter(|(_, book)| book.lease.is_some());
        let held: Vec<JobId> = held.map(|(job, _)| job).collect();
        for job in held {
            if let Some(beat) = self.outlook().heartbeat(job, self.mouth.handle()) {
                here.mark(Situation::LeaseRenewed);
                self.hand_in(beat, here)?;
            }
        }
        let now = self.clock.now();
        let silent = self.lines.iter().filter(|(_, line)| line.heard.after(SILENCE) <= now);
        for session in silent.map(|(session, _)| *session).collect::<Vec<_>>() {
            here.mark(Situation::NodeFellSilent);
            here.close(session);
            self.closed(session, here)?;
        }
        Ok(())
    }

    /// A message of a session came.
    pub fn message(
        &mut self,
        session: Session,
        message: Message,
        here: &mut Here<'_>,
    ) -> Result<(), End> {
        match message {
            Message::Hello(hello) => self.enter(session, &hello, here)?,
            Message::Agent(said) => self.hear(session, *said, here)?,
            Message::Want(digest) => {
                let bytes = self.blobs.get(digest).ok().map(Arc::from);
                here.say(session, Message::Blob(digest, bytes));
            }
            Message::Put(digest, bytes) => {
                let kept = self.blobs.put(&bytes).is_ok_and(|stored| stored.digest == digest);
                if kept {
                    here.out.tally.oracles.acknowledged(here.me.pid, digest);
                } else {
                    here.mark(Situation::WrongOutputUploaded);
                }
                here.say(session, Message::Stored(digest, kept));
            }
            _ => {}
        }
        self.flush(here)
    }

    /// Lets a node in and tells it everything that it is to do.
    fn enter(&mut self, session: Session, hello: &Hello, here: &mut Here<'_>) -> Result<(), End> {
        let seat = hello.seat;
        let facts = Facts {
            capabilities: hello.capabilities.clone(),
            software: hello.software.as_str().to_owned(),
            tier: Tier::One,
            load: Ppm::ZERO,
            inputs: Vec::new(),
        };
        let Some(standing) = self.outlook().standing(seat) else {
            here.say(session, Message::Refused);
            return Ok(());
        };
        let candidate = Box::new(facts.candidate(seat, standing));
        let ((sender, queue), (presence, present)) = (mpsc::channel(QUEUE), watch::channel(()));
        self.numbers = self.numbers.saturating_add(1);
        let (number, last_seen) = (self.numbers, self.clock.now());
        if !self.sessions.enter(seat, Seated { number, sender, presence, facts, last_seen }) {
            here.mark(Situation::TwinRefused);
            here.say(session, Message::Refused);
            return Ok(());
        }
        here.say(session, Message::Admitted(self.me));
        here.note(|| format!("lets node {} in", seat.node));
        let line = Line {
            seat,
            identity: hello.identity,
            number,
            queue,
            _present: present,
            heard: last_seen,
        };
        self.lines.insert(session, line);
        let profile = NodeProfile { places: hello.capabilities.places.get(), speed: SPEED };
        let joined = Input::Ledger(Happened::NodeJoined { seat, profile });
        self.take(vec![Input::Candidate(candidate), joined], here)?;
        for wish in self.keeper.machine().orders_of(seat) {
            if let Wish::ToNode(seat, order) = wish {
                here.mark(Situation::NodeToldAgain);
                self.sessions.tell(seat, bodies(order, &self.blobs));
            }
        }
        Ok(())
    }

    fn hear(
        &mut self,
        session: Session,
        said: v1::AgentMessage,
        here: &mut Here<'_>,
    ) -> Result<(), End> {
        let now = self.clock.now();
        let Some(line) = self.lines.get_mut(&session) else { return Ok(()) };
        line.heard = now;
        let (seat, identity) = (line.seat, line.identity);
        let Ok(AgentMessage { body }) = AgentMessage::try_from(said) else {
            return Ok(());
        };
        if matches!(body, AgentBody::Leaving(_)) {
            here.close(session);
            return self.closed(session, here);
        }
        crate::watcher::heard(seat, &body, here);
        let mut inputs = Vec::new();
        if let AgentBody::Heartbeat(beat) = &body {
            inputs.extend(self.beat(seat, now, beat));
        }
        let signed = signed_of(&body);
        let head = self.eyes.house().heights().head;
        let speaker = Speaker { seat, identity, domain: self.domain, head };
        let input = match speaker.says(body) {
            Some(Heard::Input(input)) => Some(*input),
            Some(Heard::Ask(question)) => question(self.keeper.machine()),
            None => None,
        };
        let Some(input) = input else { return Ok(()) };
        inputs.push(input);
        self.take(inputs, here)?;
        if let Some(outcome) = signed {
            self.sessions.tell(seat, vec![CoordinatorBody::SignOutcome(outcome)]);
        }
        Ok(())
    }

    fn beat(&self, seat: Seat, now: WallTime, beat: &Heartbeat) -> Option<Input> {
        let said = (beat.load_ppm, beat.inputs.clone().into_vec());
        let facts = self.sessions.heard(seat, now, said)?;
        let candidate = facts.candidate(seat, self.outlook().standing(seat)?);
        Some(Input::Candidate(Box::new(candidate)))
    }

    /// A session is over.
    pub fn closed(&mut self, session: Session, here: &mut Here<'_>) -> Result<(), End> {
        let Some(line) = self.lines.remove(&session) else { return Ok(()) };
        here.note(|| format!("node {} is gone", line.seat.node));
        if self.sessions.leave(line.seat, line.number) {
            let left = Input::Ledger(Happened::NodeLeft { seat: line.seat });
            self.take(vec![left], here)?;
        }
        self.flush(here)
    }

    /// Sends what waits for the nodes; who was cut off is gone.
    fn flush(&mut self, here: &mut Here<'_>) -> Result<(), End> {
        let mut over = Vec::new();
        for (session, line) in &mut self.lines {
            loop {
                match line.queue.try_recv() {
                    Ok(body) => {
                        let message = CoordinatorMessage { body: Some(body) };
                        let said = Box::new(v1::CoordinatorMessage::from(message));
                        here.say(*session, Message::Coordinator(said));
                    }
                    Err(mpsc::error::TryRecvError::Empty) => break,
                    Err(mpsc::error::TryRecvError::Disconnected) => {
                        over.push(*session);
                        break;
                    }
                }
            }
        }
        for session in over {
            here.close(session);
            self.closed(session, here)?;
        }
        Ok(())
    }

    /// A client's letter came.
    pub fn letter(&mut self, from: Pid, letter: Letter, here: &mut Here<'_>) -> Result<(), End> {
        match letter {
            Letter::Upload(blobs) => {
                let stored = blobs.iter().map(|blob| self.blobs.put(blob));
                if let Ok(stored) = stored.collect::<Result<Vec<_>, _>>() {
                    for it in stored {
                        here.out.tally.oracles.acknowledged(here.me.pid, it.digest);
                    }
                    here.post(from, Letter::Uploaded);
                }
            }
            Letter::Quote(asked) => {
                let quoted = quote(&self.outlook(), &asked, self.clock.now()).ok();
                here.post(from, Letter::Quoted(quoted.map(Box::new)));
            }
            Letter::Submit(asked) => match judge(&self.outlook(), &asked) {
                Ok((job, intent, _)) => {
                    self.hand_in(intent, here)?;
                    here.post(from, Letter::Submitted(Some(job)));
                }
                Err(status) => {
                    here.note(|| format!("refuses an order: {}", status.message()));
                    here.post(from, Letter::Submitted(None));
                }
            },
            Letter::Cancel(job) => {
                let cancelled = Input::Ledger(Happened::JobCancelled { job });
                if self.take(vec![cancelled], here)? {
                    here.mark(Situation::ClientCancelled);
                }
            }
            Letter::Uploaded | Letter::Quoted(_) | Letter::Submitted(_) => {}
        }
        self.flush(here)
    }
}
