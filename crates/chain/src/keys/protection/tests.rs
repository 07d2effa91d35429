use std::convert::Infallible;
use std::sync::Barrier;

use ed25519_dalek::{Signer, SigningKey};
use tallystick_ports::MemoryStore;

use super::super::{EvmSigner, LocalKey, SignError};
use super::*;

fn slot(attempt: u8) -> Slot {
    Slot {
        chain: ChainId::new(31_337),
        contract: Address::repeat_byte(1),
        job: JobId::new([2; 32]),
        attempt: Attempt::new(attempt),
        role: Role::Primary,
        kind: Kind::Attest,
    }
}

fn protection(store: &MemoryStore) -> SigningProtection {
    SigningProtection::open(Arc::new(store.clone()), History::NewKey).unwrap()
}

fn digest(byte: u8) -> B256 {
    B256::repeat_byte(byte)
}

#[test]
fn ten_threads_with_ten_answers_get_one_signature() {
    for _ in 0..20 {
        let (store, key) = (MemoryStore::default(), LocalKey::random());
        let (protection, start) = (protection(&store), Barrier::new(10));
        let given: Vec<B256> = std::thread::scope(|scope| {
            let ask = |byte| {
                let (protection, start, key) = (&protection, &start, &key);
                scope.spawn(move || {
                    start.wait();
                    let digest = digest(byte);
                    protection
                        .sign_once(&slot(1), digest, || key.sign_digest(digest))
                        .is_ok()
                        .then_some(digest)
                })
            };
            let asked: Vec<_> = (0..10).map(ask).collect();
            asked.into_iter().filter_map(|each| each.join().unwrap()).collect()
        });
        assert_eq!(given.len(), 1);
    }
}

#[test]
fn the_same_answer_gets_the_stored_signature_and_another_is_refused_even_after_a_restart() {
    let (store, key) = (MemoryStore::default(), LocalKey::random());
    let sign = || key.sign_digest(digest(1));
    let first = protection(&store).sign_once(&slot(1), digest(1), sign).unwrap();
    let restarted = protection(&store);
    let never = || -> Result<EvmSignature, SignError> { panic!("it is stored") };
    assert_eq!(restarted.sign_once(&slot(1), digest(1), never).unwrap(), first);
    let refused = restarted.sign_once(&slot(1), digest(2), never).unwrap_err();
    let (stored, asked) = (digest(1), digest(2));
    let SignOnceError::Conflict { stored: was, asked: other } = refused else {
        panic!("{refused}")
    };
    assert_eq!((was, other), (stored, asked));
    assert!(restarted.sign_once(&slot(2), digest(2), || key.sign_digest(asked)).is_ok());
}

#[test]
fn an_identity_key_is_protected_alike() {
    let key = SigningKey::from_bytes(&[7; 32]);
    let sign = || -> Result<IdentitySignature, Infallible> {
        Ok(IdentitySignature::new(key.sign(digest(1).as_slice()).to_bytes()))
    };
    let protection = protection(&MemoryStore::default());
    let first = protection.sign_once(&slot(1), digest(1), sign).unwrap();
    assert_eq!(protection.sign_once(&slot(1), digest(1), sign).unwrap(), first);
    let other: Result<EvmSignature, SignOnceError<Infallible>> =
        protection.sign_once(&slot(1), digest(1), || unreachable!("it is stored"));
    assert!(matches!(other, Err(SignOnceError::OtherKind { length: 64 })));
}

#[test]
fn no_signature_is_given_that_could_not_be_kept() {
    let (store, key) = (MemoryStore::default(), LocalKey::random());
    let protection = protection(&store);
    store.fail_after(0);
    let sign = |byte| {
        let key = &key;
        move || key.sign_digest(digest(byte))
    };
    let refused = protection.sign_once(&slot(1), digest(1), sign(1)).unwrap_err();
    assert!(matches!(refused, SignOnceError::Store(StoreError::NoSpace(_))));
    store.mend();
    assert!(protection.sign_once(&slot(1), digest(2), sign(2)).is_ok(), "nothing was given away");
}

