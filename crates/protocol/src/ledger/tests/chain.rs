//! What the chain says, and how sure it is.

use super::super::*;
use super::world::*;
use tallystick_types::{Attempt, TaskAttempt};

fn observe(world: &mut World, fact: ChainFact, finality: Finality) -> Vec<Effect> {
    world.step(Event::ChainObserved { job: job_id(1), fact, finality }).unwrap()
}

#[test]
fn nothing_ends_on_what_is_not_final() {
    let mut world = World::with_job(1, request(1));
    let attempt = Attempt::new(1);
    for fact in [ChainFact::Refunded, ChainFact::Settled, ChainFact::LeaseLost { attempt }] {
        for finality in [Finality::Seen, Finality::Safe] {
            assert_eq!(observe(&mut world, fact, finality), []);
            assert_eq!(world.job().observed, Some((fact, finality)));
        }
    }
    assert_eq!(world.task().state, TaskState::Dispatched);
    world.step(Event::ChainRolledBack { job: job_id(1) }).unwrap();
    assert_eq!(world.job().observed, None);
}

#[test]
fn a_final_refund_ends_the_work() {
    let mut world = World::with_job(1, request(1));
    let effects = observe(&mut world, ChainFact::Refunded, Finality::Final);
    let closed = EffectKind::Notify(NoticeKind::Closed);
    assert_eq!(
        kinds(&effects),
        [EffectKind::Cancel(seat(1)), closed],
        "there is no lease to return"
    );
    assert_eq!(world.job().close_reason(), Some(CloseReason::RefundedOnChain));
    assert_eq!(world.job().settlement, Settlement::Refunded);
}

#[test]
fn a_job_is_settled_by_the_chain_alone_and_forgotten_after_that() {
    let mut world = World::with_job(1, request(1));
    world.finish(&[RIGHT]);
    world.attest(seat(1), world.claim()).unwrap();
    let job = job_id(1);
    assert_eq!(world.step(Event::JobArchived { job }), Err(Refusal::NotOver { job }));
    observe(&mut world, ChainFact::Settled, Finality::Seen);
    assert_eq!(world.step(Event::JobArchived { job }), Err(Refusal::NotOver { job }));
    observe(&mut world, ChainFact::Settled, Finality::Final);
    assert_eq!(world.job().close_reason(), Some(CloseReason::Completed));
    assert_eq!(world.job().settlement, Settlement::Settled);
    world.step(Event::JobArchived { job }).unwrap();
    assert_eq!(world.ledger.job(job), None);
    let later = JobRequest { attempt: Attempt::new(2), ..request(1) };
    let attempt = Attempt::new(1);
    assert_eq!(world.submit(1, later), Err(Refusal::JobExists { job, attempt }), "never again");
}

#[test]
fn a_lease_that_is_lost_for_good_ends_the_work() {
    let mut world = World::with_job(1, request(1));
    let attempt = Attempt::new(1);
    observe(&mut world, ChainFact::LeaseLost { attempt: Attempt::new(0) }, Finality::Final);
    assert_eq!(world.job().close_reason(), None, "an old lease is old news");
    observe(&mut world, ChainFact::LeaseLost { attempt }, Finality::Final);
    assert_eq!(world.job().close_reason(), Some(CloseReason::LeaseLost { attempt }));
}

#[test]
fn a_new_attempt_fences_the_old_one_off() {
    let mut world = World::with_job(2, request(1));
    let old = world.at(0);
    observe(&mut world, ChainFact::LeaseHeld { attempt: Attempt::new(2) }, Finality::Final);
    assert_eq!(world.last_end(), TryEnd::LeaseMoved);
    assert_eq!(world.attempt(), TaskAttempt::new(257));
    assert_eq!(world.at(0).attempt, Attempt::new(2));
    assert_eq!(world.task().deliveries, 1, "the try was nobody's fault");
    assert_eq!(world.commit(old, RIGHT), []);
    assert_eq!(world.task().state, TaskState::Dispatched);
}

#[test]
fn a_new_attempt_has_the_claim_signed_anew() {
    let mut world = World::with_job(1, request(1));
    world.finish(&[RIGHT]);
    let old = world.claim();
    observe(&mut world, ChainFact::LeaseHeld { attempt: Attempt::new(2) }, Finality::Final);
    assert_eq!(world.claim().output_root, old.output_root);
    assert_eq!(world.attest(seat(1), old).unwrap(), [], "the old number counts for nothing");
    world.attest(seat(1), world.claim()).unwrap();
    assert_eq!(world.job().close_reason(), Some(CloseReason::Completed));
}

#[test]
fn a_chain_that_contradicts_its_final_word_is_refused() {
    let mut world = World::with_job(1, request(1));
    observe(&mut world, ChainFact::Refunded, Finality::Final);
    let (job, fact) = (job_id(1), ChainFact::Settled);
    let refused = world.step(Event::ChainObserved { job, fact, finality: Finality::Final });
    assert_eq!(refused, Err(Refusal::FinalityViolated { job }));
    observe(&mut world, ChainFact::Proposed { attempt: Attempt::new(1) }, Finality::Seen);
    assert_eq!(world.job().observed, Some((ChainFact::Refunded, Finality::Final)));
}

#[test]
fn a_job_that_came_to_nothing_may_come_again_with_a_later_attempt() {
    let mut world = World::with_job(1, request(1));
    world.step(Event::JobCancelled { job: job_id(1) }).unwrap();
    let (job, attempt) = (job_id(1), Attempt::new(1));
    let refused = world.submit(1, request(1));
    assert_eq!(refused, Err(Refusal::JobExists { job, attempt }));
    world.submit(1, JobRequest { attempt: Attempt::new(2), ..request(1) }).unwrap();
    assert_eq!(world.attempt(), TaskAttempt::new(257));
}
