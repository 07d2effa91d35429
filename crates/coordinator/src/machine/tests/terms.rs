//! Terms that too few nodes meet: nothing is locked for them, and watchers are told why.

use tallystick_protocol::specification::Work;
use tallystick_scheduler::Reason;
use tallystick_types::{ChainTime, EngineProfile, Privacy, Seconds};

use super::super::*;
use super::world::*;

/// What is wrong with an offer, and the filter that says so.
type Spoiled = (fn(&mut Offer), Reason);

/// What watchers of the job were told of waiting.
fn told(world: &World) -> Vec<&Waiting> {
    let told = world.wishes.iter().filter_map(|wish| match wish {
        Wish::Tell(_, Told::Waiting(waiting)) => Some(waiting),
        _ => None,
    });
    told.collect()
}

fn counts(waiting: &Waiting) -> Vec<(Reason, u64)> {
    waiting.prospect.rejected.iter().map(|(reason, count)| (*reason, *count)).collect()
}

fn assign_by() -> ChainTime {
    offer(1, 1).rules.assign_by
}

#[test]
fn a_job_with_more_replicas_than_nodes_locks_nothing_until_another_node_comes() {
    let mut world = World::new(3);
    world.forget(3);
    world.offer(1, offer(1, 3));
    world.pass(30);
    assert!(world.calls(ChainCallKind::Assign).is_empty());
    let waiting = world.machine.waiting(job_id(1)).unwrap().clone();
    assert_eq!((waiting.prospect.needed, waiting.prospect.known), (3, 2));
    assert!(waiting.prospect.is_impossible());
    assert_eq!(waiting.refund_at, assign_by());
    assert_eq!(told(&world), [&waiting], "told at once, and once");
    world.join(3, 1);
    world.until(60, |world| world.is_proposed(1));
    assert_eq!(world.machine.waiting(job_id(1)), None);
}

#[test]
fn every_filter_is_named_with_the_nodes_that_it_rejects() {
    let spoil: [Spoiled; 4] = [
        (|it| it.specification.engine = EngineProfile::new("wasm-9").unwrap(), Reason::Engine),
        (
            |it| {
                let Work::Wasm { memory_bytes, .. } = &mut it.specification.work;
                *memory_bytes = 16_001;
            },
            Reason::Capacity,
        ),
        (|it| it.specification.privacy = Privacy::Private, Reason::NotPaired),
        // The nodes ask ten for each unit.
        (|it| it.specification.work_units_per_slice = 101, Reason::Price),
    ];
    for (spoil, reason) in spoil {
        let mut wanted = offer(2, 3);
        spoil(&mut wanted);
        let mut world = World::new(4);
        world.offer(1, wanted);
        world.pass(5);
        assert!(world.calls(ChainCallKind::Assign).is_empty());
        let waiting = told(&world)[0];
        assert_eq!(counts(waiting), [(reason, 4)]);
        assert!(waiting.prospect.is_impossible());
    }
}

#[test]
fn a_price_that_covers_what_nodes_ask_for_a_task_is_taken() {
    let mut wanted = offer(2, 3);
    wanted.specification.work_units_per_slice = 100;
    let mut world = World::new(4);
    world.offer(1, wanted);
    world.until(60, |world| world.is_proposed(1));
    assert!(told(&world).is_empty());
}

#[test]
fn a_job_waits_while_all_nodes_are_busy_and_says_so() {
    let mut world = World::new(1);
    world.offer(1, offer(1, 1));
    world.lose(ChainCallKind::Propose, 1);
    world.until(10, |world| !world.worked().is_empty());
    world.offer(2, offer(1, 1));
    while world.machine.book(job_id(2)).is_none() {
        assert!(world.deliver());
    }
    let waiting = world.machine.waiting(job_id(2)).unwrap();
    assert_eq!(
        (counts(waiting), waiting.prospect.is_impossible()),
        (vec![(Reason::Busy, 1)], false)
    );
    world.until(60, |world| world.is_proposed(2));
}

#[test]
fn nodes_that_leave_after_the_job_began_are_missed_within_seconds() {
    let mut world = World::new(3);
    world.offer(1, offer(1, 3));
    world.until(10, |world| world.worked().len() == 1);
    let idle = (1..=3).filter(|number| !world.worked().contains(number)).collect::<Vec<_>>();
    for number in &idle {
        world.leave(*number);
    }
    world.pass(12);
    let waiting = world.machine.waiting(job_id(1)).unwrap().clone();
    assert_eq!((counts(&waiting), waiting.prospect.present()), (vec![(Reason::Offline, 2)], 1));
    assert_eq!(waiting.refund_at, offer(1, 3).rules.complete_by);
    assert!(told(&world).contains(&&waiting));
    for number in idle {
        world.join(number, 1);
    }
    world.until(120, |world| world.is_proposed(1));
    assert_eq!(world.machine.waiting(job_id(1)), None);
}

#[test]
fn nobody_waits_for_what_is_too_late() {
    let mut world = World::new(1);
    let mut wanted = offer(1, 2);
    let soon = ChainTime::new(world.now().get() / 1_000 + 20).unwrap();
    wanted.rules.assign_by = soon;
    wanted.rules.complete_by = soon.checked_add(Seconds::new(60)).unwrap();
    world.offer(1, wanted);
    world.pass(5);
    assert_eq!(world.machine.waiting(job_id(1)).unwrap().refund_at, soon);
    world.pass(40);
    assert_eq!(world.machine.waiting(job_id(1)), None);
}

#[test]
fn proofs_fit_their_message_with_as_many_replicas_as_there_may_be() {
    let mut world = World::with_keys(18, false);
    world.offer(1, offer(1, 16));
    world.until(120, |world| world.is_proposed(1));
    let proofs = world.workers.values().flat_map(|worker| &worker.heard).filter_map(|order| {
        let NodeOrder::Attest { proofs, .. } = order else { return None };
        Some(proofs)
    });
    let openings: Vec<usize> = proofs.flatten().map(|proof| proof.openings.len()).collect();
    assert!(!openings.is_empty() && openings.iter().all(|count| *count == 16), "{openings:?}");
}
