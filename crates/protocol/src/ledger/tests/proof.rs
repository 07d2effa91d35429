//! Commit and reveal, disagreement, and what becomes of liars.

use std::collections::BTreeSet;

use super::super::*;
use super::world::*;
use crate::commitment::Pledge;
use tallystick_types::{BeaconRound, IdentitySignature, OutputRoot, Seed, Verification};

fn evidence(effects: &[Effect]) -> Vec<EvidenceKind> {
    let kind = |effect: &Effect| match effect.key.kind {
        EffectKind::Evidence(_, kind) => Some(kind),
        _ => None,
    };
    effects.iter().filter_map(kind).collect()
}

#[test]
fn one_against_one_draws_a_third_and_blames_nobody_yet() {
    let mut world = World::with_job(4, request(2));
    world.commit_all(&[RIGHT, WRONG]);
    world.reveal(world.at(0), RIGHT).unwrap();
    let effects = world.reveal(world.at(1), WRONG).unwrap();
    assert_eq!(kinds(&effects)[0], EffectKind::Escalate(1));
    assert_eq!(evidence(&effects), []);
    assert_eq!(world.task().replicas.len(), 3);
}

#[test]
fn the_majority_wins_and_the_minority_is_quarantined_with_evidence() {
    let mut world = World::with_job(4, request(2));
    world.commit_all(&[WRONG, RIGHT]);
    world.reveal(world.at(0), WRONG).unwrap();
    world.reveal(world.at(1), RIGHT).unwrap();
    world.commit(world.at(2), RIGHT);
    let (second, third) = (world.at(1).seat, world.at(2).seat);
    let effects = world.reveal(world.at(2), RIGHT).unwrap();
    assert_eq!(evidence(&effects), [EvidenceKind::Outvoted]);
    assert!(kinds(&effects).contains(&EffectKind::Quarantine(seat(1))));
    assert!(world.ledger.state().nodes.get(seat(1)).unwrap().quarantined);
    let TaskState::Verified { output_root, by, .. } = &world.task().state else { panic!() };
    assert_eq!(*output_root, OutputRoot::new([RIGHT; 32]));
    assert_eq!(*by, [second, third]);
}

#[test]
fn a_quarantined_node_gets_no_work_until_it_is_reinstated() {
    let mut world = World::with_job(3, request(3));
    world.finish(&[WRONG, RIGHT, RIGHT]);
    world.submit(2, request(1)).unwrap();
    let job = world.ledger.job(job_id(2)).unwrap();
    assert!(!job.seats.contains(&seat(1)));
    world.join(1, 1);
    assert!(world.ledger.state().nodes.get(seat(1)).unwrap().quarantined, "joining does not help");
    world.step(Event::NodeReinstated { seat: seat(1) }).unwrap();
    world.submit(3, request(1)).unwrap();
    assert!(world.ledger.job(job_id(3)).unwrap().seats.contains(&seat(1)));
}

#[test]
fn results_that_never_agree_end_the_try() {
    let mut world = World::with_job(9, request(2));
    world.commit_all(&[10, 11]);
    world.reveal(world.at(0), 10).unwrap();
    world.reveal(world.at(1), 11).unwrap();
    for (place, root) in (2..5).zip(12..) {
        world.commit(world.at(place), root);
        world.reveal(world.at(place), root).unwrap();
    }
    assert_eq!(world.last_end(), TryEnd::NoAgreement);
}

#[test]
fn a_quorum_of_all_is_not_met_by_a_majority() {
    let mut world = World::with_job(4, JobRequest { quorum: 3, ..request(3) });
    world.finish(&[RIGHT, RIGHT, WRONG]);
    assert!(!is_verified(world.task()));
    world.commit(world.at(3), RIGHT);
    world.reveal(world.at(3), RIGHT).unwrap();
    assert!(is_verified(world.task()));
}

#[test]
fn two_commitments_for_one_assignment_are_evidence() {
    let mut world = World::with_job(3, request(2));
    world.commit(world.at(0), RIGHT);
    let liar = world.at(0);
    let effects = world.commit(liar, WRONG);
    assert_eq!(evidence(&effects), [EvidenceKind::TwoCommitments]);
    assert!(kinds(&effects).contains(&EffectKind::Quarantine(seat(1))));
    assert_eq!(world.last_end(), TryEnd::Primary(ReplicaEnd::Equivocated));
    assert_eq!(world.commit(liar, 9), [], "once is enough");
}

#[test]
fn a_second_commitment_long_after_the_try_is_evidence_too() {
    let mut world = World::with_job(3, request(1));
    let liar = world.at(0);
    world.finish(&[RIGHT]);
    let effects = world.commit(liar, WRONG);
    assert_eq!(evidence(&effects), [EvidenceKind::TwoCommitments]);
    assert!(is_verified(world.task()));
}

#[test]
fn the_same_commitment_twice_is_nothing() {
    let mut world = World::with_job(3, request(3));
    let assignment = world.at(0);
    world.commit(assignment, RIGHT);
    assert_eq!(world.commit(assignment, RIGHT), []);
}

