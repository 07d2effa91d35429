//! Jobs, receipts, pairings and dead letters, and the rules between them.

use alloy_primitives::Address;
use tallystick_journal::{
    DeadLetter, DeadLetterKey, EventNumber, Family, JobRecord, JobStatus, JournalError,
    PairingClaimed, PairingId, ReceiptKey, ReceiptRecord, RuleError, Table, TrustPairing,
};
use tallystick_types::{IdentitySignature, NodeId, Privacy, ReceiptDigest, Seat};

use crate::house::{Added, folder, job, node, open, pending, time};

type Outcome = Result<(), JournalError>;

fn receipt() -> ReceiptRecord {
    ReceiptRecord {
        provider: node(1),
        receipt: vec![4, 5],
        signature: IdentitySignature::new([6; 64]),
        verified: false,
        created_at: time(3000),
    }
}

fn key(job_number: u8, digest: u8) -> ReceiptKey {
    ReceiptKey { job: job(job_number), receipt: ReceiptDigest::new([digest; 32]) }
}

fn by(number: u8, at: u64) -> PairingClaimed {
    let seat = Seat { node: NodeId::new(number.into()), signer: Address::repeat_byte(number) };
    PairingClaimed { provider: node(number), seat, at: time(at) }
}

fn rule(outcome: Outcome) -> RuleError {
    match outcome {
        Err(JournalError::Rule(rule)) => rule,
        other => unreachable!("no rule refused: {other:?}"),
    }
}

#[test]
fn a_job_begins_pending_and_public() {
    assert_eq!(pending().status, JobStatus::Pending);
    assert_eq!(pending().privacy, Privacy::Public);
}

#[test]
fn exactly_a_job_that_is_over_has_a_moment_of_completion() -> Outcome {
    let folder = folder();
    let mut journal = open(&folder)?;
    let mut step = journal.step();
    let over = [JobStatus::Completed, JobStatus::Failed, JobStatus::Cancelled];
    for status in over {
        let record = JobRecord { status, ..pending() };
        assert_eq!(rule(step.put_job(job(1), &record)), RuleError::Completion { job: job(1) });
        step.put_job(job(1), &JobRecord { completed_at: Some(time(2)), ..record })?;
    }
    for status in [JobStatus::Pending, JobStatus::Running] {
        let record = JobRecord { status, completed_at: Some(time(2)), ..pending() };
        assert_eq!(rule(step.put_job(job(1), &record)), RuleError::Completion { job: job(1) });
    }
    Ok(())
}

#[test]
fn a_receipt_needs_its_job_and_lies_with_it() -> Outcome {
    let folder = folder();
    let mut journal = open(&folder)?;
    let mut step = journal.step();
    assert_eq!(
        rule(step.put_receipt(&key(1, 1), &receipt())),
        RuleError::NoSuchJob { job: job(1) }
    );
    step.put_job(job(1), &pending())?;
    step.put_receipt(&key(1, 2), &receipt())?;
    step.put_receipt(&key(1, 1), &receipt())?;
    step.put_job(job(2), &pending())?;
    step.put_receipt(&key(2, 3), &receipt())?;
    step.commit()?;
    let found = journal.reader().receipts_of(job(1))?;
    assert_eq!(found, [(key(1, 1), receipt()), (key(1, 2), receipt())]);
    assert!(journal.reader().receipts_of(job(3))?.is_empty());
    Ok(())
}

#[test]
fn a_pairing_code_is_unique_and_serves_once_before_it_expires() -> Outcome {
    let folder = folder();
    let mut journal = open(&folder)?;
    let user = Address::repeat_byte(1);
    let mut step = journal.step();
    step.add_pairing(PairingId(1), user, "ABCD", time(0), time(100))?;
    let taken = step.add_pairing(PairingId(2), user, "ABCD", time(0), time(100));
    assert_eq!(rule(taken), RuleError::CodeTaken { code: "ABCD".to_owned() });
    let exists = step.add_pairing(PairingId(1), user, "EFGH", time(0), time(100));
    assert_eq!(rule(exists), RuleError::PairingExists { id: PairingId(1) });
    step.commit()?;
    assert!(!journal.reader().is_paired(user, node(5))?);

    let mut step = journal.step();
    let late = step.claim_pairing("ABCD", by(5, 100)).map(drop);
    let expired = RuleError::Expired { code: "ABCD".to_owned(), expired_at: time(100) };
    assert_eq!(rule(late), expired);
    let unknown = step.claim_pairing("WXYZ", by(5, 1)).map(drop);
    assert_eq!(rule(unknown), RuleError::UnknownCode { code: "WXYZ".to_owned() });
    let pairing = step.claim_pairing("ABCD", by(5, 99))?;
    assert_eq!(pairing.claimed, Some(by(5, 99)));
    let again = step.claim_pairing("ABCD", by(6, 99)).map(drop);
    assert_eq!(rule(again), RuleError::Claimed { code: "ABCD".to_owned() });
    step.commit()?;

    let reader = journal.reader();
    assert!(reader.is_paired(user, node(5))?);
    assert!(!reader.is_paired(user, node(6))?);
    assert!(!reader.is_paired(Address::repeat_byte(2), node(5))?);
    assert!(reader.get(TrustPairing::TABLE, &PairingId(1))?.is_some_and(|p| p.is_claimed()));
    Ok(())
}

