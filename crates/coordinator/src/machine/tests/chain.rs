//! A chain that loses calls, is slow, takes the lease back and brings it again.

use tallystick_protocol::ledger::{ChainFact, CloseReason, Event, Finality};
use tallystick_types::{Attempt, ChainTime, JobState};

use super::super::*;
use super::world::*;
use crate::news::News;

fn is_working(world: &World) -> bool {
    world.machine.ledger().job(job_id(1)).is_some()
}

#[test]
fn a_lost_call_is_asked_again_after_patience() {
    for kind in [ChainCallKind::Assign, ChainCallKind::Enlist, ChainCallKind::Propose] {
        let mut world = World::new(4);
        world.lose(kind, 2);
        world.offer(1, offer(1, 3));
        let seconds = world.until(90, |world| world.is_proposed(1));
        assert!(seconds >= 2 * PATIENCE.get(), "{kind:?} after {seconds} s");
        assert_eq!(world.calls(kind).len(), 3, "{kind:?}");
    }
}

#[test]
fn a_lost_release_is_asked_again_after_patience() {
    let mut world = World::new(1);
    world.lose(ChainCallKind::Release, 2);
    world.attempts = 1;
    world.offer(1, offer(1, 1));
    world.until(10, is_working);
    world.step(Input::Ledger(Event::JobCancelled { job: job_id(1) }));
    world.until(60, |world| world.chain[&job_id(1)].standing == Standing::Refunded);
    assert_eq!(world.calls(ChainCallKind::Release).len(), 3);
}

/// A lease that is over with the job cannot be renewed, and would cost a share of its lock.
#[test]
fn a_lease_is_given_back_before_the_time_of_its_job_is_over() {
    let mut world = World::new(1);
    world.attempts = 3;
    let mut wanted = offer(1, 1);
    let soon = world.now().get() / 1_000 + 120;
    wanted.rules.assign_by = ChainTime::new(soon - 30).unwrap();
    wanted.rules.complete_by = ChainTime::new(soon).unwrap();
    world.offer(1, wanted);
    world.until(10, is_working);
    world.leave(1);
    let given_back = |world: &World| !world.calls(ChainCallKind::Release).is_empty();
    world.until(110, given_back);
    assert!(world.now().get() / 1_000 < soon);
    world.pass(60);
    assert_eq!(world.calls(ChainCallKind::Assign).len(), 1, "and it is not taken again");
}

/// A job that was cancelled at work, a minute later. The chain would open it again.
fn cancelled() -> World {
    let mut world = World::new(1);
    world.attempts = 3;
    world.offer(1, offer(1, 1));
    world.until(10, is_working);
    world.step(Input::Ledger(Event::JobCancelled { job: job_id(1) }));
    world.pass(60);
    world
}

#[test]
fn a_job_that_its_client_cancelled_is_not_taken_again_when_the_chain_opens_it() {
    let world = cancelled();
    assert_eq!(world.calls(ChainCallKind::Release).len(), 1);
    assert_eq!(world.calls(ChainCallKind::Assign).len(), 1);
}

/// A reorganisation can bring a transaction back that took the job before it was cancelled.
#[test]
fn a_lease_of_a_cancelled_job_is_given_back_without_any_work() {
    let mut world = cancelled();
    let (worked, seat) = (world.worked(), world.seat(1));
    let it = world.on_chain(1);
    (it.standing, it.attempt, it.nodes) = (Standing::Assigned, 2, vec![seat]);
    world.open(Parcel::Word(job_id(1)));
    world.pass(60);
    assert_eq!(world.ended(1), Some(CloseReason::Cancelled));
    assert_eq!(world.worked(), worked);
    assert_eq!(world.calls(ChainCallKind::Release).len(), 2);
    assert_eq!(world.calls(ChainCallKind::Assign).len(), 1);
}

#[test]
fn a_call_that_failed_is_not_asked_again_at_every_tick() {
    let mut world = World::new(1);
    world.on_chain_elsewhere(1, offer(1, 1));
    world.pass(35);
    assert!(world.calls(ChainCallKind::Assign).len() <= 4);
}

#[test]
fn a_release_is_asked_for_again_after_a_restart() {
    let mut world = World::new(1);
    world.offer(1, offer(1, 1));
    world.until(10, is_working);
    world.step(Input::Ledger(Event::JobCancelled { job: job_id(1) }));
    world.queue.clear();
    let release = Wish::Chain(job_id(1), ChainCall::Release { attempt: Attempt::new(1) });
    assert!(world.machine.outstanding().contains(&release));
}

#[test]
fn a_slow_chain_lets_nobody_fail_for_a_task_it_was_not_sent() {
    let mut world = World::new(5);
    world.offer(1, offer(1, 3));
    world.lose(ChainCallKind::Enlist, 3);
    world.until(120, |world| world.is_proposed(1));
    let mut worked = world.worked();
    worked.sort_unstable();
    worked.dedup();
    assert_eq!(worked.len(), 3, "nobody was replaced: {worked:?}");
}

