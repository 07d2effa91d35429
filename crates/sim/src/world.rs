//! One simulation: everything that happens, one after the other.

mod books;
mod faults;
mod verdict;

pub use verdict::{PANIC, attempt, simulate};

use std::collections::BTreeMap;

use crate::cast::{Cast, ENDPOINTS, Scene};
use crate::chain::genesis::GenesisError;
use crate::chain::{Choice, Settings};
use crate::event::{Event, Life, Pid};
use crate::fault::{self, Climate, Targets};
use crate::kernel::{Audit, Milliseconds, Queue};
use crate::lies::Character;
use crate::network::Network;
use crate::oracles::{Ground, Purses};
use crate::outside::{Here, Outside};
use crate::process::{
    Client, ClientPlan, Coordinator, CoordinatorPlan, End, Machine, Process, SettlerPlan,
    SettlerProcess, Worker, WorkerPlan,
};
use crate::random::Dice;
use crate::rpc::Endpoints;
use crate::situations::Situation;
use crate::tally::Tally;
use tallystick_chain::ingest::IngestConfig;
use tallystick_chain::view::HouseContracts;
use tallystick_types::{Funding, Seat};

/// For how long things go wrong, in milliseconds.
const STORM: Milliseconds = 300_000;
/// How long everything may take to end after that, in milliseconds.
const PATIENCE: Milliseconds = 3_600_000;
/// Of a million losses of power, in a storm with long runs, so many last longer than a lease.
const LONG_AWAY: u64 = 500_000;
/// Milliseconds between two blocks, on average.
const BLOCK: (Milliseconds, Milliseconds) = (1_000, 3_000);

/// Headers that machines keep.
const WINDOW: u64 = 64;

/// What is wanted of a simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Things go wrong to the end, and nothing that must hold breaks.
    Safety,
    /// Things go wrong for a while and then all is well: everything ends.
    Liveness,
}

/// One simulation.
#[derive(Debug)]
pub struct World {
    pub(crate) out: Outside,
    pub(crate) places: Vec<Place>,
    pub(crate) ground: Ground,
    pub(crate) purses: Purses,
    mode: Mode,
    began: Milliseconds,
    is_healed: bool,
    stands: bool,
    choice: Choice,
    worst_head: u64,
    /// Every node.
    seats: Vec<Seat>,
    /// When processes were away, the last one perhaps still.
    away: Vec<(Pid, Milliseconds, Option<Milliseconds>)>,
    climate: Climate,
    /// Whether some runs take longer than a lease.
    has_long_runs: bool,
    /// Headers that each machine keeps.
    window: u64,
    /// When the chain went back on what was final.
    broke: Option<Milliseconds>,
}

/// Where a process runs.
#[derive(Debug)]
pub struct Place {
    pub(crate) name: String,
    pub(crate) machine: Machine,
    role: Role,
    pub(crate) process: Option<Process>,
    generation: u32,
    is_gone: bool,
}

/// What runs there.
#[derive(Debug)]
enum Role {
    Coordinator(Box<CoordinatorPlan>),
    Worker(Box<WorkerPlan>),
    Settler(Box<SettlerPlan>),
    Client(Box<ClientPlan>),
}

/// How a simulation ended.
#[derive(Debug)]
pub struct Outcome {
    /// Its seed.
    pub seed: u64,
    /// What was done, checked and seen.
    pub tally: Tally,
    /// The hash over everything that happened.
    pub audit: u64,
    /// Jobs that were on the chain at the end.
    pub jobs: u64,
    /// Virtual time that passed, in milliseconds.
    pub passed: Milliseconds,
    /// Events that happened.
    pub events: u64,
    /// What people read, where it was wanted.
    pub trace: Vec<String>,
}

impl Outcome {
    /// What failed, where something did.
    pub fn failure(&self) -> Option<&str> {
        self.tally.oracles.failure()
    }
}

