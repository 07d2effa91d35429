//! Who takes part in a simulation, as its seed decides.

use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::{Address, B256, keccak256};
use ed25519_dalek::SigningKey;
use tallystick_abi::{Contract, Deployment};
use tallystick_chain::keys::LocalKey;
use tallystick_coordinator::CoordinatorConfig;
use tallystick_types::{Funding, Seat, Seconds};

use crate::chain::genesis::{
    ClientPlan as Payer, Genesis, GenesisError, House, NodePlan, Plan, TLY, key_of,
};
use crate::fault::Climate;
use crate::lies::Character;
use crate::process::{ClientPlan, CoordinatorPlan, JobPlan, SettlerPlan, Whim, WorkerPlan};
use crate::random::Dice;

/// Endpoints of every simulation, and how many must agree.
pub const ENDPOINTS: (usize, usize) = (3, 2);

/// Stake behind every machine.
pub const STAKE: u128 = 50_000 * TLY;

/// What a seed brings together.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The seed.
    pub seed: u64,
    /// Coordinators.
    pub coordinators: usize,
    /// What kinds of nodes there are.
    pub workers: Vec<Character>,
    /// What the client wants.
    pub jobs: Vec<JobPlan>,
    /// What may go wrong.
    pub climate: Climate,
    /// When the client vanishes, in milliseconds after the start.
    pub client_vanishes: Option<u64>,
    /// What the client does to its own money, and when, in milliseconds after the start.
    pub whims: Vec<(u64, Whim)>,
    /// Blocks until one is final.
    pub final_lag: u64,
}

/// Everybody, with keys and plans.
#[derive(Clone, Debug)]
pub struct Cast {
    /// The chain before any work.
    pub genesis: Genesis,
    /// Plans of coordinators.
    pub coordinators: Vec<CoordinatorPlan>,
    /// Plans of workers.
    pub workers: Vec<WorkerPlan>,
    /// Plan of the settler.
    pub settler: SettlerPlan,
    /// Plan of the client.
    pub client: ClientPlan,
    /// Everybody who can have money.
    pub owners: Vec<Address>,
}

/// Most nodes that lie in one simulation, so that they are no quorum of two.
const LIARS: u64 = 2;

/// Of a million simulations so many have a rush: that many small jobs within a minute.
const RUSHES: u64 = 400_000;
const RUSH: (u64, u64) = (130, 240);
/// Of a million jobs, those of a rush aside, so many take long.
const LONG: u64 = 80_000;
/// Time that such a job has.
const LONG_LIMIT: Seconds = Seconds::new(2_400);
/// One in so many seeds has fair weather.
const FAIR: u64 = 4;

impl Scene {
    /// The main path: one job, three honest nodes, nothing goes wrong.
    pub fn fair(seed: u64) -> Self {
        let job = JobPlan { slices: 4, slices_per_task: 2, ..PLAIN };
        Self {
            seed,
            coordinators: 1,
            workers: vec![Character::Honest; 3],
            jobs: vec![job],
            climate: Climate::FAIR,
            client_vanishes: None,
            whims: Vec::new(),
            final_lag: 6,
        }
    }

    /// What a seed brings.
    pub fn of(seed: u64) -> Self {
        let mut dice = Dice::of(seed, "scene");
        let honest = usize::try_from(dice.between(2, 5)).unwrap_or(3);
        let mut workers = vec![Character::Honest; honest];
        if dice.falls(500_000) {
            for _ in 0..dice.between(1, LIARS) {
                workers.push(character(&mut dice));
            }
        }
        let mut jobs: Vec<_> = (0..dice.between(1, 4)).map(|_| job(&mut dice)).collect();
        let mut lengths = Dice::of(seed, "lengths");
        for job in &mut jobs {
            if lengths.falls(LONG) {
                (job.is_long, job.limit) = (true, LONG_LIMIT);
            }
        }
        let mut rush = Dice::of(seed, "rush");
        if rush.falls(RUSHES) {
            jobs.extend((0..rush.between(RUSH.0, RUSH.1)).map(|_| small_job(&mut rush)));
        }
        let coordinators = if dice.falls(250_000) { 2 } else { 1 };
        // Where nothing goes wrong, nothing excuses a job that is not done.
        let stormy = Climate::of(&mut dice);
        let climate = if seed.is_multiple_of(FAIR) { Climate::FAIR } else { stormy };
        let client_vanishes = dice.falls(60_000).then(|| dice.between(5_000, 290_000));
        let deep = climate.chain && dice.falls(150_000);
        let final_lag = if deep { dice.between(12, 20) } else { dice.between(4, 10) };
        let whims = if dice.falls(120_000) { whims(&mut dice) } else { Vec::new() };
        Self { seed, coordinators, workers, jobs, climate, client_vanishes, whims, final_lag }
    }
}

