//! What time alone does.

use super::super::*;
use super::world::*;
use tallystick_types::{Seconds, TaskIndex, WallTime};

#[test]
fn a_node_that_does_not_acknowledge_loses_the_task() {
    let mut world = World::with_job(2, request(1));
    world.pass(4);
    assert_eq!(world.at(0).seat, seat(1));
    let effects = world.pass(1);
    assert_eq!(world.last_end(), TryEnd::Primary(ReplicaEnd::NotAcknowledged));
    assert_eq!(kinds(&effects)[0], EffectKind::Cancel(seat(1)));
    assert_eq!(world.at(0).seat, seat(2));
}

#[test]
fn a_node_that_does_not_commit_in_time_loses_the_task() {
    let mut world = World::with_job(2, request(1));
    world.acknowledge(world.at(0));
    world.pass(29);
    assert_eq!(world.task().state, TaskState::Running);
    world.pass(1);
    assert_eq!(world.last_end(), TryEnd::Primary(ReplicaEnd::TimedOut));
}

#[test]
fn inference_has_a_minute() {
    let limits = Limits::for_inference();
    let mut world = World::with_job(2, JobRequest { limits, ..request(1) });
    world.acknowledge(world.at(0));
    world.pass(59);
    assert_eq!(world.task().state, TaskState::Running);
    world.pass(1);
    assert_eq!(world.last_end(), TryEnd::Primary(ReplicaEnd::TimedOut));
}

#[test]
fn complex_work_on_a_slow_node_gets_more_time_within_its_limit() {
    let request = JobRequest { work_units_per_slice: 1_000, ..request(1) };
    assert_eq!(request.execution_limit(4, 100), Seconds::new(160));
    assert_eq!(request.execution_limit(4, 0), Seconds::new(30));
    assert_eq!(request.execution_limit(4, 1_000_000), Seconds::new(30));
    assert_eq!(request.execution_limit(u64::MAX, 1), Seconds::new(3_600));
}

#[test]
fn a_node_without_heartbeat_loses_its_tasks_to_the_next_one() {
    let mut world = World::with_job(2, request(1));
    world.acknowledge(world.at(0));
    world.tick(20);
    let load = tallystick_types::Ppm::ZERO;
    world.step(Event::NodeHeartbeat { seat: seat(2), load }).unwrap();
    world.tick(10);
    let ended = world.task().history.last().unwrap();
    assert!(ended.why == TryEnd::Primary(ReplicaEnd::Offline));
    assert_eq!(world.at(0).seat, seat(2));
    assert!(world.ledger.state().nodes.get(seat(1)).is_none());
}

#[test]
fn a_node_that_leaves_loses_its_tasks_at_once() {
    let mut world = World::with_job(2, request(1));
    world.step(Event::NodeLeft { seat: seat(1) }).unwrap();
    assert_eq!(world.last_end(), TryEnd::Primary(ReplicaEnd::Offline));
    assert_eq!(world.at(0).seat, seat(2));
}

#[test]
fn a_draining_node_finishes_and_gets_nothing_new() {
    let mut world = World::with_job(1, request(1));
    world.step(Event::NodeDraining { seat: seat(1) }).unwrap();
    world.submit(2, request(1)).unwrap();
    world.finish(&[RIGHT]);
    assert!(is_verified(world.task()));
    assert_eq!(world.ledger.job(job_id(2)).unwrap().head.active, 0);
}

#[test]
fn no_node_for_thirty_seconds_queues_the_task_with_a_reason() {
    let mut world = World::with_job(0, request(1));
    for _ in 0..14 {
        assert_eq!(world.pass(2), [], "it searches every two seconds");
    }
    let effects = world.pass(2);
    let reason = NoNode::NoneOnline;
    assert_eq!(effects[0].action, Action::Notify(Notice::Queued { reason }));
    assert!(is_pending(world.task()));
    world.join(1, 1);
    assert_eq!(world.task().state, TaskState::Dispatched);
}

#[test]
fn no_node_for_thirty_seconds_fails_a_job_that_asked_for_it() {
    let queueing = Queueing::FailFast;
    let mut world = World::with_job(0, JobRequest { queueing, ..request(1) });
    for _ in 0..15 {
        world.pass(2);
    }
    let (task, reason) = (TaskIndex::new(0), NoNode::NoneOnline);
    assert_eq!(world.job().close_reason(), Some(CloseReason::NoNode { task, reason }));
}

#[test]
fn tasks_that_wait_for_others_of_their_job_do_not_fail_it() {
    let (queueing, slices_per_task) = (Queueing::FailFast, 2);
    let limits = Limits { execution: Seconds::new(100), ..Limits::for_tasks() };
    let request = JobRequest { queueing, slices_per_task, limits, ..request(1) };
    let mut world = World::with_job(1, request);
    world.acknowledge(world.at(0));
    world.pass(60);
    assert_eq!(world.job().phase, JobPhase::Working);
    world.step(Event::NodeLeft { seat: seat(1) }).unwrap();
    world.pass(29);
    assert_eq!(world.job().phase, JobPhase::Working, "thirty seconds from now");
    world.pass(3);
    let (task, reason) = (TaskIndex::new(0), NoNode::NoneOnline);
    assert_eq!(world.job().close_reason(), Some(CloseReason::NoNode { task, reason }));
}