impl World {
    /// A scene before anything happened.
    pub fn new(scene: &Scene, mode: Mode, traced: bool) -> Result<Self, GenesisError> {
        let cast = Cast::of(scene)?;
        let mut dice = Dice::of(scene.seed, "world");
        let settings = Settings { final_lag: scene.final_lag, safe_lag: 2, ..Settings::default() };
        let mut chain = cast.genesis.chain(settings);
        // What was there before any work is final.
        for _ in 0..settings.final_lag.saturating_add(2) {
            chain.mine(chain.head().time().saturating_add(1), &Choice::NONE);
        }
        let began = chain.head().time().saturating_mul(1_000);
        let deployment = cast.genesis.deployment.clone();
        let seats = cast.genesis.seats.clone();
        let contracts = IngestConfig::of_deployment(&deployment).addresses();
        let mut queue = Queue::new(began);
        // Where nothing has to end, machines may keep fewer headers than it takes to be final.
        let is_short = scene.climate.short_memory && mode == Mode::Safety;
        let window = if is_short { settings.final_lag.saturating_sub(2) } else { WINDOW };
        let places = places(cast.clone(), scene, (&mut dice, &queue), window);
        queue.plan(began.saturating_add(1_000), Event::Mine);
        let out = Outside {
            queue,
            chain,
            endpoints: Endpoints::new(ENDPOINTS.0, &contracts, scene.seed),
            network: Network::new(Dice::of(scene.seed, "network")),
            tally: Tally::default(),
            audit: Audit::default(),
            dice: Dice::of(scene.seed, "questions"),
            misfortune: scene.climate.crashes.then(|| Dice::of(scene.seed, "misfortune")),
            lives: vec![None; places.len()],
            overheard: BTreeMap::new(),
            trace: traced.then(Vec::new),
        };
        let mut world = Self {
            out,
            places,
            ground: Ground::new(HouseContracts::of(&deployment)),
            purses: Purses::new(deployment, cast.owners),
            mode,
            began,
            is_healed: false,
            stands: false,
            choice: Choice::ALL,
            worst_head: 0,
            seats,
            away: Vec::new(),
            climate: scene.climate,
            has_long_runs: scene.jobs.iter().any(|job| job.is_long),
            window,
            broke: None,
        };
        world.note_liars(scene);
        world.plan_faults(scene, settings.final_lag);
        for pid in 0..world.places.len() {
            let at = world.began.saturating_add(u64::try_from(pid).unwrap_or_default() * 20);
            world.out.queue.plan(at, Event::Start(pid));
        }
        Ok(world)
    }

    fn note_liars(&mut self, scene: &Scene) {
        for place in &self.places {
            if let Role::Worker(plan) = &place.role
                && !plan.character.is_honest()
            {
                self.out.tally.oracles.liars.insert(plan.seat, plan.character);
            }
        }
        let oracles = &mut self.out.tally.oracles;
        let ill = is_ill(scene);
        oracles.conduct.is_calm = !ill;
        let enough = scene.jobs.iter().all(|job| usize::from(job.replicas) <= scene.workers.len());
        // Nobody here works for a promise to pay.
        let held = scene.jobs.iter().all(|job| job.funding != Funding::PullAtSettlement);
        let steady = held && scene.client_vanishes.is_none() && scene.whims.is_empty();
        oracles.conduct.is_fair = !ill && oracles.liars.is_empty() && enough && steady;
    }

    fn plan_faults(&mut self, scene: &Scene, final_lag: u64) {
        let workers = self.places.iter().filter(|place| matches!(place.role, Role::Worker(_)));
        let honest = workers.filter(|place| match &place.role {
            Role::Worker(plan) => plan.character == Character::Honest,
            _ => false,
        });
        // Three honest nodes are enough for every job to go on.
        let spare = honest.count() >= 4;
        let mut climate = scene.climate;
        climate.finality &= self.mode == Mode::Safety;
        let targets = Targets {
            processes: self.places.len().saturating_sub(1),
            mortal: spare.then_some(scene.coordinators),
            endpoints: ENDPOINTS.0,
            final_lag,
        };
        for (after, fault) in fault::plan(scene.seed, climate, targets, STORM) {
            let at = self.began.saturating_add(after);
            self.out.queue.plan(at, Event::Fault(fault));
        }
        let heal = self.began.saturating_add(STORM);
        self.out.queue.plan(heal, Event::Fault(fault::Fault::Heal));
        let client = self.places.len().saturating_sub(1);
        if let Some(after) = scene.client_vanishes {
            let at = self.began.saturating_add(after);
            self.out.queue.plan(at, Event::Fault(fault::Fault::Vanish(client)));
        }
        for (after, whim) in &scene.whims {
            let at = self.began.saturating_add(*after);
            self.out.queue.plan(at, Event::Fault(fault::Fault::Whim(client, *whim)));
        }
    }

    /// Lets everything happen, to the end.
    pub fn run(mut self, seed: u64) -> Outcome {
        let (events, is_over) = self.play();
        self.judge(is_over);
        let jobs = self.ground.view(u64::MAX).map_or(0, |view| view.jobs().count());
        self.take_census();
        Outcome {
            seed,
            audit: self.out.audit.hash(),
            jobs: u64::try_from(jobs).unwrap_or_default(),
            passed: self.out.now().saturating_sub(self.began),
            tally: self.out.tally,
            events,
            trace: self.out.trace.unwrap_or_default(),
        }
    }

