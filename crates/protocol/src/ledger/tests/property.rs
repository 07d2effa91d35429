//! Any order of messages that are duplicated, late or lost; liars, deaths and a chain that changes
//! its mind.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::super::*;
use super::world::*;
use crate::commitment::{Pledge, TaskAssignment};
use tallystick_types::{
    Attempt, Attestation, BeaconRound, EvmSignature, IdentitySignature, Ppm, Privacy, Seat,
    Seconds, Seed, TaskIndex, Verification, WallTime,
};

const NODES: u8 = 9;
const JOBS: u8 = 3;

/// One thing that the world does to the ledger.
#[derive(Clone, Debug)]
enum Act {
    Deliver(Index),
    Repeat(Index),
    Lose(Index),
    Pass(u8),
    Silence(u8),
    Join(u8),
    Leave(u8),
    Drain(u8),
    Reinstate(u8),
    Pair(u8),
    Unpair(u8),
    Submit(u8, u8, u8),
    Cancel(u8),
    Retry(u8),
    Chain(u8, u8, u8),
    RollBack(u8),
    Enlist(u8, u8, u8),
    Archive(u8),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let node = || 1..=NODES;
    let job = || 1..=JOBS;
    let act = prop_oneof![
        30 => any::<Index>().prop_map(Act::Deliver),
        4 => any::<Index>().prop_map(Act::Repeat),
        2 => any::<Index>().prop_map(Act::Lose),
        6 => (1_u8..9).prop_map(Act::Pass),
        1 => (1_u8..40).prop_map(Act::Silence),
        4 => node().prop_map(Act::Join),
        1 => node().prop_map(Act::Leave),
        1 => node().prop_map(Act::Drain),
        1 => node().prop_map(Act::Reinstate),
        1 => node().prop_map(Act::Pair),
        1 => node().prop_map(Act::Unpair),
        3 => (job(), 1_u8..5, 0_u8..8).prop_map(|(job, count, kind)| Act::Submit(job, count, kind)),
        1 => job().prop_map(Act::Cancel),
        2 => job().prop_map(Act::Retry),
        1 => (job(), 0_u8..5, 0_u8..3).prop_map(|(job, fact, level)| Act::Chain(job, fact, level)),
        1 => job().prop_map(Act::RollBack),
        2 => (job(), 1_u8..4, 1_u8..=255).prop_map(|(job, attempt, nodes)| {
            Act::Enlist(job, attempt, nodes)
        }),
        1 => job().prop_map(Act::Archive),
    ];
    prop::collection::vec(act, 1..250)
}

/// A quarter of the usual cases: each is a long story. `PROPTEST_CASES` asks for more.
fn config() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: usual.cases / 4, ..usual }
}

fn short() -> Limits {
    let (job, dead_letter) = (Seconds::new(300), Seconds::new(60));
    Limits { job, dead_letter, deliveries: 3, ..Limits::for_tasks() }
}

/// What nodes answer, waiting to be delivered.
struct Mesh {
    world: World,
    seen: usize,
    post: Vec<Event>,
}

impl Mesh {
    fn new() -> Self {
        let mut world = World::new(5);
        for number in 1..=5 {
            world.step(Event::Paired { client: CLIENT, seat: seat(number) }).unwrap();
        }
        Self { world, seen: 0, post: Vec::new() }
    }

    /// Nodes answer the effects that are new.
    fn answer(&mut self) {
        let new = self.world.effects.split_off(self.seen);
        for effect in new {
            match effect.action.clone() {
                Action::Dispatch { assignment, check, .. } => self.execute(assignment, check),
                Action::Reveal { assignment } => {
                    let opening = opening(assignment.seat, root(assignment.seat));
                    self.post.push(Event::Revealed { assignment, opening });
                }
                Action::DrawSecondaries { round } => {
                    let seed = Seed::new([u8::try_from(round.get() % 251).unwrap(); 32]);
                    self.post.push(Event::SeedKnown { round, seed });
                }
                Action::Attest { seat, claim } => {
                    let Seat { node, signer } = seat;
                    let signature = EvmSignature::new([1; 65]);
                    let attestation = Attestation { node, signer, signature };
                    self.post.push(Event::Attested { claim, attestation });
                    if is_equivocator(seat) {
                        let output_root = tallystick_types::OutputRoot::new([9; 32]);
                        let claim = tallystick_types::ReceiptClaim { output_root, ..claim };
                        self.post.push(Event::Attested { claim, attestation });
                    }
                }
                _ => {}
            }
            self.world.effects.push(effect);
        }
        self.seen = self.world.effects.len();
    }