#[test]
fn a_copied_commitment_opens_for_nobody_but_its_author() {
    let mut world = World::with_job(3, request(2));
    world.commit(world.at(0), RIGHT);
    let commitment = world.pledge(world.at(0), RIGHT).commitment;
    world.seed();
    let assignment = world.at(1);
    let pledge = Pledge { assignment, commitment, round: BeaconRound::new(0) };
    let signature = IdentitySignature::new([3; 64]);
    world.step(Event::Committed { pledge, signature }).unwrap();
    world.reveal(world.at(0), RIGHT).unwrap();
    let copied = opening(seat(1), RIGHT);
    let refused = world.step(Event::Revealed { assignment, opening: copied });
    assert_eq!(refused, Err(Refusal::OpeningMismatch { assignment }));
}

#[test]
fn a_primary_that_withholds_its_opening_loses_the_try() {
    let mut world = World::with_job(3, request(2));
    world.commit_all(&[RIGHT, RIGHT]);
    world.reveal(world.at(1), RIGHT).unwrap();
    world.pass(15);
    assert_eq!(world.last_end(), TryEnd::Primary(ReplicaEnd::RevealWithheld));
}

#[test]
fn a_secondary_that_withholds_its_opening_is_replaced() {
    let mut world = World::with_job(3, request(2));
    world.commit_all(&[RIGHT, RIGHT]);
    world.reveal(world.at(0), RIGHT).unwrap();
    world.pass(15);
    assert_eq!(world.task().replicas.len(), 3);
    world.commit(world.at(2), RIGHT);
    world.reveal(world.at(2), RIGHT).unwrap();
    assert!(is_verified(world.task()));
}

#[test]
fn a_primary_cannot_name_a_round_that_is_known() {
    let mut world = World::with_job(3, request(2));
    world.seed();
    world.round -= 1;
    world.commit(world.at(0), RIGHT);
    assert_eq!(world.last_end(), TryEnd::RoundKnown);
}

#[test]
fn the_seed_of_another_round_draws_nobody() {
    let mut world = World::with_job(3, request(2));
    world.seed();
    world.commit(world.at(0), RIGHT);
    assert!(matches!(world.task().state, TaskState::Committed { .. }));
    assert_eq!(world.task().replicas.len(), 1);
    world.seed();
    assert_eq!(world.task().replicas.len(), 2);
}

#[test]
fn who_is_drawn_depends_on_the_seed() {
    let drawn = |byte: u8| {
        let mut world = World::with_job(9, request(2));
        world.commit(world.at(0), RIGHT);
        let round = BeaconRound::new(world.round);
        world.step(Event::SeedKnown { round, seed: Seed::new([byte; 32]) }).unwrap();
        world.at(1).seat
    };
    let all: BTreeSet<_> = (0..20).map(drawn).collect();
    assert!(all.len() > 3, "{all:?}");
}

#[test]
fn by_fingerprint_the_primary_opens_before_secondaries_check_its_output() {
    let verification = Verification::Fingerprint;
    let mut world = World::with_job(3, JobRequest { verification, ..request(3) });
    world.commit(world.at(0), RIGHT);
    assert_eq!(kinds(&world.seed()), [EffectKind::Reveal(seat(1))]);
    let effects = world.reveal(world.at(0), RIGHT).unwrap();
    for effect in &effects {
        let Action::Dispatch { check, .. } = effect.action else { panic!("{effect:?}") };
        assert_eq!(check, Some(OutputRoot::new([RIGHT; 32])));
    }
    world.commit(world.at(1), WRONG);
    world.commit(world.at(2), RIGHT);
    let liar = world.at(1).seat;
    world.reveal(world.at(1), WRONG).unwrap();
    let effects = world.reveal(world.at(2), RIGHT).unwrap();
    assert_eq!(evidence(&effects), [], "a tolerance leaves an excuse");
    assert!(kinds(&effects).contains(&EffectKind::Quarantine(liar)));
}

#[test]
fn attested_work_is_not_judged_by_votes() {
    let verification = Verification::Attested;
    let mut world = World::with_job(3, JobRequest { verification, ..request(3) });
    world.finish(&[RIGHT, WRONG, RIGHT]);
    assert!(is_verified(world.task()));
    let effects = &world.effects;
    assert_eq!(evidence(effects), []);
}

#[test]
fn what_an_expired_try_says_is_recorded_and_changes_nothing() {
    let mut world = World::with_job(2, request(1));
    let expired = world.at(0);
    world.fail(expired, Failure::Internal);
    let before = world.task().clone();
    assert_eq!(world.commit(expired, RIGHT), []);
    assert_eq!(world.reveal(expired, RIGHT).unwrap(), []);
    world.acknowledge(expired);
    let after = world.task();
    assert_eq!((&after.state, &after.replicas), (&before.state, &before.replicas));
    let messages: Vec<_> = after.late.iter().map(|late| late.what).collect();
    assert_eq!(messages, [Message::Acknowledgement, Message::Commitment, Message::Reveal]);
}