#[test]
fn the_pairings_of_a_client_are_listed_by_the_time_of_their_claim_and_each_node_once() -> Outcome {
    let folder = folder();
    let mut journal = open(&folder)?;
    let (user, other) = (Address::repeat_byte(1), Address::repeat_byte(2));
    let mut step = journal.step();
    for (id, user, code) in [(9, user, "A"), (4, user, "B"), (7, user, "C"), (1, other, "D")] {
        step.add_pairing(PairingId(id), user, code, time(0), time(100))?;
    }
    step.claim_pairing("A", by(5, 10))?;
    step.claim_pairing("B", by(6, 20))?;
    step.claim_pairing("C", by(5, 30))?;
    step.commit()?;
    let nodes = |user| -> Result<Vec<_>, JournalError> {
        let found = journal.reader().pairings_of(user)?;
        Ok(found.into_iter().map(|(id, pairing)| (id, pairing.claimed)).collect())
    };
    assert_eq!(nodes(user)?, [(PairingId(4), Some(by(6, 20))), (PairingId(7), Some(by(5, 30)))]);
    assert_eq!(nodes(other)?, []);
    Ok(())
}

#[test]
fn a_code_that_nobody_claimed_is_forgotten_a_day_after_its_end() -> Outcome {
    let folder = folder();
    let mut journal = open(&folder)?;
    let user = Address::repeat_byte(1);
    let mut step = journal.step();
    step.add_pairing(PairingId(1), user, "USED", time(0), time(100))?;
    step.add_pairing(PairingId(2), user, "LEFT", time(0), time(100))?;
    step.claim_pairing("USED", by(5, 50))?;
    step.commit()?;
    let day = 86_400_000;
    for (now, left) in [(100 + day - 1, true), (100 + day, false)] {
        let mut step = journal.step();
        step.forget_pairings(time(now))?;
        step.commit()?;
        let reader = journal.reader();
        assert_eq!(reader.get(TrustPairing::TABLE, &PairingId(2))?.is_some(), left);
        assert!(reader.is_paired(user, node(5))?);
    }
    // Its code is free again, one that was claimed is not.
    let mut step = journal.step();
    step.add_pairing(PairingId(3), user, "LEFT", time(0), time(100))?;
    let taken = step.add_pairing(PairingId(4), user, "USED", time(0), time(100));
    assert_eq!(rule(taken), RuleError::CodeTaken { code: "USED".to_owned() });
    Ok(())
}

#[test]
fn dead_letters_are_listed_until_they_are_taken_away() -> Outcome {
    let folder = folder();
    let mut journal = open(&folder)?;
    let letter = DeadLetter { attempts: 5, reason: "no node".to_owned(), given_up_at: time(9) };
    let keys: Vec<_> = [2, 0, 256].map(|task| DeadLetterKey { job: job(1), task }).into();
    let mut step = journal.step();
    for key in &keys {
        step.put(DeadLetter::TABLE, key, &letter)?;
    }
    step.put(DeadLetter::TABLE, &DeadLetterKey { job: job(2), task: 0 }, &letter)?;
    step.commit()?;
    let listed = journal.reader().scan(DeadLetter::TABLE, job(1).as_bytes())?;
    let tasks: Vec<_> = listed.iter().map(|(key, _)| key.task).collect();
    assert_eq!(tasks, [0, 2, 256], "in the order of their tasks");

    let mut step = journal.step();
    step.delete(DeadLetter::TABLE, &keys[0])?;
    assert_eq!(step.get(DeadLetter::TABLE, &keys[0])?, None, "a step sees what it changed");
    step.commit()?;
    assert_eq!(journal.reader().scan(DeadLetter::TABLE, job(1).as_bytes())?.len(), 2);
    Ok(())
}

#[test]
fn tables_with_rules_are_written_by_the_calls_that_check_them() -> Outcome {
    let folder = folder();
    let mut journal = open(&folder)?;
    let mut step = journal.step();
    let past = step.put(JobRecord::TABLE, &job(1), &pending());
    assert_eq!(rule(past), RuleError::HasRules { family: "jobs" });
    let past = step.put(ReceiptRecord::TABLE, &key(1, 1), &receipt());
    assert_eq!(rule(past), RuleError::HasRules { family: "receipts" });
    let past = step.delete(TrustPairing::TABLE, &PairingId(1));
    assert_eq!(rule(past), RuleError::HasRules { family: "trust_pairings" });
    let events: Table<EventNumber, Added> = Table::new(Family::Events);
    let past = step.delete(events, &EventNumber::FIRST);
    assert_eq!(rule(past), RuleError::HasRules { family: "events" });
    Ok(())
}