    fn execute(&mut self, assignment: TaskAssignment, _: Option<tallystick_types::OutputRoot>) {
        self.world.round += 1;
        let seat = assignment.seat;
        let round = BeaconRound::new(self.world.round);
        let pledge = |root| {
            let commitment = opening(seat, root).commitment(&assignment);
            Pledge { assignment, commitment, round }
        };
        let signature = IdentitySignature::new([1; 64]);
        self.post.push(Event::Acknowledged { assignment });
        self.post.push(Event::Committed { pledge: pledge(root(seat)), signature });
        if is_equivocator(seat) {
            self.post.push(Event::Committed { pledge: pledge(77), signature });
        }
        if assignment.task_attempt.get().is_multiple_of(3) {
            self.post.push(Event::Failed { assignment, failure: Failure::Internal });
        }
    }

    fn act(&mut self, act: &Act) {
        let at = |index: &Index| index.index(self.post.len().max(1));
        let event = match act {
            Act::Deliver(index) if !self.post.is_empty() => self.post.remove(at(index)),
            Act::Repeat(index) if !self.post.is_empty() => self.post[at(index)].clone(),
            Act::Lose(index) if !self.post.is_empty() => {
                self.post.remove(at(index));
                return;
            }
            Act::Deliver(_) | Act::Repeat(_) | Act::Lose(_) => return,
            Act::Pass(seconds) => {
                self.world.pass((*seconds).into());
                return self.answer();
            }
            other => self.event(other),
        };
        self.step(event);
    }

    fn event(&self, act: &Act) -> Event {
        let now = self.world.ledger.state().now.get();
        match *act {
            Act::Silence(seconds) => {
                Event::Tick { now: WallTime::new(now + 1_000 * u64::from(seconds)) }
            }
            Act::Join(number) => Event::NodeJoined { seat: seat(number), profile: profile(2) },
            Act::Leave(number) => Event::NodeLeft { seat: seat(number) },
            Act::Drain(number) => Event::NodeDraining { seat: seat(number) },
            Act::Reinstate(number) => Event::NodeReinstated { seat: seat(number) },
            Act::Pair(number) => Event::Paired { client: CLIENT, seat: seat(number) },
            Act::Unpair(number) => Event::Unpaired { client: CLIENT, seat: seat(number) },
            Act::Submit(number, replicas, kind) => self.submission(number, replicas, kind),
            Act::Cancel(number) => Event::JobCancelled { job: job_id(number) },
            Act::Retry(number) => {
                let job = job_id(number);
                let mut dead = self.world.ledger.dead_letters().filter(|(of, _)| *of == job);
                let task = dead.next().map_or(TaskIndex::new(0), |(_, task)| task);
                Event::TaskRetried { job, task }
            }
            Act::Chain(number, fact, level) => {
                let attempt = Attempt::new(fact + level);
                let fact = match fact {
                    0 => ChainFact::LeaseHeld { attempt: Attempt::new(level + 1) },
                    1 => ChainFact::LeaseLost { attempt },
                    2 => ChainFact::Proposed { attempt },
                    3 => ChainFact::Settled,
                    _ => ChainFact::Refunded,
                };
                let finality =
                    [Finality::Seen, Finality::Safe, Finality::Final][usize::from(level)];
                Event::ChainObserved { job: job_id(number), fact, finality }
            }
            Act::Enlist(number, attempt, nodes) => {
                let named = (1..=8).filter(|node| nodes >> (node - 1) & 1 == 1);
                let (job, attempt) = (job_id(number), Attempt::new(attempt));
                Event::Enlisted { job, attempt, nodes: named.map(seat).collect() }
            }
            Act::RollBack(number) => Event::ChainRolledBack { job: job_id(number) },
            _ => {
                let Act::Archive(number) = *act else { unreachable!("{act:?}") };
                Event::JobArchived { job: job_id(number) }
            }
        }
    }

