//! Jobs whose nodes are shown by a chain.

use super::super::*;
use super::world::*;
use tallystick_types::{Attempt, Seat, Seconds, TaskIndex, WallTime};

fn submit(world: &mut World, request: JobRequest, nodes: &[u8]) {
    let (job, request) = (job_id(1), Box::new(request));
    let nodes = nodes.iter().copied().map(seat).collect();
    world.step(Event::JobSubmitted { job, request, nodes }).unwrap();
}

fn enlist(world: &mut World, attempt: u8, nodes: &[u8]) -> Result<Vec<Effect>, Refusal> {
    let (job, attempt) = (job_id(1), Attempt::new(attempt));
    let nodes: Vec<Seat> = nodes.iter().copied().map(seat).collect();
    world.step(Event::Enlisted { job, attempt, nodes })
}

fn acknowledge_by(world: &World, place: usize) -> WallTime {
    match world.task().replicas[place].stage {
        Stage::Asked { acknowledge_by } => acknowledge_by,
        other => panic!("not asked but {other:?}"),
    }
}

#[test]
fn nodes_that_the_chain_shows_get_work_before_others_and_each_gets_some() {
    let mut world = World::new(0);
    for number in 1..=4 {
        world.join(number, 4);
    }
    submit(&mut world, JobRequest { slices_per_task: 2, ..request(1) }, &[3, 4]);
    let worked: Vec<Seat> = world.job().seats.iter().copied().collect();
    assert_eq!(worked, [seat(3), seat(4)]);
    assert_eq!(world.job().tasks.len(), 2);
}

#[test]
fn others_get_work_when_the_nodes_of_the_attempt_are_busy() {
    let mut world = World::new(3);
    submit(&mut world, JobRequest { slices_per_task: 2, ..request(1) }, &[3]);
    let primary = |task: u32| world.job().tasks[&TaskIndex::new(task)].replicas[0].seat;
    assert_eq!((primary(0), primary(1)), (seat(3), seat(1)));
}

#[test]
fn the_time_to_acknowledge_begins_when_the_chain_shows_the_node() {
    let mut world = World::new(3);
    submit(&mut world, request(2), &[1]);
    let limit = request(2).limits.acknowledgement;
    let now = world.ledger.state().now;
    assert_eq!(acknowledge_by(&world, 0), now.after(limit));
    world.commit(world.at(0), RIGHT);
    world.seed();
    let drawn = world.task().replicas[1].seat;
    let enlistment = world.ledger.state().settings.enlistment;
    assert_eq!(acknowledge_by(&world, 1), now.after(limit).after(enlistment));
    world.pass(40);
    assert_eq!(world.task().replicas.len(), 2, "it was not sent anything yet");
    let number = u8::try_from(drawn.node.get()).unwrap();
    enlist(&mut world, 1, &[1, number]).unwrap();
    let now = world.ledger.state().now;
    assert_eq!(acknowledge_by(&world, 1), now.after(limit));
    let TaskState::Verifying(verifying) = world.task().state else { panic!("not verifying") };
    assert_eq!(verifying.commit_by, now.after(request(2).limits.verification));
    world.pass(6);
    assert!(!world.task().replicas[1].is_live(), "silence counts from then on");
}

#[test]
fn a_result_that_too_few_nodes_of_the_attempt_have_waits_for_another_attempt() {
    let mut world = World::new(3);
    submit(&mut world, request(1), &[1]);
    world.step(Event::NodeLeft { seat: seat(1) }).unwrap();
    world.finish(&[RIGHT]);
    assert!(world.job().is_outnumbered(), "one of two is no majority");
    let agreed = world.job().wanted();
    assert_eq!(agreed.len(), 1);
    world.pass(request(1).limits.attestation.get() + 1);
    assert_eq!(world.job().close_reason(), None);
    enlist(&mut world, 2, &[2]).unwrap();
    assert!(!world.job().is_outnumbered());
    let claim = world.claim();
    assert_eq!(claim.attempt, Attempt::new(2));
    world.attest(seat(2), claim).unwrap();
    assert_eq!(world.job().close_reason(), Some(CloseReason::Completed));
}

#[test]
fn without_another_attempt_it_ends_with_the_time_of_the_job() {
    let mut world = World::new(3);
    let limits = Limits { job: Seconds::new(120), ..Limits::for_tasks() };
    submit(&mut world, JobRequest { limits, ..request(1) }, &[1]);
    world.step(Event::NodeLeft { seat: seat(1) }).unwrap();
    world.finish(&[RIGHT]);
    world.pass(130);
    let reason = CloseReason::NotAttested { signed: 0, needed: 2 };
    assert_eq!(world.job().close_reason(), Some(reason));
}

#[test]
fn a_complete_result_is_signed_anew_for_a_later_attempt() {
    let mut world = World::new(1);
    submit(&mut world, request(1), &[1]);
    world.finish(&[RIGHT]);
    world.attest(seat(1), world.claim()).unwrap();
    assert_eq!(world.job().close_reason(), Some(CloseReason::Completed));
    let closed = Err(Refusal::JobClosed { job: job_id(1), reason: CloseReason::Completed });
    assert_eq!(enlist(&mut world, 1, &[1]), closed);
    let effects = enlist(&mut world, 2, &[1]).unwrap();
    assert_eq!(kinds(&effects), [EffectKind::Attest(seat(1))]);
    world.attest(seat(1), world.claim()).unwrap();
    assert_eq!(world.job().close_reason(), Some(CloseReason::Completed));
}

#[test]
fn a_later_attempt_has_only_nodes_with_results_and_those_it_shows() {
    let mut world = World::new(4);
    submit(&mut world, JobRequest { slices_per_task: 2, ..request(1) }, &[1, 2]);
    enlist(&mut world, 2, &[3]).unwrap();
    assert!(world.job().members.contains(&seat(3)) && !world.job().members.contains(&seat(2)));
    assert!(world.job().seats.contains(&seat(2)), "what it signed still convicts it");
}