    /// How much happened, and whether everything that was begun ended.
    fn play(&mut self) -> (u64, bool) {
        let mut events = 0;
        let last = match self.mode {
            Mode::Safety => self.began.saturating_add(STORM),
            Mode::Liveness => self.began.saturating_add(STORM).saturating_add(PATIENCE),
        };
        while let Some((number, event)) = self.out.queue.take() {
            events += 1;
            let [kind, who, what] = event.numbers();
            self.out.audit.note_numbers(&[self.out.now(), number, kind, who, what]);
            let is_block = matches!(event, Event::Mine);
            self.handle(event);
            if self.out.tally.oracles.failure().is_some() {
                break;
            }
            if is_block && self.is_over() {
                return (events, true);
            }
            if self.out.now() > last {
                break;
            }
        }
        (events, false)
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Mine => self.mine(),
            Event::Start(pid) => self.start(pid),
            Event::Fault(fault) => self.fault(fault),
            Event::Ask(who, ask) => {
                if self.is_alive(who) {
                    self.out.asked(who, *ask);
                }
            }
            Event::Timer(who, timer) => self.step(who, |it, here| it.timer(timer, here)),
            Event::Answer(who, answer) => self.step(who, |it, here| it.answer(*answer, here)),
            Event::Deliver(session, who, message) => {
                if self.out.network.reaches(session) {
                    self.step(who, |it, here| it.message(session, *message, here));
                } else {
                    self.out.tally.census.lost_messages += 1;
                    self.out.tally.situations.mark(Situation::SessionBroke);
                    self.out.break_session(session);
                }
            }
            Event::Closed(session, who) => self.step(who, |it, here| it.closed(session, here)),
            Event::Letter { from, to, letter } => {
                if let Some(life) = self.out.lives.get(to).copied().flatten() {
                    self.step(life, |it, here| it.letter(from, letter, here));
                }
            }
        }
    }

    fn is_alive(&self, who: Life) -> bool {
        self.out.lives.get(who.pid).copied().flatten() == Some(who)
    }

    /// Lets a process act, and ends it where its power went or it cannot go on.
    fn step(
        &mut self,
        who: Life,
        act: impl FnOnce(&mut Process, &mut Here<'_>) -> Result<(), End>,
    ) {
        if !self.is_alive(who) {
            return;
        }
        let Some(place) = self.places.get_mut(who.pid) else { return };
        let Some(process) = &mut place.process else { return };
        let fuse = place.machine.fuse.clone();
        let refused = place.machine.refusals();
        let mut here = Here { me: who, name: &place.name, fuse: &fuse, out: &mut self.out };
        let ended = act(process, &mut here).err();
        let goes_on = ended.is_none() && !fuse.is_gone();
        let refused = place.machine.refusals() > refused;
        let name = &place.name;
        self.out.tally.oracles.check(
            "a process ends where its disk refuses a write",
            !(refused && goes_on),
            || format!("{name} goes on though its disk refused what it is to act on"),
        );
        if fuse.is_gone() {
            self.lose(who.pid, None);
        } else if let Some(end) = ended {
            self.lose(who.pid, Some(end));
        }
    }

    /// A block, and the next one after a while.
    fn mine(&mut self) {
        let wait = self.out.dice.between(BLOCK.0, BLOCK.1);
        let next = self.out.now().saturating_add(wait);
        self.out.queue.plan(next, Event::Mine);
        if self.stands {
            return;
        }
        let choice = Choice { seed: self.choice.seed.wrapping_add(self.out.now()), ..self.choice };
        let block = self.out.chain.mine(self.out.now() / 1_000, &choice);
        self.worst_head = self.worst_head.max(block.number());
        if block.transactions.len() > 1 {
            self.out.tally.situations.mark(Situation::BlockWithTwoOfOurs);
        }
        if block.transactions.iter().any(|mined| !mined.outcome.is_done()) {
            self.out.tally.situations.mark(Situation::TransactionFailedInBlock);
        }
        self.look_at_chain();
    }

    /// Starts a process on what its machine keeps.
    fn start(&mut self, pid: Pid) {
        let now = self.out.now();
        let Some(place) = self.places.get_mut(pid) else { return };
        if place.process.is_some() || place.is_gone {
            return;
        }
        let mut dice = Dice::of(now.wrapping_add(u64::try_from(pid).unwrap_or_default()), "torn");
        let torn = place.machine.lose_power(&mut dice);
        self.out.tally.census.torn_writes += torn;
        if torn > 0 {
            self.out.tally.situations.mark(Situation::WriteTorn);
        }
        let opened = place.open(&place.machine);
        let process = match opened {
            Ok(process) => process,
            Err(end) => {
                let (name, is_full) = (place.name.clone(), is_disk(&end));
                self.out.note(|| format!("{name:<14} cannot start: {end}"));
                self.out.tally.oracles.check("a process starts from what it kept", is_full, || {
                    format!("{name}: {end}")
                });
                self.out.queue.plan(now.saturating_add(5_000), Event::Start(pid));
                return;
            }
        };
        place.process = Some(process);
        let back = self.away.iter_mut().rev().find(|(away, _, _)| *away == pid);
        if let Some((_, _, until)) = back {
            *until = Some(now);
        }
        let life = Life { pid, generation: place.generation };
        place.generation = place.generation.saturating_add(1);
        if let Some(slot) = self.out.lives.get_mut(pid) {
            *slot = Some(life);
        }
        let name = place.name.clone();
        self.out.note(|| format!("{name:<14} starts"));
        self.step(life, Process::start);
    }

    /// A process ends; it starts again after a while.
    pub(crate) fn lose(&mut self, pid: Pid, end: Option<End>) {
        let now = self.out.now();
        let Some(place) = self.places.get_mut(pid) else { return };
        let Some(process) = place.process.take() else { return };
        let name = place.name.clone();
        match &end {
            None => self.out.note(|| format!("{name:<14} loses its power")),
            Some(end) => {
                self.out.note(|| format!("{name:<14} ends: {end}"));
                let fair = is_disk(end);
                let words = || format!("{name}: {end}");
                self.out.tally.oracles.check("a process ends for its disk alone", fair, words);
            }
        }
        self.mark_loss(&process, end.is_none());
        self.away.push((pid, now, None));
        self.out.tally.oracles.conduct.was_away = true;
        drop(process);
        if let Some(slot) = self.out.lives.get_mut(pid) {
            *slot = None;
        }
        for session in self.out.network.sessions_of(pid) {
            self.out.break_session(session);
        }
        let down = self.out.dice.between(500, 30_000);
        // Where runs are long some come back after their leases have lapsed.
        let mut long = Dice::of(now.wrapping_add(u64::try_from(pid).unwrap_or_default()), "away");
        let stormy = self.climate.chain || self.climate.endpoints;
        let may_be = stormy && self.has_long_runs && !self.is_healed;
        let down =
            if may_be && long.falls(LONG_AWAY) { long.between(150_000, 400_000) } else { down };
        self.out.queue.plan(now.saturating_add(down), Event::Start(pid));
    }
}

