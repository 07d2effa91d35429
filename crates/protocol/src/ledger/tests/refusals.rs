//! Each refusal; that it changes nothing is checked with every step.

use super::super::*;
use super::world::*;
use crate::commitment::TaskAssignment;
use crate::split::SplitError;
use alloy_primitives::Address;
use tallystick_types::{Ppm, Seat, Seconds, Seed, TaskIndex};

#[test]
fn a_request_without_sense_is_refused() {
    let mut world = World::new(1);
    let mut refused = |request: JobRequest| match world.submit(1, request) {
        Err(Refusal::Request { source, .. }) => source,
        other => panic!("{other:?}"),
    };
    let good = request(3);
    let split = RequestError::Split(SplitError::Empty);
    assert_eq!(refused(JobRequest { slices: 0, ..good }), split);
    let given = 17;
    let replicas = RequestError::Replicas { given };
    assert_eq!(refused(JobRequest { replicas: given, quorum: 9, ..good }), replicas);
    for quorum in [0, 1, 4] {
        let expected = RequestError::Quorum { quorum, replicas: 3 };
        assert_eq!(refused(JobRequest { quorum, ..good }), expected);
    }
    let limits = Limits { reveal: Seconds::new(0), ..good.limits };
    let zero = RequestError::ZeroLimit { field: "reveal" };
    assert_eq!(refused(JobRequest { limits, ..good }), zero);
    let limits = Limits { deliveries: 0, ..good.limits };
    let zero = RequestError::ZeroLimit { field: "deliveries" };
    assert_eq!(refused(JobRequest { limits, ..good }), zero);
    let attempt = tallystick_types::Attempt::new(0);
    let zero = RequestError::ZeroLimit { field: "attempt" };
    assert_eq!(refused(JobRequest { attempt, ..good }), zero);
}

#[test]
fn what_is_not_here_is_refused() {
    let mut world = World::with_job(1, request(1));
    let (job, task) = (job_id(9), TaskIndex::new(5));
    assert_eq!(world.step(Event::JobCancelled { job }), Err(Refusal::UnknownJob { job }));
    let assignment = TaskAssignment { task, ..world.at(0) };
    let refused = world.step(Event::Acknowledged { assignment });
    assert_eq!(refused, Err(Refusal::UnknownTask { job: job_id(1), task }));
    let assignment = TaskAssignment { job, ..world.at(0) };
    let refused = world.step(Event::Acknowledged { assignment });
    assert_eq!(refused, Err(Refusal::UnknownJob { job }));
}

#[test]
fn a_job_is_taken_on_once() {
    let mut world = World::with_job(1, request(1));
    let refused = world.submit(1, request(1));
    let attempt = world.job().head.attempt;
    assert_eq!(refused, Err(Refusal::JobExists { job: job_id(1), attempt }));
}

#[test]
fn a_node_that_was_not_assigned_is_refused() {
    let mut world = World::with_job(2, request(1));
    let assignment = TaskAssignment { seat: seat(2), ..world.at(0) };
    let refused = world.step(Event::Acknowledged { assignment });
    assert_eq!(refused, Err(Refusal::NotAssigned { assignment }));
    let attempt = tallystick_types::Attempt::new(2);
    let assignment = TaskAssignment { attempt, ..world.at(0) };
    let refused = world.step(Event::Acknowledged { assignment });
    assert_eq!(refused, Err(Refusal::NotAssigned { assignment }));
}

#[test]
fn a_node_that_opens_before_it_is_asked_is_refused() {
    let mut world = World::with_job(3, request(3));
    let assignment = world.at(0);
    let early = Err(Refusal::RevealTooEarly { assignment });
    assert_eq!(world.reveal(assignment, RIGHT), early);
    world.commit(assignment, RIGHT);
    assert_eq!(world.reveal(assignment, RIGHT), early);
}

#[test]
fn an_opening_that_does_not_fit_is_refused_and_the_right_one_still_counts() {
    let mut world = World::with_job(2, request(2));
    world.commit_all(&[RIGHT, RIGHT]);
    let assignment = world.at(0);
    let mismatch = Err(Refusal::OpeningMismatch { assignment });
    assert_eq!(world.reveal(assignment, WRONG), mismatch);
    world.reveal(assignment, RIGHT).unwrap();
    assert_eq!(world.reveal(assignment, RIGHT), Ok(vec![]));
    assert_eq!(world.reveal(assignment, WRONG), mismatch);
}

#[test]
fn two_seeds_for_one_round_are_refused() {
    let mut world = World::new(1);
    world.seed();
    let round = tallystick_types::BeaconRound::new(100);
    let refused = world.step(Event::SeedKnown { round, seed: Seed::new([8; 32]) });
    assert_eq!(refused, Err(Refusal::SeedContradicts { round }));
    assert_eq!(world.step(Event::SeedKnown { round, seed: Seed::new([7; 32]) }), Ok(vec![]));
}

#[test]
fn a_node_without_place_or_connection_is_refused() {
    let mut world = World::new(1);
    let refused = world.step(Event::NodeJoined { seat: seat(2), profile: profile(0) });
    assert_eq!(refused, Err(Refusal::NoPlace { seat: seat(2) }));
    let unknown = Err(Refusal::UnknownNode { seat: seat(2) });
    assert_eq!(world.step(Event::NodeHeartbeat { seat: seat(2), load: Ppm::ZERO }), unknown);
    assert_eq!(world.step(Event::NodeLeft { seat: seat(2) }), unknown);
    assert_eq!(world.step(Event::NodeDraining { seat: seat(2) }), unknown);
}

#[test]
fn only_dead_letters_of_open_jobs_are_retried() {
    let mut world = World::with_job(1, request(1));
    let (job, task) = (job_id(1), TaskIndex::new(0));
    let refused = world.step(Event::TaskRetried { job, task });
    assert_eq!(refused, Err(Refusal::NotDeadLetter { job, task }));
    let other = TaskIndex::new(9);
    let refused = world.step(Event::TaskRetried { job, task: other });
    assert_eq!(refused, Err(Refusal::UnknownTask { job, task: other }));
    world.step(Event::JobCancelled { job }).unwrap();
    let closed = Err(Refusal::JobClosed { job, reason: CloseReason::Cancelled });
    assert_eq!(world.step(Event::TaskRetried { job, task }), closed);
    assert_eq!(world.step(Event::JobCancelled { job }), closed);
}

#[test]
fn tries_end_when_the_numbers_of_an_attempt_are_used_up() {
    let limits = Limits { deliveries: 300, ..Limits::for_tasks() };
    let mut world = World::with_job(1, JobRequest { limits, ..request(1) });
    for _ in 0..255 {
        world.fail(world.at(0), Failure::Internal);
    }
    assert!(is_dead(world.task()));
    let (job, task) = (job_id(1), TaskIndex::new(0));
    let refused = world.step(Event::TaskRetried { job, task });
    assert_eq!(refused, Err(Refusal::TriesUsedUp { job, task }));
}

#[test]
fn a_registered_node_with_a_new_key_leaves_its_old_seat() {
    let mut world = World::with_job(1, request(1));
    let fresh = Seat { signer: Address::repeat_byte(0xee), ..seat(1) };
    world.step(Event::NodeJoined { seat: fresh, profile: profile(1) }).unwrap();
    assert_eq!(world.last_end(), TryEnd::Primary(ReplicaEnd::Offline));
    assert_eq!(world.at(0).seat, fresh, "nobody else is there");
    assert!(world.ledger.state().nodes.get(seat(1)).is_none());
}
