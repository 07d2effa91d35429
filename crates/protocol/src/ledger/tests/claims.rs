//! From verified tasks to a receipt.

use super::super::*;
use super::world::*;
use tallystick_types::{Amount, Attempt, OutputRoot, ReceiptClaim};

fn attesting() -> World {
    let mut world = World::with_job(3, request(3));
    world.finish(&[RIGHT, RIGHT, RIGHT]);
    world
}

#[test]
fn everybody_who_agreed_is_asked_to_sign() {
    let world = attesting();
    let asked = kinds(&world.effects).into_iter();
    assert_eq!(asked.filter(|kind| matches!(kind, EffectKind::Attest(_))).count(), 3);
    assert_eq!(world.claim().cost, Amount::new(1_000));
}

#[test]
fn all_signatures_make_the_receipt_and_complete_the_job() {
    let mut world = attesting();
    let claim = world.claim();
    world.attest(seat(1), claim).unwrap();
    world.attest(seat(2), claim).unwrap();
    let effects = world.attest(seat(3), claim).unwrap();
    let closed = EffectKind::Notify(NoticeKind::Closed);
    assert_eq!(kinds(&effects), [EffectKind::FinaliseReceipt, EffectKind::Outbox, closed]);
    assert_eq!(world.job().close_reason(), Some(CloseReason::Completed));
    assert_eq!(world.job().settlement, Settlement::Open, "only the chain settles");
}

#[test]
fn a_majority_is_enough_when_time_is_up() {
    let mut world = attesting();
    let claim = world.claim();
    world.attest(seat(1), claim).unwrap();
    world.attest(seat(2), claim).unwrap();
    let effects = world.pass(60);
    let Action::FinaliseReceipt { attestations, .. } = &effects[0].action else { panic!() };
    assert_eq!(attestations.len(), 2);
}

#[test]
fn too_few_signatures_end_the_job_and_give_the_lease_back() {
    let mut world = attesting();
    world.attest(seat(1), world.claim()).unwrap();
    let effects = world.pass(60);
    let reason = CloseReason::NotAttested { signed: 1, needed: 2 };
    assert_eq!(world.job().close_reason(), Some(reason));
    let attempt = Attempt::new(1);
    assert_eq!(effects[0].action, Action::Outbox(OutboxEntry::Release { attempt }));
}

#[test]
fn two_claims_with_different_outputs_are_slashable_and_count_for_nothing() {
    let mut world = attesting();
    let claim = world.claim();
    let other = ReceiptClaim { output_root: OutputRoot::new([9; 32]), ..claim };
    world.attest(seat(1), claim).unwrap();
    let effects = world.attest(seat(1), other).unwrap();
    let proof = EffectKind::Evidence(seat(1), EvidenceKind::TwoClaims);
    assert_eq!(kinds(&effects), [proof, EffectKind::Quarantine(seat(1))]);
    assert_eq!(world.attest(seat(1), other).unwrap(), [], "once");
    world.attest(seat(2), claim).unwrap();
    world.pass(60);
    let reason = CloseReason::NotAttested { signed: 1, needed: 2 };
    assert_eq!(world.job().close_reason(), Some(reason));
}

#[test]
fn nobody_waits_for_a_node_that_signed_two_claims() {
    let mut world = attesting();
    let claim = world.claim();
    let other = ReceiptClaim { output_root: OutputRoot::new([9; 32]), ..claim };
    world.attest(seat(1), claim).unwrap();
    world.attest(seat(1), other).unwrap();
    world.attest(seat(2), claim).unwrap();
    let effects = world.attest(seat(3), claim).unwrap();
    assert_eq!(world.job().close_reason(), Some(CloseReason::Completed));
    let Action::FinaliseReceipt { attestations, .. } = &effects[0].action else { panic!() };
    assert_eq!(attestations.len(), 2);
}

#[test]
fn a_second_claim_after_the_end_is_still_evidence() {
    let mut world = attesting();
    let claim = world.claim();
    for number in 1..=3 {
        world.attest(seat(number), claim).unwrap();
    }
    let other = ReceiptClaim { output_root: OutputRoot::new([9; 32]), ..claim };
    let effects = world.attest(seat(2), other).unwrap();
    assert!(kinds(&effects).contains(&EffectKind::Evidence(seat(2), EvidenceKind::TwoClaims)));
}

#[test]
fn another_cost_is_no_offence_and_does_not_count() {
    let mut world = attesting();
    let claim = world.claim();
    let dearer = ReceiptClaim { cost: Amount::new(2_000), ..claim };
    assert_eq!(world.attest(seat(1), dearer).unwrap(), []);
    assert_eq!(world.attest(seat(1), claim).unwrap(), []);
    world.attest(seat(2), claim).unwrap();
    world.attest(seat(3), claim).unwrap();
    assert_eq!(world.job().close_reason(), Some(CloseReason::Completed));
}

#[test]
fn strangers_and_future_attempts_are_refused() {
    let mut world = attesting();
    let claim = world.claim();
    let (job, attempt) = (claim.job, Attempt::new(2));
    let refused = world.attest(seat(8), claim);
    assert_eq!(refused, Err(Refusal::NotTakingPart { job, seat: seat(8) }));
    let refused = world.attest(seat(1), ReceiptClaim { attempt, ..claim });
    assert_eq!(refused, Err(Refusal::FutureAttempt { job, attempt }));
}