impl Place {
    /// A process on what a machine keeps.
    fn open(&self, machine: &Machine) -> Result<Process, End> {
        Ok(match &self.role {
            Role::Coordinator(plan) => {
                Process::Coordinator(Box::new(Coordinator::open(machine, plan)?))
            }
            Role::Worker(plan) => {
                Process::Worker(Box::new(Worker::open(machine, plan, self.generation)?))
            }
            Role::Settler(plan) => Process::Settler(Box::new(SettlerProcess::open(machine, plan)?)),
            Role::Client(plan) => Process::Client(Box::new(Client::open(machine, plan)?)),
        })
    }
}

/// Whether chain, endpoints or disks are to fail.
const fn is_ill(scene: &Scene) -> bool {
    let climate = scene.climate;
    climate.chain || climate.endpoints || climate.disks
}

/// Whether a process ended because its disk failed, which it may.
fn is_disk(end: &End) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(end);
    while let Some(error) = cause {
        if error.downcast_ref::<tallystick_ports::StoreError>().is_some()
            || error.downcast_ref::<std::io::Error>().is_some()
        {
            return true;
        }
        cause = error.source();
    }
    // Transparent errors pass their cause's cause on.
    matches!(end, End::Store(_))
        || end.to_string().contains("disk")
        || end.to_string().contains("storage failed")
}

fn places(
    cast: Cast,
    scene: &Scene,
    (dice, queue): (&mut Dice, &Queue<Event>),
    window: u64,
) -> Vec<Place> {
    let mut roles = Vec::new();
    for (number, plan) in cast.coordinators.into_iter().enumerate() {
        roles.push((format!("coordinator {number}"), Role::Coordinator(Box::new(plan))));
    }
    for (number, plan) in cast.workers.into_iter().enumerate() {
        let kind = if plan.character.is_honest() { "worker" } else { "liar" };
        roles.push((format!("{kind} {number}"), Role::Worker(Box::new(plan))));
    }
    roles.push(("settler".to_owned(), Role::Settler(Box::new(cast.settler))));
    roles.push(("client".to_owned(), Role::Client(Box::new(cast.client))));
    let skewed = scene.climate.network;
    let place = |(name, role)| {
        let skew = i64::try_from(dice.below(4_000)).unwrap_or_default().saturating_sub(2_000);
        let clock = queue.clock(if skewed { skew } else { 0 });
        let machine = Machine::new(clock, window);
        Place { name, machine, role, process: None, generation: 0, is_gone: false }
    };
    roles.into_iter().map(place).collect()
}