/// A client that takes its money away, or its word, and perhaps brings it back.
fn whims(dice: &mut Dice) -> Vec<(u64, Whim)> {
    let first = dice.between(3_000, 120_000);
    let mut whims = Vec::new();
    for whim in [Whim::Revoke, Whim::Drain] {
        if dice.falls(700_000) {
            whims.push((first.saturating_add(dice.below(30_000)), whim));
        }
    }
    if dice.falls(300_000) {
        whims.push((first.saturating_add(60_000), Whim::Allow));
    }
    whims
}

fn funding(dice: &mut Dice) -> Funding {
    match dice.below(10) {
        0..=5 => Funding::Balance,
        6..=8 => Funding::Allowance,
        _ => Funding::PullAtSettlement,
    }
}

fn job(dice: &mut Dice) -> JobPlan {
    let slices = dice.between(1, 8);
    let mind = dice.between(20_000, 120_000);
    JobPlan {
        after: dice.between(2_000, 60_000),
        slices,
        slices_per_task: dice.between(1, slices),
        replicas: if dice.falls(150_000) { 1 } else { 2 + u8::from(dice.falls(500_000)) },
        limit: Seconds::new(dice.between(300, 1_200)),
        cancel_after: dice.falls(80_000).then_some(mind),
        forgets: dice.falls(100_000),
        traps: dice.falls(60_000),
        funding: funding(dice),
        ..PLAIN
    }
}

/// A quick job of a client that means it.
const PLAIN: JobPlan = JobPlan {
    after: 4_000,
    slices: 1,
    slices_per_task: 1,
    replicas: 2,
    limit: Seconds::new(1_200),
    cancel_after: None,
    forgets: false,
    traps: false,
    is_long: false,
    funding: Funding::Balance,
};

/// A job that one or two nodes do at once, as most are where there are many.
fn small_job(dice: &mut Dice) -> JobPlan {
    let slices = dice.between(1, 2);
    JobPlan {
        after: dice.between(2_000, 60_000),
        slices,
        slices_per_task: slices,
        replicas: if dice.falls(500_000) { 1 } else { 2 },
        ..PLAIN
    }
}

fn character(dice: &mut Dice) -> Character {
    match dice.below(11) {
        // One group each, so that they do not agree on their lie.
        0 => Character::WrongOutput { group: u8::try_from(dice.below(256)).unwrap_or_default() },
        1 => Character::Errs,
        2 => Character::TwoClaims,
        3 => Character::TwoCommitments,
        4 => Character::FalseOpening,
        5 => Character::Stalls,
        6 => Character::Withholds,
        7 => Character::Silent,
        8 => Character::Late,
        _ => Character::Copies,
    }
}

/// A machine's keys.
struct Keys {
    operator: PrivateKeySigner,
    signer: PrivateKeySigner,
    identity: [u8; 32],
}

impl Keys {
    fn of(name: &str) -> Self {
        Self {
            operator: key_of(&format!("operator of {name}")),
            signer: key_of(&format!("signer of {name}")),
            identity: keccak256(format!("identity of {name}")).0,
        }
    }

    fn plan(&self, roles: u8) -> NodePlan {
        let identity = SigningKey::from_bytes(&self.identity).verifying_key().to_bytes();
        NodePlan {
            operator: self.operator.clone(),
            signer: self.signer.clone(),
            identity: B256::new(identity),
            roles,
            region: 1,
            stake: STAKE,
        }
    }

