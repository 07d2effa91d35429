//! Orders, duplicates, losses, restarts and a chain that changes its mind, in any order.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use tallystick_protocol::ledger::{CloseReason, Event};
use tallystick_types::{Privacy, Seconds, Verification};

use super::super::*;
use super::world::*;

const NODES: u8 = 7;
const JOBS: u8 = 2;

/// One thing that happens in the world.
#[derive(Clone, Debug)]
enum Act {
    Deliver(Index),
    Repeat(Index),
    Lose(Index),
    Pass(u8),
    Join(u8, u8),
    Leave(u8),
    Vanish(u8),
    Be(u8, u8),
    Pair(u8),
    Unpair(u8),
    Offer(u8, u8, u8, u8),
    Cancel(u8),
    LoseLease(u8),
    Lapse(u8),
    Word(u8),
    TakeBack(u8),
    Restart,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let node = || 1..=NODES;
    let job = || 1..=JOBS;
    let act = prop_oneof![
        60 => any::<Index>().prop_map(Act::Deliver),
        4 => any::<Index>().prop_map(Act::Repeat),
        3 => any::<Index>().prop_map(Act::Lose),
        8 => (1_u8..9).prop_map(Act::Pass),
        4 => (node(), 1_u8..4).prop_map(|(node, places)| Act::Join(node, places)),
        1 => node().prop_map(Act::Leave),
        1 => node().prop_map(Act::Vanish),
        1 => (node(), 0_u8..5).prop_map(|(node, kind)| Act::Be(node, kind)),
        1 => node().prop_map(Act::Pair),
        1 => node().prop_map(Act::Unpair),
        3 => (job(), 1_u8..4, 1_u8..4, 0_u8..8)
            .prop_map(|(job, tasks, replicas, kind)| Act::Offer(job, tasks, replicas, kind)),
        1 => job().prop_map(Act::Cancel),
        1 => job().prop_map(Act::LoseLease),
        1 => job().prop_map(Act::Lapse),
        2 => job().prop_map(Act::Word),
        1 => job().prop_map(Act::TakeBack),
        1 => Just(Act::Restart),
    ];
    prop::collection::vec(act, 1..200)
}

/// An eighth of the usual cases: each is a long story. `PROPTEST_CASES` asks for more.
fn config() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: usual.cases / 8, ..usual }
}

fn wanted(tasks: u8, replicas: u8, kind: u8) -> Offer {
    let mut wanted = offer(tasks.into(), replicas);
    wanted.rules.verification = match kind % 3 {
        0 => Verification::Fingerprint,
        1 => Verification::Attested,
        _ => Verification::Deterministic,
    };
    if kind == 7 {
        wanted.specification.privacy = Privacy::Private;
    }
    wanted.specification.limits.job = Seconds::new(300);
    wanted.specification.limits.deliveries = 3;
    wanted
}

fn act(world: &mut World, act: &Act) {
    let at = |index: &Index| index.index(world.queue.len().max(1));
    match act {
        Act::Deliver(index) => {
            if let Some(parcel) = world.queue.remove(at(index)) {
                world.open(parcel);
            }
        }
        Act::Repeat(index) => {
            if let Some(parcel) = world.queue.get(at(index)).cloned() {
                world.open(parcel);
            }
        }
        Act::Lose(index) => {
            world.queue.remove(at(index));
        }
        Act::Pass(seconds) => (0..*seconds).for_each(|_| world.tick()),
        Act::Join(number, places) => world.join(*number, (*places).into()),
        Act::Leave(number) => world.leave(*number),
        Act::Vanish(number) => world.vanish(*number),
        Act::Be(number, kind) => {
            let kinds = [Kind::Honest, Kind::Liar, Kind::TwoClaims, Kind::Hoarder, Kind::Shy];
            world.be(*number, kinds[usize::from(*kind)]);
        }
        Act::Pair(number) => {
            let seat = world.seat(*number);
            world.step(Input::Ledger(Event::Paired { client: CLIENT, seat }));
        }
        Act::Unpair(number) => {
            let seat = world.seat(*number);
            world.step(Input::Ledger(Event::Unpaired { client: CLIENT, seat }));
        }
        Act::Offer(number, tasks, replicas, kind) => {
            if !world.chain.contains_key(&job_id(*number)) {
                world.offer(*number, wanted(*tasks, *replicas, *kind));
            }
        }
        Act::Cancel(number) => {
            world.step(Input::Ledger(Event::JobCancelled { job: job_id(*number) }));
        }
        Act::Restart => world.restart(),
        Act::LoseLease(_) | Act::Lapse(_) | Act::Word(_) | Act::TakeBack(_) => chain(world, act),
    }
}

/// What the chain does by itself.
fn chain(world: &mut World, act: &Act) {
    let (Act::LoseLease(number) | Act::Lapse(number) | Act::Word(number) | Act::TakeBack(number)) =
        *act
    else {
        return;
    };
    let job = job_id(number);
    let Some(it) = world.chain.get_mut(&job) else { return };
    match act {
        // A reorganisation: the word that the lease is gone, and soon that it is there again.
        Act::LoseLease(_) if it.standing == Standing::Assigned => {
            world.queue.push_back(Parcel::Word(job));
            world.step(Input::Unleased { job });
        }
        Act::Lapse(_) if it.standing == Standing::Assigned => {
            it.standing = Standing::Open;
            it.nodes.clear();
            world.queue.push_back(Parcel::Word(job));
        }
        Act::TakeBack(_) if it.standing == Standing::Proposed => {
            it.standing = Standing::Assigned;
            world.step(Input::Ledger(Event::ChainRolledBack { job }));
        }
        Act::Word(_) => world.open(Parcel::Word(job)),
        _ => {}
    }
}