#[test]
fn what_no_node_can_do_fails_although_it_may_queue() {
    let mut world = World::new(1);
    let event =
        Event::JobSubmitted { job: job_id(1), request: Box::new(request(1)), nodes: vec![] };
    world.step_with(event, &Hopeless).unwrap();
    for seconds in (2..=30).step_by(2) {
        let seat = seat(1);
        world.step(Event::NodeHeartbeat { seat, load: tallystick_types::Ppm::ZERO }).unwrap();
        let now = WallTime::new(seconds * 1_000);
        world.step_with(Event::Tick { now }, &Hopeless).unwrap();
    }
    let (task, reason) = (TaskIndex::new(0), NoNode::NoneFits);
    assert_eq!(world.job().close_reason(), Some(CloseReason::NoNode { task, reason }));
}

#[test]
fn a_selector_that_names_a_stranger_finds_nobody() {
    let mut world = World::new(1);
    let event =
        Event::JobSubmitted { job: job_id(1), request: Box::new(request(1)), nodes: vec![] };
    world.step_with(event, &Liar).unwrap();
    assert_eq!(world.ledger.why(job_id(1)).unwrap().tasks[0].waits, Some(NoNode::NotEligible));
}

#[test]
fn randomness_that_does_not_come_ends_the_try() {
    let mut world = World::with_job(3, request(3));
    world.commit(world.at(0), RIGHT);
    world.pass(59);
    assert!(matches!(world.task().state, TaskState::Committed { .. }));
    world.pass(1);
    assert_eq!(world.last_end(), TryEnd::SeedMissing);
}

#[test]
fn a_silent_secondary_is_replaced() {
    let mut world = World::with_job(4, request(3));
    world.commit(world.at(0), RIGHT);
    world.seed();
    world.commit(world.at(1), RIGHT);
    let silent = world.at(2).seat;
    world.pass(5);
    assert_eq!(world.task().replicas.len(), 4);
    assert!(!world.task().replicas[2].is_live());
    assert_ne!(world.at(3).seat, silent);
    world.commit(world.at(3), RIGHT);
    for place in [0, 1, 3] {
        world.reveal(world.at(place), RIGHT).unwrap();
    }
    assert!(is_verified(world.task()));
}

#[test]
fn a_quorum_that_committed_by_the_deadline_is_enough() {
    let mut world = World::with_job(3, request(3));
    world.commit(world.at(0), RIGHT);
    world.seed();
    world.commit(world.at(1), RIGHT);
    world.fail(world.at(2), Failure::Internal);
    world.step(Event::NodeLeft { seat: world.task().replicas[2].seat }).unwrap();
    world.pass(120);
    world.reveal(world.at(0), RIGHT).unwrap();
    world.reveal(world.at(1), RIGHT).unwrap();
    assert!(is_verified(world.task()));
}

#[test]
fn too_few_commitments_by_the_deadline_end_the_try_and_keep_who_was_drawn() {
    let mut world = World::with_job(2, request(3));
    world.commit(world.at(0), RIGHT);
    world.seed();
    assert_eq!(world.task().replicas.len(), 2, "there is nobody else");
    world.acknowledge(world.at(1));
    let drawn = world.at(1).seat;
    world.pass(29);
    world.step(Event::NodeLeft { seat: seat(1) }).unwrap();
    assert_eq!(world.last_end(), TryEnd::Primary(ReplicaEnd::Offline));
    assert_eq!(world.at(0).seat, drawn, "nobody else is there to be primary");
}

#[test]
fn a_drawn_secondary_is_kept_for_the_next_try() {
    let mut world = World::with_job(4, request(2));
    world.commit(world.at(0), RIGHT);
    world.seed();
    let drawn = world.at(1).seat;
    world.step(Event::NodeLeft { seat: seat(1) }).unwrap();
    assert_ne!(world.at(0).seat, drawn);
    assert!(world.task().kept.contains(&drawn));
    world.commit(world.at(0), RIGHT);
    world.seed();
    assert_eq!(world.at(1).seat, drawn);
}

#[test]
fn a_job_ends_with_its_time() {
    let mut world = World::with_job(0, request(1));
    world.pass(3_600);
    assert_eq!(world.job().close_reason(), Some(CloseReason::TimedOut));
}

#[test]
fn time_does_not_go_back() {
    let mut world = World::with_job(1, request(1));
    world.pass(10);
    world.step(Event::Tick { now: WallTime::new(1) }).unwrap();
    assert_eq!(world.ledger.state().now, WallTime::new(10_000));
}
