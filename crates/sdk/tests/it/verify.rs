//! Receipts that hold, and forged ones of each kind.

use alloy_primitives::Address;
use ed25519_dalek::SigningKey;
use tallystick_abi::SignatureError;
use tallystick_sdk::verify::{Expected, VerifyError, verify};
use tallystick_types::{
    Amount, Attestations, Canonical, ChainId, JobId, OutputRoot, ReceiptError, Seat, SignedReceipt,
    SpecificationDigest,
};

use crate::sample::{DOMAIN, Nodes, Work, prepared};

const JOB: JobId = JobId::new([9; 32]);

fn work() -> Work {
    Work::of(&["one\n", "two\n", "three\n"], 2)
}

fn signed(nodes: &Nodes) -> SignedReceipt {
    nodes.receipt(JOB, &prepared().specification, &work())
}

#[test]
fn a_receipt_holds_as_bytes_and_as_json() {
    let signed = signed(&Nodes::new(3));
    let verified = verify(&signed.to_bytes()).unwrap();
    assert_eq!(verify(verified.to_json().as_bytes()).unwrap(), verified);
    assert_eq!(verified.signed(), &signed);
    verified.covers(work().whole().as_slice()).unwrap();
    let other = verified.covers(b"another".as_slice());
    assert!(matches!(other, Err(VerifyError::OtherOutput { .. })));
}

#[test]
fn whatever_is_changed_after_signing_is_found() {
    let honest = signed(&Nodes::new(3)).to_bytes();
    for place in 0..honest.len() {
        let mut forged = honest.clone();
        forged[place] ^= 1;
        assert!(verify(&forged).is_err(), "byte {place} may be changed");
    }
    assert!(verify(&honest[..honest.len() - 1]).is_err());
    assert!(matches!(verify(b"{}"), Err(VerifyError::Json(_))));
    assert!(matches!(verify(b"TALLYRCT"), Err(VerifyError::Encoding(_))));
}

#[test]
fn a_primary_cannot_forge_what_the_others_attest() {
    let nodes = Nodes::new(3);
    let honest = nodes.attest(nodes.unsigned(JOB, &prepared().specification, &work()));
    // It signs again with its own identity key, so only the attestations tell.
    let mut dearer = honest.clone();
    dearer.cost = Amount::new(1_000_000);
    let mut other_output = honest.clone();
    other_output.output_root = OutputRoot::new([1; 32]);
    let mut other_chain = honest.clone();
    other_chain.anchor.chain = ChainId::new(1);
    for forged in [dearer, other_output, other_chain] {
        let refused = verify(&forged.sign(&nodes.identity).to_bytes());
        assert!(matches!(
            refused,
            Err(VerifyError::Attestation(SignatureError::OtherSigner { .. }))
        ));
    }
}

#[test]
fn attestations_of_nobody_are_found() {
    let nodes = Nodes::new(2);
    let unsigned = nodes.unsigned(JOB, &prepared().specification, &work());
    let refused = verify(&unsigned.sign(&nodes.identity).to_bytes());
    assert!(matches!(refused, Err(VerifyError::Attestation(SignatureError::Malformed))));
}

#[test]
fn a_primary_that_did_not_attest_and_a_foreign_identity_are_found() {
    let nodes = Nodes::new(2);
    let mut outside = nodes.attest(nodes.unsigned(JOB, &prepared().specification, &work()));
    outside.primary = Seat { signer: Address::repeat_byte(8), ..outside.primary };
    let refused = verify(&outside.sign(&nodes.identity).to_bytes());
    assert!(matches!(refused, Err(VerifyError::Receipt(ReceiptError::PrimaryMissing { .. }))));
    let mut foreign = signed(&nodes);
    let other = SigningKey::from_bytes(&[8; 32]);
    foreign.identity = foreign.receipt.clone().sign(&other).identity;
    let refused = verify(&foreign.to_bytes());
    assert!(matches!(refused, Err(VerifyError::Receipt(ReceiptError::BadSignature { .. }))));
}

#[test]
fn a_genuine_receipt_of_something_else_is_not_the_answer() {
    let nodes = Nodes::new(2);
    let verified = verify(&signed(&nodes).to_bytes()).unwrap();
    let specification = prepared().specification.digest();
    let right =
        Expected { job: JOB, domain: DOMAIN, specification: Some(specification), quorum: 2 };
    verified.answers(&right).unwrap();
    let job = Expected { job: JobId::new([1; 32]), ..right };
    assert!(matches!(verified.answers(&job), Err(VerifyError::OtherJob { .. })));
    let mut domain = right;
    domain.domain.chain = ChainId::new(2);
    assert!(matches!(verified.answers(&domain), Err(VerifyError::OtherNetwork { .. })));
    let work = Expected { specification: Some(SpecificationDigest::new([2; 32])), ..right };
    assert!(matches!(verified.answers(&work), Err(VerifyError::OtherWork { .. })));
    let few = Expected { quorum: 3, ..right };
    let refused = verified.answers(&few);
    assert!(matches!(refused, Err(VerifyError::NoQuorum { needed: 3, found: 2 })));
}

#[test]
fn one_node_cannot_attest_twice() {
    let nodes = Nodes::new(1);
    let receipt = nodes.attest(nodes.unsigned(JOB, &prepared().specification, &work()));
    let one = receipt.attestations.as_slice()[0];
    assert!(Attestations::new(vec![one, one]).is_err());
}