#[test]
fn a_forgotten_attempt_is_never_signed_again() {
    let (store, key) = (MemoryStore::default(), LocalKey::random());
    let protection = protection(&store);
    for attempt in 1..4 {
        let sign = || key.sign_digest(digest(1));
        protection.sign_once(&slot(attempt), digest(1), sign).unwrap();
    }
    protection.forget_before(&slot(1), Attempt::new(3)).unwrap();
    protection.forget_before(&slot(1), Attempt::new(2)).unwrap();
    let ask =
        |attempt| protection.sign_once(&slot(attempt), digest(9), || key.sign_digest(digest(9)));
    assert!(matches!(ask(1), Err(SignOnceError::Forgotten { .. })));
    assert!(matches!(ask(2), Err(SignOnceError::Forgotten { .. })));
    assert!(matches!(ask(3), Err(SignOnceError::Conflict { .. })));
    assert!(ask(4).is_ok());
    assert_eq!(protection.export().unwrap().signatures.len(), 2);
}

#[test]
fn a_lost_memory_of_a_known_key_must_be_begun_by_its_operator() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let lost = SigningProtection::open(Arc::clone(&store), History::KnownKey).unwrap_err();
    assert!(matches!(lost, ProtectionError::Missing));
    SigningProtection::initialise(Arc::clone(&store)).unwrap();
    SigningProtection::open(Arc::clone(&store), History::KnownKey).unwrap();
    let twice = SigningProtection::initialise(store).unwrap_err();
    assert!(matches!(twice, ProtectionError::Exists));
}

#[test]
fn a_memory_moves_to_another_machine_and_contradictions_are_refused_whole() {
    let (here, key) = (MemoryStore::default(), LocalKey::random());
    let from = protection(&here);
    let sign = || key.sign_digest(digest(1));
    let first = from.sign_once(&slot(3), digest(1), sign).unwrap();
    from.forget_before(&slot(1), Attempt::new(2)).unwrap();
    let text = serde_json::to_string(&from.export().unwrap()).unwrap();
    let exchange: Exchange = serde_json::from_str(&text).unwrap();

    let to = protection(&MemoryStore::default());
    to.import(&exchange).unwrap();
    to.import(&exchange).unwrap();
    assert_eq!(to.export().unwrap(), exchange);
    assert_eq!(to.sign_once(&slot(3), digest(1), sign).unwrap(), first);
    assert!(to.sign_once(&slot(1), digest(1), sign).is_err(), "forgotten there as well");

    let other = protection(&MemoryStore::default());
    other.sign_once(&slot(3), digest(2), || key.sign_digest(digest(2))).unwrap();
    let before = other.export().unwrap();
    assert!(matches!(other.import(&exchange), Err(ExchangeError::Conflict { .. })));
    assert_eq!(other.export().unwrap(), before);
    let newer = Exchange { version: 2, ..exchange };
    assert!(matches!(to.import(&newer), Err(ExchangeError::Version { found: 2 })));
}

#[test]
fn pledges_of_different_tries_have_places_of_their_own_also_after_a_move() {
    let (store, other) = (MemoryStore::default(), MemoryStore::default());
    let here = protection(&store);
    let key = LocalKey::random();
    let pledge = |task, attempt| {
        let (task, task_attempt) = (TaskIndex::new(task), TaskAttempt::new(attempt));
        Slot { kind: Kind::Pledge { task, task_attempt }, ..slot(1) }
    };
    let places = [pledge(0, 1), pledge(0, 2), pledge(1, 1), slot(1)];
    for (place, digest) in places.iter().zip(1..) {
        let digest = B256::repeat_byte(digest);
        here.sign_once(place, digest, || key.sign_digest(digest)).unwrap();
    }
    let there = protection(&other);
    there.import(&here.export().unwrap()).unwrap();
    for place in &places {
        let digest = B256::repeat_byte(0xff);
        let second = there.sign_once(place, digest, || key.sign_digest(digest));
        assert!(matches!(second, Err(SignOnceError::Conflict { .. })), "{second:?}");
    }
}
