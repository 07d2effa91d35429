use alloy_primitives::B256;
use tallystick_types::{Attempt, JobId, TaskAttempt, TaskIndex};

use super::{MemoryKeys, SigningError, SigningKind, SigningSlot, WorkerKeys};

fn slot(kind: SigningKind) -> SigningSlot {
    SigningSlot { job: JobId::new([1; 32]), attempt: Attempt::new(1), kind }
}

fn pledge_slot(task_attempt: u16) -> SigningSlot {
    let task_attempt = TaskAttempt::new(task_attempt);
    slot(SigningKind::Pledge { task: TaskIndex::new(0), task_attempt })
}

#[test]
fn a_place_has_room_for_one_content() {
    let keys = MemoryKeys::new(1);
    let first = keys.sign_pledge(pledge_slot(1), b"TALLYCMT one").unwrap();
    let restarted = keys.clone();
    assert_eq!(restarted.sign_pledge(pledge_slot(1), b"TALLYCMT one").unwrap(), first);
    let other = restarted.sign_pledge(pledge_slot(1), b"TALLYCMT two");
    assert!(matches!(other, Err(SigningError::AlreadySigned { .. })));
    assert!(keys.sign_pledge(pledge_slot(2), b"TALLYCMT two").is_ok());
    assert_eq!((keys.places(), keys.signatures()), (2, 3));
}

#[test]
fn a_claim_is_signed_once_for_an_attempt() {
    let keys = MemoryKeys::new(2);
    let claim = slot(SigningKind::Claim);
    assert!(keys.sign_claim(claim, B256::repeat_byte(1)).is_ok());
    let other = keys.sign_claim(claim, B256::repeat_byte(2));
    assert!(matches!(other, Err(SigningError::AlreadySigned { slot }) if slot == claim));
}

#[test]
fn bytes_and_places_of_another_kind_are_refused() {
    let keys = MemoryKeys::new(3);
    assert!(matches!(keys.sign_challenge(b"TALLYCMT"), Err(SigningError::WrongKind)));
    let receipt = slot(SigningKind::Receipt);
    assert!(matches!(keys.sign_pledge(receipt, b"TALLYCMT"), Err(SigningError::WrongKind)));
    assert!(matches!(keys.sign_receipt(receipt, b"TALLYCMT"), Err(SigningError::WrongKind)));
    let claim = keys.sign_claim(receipt, B256::ZERO);
    assert!(matches!(claim, Err(SigningError::WrongKind)));
    assert_eq!(keys.places(), 0);
}
