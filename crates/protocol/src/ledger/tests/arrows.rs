//! Each arrow of the task machine.

use super::super::*;
use super::world::*;
use tallystick_types::{OutputRoot, Ppm, TaskAttempt, TaskIndex};

#[test]
fn a_task_without_a_node_is_pending_and_says_why() {
    let world = World::with_job(0, request(1));
    assert!(is_pending(world.task()));
    let mut world = World::with_job(1, request(1));
    world.submit(2, request(1)).unwrap();
    world.pass(2);
    let why = world.ledger.why(job_id(2)).unwrap();
    assert_eq!(why.tasks[0].waits, Some(NoNode::AllBusy));
}

#[test]
fn a_pending_task_is_dispatched_to_a_free_node_which_is_busy_from_then_on() {
    let world = World::with_job(1, request(1));
    assert_eq!(world.task().state, TaskState::Dispatched);
    assert_eq!(world.attempt(), TaskAttempt::new(1));
    let node = world.ledger.state().nodes.get(seat(1)).unwrap();
    assert_eq!((node.busy(), node.is_free()), (1, false));
    let dispatched = EffectKind::Dispatch(seat(1));
    assert!(kinds(&world.effects).contains(&dispatched));
}

#[test]
fn a_node_that_joins_gets_the_task_that_waits_longest() {
    let mut world = World::with_job(0, request(1));
    world.submit(2, request(1)).unwrap();
    world.join(1, 1);
    assert_eq!(world.task().state, TaskState::Dispatched);
    assert_eq!(world.ledger.job(job_id(2)).unwrap().head.active, 0);
}

#[test]
fn an_acknowledged_task_runs() {
    let mut world = World::with_job(1, request(1));
    world.acknowledge(world.at(0));
    assert_eq!(world.task().state, TaskState::Running);
    let assignment = world.at(0);
    let half = Ppm::new(500_000).unwrap();
    world.step(Event::Progressed { assignment, done: half }).unwrap();
    world.step(Event::Progressed { assignment, done: Ppm::ZERO }).unwrap();
    let stage = world.task().replicas[0].stage;
    assert!(matches!(stage, Stage::Working { done, .. } if done == half));
}

#[test]
fn a_commitment_asks_for_the_randomness_that_it_named() {
    let mut world = World::with_job(3, request(3));
    world.acknowledge(world.at(0));
    let effects = world.commit(world.at(0), RIGHT);
    assert_eq!(kinds(&effects), [EffectKind::DrawSecondaries]);
    assert!(matches!(world.task().state, TaskState::Committed { .. }));
    assert_eq!(world.task().replicas.len(), 1, "nobody is drawn before the seed");
}

#[test]
fn a_commitment_implies_an_acknowledgement_that_was_lost() {
    let mut world = World::with_job(3, request(3));
    world.commit(world.at(0), RIGHT);
    assert!(matches!(world.task().state, TaskState::Committed { .. }));
}

#[test]
fn the_seed_draws_the_secondaries() {
    let mut world = World::with_job(3, request(3));
    world.commit(world.at(0), RIGHT);
    let effects = world.seed();
    assert_eq!(effects.len(), 2);
    assert!(matches!(world.task().state, TaskState::Verifying(_)));
    assert_eq!(world.task().replicas.len(), 3);
}

#[test]
fn commitments_are_opened_when_all_are_there() {
    let mut world = World::with_job(3, request(3));
    world.commit(world.at(0), RIGHT);
    world.seed();
    assert_eq!(world.commit(world.at(1), RIGHT), []);
    let effects = world.commit(world.at(2), RIGHT);
    assert_eq!(effects.len(), 3);
    let asks = |kind: &EffectKind| matches!(kind, EffectKind::Reveal(_));
    assert!(kinds(&effects).iter().all(asks));
}

#[test]
fn a_quorum_of_equal_openings_verifies_a_task() {
    let mut world = World::with_job(3, request(3));
    world.finish(&[RIGHT, RIGHT, RIGHT]);
    let TaskState::Verified { output_root, by, .. } = &world.task().state else { panic!() };
    assert_eq!(*output_root, OutputRoot::new([RIGHT; 32]));
    assert_eq!((by.len(), by[0]), (3, seat(1)));
    assert_eq!(world.job().results().count(), 1);
    assert!(matches!(world.job().phase, JobPhase::Attesting { .. }));
}

#[test]
fn one_replica_needs_neither_seed_nor_secondary() {
    let mut world = World::with_job(1, request(1));
    let effects = world.commit(world.at(0), RIGHT);
    assert_eq!(kinds(&effects), [EffectKind::Reveal(seat(1))]);
    world.reveal(world.at(0), RIGHT).unwrap();
    assert!(is_verified(world.task()));
}

