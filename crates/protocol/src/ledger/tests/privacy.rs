//! Private jobs go to paired nodes only.

use tallystick_types::Privacy;

use super::super::*;
use super::world::*;

fn private(replicas: u8) -> JobRequest {
    JobRequest { privacy: Privacy::Private, ..request(replicas) }
}

fn pair(world: &mut World, number: u8) {
    world.step(Event::Paired { client: CLIENT, seat: seat(number) }).unwrap();
}

#[test]
fn a_private_job_without_paired_nodes_is_refused_at_once() {
    let mut world = World::new(3);
    pair(&mut world, 2);
    let source = RequestError::NotPaired { replicas: 2, paired: 1 };
    let refused = world.submit(1, private(2));
    assert_eq!(refused, Err(Refusal::Request { job: job_id(1), source }));
}

#[test]
fn a_private_job_goes_to_the_paired_node() {
    let mut world = World::new(3);
    pair(&mut world, 2);
    world.submit(1, private(1)).unwrap();
    assert_eq!(world.at(0).seat, seat(2));
}

#[test]
fn a_private_job_waits_for_its_paired_node_while_others_idle() {
    let mut world = World::new(3);
    pair(&mut world, 7);
    world.submit(1, private(1)).unwrap();
    world.pass(2);
    assert_eq!(world.ledger.why(job_id(1)).unwrap().tasks[0].waits, Some(NoNode::NonePaired));
    world.join(7, 1);
    assert_eq!(world.at(0).seat, seat(7));
}

#[test]
fn secondaries_of_a_private_job_are_paired_too() {
    let mut world = World::new(9);
    pair(&mut world, 3);
    pair(&mut world, 8);
    world.submit(1, private(2)).unwrap();
    world.commit(world.at(0), RIGHT);
    world.seed();
    assert_eq!((world.at(0).seat, world.at(1).seat), (seat(3), seat(8)));
}

#[test]
fn a_pairing_that_is_taken_back_moves_private_work_away() {
    let mut world = World::new(3);
    pair(&mut world, 2);
    pair(&mut world, 3);
    world.submit(1, private(1)).unwrap();
    world.step(Event::Unpaired { client: CLIENT, seat: seat(2) }).unwrap();
    assert_eq!(world.last_end(), TryEnd::Primary(ReplicaEnd::Unpaired));
    assert_eq!(world.at(0).seat, seat(3));
}

#[test]
fn a_public_job_does_not_mind() {
    let mut world = World::with_job(1, request(1));
    pair(&mut world, 1);
    world.step(Event::Unpaired { client: CLIENT, seat: seat(1) }).unwrap();
    assert_eq!(world.at(0).seat, seat(1));
}