    fn local(&self) -> LocalKey {
        LocalKey::new(&self.signer)
    }
}

impl Cast {
    /// Everybody of a scene.
    pub fn of(scene: &Scene) -> Result<Self, GenesisError> {
        let named = |kind: &'static str, count: usize| {
            (0..count).map(move |number| Keys::of(&format!("{kind} {number}"))).collect::<Vec<_>>()
        };
        let coordinators = named("coordinator", scene.coordinators);
        let workers = named("worker", scene.workers.len());
        let (settler, payer) = (key_of("the settler"), key_of("the client"));
        let nodes = coordinators.iter().map(|keys| keys.plan(2));
        let nodes = nodes.chain(workers.iter().map(|keys| keys.plan(1))).collect();
        let client = Payer { key: payer.clone(), wallet: 10_000 * TLY, deposit: 5_000 * TLY };
        let plan = Plan { nodes, clients: vec![client], funded: vec![settler.address()] };
        let house = House::shared()?;
        let genesis = house.genesis(&plan)?;
        let owners = owners(&genesis, &coordinators, &workers, &[&settler, &payer]);
        let deployment = genesis.deployment.clone();
        let (first, rest) = genesis.seats.split_at(coordinators.len().min(genesis.seats.len()));
        Ok(Self {
            coordinators: coordination(&deployment, &coordinators, first),
            workers: work(scene, &deployment, &workers, rest),
            settler: SettlerPlan {
                deployment: deployment.clone(),
                signer: LocalKey::new(&settler),
                endpoints: ENDPOINTS,
            },
            client: ClientPlan {
                token: deployment.address(Contract::TallyToken),
                deployment,
                signer: LocalKey::new(&payer),
                coordinator: 0,
                jobs: scene.jobs.clone(),
                endpoints: ENDPOINTS,
            },
            genesis,
            owners,
        })
    }
}

fn owners(
    genesis: &Genesis,
    coordinators: &[Keys],
    workers: &[Keys],
    others: &[&PrivateKeySigner],
) -> Vec<Address> {
    let machines = coordinators.iter().chain(workers);
    let machines = machines.flat_map(|keys| [keys.operator.address(), keys.signer.address()]);
    let others = others.iter().map(|key| key.address());
    // What a node earns is booked under the address whose number is the node's.
    let booked =
        genesis.seats.iter().map(|seat| Address::left_padding_from(&seat.node.get().to_be_bytes()));
    machines.chain(others).chain(booked).chain([genesis.treasury.address()]).collect()
}

fn coordination(deployment: &Deployment, keys: &[Keys], seats: &[Seat]) -> Vec<CoordinatorPlan> {
    let plan = |(keys, seat): (&Keys, &Seat)| CoordinatorPlan {
        config: CoordinatorConfig::default(),
        deployment: deployment.clone(),
        seat: *seat,
        signer: keys.local(),
        endpoints: ENDPOINTS,
    };
    keys.iter().zip(seats).map(plan).collect()
}

fn work(scene: &Scene, deployment: &Deployment, keys: &[Keys], seats: &[Seat]) -> Vec<WorkerPlan> {
    let each = keys.iter().zip(seats).zip(&scene.workers).zip(0_u64..);
    let plan = |(((keys, seat), character), number): (((&Keys, &Seat), &Character), u64)| {
        let first =
            if scene.coordinators > 1 && number.is_multiple_of(2) { [1, 0] } else { [0, 1] };
        let reachable = first.into_iter().filter(|pid| *pid < scene.coordinators);
        WorkerPlan {
            deployment: deployment.clone(),
            seat: *seat,
            signer: keys.local(),
            identity: keys.identity,
            coordinators: reachable.collect(),
            character: *character,
            endpoints: ENDPOINTS,
            seed: scene.seed.wrapping_mul(64).wrapping_add(number),
        }
    };
    each.map(plan).collect()
}