fn story(acts: &[Act]) -> World {
    let mut world = World::with_keys(NODES, false);
    world.leave(6);
    world.leave(7);
    world.be(4, Kind::Liar);
    world.be(5, Kind::TwoClaims);
    world.attempts = 200;
    for number in 1..=4 {
        act(&mut world, &Act::Pair(number));
    }
    for it in acts {
        act(&mut world, it);
    }
    world
}

/// Faults stop: everybody is there, does what it is told and is out of quarantine.
fn calm(world: &mut World) {
    for number in 1..=NODES {
        world.be(number, Kind::Honest);
        world.join(number, 2);
        let seat = world.seat(number);
        world.step(Input::Ledger(Event::NodeReinstated { seat }));
        act(world, &Act::Pair(number));
    }
    let jobs: Vec<JobId> = world.chain.keys().copied().collect();
    world.queue.extend(jobs.into_iter().map(Parcel::Word));
}

fn is_over(world: &World, job: JobId) -> bool {
    let it = world.machine.ledger().job(job);
    match world.chain[&job].standing {
        Standing::Proposed => world.receipts().iter().any(|receipt| receipt.job == job),
        Standing::Refunded => it.and_then(|it| it.close_reason()).is_some(),
        Standing::Open | Standing::Assigned | Standing::Settled => it
            .and_then(|it| it.close_reason())
            .is_some_and(|reason| reason == CloseReason::Cancelled),
    }
}

proptest! {
    #![proptest_config(config())]

    /// The ledger's invariants, that a receipt says what the ledger has, that there is one for an
    /// attempt, that nobody is told anything outside the lease, that a receipt is kept before it is
    /// proposed and that every proposal has the chain's quorum are checked at every step.
    #[test]
    fn any_story_replays_to_the_same_bytes(acts in acts()) {
        let world = story(&acts);
        prop_assert_eq!(world.replayed(), world.bytes());
    }

    #[test]
    fn when_faults_stop_every_job_is_proposed_or_ends_with_a_reason(acts in acts()) {
        let mut world = story(&acts);
        calm(&mut world);
        // The time of a job here, that of its signatures, and once more for a later attempt.
        let jobs: Vec<JobId> = world.chain.keys().copied().collect();
        world.until(1_000, |world| jobs.iter().all(|job| is_over(world, *job)));
    }

    /// What a machine says after a restart is enough to go on from anywhere.
    #[test]
    fn a_restart_anywhere_loses_nothing(
        steps in 0_usize..120, replicas in 1_u8..4, kind in 0_u8..8
    ) {
        let mut world = World::with_keys(5, false);
        for number in 1..=5 {
            act(&mut world, &Act::Pair(number));
        }
        world.offer(1, wanted(2, replicas, kind));
        for _ in 0..steps {
            if !world.deliver() {
                world.tick();
            }
        }
        world.queue.clear();
        world.restart();
        world.until(120, |world| world.is_proposed(1));
        prop_assert_eq!(world.receipts().len(), 1);
        prop_assert_eq!(world.replayed(), world.bytes());
    }
}

/// The stories above prove nothing about what they never reach.
#[test]
fn the_stories_reach_the_ends_that_they_are_about() {
    let mut runner = TestRunner::deterministic();
    let mut reached = BTreeSet::new();
    for _ in 0..60 {
        let acts = acts().new_tree(&mut runner).unwrap().current();
        let mut world = story(&acts);
        calm(&mut world);
        let jobs: Vec<JobId> = world.chain.keys().copied().collect();
        world.until(1_000, |world| jobs.iter().all(|job| is_over(world, *job)));
        reached.extend(world.wishes.iter().map(|wish| match wish {
            Wish::ToNode(_, order) => name(order),
            Wish::Chain(_, call) => name(call),
            Wish::Tell(_, told) => name(told),
            other => name(other),
        }));
        reached.extend(world.rows.iter().map(name));
        let later = world.receipts().iter().any(|receipt| receipt.attempt.get() > 1);
        reached.extend(later.then(|| "LaterAttempt".to_owned()));
    }
    let expected = [
        "Assign",
        "Cancel",
        "Reveal",
        "Output",
        "Attest",
        "Sign",
        "Enlist",
        "Propose",
        "Release",
        "AwaitRound",
        "JoinOutputs",
        "Report",
        "JobBegan",
        "JobCompleted",
        "JobEnded",
        "DeadLetter",
        "Escalated",
        "Quarantined",
        "Reassigned",
        "LaterAttempt",
    ];
    for end in expected {
        assert!(reached.contains(end), "{end} is not among {reached:?}");
    }
}

/// The name of a member, without its fields.
fn name(member: &impl std::fmt::Debug) -> String {
    format!("{member:?}").chars().take_while(|letter| letter.is_alphanumeric()).collect()
}