#[test]
fn the_same_attempt_goes_on_when_its_lease_comes_back() {
    let mut world = World::new(4);
    world.offer(1, offer(2, 3));
    world.until(30, |world| world.calls(ChainCallKind::Enlist).len() == 1);
    let job = job_id(1);
    let before = world.on_chain(1).clone();
    world.step(Input::Unleased { job });
    assert!(world.book(1).lease.is_none());
    let told =
        |world: &World| world.workers.values().map(|worker| worker.heard.len()).sum::<usize>();
    let heard = told(&world);
    world.queue.retain(|parcel| !matches!(parcel, Parcel::Word(_) | Parcel::Order(..)));
    world.queue.retain(|parcel| !matches!(parcel, Parcel::Call(..)));
    for _ in 0..3 {
        world.tick();
    }
    assert_eq!(told(&world), heard, "nobody is told anything without a lease");
    *world.on_chain(1) = before;
    world.open(Parcel::Word(job));
    world.until(120, |world| world.is_proposed(1));
    assert_eq!(world.receipts()[0].attempt, Attempt::new(1));
    assert_eq!(world.worked().len(), 6, "nobody had to be replaced");
}

#[test]
fn a_lease_that_is_lost_while_outputs_are_joined_comes_back_to_a_receipt() {
    let mut world = World::new(2);
    world.offer(1, offer(1, 1));
    let joins = |parcel: &Parcel| matches!(parcel, Parcel::Join(..));
    world.until(30, |world| world.queue.iter().any(joins));
    world.step(Input::Unleased { job: job_id(1) });
    while world.deliver() {}
    assert!(world.receipts().is_empty());
    world.open(Parcel::Word(job_id(1)));
    world.until(30, |world| world.is_proposed(1));
}

#[test]
fn a_later_attempt_keeps_what_is_verified_and_stored() {
    let mut world = World::new(3);
    world.offer(1, offer(2, 1));
    world.until(30, |world| world.book_of(1).is_some_and(|book| !book.outputs.is_empty()));
    let chain = world.on_chain(1);
    chain.standing = Standing::Open;
    chain.nodes.clear();
    world.open(Parcel::Word(job_id(1)));
    world.until(120, |world| world.is_proposed(1));
    assert_eq!(world.receipts()[0].attempt, Attempt::new(2));
    assert_eq!(world.ended(1), Some(CloseReason::Completed));
}

#[test]
fn a_result_that_missed_its_attempt_is_signed_anew_in_the_next() {
    let mut world = World::new(3);
    world.lose(ChainCallKind::Propose, 1);
    world.offer(1, offer(2, 3));
    world.until(60, |world| !world.receipts().is_empty());
    while world.deliver() {}
    let chain = world.on_chain(1);
    chain.standing = Standing::Open;
    chain.nodes.clear();
    world.open(Parcel::Word(job_id(1)));
    world.until(60, |world| world.is_proposed(1));
    let attempts: Vec<u8> = world.receipts().iter().map(|it| it.attempt.get()).collect();
    assert_eq!(attempts, [1, 2]);
    assert_eq!(world.worked().len(), 6, "the work is not done again");
}

#[test]
fn a_second_attempt_after_a_release_begins_anew_with_the_nodes_that_are_there() {
    let mut world = World::new(3);
    let mut wanted = offer(1, 1);
    wanted.specification.limits.attestation = tallystick_types::Seconds::new(5);
    world.offer(1, wanted);
    world.until(30, |world| world.is_attesting(1));
    let signer = world.worked()[0];
    world.leave(signer);
    world.until(120, |world| world.is_proposed(1));
    assert_eq!(world.receipts()[0].attempt, Attempt::new(2));
    let gone = world.seat(signer);
    assert!(!world.on_chain(1).nodes.contains(&gone), "who left is not taken along");
    let closed = Row::JobEnded(job_id(1), CloseReason::NotAttested { signed: 0, needed: 1 });
    assert!(world.rows.contains(&closed));
}

#[test]
fn nodes_that_left_do_not_outnumber_those_with_the_result() {
    let mut world = World::new(4);
    world.offer(1, offer(1, 1));
    world.until(10, is_working);
    let first = world.worked()[0];
    world.queue.clear();
    world.leave(first);
    world.until(120, |world| world.is_proposed(1));
    let receipt = world.receipts()[0];
    assert_eq!(receipt.attempt, Attempt::new(2), "the chain counts both nodes of attempt 1");
    assert_eq!(world.worked().len(), 2, "the work is not done again");
}

