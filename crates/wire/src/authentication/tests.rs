use super::*;
use alloy_primitives::hex;
use tallystick_types::NodeId;

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn identity() -> IdentityKey {
    IdentityKey::new(key().verifying_key().to_bytes())
}

fn seat_of(number: u8) -> Seat {
    Seat { node: NodeId::new(number.into()), signer: Address::repeat_byte(number) }
}

fn network() -> Network {
    Network { chain: ChainId::new(31_337), job_manager: Address::repeat_byte(0xaa) }
}

fn challenge() -> SessionChallenge {
    SessionChallenge {
        network: network(),
        nonce: B256::repeat_byte(0xbb),
        seat: seat_of(5),
        identity: identity(),
        coordinator: seat_of(6),
        coordinator_identity: IdentityKey::new([0xcc; 32]),
        chosen_version: 1,
    }
}

#[test]
fn the_bytes_of_a_challenge_are_these() {
    let expected = [
        hex::encode("TALLYATH"),
        "0001".into(),
        "0000000000007a69".into(),
        "aa".repeat(20),
        "bb".repeat(32),
        format!("{:016x}{}", 5, "05".repeat(20)),
        hex::encode(identity().as_bytes()),
        format!("{:016x}{}", 6, "06".repeat(20)),
        "cc".repeat(32),
        "00000001".into(),
    ];
    assert_eq!(hex::encode(challenge().bytes()), expected.concat());
    assert_eq!(challenge().bytes().len(), 194);
    assert_eq!(challenge().digest(), keccak256(challenge().bytes()));
}

#[test]
fn a_proof_holds_for_its_challenge_and_no_other() {
    let signature = challenge().sign(&key());
    assert_eq!(challenge().verify(&signature), Ok(()));
    let changes: [fn(&mut SessionChallenge); 10] = [
        |c| c.network.chain = ChainId::new(1),
        |c| c.network.job_manager = Address::ZERO,
        |c| c.nonce = B256::ZERO,
        |c| c.seat.node = NodeId::new(9),
        |c| c.seat.signer = Address::ZERO,
        |c| {
            c.identity =
                IdentityKey::new(SigningKey::from_bytes(&[8; 32]).verifying_key().to_bytes())
        },
        |c| c.coordinator.node = NodeId::new(9),
        |c| c.coordinator.signer = Address::ZERO,
        |c| c.coordinator_identity = IdentityKey::new([1; 32]),
        |c| c.chosen_version = 2,
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let mut other = challenge();
        change(&mut other);
        let identity = other.identity;
        assert_eq!(
            other.verify(&signature),
            Err(IdentityError::BadSignature { identity }),
            "change {index}"
        );
        assert_ne!(other.digest(), challenge().digest(), "change {index}");
    }
}

#[test]
fn the_answer_of_a_coordinator_holds_for_its_session_and_the_nonce_of_the_agent() {
    let session = || SessionChallenge { coordinator_identity: identity(), ..challenge() };
    let (nonce, identity) = (B256::repeat_byte(0xdd), identity());
    let signature = session().answer(nonce, &key());
    assert_eq!(session().verify_answer(nonce, &signature), Ok(()));
    let bad = Err(IdentityError::BadSignature { identity });
    assert_eq!(session().verify_answer(B256::ZERO, &signature), bad);
    let other = SessionChallenge { nonce: B256::ZERO, ..session() };
    assert_eq!(other.verify_answer(nonce, &signature), bad);
    let other = SessionChallenge { seat: seat_of(9), ..session() };
    assert_eq!(other.verify_answer(nonce, &signature), bad);
    // One key in both roles: neither signature stands for the other.
    assert_eq!(session().verify(&signature), bad);
    assert_eq!(session().verify_answer(nonce, &session().sign(&key())), bad);
    let bytes = session().answer_bytes(nonce);
    assert_eq!(bytes[8..194], session().bytes()[8..]);
    assert_eq!((&bytes[..8], &bytes[194..]), (b"TALLYCRD".as_slice(), nonce.as_slice()));
}

#[test]
fn a_weak_key_and_a_changed_signature_are_refused() {
    // The neutral element of the curve fits signatures that nobody made.
    let mut weak = challenge();
    let mut neutral = [0; 32];
    neutral[0] = 1;
    weak.identity = IdentityKey::new(neutral);
    let signature = challenge().sign(&key());
    let identity = weak.identity;
    assert_eq!(weak.verify(&signature), Err(IdentityError::BadKey { identity }));
    let mut bytes = *signature.as_bytes();
    bytes[0] ^= 1;
    assert!(challenge().verify(&IdentitySignature::new(bytes)).is_err());
}

#[test]
fn each_request_of_a_client_has_its_own_bytes() {
    let (job, task) = (JobId::new([1; 32]), TaskIndex::new(2));
    let head = |kind: &str| format!("{}00010000000000007a69{}", hex::encode(kind), "aa".repeat(20));
    let retry = |task, tries| ClientRequest::Retry { job, task, tries };
    let (client, nonce) = (Address::repeat_byte(3), B256::repeat_byte(4));
    let (coordinator, until) = (seat_of(6), WallTime::new(7));
    let pairing = ClientRequest::CreatePairing { client, nonce, coordinator, until };
    let read = ClientRequest::Read { coordinator, until };
    let place = format!("{:016x}{}{:016x}", 6, "06".repeat(20), 7);
    for (request, kind, rest) in [
        (ClientRequest::Cancel { job }, "TALLYCNL", "01".repeat(32)),
        (retry(task, 5), "TALLYRTR", format!("{}0000000200000005", "01".repeat(32))),
        (pairing, "TALLYPAR", format!("{}{}{place}", "03".repeat(20), "04".repeat(32))),
        (read, "TALLYRED", place),
    ] {
        let bytes = request.bytes(network());
        assert_eq!(hex::encode(&bytes), head(kind) + &rest);
        let mut wallet = b"\x19Ethereum Signed Message:\n32".to_vec();
        wallet.extend_from_slice(keccak256(&bytes).as_slice());
        assert_eq!(request.digest(network()), keccak256(wallet));
    }
    assert_ne!(retry(task, 5).digest(network()), retry(task, 6).digest(network()));
}

#[test]
fn a_claim_of_a_pairing_holds_for_its_code_node_and_network() {
    let claim = |code: &str, seat| PairingClaim { seat, code: Label::cut(code) };
    let signature = claim("ABCD", seat_of(5)).sign(network(), &key());
    let check = |claim: PairingClaim, network| claim.verify(network, identity(), &signature);
    assert_eq!(check(claim("ABCD", seat_of(5)), network()), Ok(()));
    let elsewhere = Network { chain: ChainId::new(1), ..network() };
    assert!(check(claim("ABCE", seat_of(5)), network()).is_err());
    assert!(check(claim("ABCD", seat_of(6)), network()).is_err());
    assert!(check(claim("ABCD", seat_of(5)), elsewhere).is_err());
    let expected = format!(
        "{}00010000000000007a69{}{:016x}{}04{}",
        hex::encode("TALLYCLM"),
        "aa".repeat(20),
        5,
        "05".repeat(20),
        hex::encode("ABCD"),
    );
    assert_eq!(hex::encode(claim("ABCD", seat_of(5)).bytes(network())), expected);
}