    fn submission(&self, number: u8, replicas: u8, kind: u8) -> Event {
        let job = job_id(number);
        let known = self.world.ledger.job(job).map(|job| job.head.attempt.get());
        let attempt = Attempt::new(known.unwrap_or(0) + 1 + kind / 4);
        let verification = match kind % 3 {
            0 => Verification::Fingerprint,
            1 => Verification::Attested,
            _ => Verification::Deterministic,
        };
        let privacy = if kind == 7 { Privacy::Private } else { Privacy::Public };
        let queueing = if kind == 6 { Queueing::FailFast } else { Queueing::Queue };
        let limits = short();
        let slices_per_task = u64::from(kind % 4 + 1);
        let request = JobRequest {
            attempt,
            verification,
            privacy,
            queueing,
            limits,
            slices_per_task,
            ..request(replicas)
        };
        Event::JobSubmitted { job, request: Box::new(request), nodes: Vec::new() }
    }

    fn step(&mut self, event: Event) {
        let expired = is_expired(&self.world.ledger, &event);
        if let Ok(effects) = self.world.step(event)
            && expired
        {
            // Nothing follows from what an expired try says, unless it convicts its author.
            let caught =
                kinds(&effects).iter().any(|kind| matches!(kind, EffectKind::Evidence(..)));
            assert!(caught || effects.is_empty(), "an expired try had effects: {effects:?}");
        }
        self.answer();
    }
}

fn root(seat: Seat) -> u8 {
    if seat.node.get() == 4 { WRONG } else { RIGHT }
}

fn is_equivocator(seat: Seat) -> bool {
    seat.node.get() == 5
}

/// Whether an event speaks of a try that is over.
fn is_expired(ledger: &Ledger, event: &Event) -> bool {
    let assignment = match event {
        Event::Acknowledged { assignment }
        | Event::Progressed { assignment, .. }
        | Event::Revealed { assignment, .. }
        | Event::Failed { assignment, .. } => assignment,
        Event::Committed { pledge, .. } => &pledge.assignment,
        _ => return false,
    };
    let task = ledger.job(assignment.job).and_then(|job| job.tasks.get(&assignment.task));
    task.is_some_and(|task| !task.is_active() || task.attempt != assignment.task_attempt)
}

/// Replays a journal, by way of a snapshot after so many events.
fn replay(journal: &[Event], snapshot_at: usize) -> (Ledger, Vec<Effect>) {
    let (mut ledger, mut effects) = (Ledger::new(Settings::default()), Vec::new());
    for (number, event) in journal.iter().enumerate() {
        if number == snapshot_at {
            let bytes = serde_json::to_vec(ledger.state()).unwrap();
            ledger = Ledger::restore(serde_json::from_slice(&bytes).unwrap());
            assert_eq!(ledger.state().next, u64::try_from(number).unwrap());
        }
        let event: Event = serde_json::from_slice(&serde_json::to_vec(event).unwrap()).unwrap();
        effects.extend(ledger.step(event, &Simple).unwrap_or_default());
    }
    (ledger, effects)
}

