//! Signatures as the contracts judge them.

use alloy_primitives::{Address, B256, U256};
use k256::ecdsa::SigningKey;
use tallystick_abi::{JobDomain, SignatureError, signer_of, verify_attestations};
use tallystick_types::{
    Amount, Attempt, Attestation, Attestations, BlockHash, ChainAnchor, ChainId, ChainTime,
    EngineProfile, EvmSignature, InputDigest, JobId, NodeId, OutputDigest, OutputRoot,
    ProgramDigest, Receipt, ReceiptVersion, Seat, SliceRange, SpecificationDigest, Usage, WallTime,
};

/// Half of the order of secp256k1; s of a signature lies in the lower half.
const ORDER: U256 = U256::from_limbs([
    0xbfd2_5e8c_d036_4141,
    0xbaae_dce6_af48_a03b,
    0xffff_ffff_ffff_fffe,
    0xffff_ffff_ffff_ffff,
]);

fn key(byte: u8) -> SigningKey {
    SigningKey::from_bytes(&[byte; 32].into()).unwrap()
}

fn address(key: &SigningKey) -> Address {
    Address::from_public_key(key.verifying_key())
}

fn sign(key: &SigningKey, digest: B256) -> EvmSignature {
    let (signature, recovery) = key.sign_prehash_recoverable(digest.as_slice()).unwrap();
    let mut bytes = [0; 65];
    bytes[..64].copy_from_slice(&signature.to_bytes());
    bytes[64] = 27 + recovery.to_byte();
    EvmSignature::new(bytes)
}

/// A receipt that keys 1 and 2 attest, as nodes 1 and 2.
fn receipt() -> Receipt {
    let seats =
        [1, 2].map(|node| Seat { node: NodeId::new(node.into()), signer: address(&key(node)) });
    let unsigned = |seat: Seat| Attestation {
        node: seat.node,
        signer: seat.signer,
        signature: EvmSignature::new([0; 65]),
    };
    let mut receipt = Receipt {
        version: ReceiptVersion::One,
        job: JobId::new([1; 32]),
        attempt: Attempt::new(1),
        specification: SpecificationDigest::new([2; 32]),
        program: ProgramDigest::new([3; 32]),
        engine: EngineProfile::new("wasm-48").unwrap(),
        input: InputDigest::new([4; 32]),
        output_root: OutputRoot::new([5; 32]),
        output: OutputDigest::new([6; 32]),
        slices: SliceRange { first: 0, count: 1 },
        usage: Usage::default(),
        cost: Amount::new(7),
        primary: seats[0],
        attestations: Attestations::new(seats.map(unsigned).to_vec()).unwrap(),
        issued_at: WallTime::new(0),
        anchor: ChainAnchor {
            chain: ChainId::new(31_337),
            contract: Address::repeat_byte(8),
            block: 1,
            block_hash: BlockHash::new([9; 32]),
            block_time: ChainTime::ZERO,
        },
    };
    let domain = JobDomain { chain: receipt.anchor.chain, job_manager: receipt.anchor.contract };
    let digest = domain.claim_digest(&receipt.claim());
    let signed = |attestation: &Attestation| {
        let byte = u8::try_from(attestation.node.get()).unwrap();
        Attestation { signature: sign(&key(byte), digest), ..*attestation }
    };
    let signed = receipt.attestations.as_slice().iter().map(signed).collect();
    receipt.attestations = Attestations::new(signed).unwrap();
    receipt
}

#[test]
fn attestations_hold_for_this_claim_on_this_chain_only() {
    let receipt = receipt();
    assert_eq!(verify_attestations(&receipt), Ok(()));

    let mut dearer = receipt.clone();
    dearer.cost = Amount::new(8);
    assert!(matches!(verify_attestations(&dearer), Err(SignatureError::OtherSigner { .. })));

    let mut elsewhere = receipt.clone();
    elsewhere.anchor.chain = ChainId::new(1);
    assert!(matches!(verify_attestations(&elsewhere), Err(SignatureError::OtherSigner { .. })));

    let mut later = receipt;
    later.attempt = Attempt::new(2);
    assert!(matches!(verify_attestations(&later), Err(SignatureError::OtherSigner { .. })));
}

#[test]
fn the_mirrored_twin_of_a_signature_is_refused() {
    let digest = B256::repeat_byte(0x42);
    let signature = sign(&key(3), digest);
    assert_eq!(signer_of(digest, &signature), Ok(address(&key(3))));

    let mut twin = *signature.as_bytes();
    let s = U256::from_be_slice(&twin[32..64]);
    twin[32..64].copy_from_slice(&(ORDER - s).to_be_bytes::<32>());
    twin[64] = 27 + 28 - twin[64];
    assert_eq!(signer_of(digest, &EvmSignature::new(twin)), Err(SignatureError::Malleable));
}

#[test]
fn a_signature_has_the_form_of_the_contracts() {
    let digest = B256::repeat_byte(0x42);
    let mut bytes = *sign(&key(3), digest).as_bytes();
    bytes[64] -= 27;
    assert_eq!(signer_of(digest, &EvmSignature::new(bytes)), Err(SignatureError::Malformed));
    let zero = EvmSignature::new([0; 65]);
    assert_eq!(signer_of(digest, &zero), Err(SignatureError::Malformed));
}
