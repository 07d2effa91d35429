//! Receipts: signatures, encodings, refusals.

use alloy_primitives::Address;
use proptest::prelude::*;

use super::*;
use crate::attestation::Attestation;
use crate::id::{BlockHash, ChainId, EvmSignature};
use crate::time::{ChainTime, Seconds};

fn attestation() -> impl Strategy<Value = Attestation> {
    (any::<[u8; 20]>(), any::<[u8; 65]>(), any::<u64>()).prop_map(|(signer, signature, node)| {
        Attestation {
            node: NodeId::new(node),
            signer: Address::from(signer),
            signature: EvmSignature::new(signature),
        }
    })
}

fn attestations() -> impl Strategy<Value = Attestations> {
    proptest::collection::vec(attestation(), 1..=Attestations::MOST)
        .prop_filter_map("a node twice", |list| Attestations::new(list).ok())
}

fn anchor() -> impl Strategy<Value = ChainAnchor> {
    let time = 0..=ChainTime::MAX.get();
    (any::<u64>(), any::<[u8; 20]>(), any::<u64>(), any::<[u8; 32]>(), time).prop_map(
        |(chain, contract, block, hash, time)| ChainAnchor {
            chain: ChainId::new(chain),
            contract: Address::from(contract),
            block,
            block_hash: BlockHash::new(hash),
            block_time: ChainTime::new(time).unwrap(),
        },
    )
}

prop_compose! {
    fn receipt()(
        digests in any::<[[u8; 32]; 6]>(),
        attempt in any::<u8>(),
        engine in "[!-~]{1,64}",
        numbers in any::<[u64; 9]>(),
        cost in any::<u128>(),
        attestations in attestations(),
        primary in any::<prop::sample::Index>(),
        anchor in anchor(),
    ) -> Receipt {
        let [job, specification, program, input, root, output] = digests;
        let signers = attestations.as_slice();
        let primary = signers[primary.index(signers.len())].seat();
        Receipt {
            version: ReceiptVersion::One,
            job: JobId::new(job),
            attempt: Attempt::new(attempt),
            specification: SpecificationDigest::new(specification),
            program: ProgramDigest::new(program),
            engine: EngineProfile::new(engine).unwrap(),
            input: InputDigest::new(input),
            output_root: OutputRoot::new(root),
            output: OutputDigest::new(output),
            slices: SliceRange { first: numbers[0], count: numbers[1] },
            usage: Usage {
                work_units: numbers[2],
                running: Seconds::new(numbers[3]),
                memory_bytes: numbers[4],
                bytes_in: numbers[5],
                bytes_out: numbers[6],
            },
            cost: Amount::new(cost),
            primary,
            attestations,
            issued_at: WallTime::new(numbers[7]),
            anchor,
        }
    }
}

/// A fixed receipt, whose bytes and signature must never change.
fn example() -> Receipt {
    let attestation = Attestation {
        node: NodeId::new(7),
        signer: Address::repeat_byte(0x77),
        signature: EvmSignature::new([0x55; 65]),
    };
    Receipt {
        version: ReceiptVersion::One,
        job: JobId::new([1; 32]),
        attempt: Attempt::new(2),
        specification: SpecificationDigest::new([3; 32]),
        program: ProgramDigest::new([4; 32]),
        engine: EngineProfile::new("wasm-48/nan-canonical").unwrap(),
        input: InputDigest::new([5; 32]),
        output_root: OutputRoot::new([6; 32]),
        output: OutputDigest::new([8; 32]),
        slices: SliceRange { first: 0, count: 9 },
        usage: Usage { work_units: 10, bytes_in: 11, bytes_out: 12, ..Usage::default() },
        cost: Amount::new(8_000_000),
        primary: attestation.seat(),
        attestations: Attestations::new(vec![attestation]).unwrap(),
        issued_at: WallTime::new(1_750_000_000_123),
        anchor: ChainAnchor {
            chain: ChainId::new(31_337),
            contract: Address::repeat_byte(0x99),
            block: 13,
            block_hash: BlockHash::new([14; 32]),
            block_time: ChainTime::new(1_750_000_000).unwrap(),
        },
    }
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[42; 32])
}

#[test]
fn the_encoding_never_changes() {
    let bytes = example().to_bytes();
    assert_eq!(bytes.len(), 8 + 2 + 32 + 1 + 64 + 22 + 96 + 16 + 40 + 16 + 28 + 94 + 8 + 76);
    assert_eq!(&bytes[..10], b"TALLYRCT\0\x01");
    let digest = "0x34af279bde26f35e303e247dec3e8abee2c0bd2d994232bec0cc45d69777240b";
    assert_eq!(example().digest().to_string(), digest);
}