#[test]
fn a_task_that_failed_goes_to_another_node_under_a_new_number() {
    let mut world = World::with_job(2, request(1));
    let old = world.at(0);
    let effects = world.fail(old, Failure::OutOfMemory);
    assert_eq!(world.last_end(), TryEnd::Failed(Failure::OutOfMemory));
    assert_eq!(world.at(0).seat, seat(2));
    assert_eq!(world.attempt(), TaskAttempt::new(2));
    let reassigned = EffectKind::Notify(NoticeKind::Reassigned);
    assert_eq!(kinds(&effects), [reassigned, EffectKind::Dispatch(seat(2))]);
}

#[test]
fn the_only_node_gets_a_second_try() {
    let mut world = World::with_job(1, request(1));
    world.fail(world.at(0), Failure::InputUnavailable);
    assert_eq!((world.at(0).seat, world.attempt()), (seat(1), TaskAttempt::new(2)));
}

#[test]
fn a_task_is_a_dead_letter_when_its_tries_are_used_up() {
    let mut world = World::with_job(2, request(1));
    for _ in 0..4 {
        world.fail(world.at(0), Failure::Trap);
        assert_eq!(world.task().state, TaskState::Dispatched);
    }
    let effects = world.fail(world.at(0), Failure::Trap);
    assert_eq!(kinds(&effects), [EffectKind::DeadLetter]);
    assert!(is_dead(world.task()));
    let listed: Vec<_> = world.ledger.dead_letters().collect();
    assert_eq!(listed, [(job_id(1), TaskIndex::new(0))]);
}

#[test]
fn a_dead_letter_that_is_retried_by_hand_starts_over_under_new_numbers() {
    let mut world = World::with_job(1, request(1));
    for _ in 0..5 {
        world.fail(world.at(0), Failure::Trap);
    }
    world.step(Event::TaskRetried { job: job_id(1), task: TaskIndex::new(0) }).unwrap();
    assert_eq!(world.task().state, TaskState::Dispatched);
    assert_eq!((world.attempt(), world.task().deliveries), (TaskAttempt::new(6), 1));
    world.finish(&[RIGHT]);
    assert!(is_verified(world.task()));
}

#[test]
fn a_dead_letter_that_nobody_retries_ends_the_job() {
    let mut world = World::with_job(1, request(1));
    for _ in 0..5 {
        world.fail(world.at(0), Failure::Trap);
    }
    world.pass(599);
    assert_eq!(world.job().phase, JobPhase::Working);
    world.pass(1);
    let task = TaskIndex::new(0);
    assert_eq!(world.job().close_reason(), Some(CloseReason::DeadLetter { task }));
    assert_eq!(world.ledger.dead_letters().count(), 1, "it stays on the list");
}

#[test]
fn a_cancelled_job_stops_its_nodes_and_keeps_its_parts() {
    let mut world = World::new(1);
    world.submit(1, JobRequest { slices_per_task: 2, ..request(1) }).unwrap();
    world.finish(&[RIGHT]);
    let effects = world.step(Event::JobCancelled { job: job_id(1) }).unwrap();
    let closed = EffectKind::Notify(NoticeKind::Closed);
    assert_eq!(kinds(&effects), [EffectKind::Cancel(seat(1)), EffectKind::Outbox, closed]);
    assert_eq!(world.job().results().count(), 1);
    assert_eq!(world.job().tasks[&TaskIndex::new(1)].state, TaskState::Stopped);
    assert_eq!(world.ledger.why(job_id(1)).unwrap().closed.unwrap().0, CloseReason::Cancelled);
}

#[test]
fn places_of_a_node_are_tasks_at_a_time() {
    let mut world = World::new(0);
    world.submit(1, JobRequest { slices_per_task: 1, ..request(1) }).unwrap();
    world.join(1, 3);
    assert_eq!(world.job().head.active, 3);
}

#[test]
fn a_job_never_has_more_nodes_than_an_attempt_on_the_chain() {
    let many = JobRequest { slices: 20, slices_per_task: 1, ..request(1) };
    let mut world = World::with_job(20, many);
    assert_eq!(world.job().seats.len(), 16);
    let waits = |task: &Task| match task.state {
        TaskState::Pending { reason, .. } => reason,
        _ => None,
    };
    let reasons: Vec<_> = world.job().tasks.values().filter_map(waits).collect();
    assert_eq!(reasons, [NoNode::AllBusy; 4]);
    // A place that is free again goes to a task of the same job, though others are idle.
    world.finish(&[RIGHT]);
    assert_eq!(world.job().seats.len(), 16);
    assert_eq!(world.job().head.active, 16);
}