proptest! {
    #![proptest_config(config())]

    /// Invariants, the uniqueness of effect keys, that refusals change nothing and that expired
    /// tries have no effect are checked after every step.
    #[test]
    fn any_order_of_events_keeps_the_invariants_and_replays_to_the_same(
        acts in acts(), snapshot_at in any::<Index>()
    ) {
        let mut mesh = Mesh::new();
        for act in &acts {
            mesh.act(act);
        }
        let (ledger, effects) = replay(&mesh.world.journal, usize::MAX);
        prop_assert_eq!(ledger.state(), mesh.world.ledger.state());
        prop_assert_eq!(ledger.state().digest(), mesh.world.ledger.state().digest());
        prop_assert_eq!(&effects, &mesh.world.effects);
        let middle = snapshot_at.index(mesh.world.journal.len());
        let (restored, again) = replay(&mesh.world.journal, middle);
        prop_assert_eq!(restored.state().digest(), ledger.state().digest());
        prop_assert_eq!(again, effects);
    }

    /// When nobody says anything any more, every job ends within its time and that of its
    /// signatures.
    #[test]
    fn every_job_ends_when_only_time_passes(acts in acts(), nodes_live in any::<bool>()) {
        let mut mesh = Mesh::new();
        for act in &acts {
            mesh.act(act);
        }
        for _ in 0..(300 + 60) / 5 + 1 {
            if nodes_live {
                mesh.world.pass(5);
            } else {
                mesh.world.tick(5);
            }
        }
        let state = mesh.world.ledger.state();
        for job in state.jobs.values() {
            prop_assert!(job.close_reason().is_some(), "still open: {job:?}");
        }
        prop_assert!(state.nodes.iter().all(|(_, node)| node.work.is_empty()));
    }

    /// With honest nodes and every message delivered, in whatever order, every job completes.
    #[test]
    fn honest_nodes_complete_every_job(
        order in prop::collection::vec(any::<Index>(), 400),
        replicas in 1_u8..4,
        places in 1_u16..4,
    ) {
        let mut mesh = Mesh::new();
        for number in 4..=5 {
            mesh.world.step(Event::NodeLeft { seat: seat(number) }).unwrap();
        }
        for number in 1..=3 {
            mesh.world.join(number, places);
        }
        mesh.step(mesh.submission(1, replicas, 2));
        for index in order {
            if mesh.world.job().close_reason().is_some() {
                break;
            }
            mesh.act(&Act::Deliver(index));
            let load = Ppm::ZERO;
            mesh.step(Event::NodeHeartbeat { seat: seat(1), load });
            if mesh.post.is_empty() {
                mesh.world.pass(1);
                mesh.answer();
            }
        }
        prop_assert_eq!(mesh.world.job().close_reason(), Some(CloseReason::Completed));
    }
}

/// The stories above prove nothing about what they never reach.
#[test]
fn the_stories_reach_the_ends_that_they_are_about() {
    let mut runner = TestRunner::deterministic();
    let (mut effects, mut ends, mut closes) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for _ in 0..150 {
        let mut mesh = Mesh::new();
        for act in acts().new_tree(&mut runner).unwrap().current() {
            mesh.act(&act);
        }
        effects.extend(mesh.world.effects.iter().map(|effect| name(&effect.key.kind)));
        for job in mesh.world.ledger.state().jobs.values() {
            closes.extend(job.close_reason().map(|reason| name(&reason)));
            let tries = job.tasks.values().flat_map(|task| &task.history);
            ends.extend(tries.map(|ended| name(&ended.why)));
        }
    }
    let expected = [
        "Attest",
        "Cancel",
        "DeadLetter",
        "Dispatch",
        "DrawSecondaries",
        "Escalate",
        "Evidence",
        "FinaliseReceipt",
        "Notify",
        "Outbox",
        "Quarantine",
        "Reveal",
    ];
    assert_eq!(effects.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    for end in ["Failed", "LeaseMoved", "Primary", "RoundKnown", "SeedMissing", "JobClosed"] {
        assert!(ends.contains(end), "{end} is not among {ends:?}");
    }
    for close in ["Cancelled", "Completed", "LeaseLost", "RefundedOnChain", "SettledOnChain"] {
        assert!(closes.contains(close), "{close} is not among {closes:?}");
    }
}

/// The name of a member, without its fields.
fn name(member: &impl std::fmt::Debug) -> String {
    format!("{member:?}").chars().take_while(|letter| letter.is_alphanumeric()).collect()
}