#[test]
fn a_signed_receipt_holds_and_another_does_not() {
    let signed = example().sign(&key());
    assert_eq!(signed.verify(), Ok(()));

    let identity = signed.identity;
    let mut dearer = signed.clone();
    dearer.receipt.cost = Amount::new(8_000_001);
    assert_eq!(dearer.verify(), Err(ReceiptError::BadSignature { identity }));

    let mut stranger = signed.clone();
    stranger.identity =
        IdentityKey::new(SigningKey::from_bytes(&[43; 32]).verifying_key().to_bytes());
    assert!(matches!(stranger.verify(), Err(ReceiptError::BadSignature { .. })));

    let weak = SignedReceipt { identity: IdentityKey::new([0; 32]), ..signed.clone() };
    assert!(matches!(weak.verify(), Err(ReceiptError::BadKey { .. })));

    let mut silent = signed;
    silent.receipt.primary.node = NodeId::new(8);
    let primary = silent.receipt.primary;
    assert_eq!(silent.verify(), Err(ReceiptError::PrimaryMissing { primary }));
}

#[test]
fn kind_version_engine_and_end_are_checked() {
    let bytes = example().to_bytes();
    let with = |place: usize, byte: u8| {
        let mut bytes = bytes.clone();
        bytes[place] = byte;
        Receipt::from_bytes(&bytes)
    };
    assert_eq!(with(0, b'X'), Err(EncodingError::WrongKind));
    assert_eq!(with(9, 2), Err(EncodingError::UnknownVersion { version: 2 }));
    let engine = 8 + 2 + 32 + 1 + 64;
    assert_eq!(with(engine, 65), Err(EncodingError::Invalid { field: "engine" }));
    assert_eq!(with(engine + 1, b' '), Err(EncodingError::Invalid { field: "engine" }));
    let short = Receipt::from_bytes(&bytes[..bytes.len() - 3]);
    assert_eq!(short, Err(EncodingError::TooShort { missing: 3 }));
    let long = Receipt::from_bytes(&[bytes.as_slice(), &[0]].concat());
    assert_eq!(long, Err(EncodingError::Trailing { count: 1 }));
}

#[test]
fn json_refuses_unknown_fields_at_every_depth() {
    let text = serde_json::to_string(&example().sign(&key())).unwrap();
    for place in ["{\"receipt\":{", "\"slices\":{", "\"usage\":{", "\"anchor\":{", "[{"] {
        assert!(text.contains(place), "{place} in {text}");
        let more = text.replacen(place, &format!("{place}\"colour\":1,"), 1);
        let refused = serde_json::from_str::<SignedReceipt>(&more).unwrap_err();
        assert!(refused.to_string().contains("unknown field `colour`"), "{refused}");
    }
}

#[test]
fn an_engine_profile_is_short_and_printable() {
    assert_eq!(EngineProfile::new(""), Err(EngineProfileError::Length { given: 0 }));
    assert_eq!(EngineProfile::new("a b"), Err(EngineProfileError::Character));
    assert_eq!(EngineProfile::new("é"), Err(EngineProfileError::Character));
}

proptest! {
    #[test]
    fn receipts_survive_the_encoding_and_json(receipt in receipt()) {
        prop_assert_eq!(Receipt::from_bytes(&receipt.to_bytes()), Ok(receipt.clone()));
        let text = serde_json::to_string(&receipt).unwrap();
        prop_assert_eq!(serde_json::from_str::<Receipt>(&text).unwrap(), receipt);
    }

    #[test]
    fn different_receipts_have_different_bytes(a in receipt(), b in receipt()) {
        prop_assert_eq!(a == b, a.to_bytes() == b.to_bytes());
    }

    #[test]
    fn one_flipped_bit_is_refused_or_another_receipt(
        receipt in receipt(), place in any::<prop::sample::Index>(), bit in 0..8_u32
    ) {
        let mut bytes = receipt.to_bytes();
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        if let Ok(other) = Receipt::from_bytes(&bytes) {
            prop_assert_ne!(&other, &receipt);
            prop_assert_eq!(other.to_bytes(), bytes);
        }
    }

    #[test]
    fn random_bytes_do_not_stop_the_reader(
        bytes in proptest::collection::vec(any::<u8>(), 0..700), whole_head in any::<bool>()
    ) {
        let head: &[u8] = if whole_head { b"TALLYRCT\0\x01" } else { b"" };
        let bytes = [head, &bytes].concat();
        if let Ok(receipt) = SignedReceipt::from_bytes(&bytes) {
            prop_assert_eq!(receipt.to_bytes(), bytes);
        }
    }
}
