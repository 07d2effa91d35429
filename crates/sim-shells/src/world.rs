//! One simulation, from its seed to the last word on it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tallystick_chain::keys::EvmSigner;
use tallystick_chain::view::HouseContracts;
use tallystick_ports::{Clock, blocking};
use tallystick_sim::chain::genesis::GenesisError;
use tallystick_sim::chain::{Branch, Choice, Returned, Settings};
use tallystick_sim::oracles::{Ground, Oracles, Purses};
use tallystick_sim::random::Dice;
use turmoil::{Builder, Sim};

use crate::cast::{Cast, STAKE};
use crate::customer::{Book, Customer};
use crate::library::Library;
use crate::machine::SimulatedClock;
use crate::node::Site;
use crate::rpc::{Endpoint, Ledger};
use crate::socket::{self, Place};
use crate::storm::{self, ARCHIVE, CLIENT, Fault, Plan, SETTLER};
use crate::trace::Trace;

/// How far time moves at a time. Messages arrive on these steps.
const STEP: Duration = Duration::from_millis(10);
/// How long everything may take, in milliseconds.
const PATIENCE: u64 = 3_600_000;
/// How long an archive may take to come back.
const RETURN: Duration = Duration::from_secs(120);
/// Milliseconds between two blocks.
const BLOCK: (u64, u64) = (1_000, 3_000);

/// How a simulation ended.
#[derive(Debug)]
pub struct Outcome {
    /// What must hold and did not.
    pub failure: Option<String>,
    /// Milliseconds of simulated time.
    pub passed: u64,
    /// Jobs that were settled, and those that were refunded.
    pub ended: (usize, usize),
    /// Jobs whose output the client fetched.
    pub fetched: usize,
    /// Faults by name.
    pub census: BTreeMap<&'static str, u64>,
    /// How often each invariant was checked.
    pub checks: BTreeMap<&'static str, u64>,
}

/// Why there was no simulation.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// There is no chain to begin with.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
}

struct World<'a> {
    sim: Sim<'a>,
    plan: Plan,
    cast: Cast,
    ledger: Ledger,
    endpoints: Vec<Endpoint>,
    book: Book,
    library: Library,
    trace: Trace,
    ground: Ground,
    purses: Purses,
    oracles: Oracles,
    dice: Dice,
    census: BTreeMap<&'static str, u64>,
    next_block: u64,
    stands: bool,
    lying_disk: Option<String>,
}

/// What is wanted of a simulation.
#[derive(Clone, Debug)]
pub struct Course {
    /// What everything follows from.
    pub seed: u64,
    /// Nothing goes wrong.
    pub fair: bool,
    /// The machine whose disk says that it synced what it did not: a fault that must be noticed.
    pub lying_disk: Option<String>,
}

/// Runs a simulation. One for each process, on a thread of its own that begins with it.
///
/// # Errors
///
/// [`WorldError`].
pub fn simulate(course: Course, trace: &Trace) -> Result<Outcome, WorldError> {
    let Course { seed, fair, lying_disk } = course;
    blocking::stay_on_this_thread();
    trace.take_logs();
    let plan = if fair { Plan::fair(seed) } else { Plan::stormy(seed) };
    let mut world = World::new(seed, plan, trace)?;
    world.lying_disk = lying_disk;
    world.populate(seed);
    Ok(world.run())
}

