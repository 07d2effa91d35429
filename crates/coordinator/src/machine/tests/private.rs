//! Jobs that only paired nodes may see.

use tallystick_protocol::ledger::Event;
use tallystick_types::Privacy;

use super::super::*;
use super::world::*;

fn private(replicas: u8) -> Offer {
    let mut wanted = offer(2, replicas);
    wanted.specification.privacy = Privacy::Private;
    wanted
}

fn pair(world: &mut World, number: u8) {
    let seat = world.seat(number);
    world.step(Input::Ledger(Event::Paired { client: CLIENT, seat }));
}

#[test]
fn a_private_job_is_done_by_paired_nodes_alone() {
    let mut world = World::new(6);
    for number in [2, 4, 5] {
        pair(&mut world, number);
    }
    world.offer(1, private(3));
    world.until(120, |world| world.is_proposed(1));
    assert!(world.worked().iter().all(|number| [2, 4, 5].contains(number)));
}

#[test]
fn the_lease_of_a_private_job_is_not_taken_before_enough_nodes_are_paired() {
    let mut world = World::new(6);
    pair(&mut world, 1);
    world.offer(1, private(3));
    world.pass(30);
    assert!(world.calls(ChainCallKind::Assign).is_empty());
    pair(&mut world, 2);
    pair(&mut world, 3);
    world.until(60, |world| world.is_proposed(1));
}

#[test]
fn a_lease_that_the_ledger_refuses_is_given_back() {
    let mut world = World::new(3);
    for number in 1..=3 {
        pair(&mut world, number);
    }
    world.lose(ChainCallKind::Assign, 1);
    world.offer(1, private(3));
    world.pass(1);
    world.attempts = 1;
    let nodes = vec![world.seat(1), world.seat(2)];
    let chain = world.on_chain(1);
    (chain.standing, chain.attempt, chain.nodes) = (Standing::Assigned, 1, nodes);
    let seat = world.seat(3);
    world.step(Input::Ledger(Event::Unpaired { client: CLIENT, seat }));
    world.open(Parcel::Word(job_id(1)));
    world.pass(1);
    assert_eq!(world.on_chain(1).standing, Standing::Refunded);
}