#[test]
fn the_final_end_of_an_attempt_ends_no_job_that_is_offered_again() {
    let mut world = World::new(4);
    world.offer(1, offer(1, 1));
    world.until(10, is_working);
    let first = world.worked()[0];
    world.queue.clear();
    world.leave(first);
    let offered = |world: &World| {
        let book = world.book(1);
        book.lease.is_none() && book.offer.attempt == Attempt::new(2)
    };
    world.until(60, offered);
    let (job, finality) = (job_id(1), Finality::Final);
    let fact = ChainFact::LeaseLost { attempt: Attempt::new(1) };
    world.step(Input::Ledger(Event::ChainObserved { job, fact, finality }));
    assert_eq!(world.ended(1), None);
    let another = ChainFact::LeaseLost { attempt: Attempt::new(2) };
    let mut lost = World::new(0);
    lost.machine = Machine::restore(world.machine.state());
    lost.machine.step(Input::Ledger(Event::ChainObserved { job, fact: another, finality }));
    assert_eq!(lost.ended(1), Some(CloseReason::LeaseLost { attempt: Attempt::new(2) }));
    world.until(60, |world| world.is_proposed(1));
    assert_eq!(world.worked().len(), 2, "the work is not done again");
}

#[test]
fn candidates_that_all_left_before_the_assignment_are_replaced() {
    let mut world = World::new(2);
    world.lose(ChainCallKind::Assign, 1);
    world.offer(1, offer(1, 1));
    world.pass(2);
    world.leave(1);
    world.pass(PATIENCE.get() + 5);
    world.until(60, |world| world.is_proposed(1));
}

#[test]
fn a_lease_with_nodes_that_are_all_gone_is_worked_on_by_others() {
    let mut world = World::new(4);
    world.offer(1, offer(2, 1));
    let assigned = |world: &World| !world.calls(ChainCallKind::Assign).is_empty();
    world.until(10, assigned);
    let ChainCall::Assign { nodes, .. } = world.calls(ChainCallKind::Assign)[0].clone() else {
        panic!("no assignment");
    };
    for number in 1..=4 {
        if nodes.contains(&world.seat(number)) {
            world.leave(number);
        }
    }
    world.until(200, |world| world.is_proposed(1));
}

#[test]
fn an_offer_that_can_be_taken_no_more_is_forgotten() {
    let mut world = World::with_keys(0, false);
    let mut wanted = offer(1, 1);
    let soon = world.now().get() / 1_000 + 20;
    wanted.rules.assign_by = ChainTime::new(soon).unwrap();
    world.offer(1, wanted);
    world.pass(10);
    assert!(world.machine.book(job_id(1)).is_some());
    world.pass(15);
    assert!(world.machine.book(job_id(1)).is_none());
}

#[test]
fn an_offer_that_others_finished_is_forgotten() {
    let mut world = World::with_keys(0, false);
    world.offer(1, offer(1, 1));
    world.pass(1);
    let (job, fact, finality) = (job_id(1), ChainFact::Settled, Finality::Final);
    world.step(Input::Ledger(Event::ChainObserved { job, fact, finality }));
    assert!(world.machine.book(job_id(1)).is_none());
}

#[test]
fn a_result_that_the_chain_overtook_is_kept_as_ended() {
    let mut world = World::new(1);
    world.be(1, Kind::Shy);
    world.offer(1, offer(1, 1));
    world.until(60, |world| world.ended(1) == Some(CloseReason::Completed));
    world.pass(1);
    world.on_chain(1).standing = Standing::Refunded;
    world.open(Parcel::Word(job_id(1)));
    let ended = Row::JobEnded(job_id(1), CloseReason::RefundedOnChain);
    assert!(world.rows.contains(&ended), "{:?}", world.rows);
    let heard = world.workers[&1].heard.len();
    world.pass(30);
    assert_eq!(world.workers[&1].heard.len(), heard, "nobody is asked any more");
}

#[test]
fn a_proposal_that_the_chain_took_back_is_asked_again() {
    let mut world = World::new(1);
    world.offer(1, offer(1, 1));
    world.until(30, |world| world.is_proposed(1));
    world.pass(30);
    assert_eq!(world.calls(ChainCallKind::Propose).len(), 1);
    let lease = world.machine.book(job_id(1)).unwrap().lease.clone().unwrap();
    let news = |state| News::of_lease(job_id(1), state, lease.clone());
    assert_eq!(news(JobState::Proposed).inputs(&world.machine), []);
    // The block with the proposal went, and the call fails on the branch that came in its place.
    let inputs = news(JobState::Assigned).inputs(&world.machine);
    assert_eq!(inputs, [Input::Ledger(Event::ChainRolledBack { job: job_id(1) })]);
    world.on_chain(1).standing = Standing::Assigned;
    inputs.into_iter().for_each(|input| drop(world.step(input)));
    assert_eq!(news(JobState::Assigned).inputs(&world.machine), [], "it is said once");
    world.until(30, |world| world.is_proposed(1));
    assert_eq!(world.receipts().len(), 1, "the receipt is the same");
}