impl World<'_> {
    fn new(seed: u64, plan: Plan, trace: &Trace) -> Result<Self, WorldError> {
        let cast = Cast::new(plan.coordinators, plan.workers)?;
        let settings = Settings { final_lag: plan.final_lag, safe_lag: 2, ..Settings::default() };
        let mut chain = cast.genesis.chain(settings);
        // What was there before any work is final.
        for _ in 0..settings.final_lag.saturating_add(2) {
            chain.mine(chain.head().time().saturating_add(1), &Choice::ALL);
        }
        let began = Duration::from_secs(chain.head().time());
        let sim = Builder::new()
            .epoch(SystemTime::UNIX_EPOCH + began)
            .simulation_duration(Duration::from_millis(PATIENCE * 2))
            .tick_duration(STEP)
            .min_message_latency(Duration::from_millis(1))
            .max_message_latency(Duration::from_millis(plan.latency))
            .tcp_capacity(4_096)
            .enable_random_order()
            .rng_seed(seed)
            .build();
        let contracts = HouseContracts::of(&cast.deployment);
        let purses = Purses::new((*cast.deployment).clone(), cast.owners.clone());
        Ok(Self {
            sim,
            plan,
            cast,
            ledger: Ledger::new(chain),
            endpoints: Vec::new(),
            book: Book::default(),
            library: Library::default(),
            trace: trace.clone(),
            ground: Ground::new(contracts),
            purses,
            oracles: Oracles::default(),
            dice: Dice::of(seed, "world"),
            census: BTreeMap::new(),
            next_block: BLOCK.0,
            stands: false,
            lying_disk: None,
        })
    }

    fn place(&self, name: &str) -> Place {
        Place { name: name.to_owned(), trace: self.trace.clone() }
    }

    fn site(&self, name: &str, clock: &Arc<dyn Clock>) -> Site {
        Site {
            place: self.place(name),
            clock: Arc::clone(clock),
            deployment: Arc::clone(&self.cast.deployment),
            endpoints: (0..self.plan.endpoints).map(storm::endpoint).collect(),
            agreement: self.plan.agreement,
            coordinators: self.plan.coordinators,
            lies: self.lying_disk.as_deref() == Some(name),
        }
    }

    /// Puts everybody into the simulation.
    fn populate(&mut self, seed: u64) {
        let clock: Arc<dyn Clock> = Arc::new(SimulatedClock::default());
        for number in 0..self.plan.endpoints {
            let name = storm::endpoint(number);
            let endpoint = Endpoint::new(self.ledger.clone(), self.place(&name), seed);
            self.endpoints.push(endpoint.clone());
            self.sim.host(name, move || {
                let endpoint = endpoint.clone();
                async move { Ok(endpoint.serve().await?) }
            });
        }
        for (number, node) in (0..).zip(self.cast.coordinators.clone()) {
            let name = socket::coordinator(number);
            let site = self.site(&name, &clock);
            self.sim.host(name, move || site.clone().coordinator(number, node.clone()));
        }
        for (number, node) in (0..).zip(self.cast.workers.clone()) {
            let name = storm::worker(number);
            let (site, character) = (self.site(&name, &clock), self.plan.character(number));
            self.sim.host(name, move || site.clone().worker(node.clone(), character));
        }
        let (site, signer) = (self.site(SETTLER, &clock), self.cast.settler.clone());
        self.sim.host(SETTLER, move || site.clone().settler(signer.clone()));
        let (site, library) = (self.site(ARCHIVE, &clock), self.library.clone());
        self.sim.host(ARCHIVE, move || site.clone().archive(library.clone()));
        let customer = Customer {
            place: self.place(CLIENT),
            clock,
            deployment: Arc::clone(&self.cast.deployment),
            key: self.cast.client.clone(),
            endpoint: storm::endpoint(0),
            coordinators: self.plan.coordinators,
            book: self.book.clone(),
        };
        let wishes = self.plan.wishes.clone();
        self.sim.client(CLIENT, async move {
            let mut going = Vec::new();
            for (number, wish) in (0..).zip(wishes) {
                going.push(customer.clone().fulfil(number, wish));
            }
            futures::future::try_join_all(going).await?;
            Ok(())
        });
    }

    fn run(mut self) -> Outcome {
        let mut faults = std::mem::take(&mut self.plan.faults).into_iter().peekable();
        let mut is_content = false;
        let mut now = 0;
        while now < PATIENCE && self.oracles.failure().is_none() {
            is_content = self.step();
            now = u64::try_from(self.sim.elapsed().as_millis()).unwrap_or(u64::MAX);
            while let Some((_, fault)) = faults.next_if(|(at, _)| *at <= now) {
                self.strike(fault);
            }
            if now >= self.next_block {
                self.next_block = now.saturating_add(self.dice.between(BLOCK.0, BLOCK.1));
                self.mine();
                if is_content && faults.peek().is_none() && self.is_over() {
                    break;
                }
            }
        }
        self.judge(now, is_content)
    }

    /// Lets time go on; true once the client has what it wanted.
    fn step(&mut self) -> bool {
        let stepped = self.sim.step();
        self.trace.set_now(self.sim.elapsed());
        stepped.unwrap_or_else(|error| {
            self.trace.note("world", format_args!("ends: {error}"));
            self.oracles.failed(&error.to_string());
            false
        })
    }

    fn mine(&mut self) {
        if self.stands {
            return;
        }
        let mut chain = self.ledger.chain();
        let now = self.sim.since_epoch().as_secs();
        chain.mine(now, &Choice::ALL);
        drop(chain);
        self.look_at_chain();
    }

    fn look_at_chain(&mut self) {
        let chain = self.ledger.chain();
        let head = chain.head();
        self.trace.note("chain", format_args!("block {} {}", head.number(), head.hash()));
        for mined in head.transactions.iter().filter(|mined| !mined.outcome.is_done()) {
            let revert = mined.outcome.revert();
            self.trace.note("chain", format_args!("{} failed: {revert:?}", mined.tx.hash));
        }
        let (undone, new) = self.ground.follow(&chain);
        self.oracles.follow(undone.from, self.ground.since(undone.from));
        for (job, event) in new {
            self.trace.note("chain", format_args!("job {job} {event:?}"));
        }
        self.purses.check(&chain, &mut self.oracles);
    }

    fn strike(&mut self, fault: Fault) {
        self.trace.note("storm", format_args!("{fault:?}"));
        *self.census.entry(fault.name()).or_default() += 1;
        match fault {
            Fault::Crash(name) => {
                if self.sim.is_host_running(name.as_str()) {
                    self.sim.crash(name);
                }
            }
            Fault::Start(name) => {
                if !self.sim.is_host_running(name.as_str()) {
                    self.sim.bounce(name);
                }
            }
            Fault::Cut(one, other) => self.sim.partition(one, other),
            Fault::Mend(one, other) => self.sim.repair(one, other),
            Fault::Hold(one, other) => self.sim.hold(one, other),
            Fault::Release(one, other) => self.sim.release(one, other),
            Fault::Mood(number, mood) => {
                if let Some(endpoint) = self.endpoints.get(number) {
                    endpoint.set(mood);
                }
            }
            Fault::Reorganise(depth) => self.reorganise(depth),
            Fault::Stand(stands) => self.stands = stands,
        }
    }

    fn reorganise(&mut self, depth: u64) {
        let mut chain = self.ledger.chain();
        let most = chain.head().number().saturating_sub(chain.final_number());
        let depth = depth.min(most);
        let now = self.sim.since_epoch().as_secs();
        let blocks = (0..=depth).map(|number| {
            let choice = Choice::wild(self.dice.next(), 300_000);
            (now.saturating_sub(depth).saturating_add(number), choice)
        });
        let blocks = blocks.collect();
        let branch = Branch { depth, blocks, returned: Returned::All, breaks_finality: false };
        let done = chain.reorganise(&branch).map(|fork| fork.number());
        self.trace.note("chain", format_args!("{depth} blocks replaced: {done:?}"));
        drop(chain);
        self.look_at_chain();
    }

    /// Whether every job that there is has ended for good, and all that is paid has its receipt.
    fn is_over(&self) -> bool {
        let chain = self.ledger.chain();
        let Some(settled) = self.ground.view(chain.final_number()) else { return false };
        let Some(latest) = self.ground.view(u64::MAX) else { return false };
        let over = settled.jobs().all(|job| job.state.is_final());
        let shelved = self.library.shown().has_all(&latest);
        over && shelved && settled.jobs().count() == latest.jobs().count()
    }

    /// Takes the power from the archive and looks whether it still has what it kept.
    fn check_archive(&mut self) {
        let before = self.library.shown().checked;
        if self.sim.is_host_running(ARCHIVE) {
            self.sim.crash(ARCHIVE);
        }
        self.sim.bounce(ARCHIVE);
        let until = self.sim.elapsed() + RETURN;
        while self.library.shown().checked == before
            && self.sim.elapsed() < until
            && self.oracles.failure().is_none()
        {
            self.step();
        }
        let checked = self.library.shown().checked > before;
        let words = || format!("it did not come back within {} s", RETURN.as_secs());
        self.oracles.check("what the archive kept outlives a loss of power", checked, words);
    }

    /// The last word.
    fn judge(mut self, passed: u64, is_content: bool) -> Outcome {
        let view = self.ground.view(u64::MAX).unwrap_or_default();
        let jobs: Vec<String> =
            view.jobs().map(|job| format!("{} is {:?}", job.id, job.state)).collect();
        let entries = self.book.entries().clone();
        if self.oracles.failure().is_none() {
            let shelved = self.library.shown().has_all(&view);
            self.oracles.check("what is paid has its receipt in the archive", shelved, || {
                format!("after {passed} ms one is missing: {jobs:?}")
            });
            let over = is_content && self.is_over();
            self.oracles.check("everything ends once all is well", over, || {
                format!("after {passed} ms: {jobs:?}, the client knows {entries:?}")
            });
        }
        if self.oracles.failure().is_none() {
            self.check_archive();
        }
        let ended = |state| view.jobs().filter(|job| job.state == state).count();
        let ended = (
            ended(tallystick_types::JobState::Settled),
            ended(tallystick_types::JobState::Refunded),
        );
        let workers = (0..).zip(&self.cast.workers);
        let honest = workers.filter(|(number, _)| self.plan.character(*number).is_honest());
        for node in self.cast.coordinators.iter().chain(honest.map(|(_, node)| node)) {
            let accused = entries.accused.contains(&node.seat);
            let words = || format!("there is evidence against {:?}", node.seat);
            self.oracles.check("no honest node is accused", !accused, words);
            let stake = view.node(node.seat.node).map(|node| node.stake.active);
            let words = || format!("{} has {stake:?} of {STAKE}", node.signer.address());
            self.oracles.check("no honest node loses stake", stake == Some(STAKE), words);
        }
        if self.oracles.failure().is_none() {
            self.purses.check_at_rest(&self.ledger.chain(), &mut self.oracles);
        }
        let accused = u64::try_from(entries.accused.len()).unwrap_or(u64::MAX);
        self.census.insert("liars among workers", u64::from(self.plan.liar.is_some()));
        self.census.insert("liars accused", accused);
        let spoiled = self.endpoints.iter().map(Endpoint::spoiled).sum();
        self.census.insert("answers spoiled", spoiled);
        let lies = self.endpoints.iter().map(Endpoint::lies).sum();
        self.census.insert("lies of endpoints", lies);
        Outcome {
            failure: self.oracles.failure().map(str::to_owned),
            passed,
            ended,
            fetched: entries.fetched.len(),
            census: self.census,
            checks: self.oracles.checks().clone(),
        }
    }
}
