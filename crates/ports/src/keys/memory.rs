//! Keys in memory, for tests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use alloy_primitives::{Address, B256, keccak256};
use ed25519_dalek::{Signer, SigningKey};
use k256::ecdsa::SigningKey as EvmKey;
use tallystick_types::{EvmSignature, IdentityKey, IdentitySignature, NodeId, Seat};

use crate::{DiskFull, StoreError};

use super::{ChallengeProof, SigningError, SigningKind, SigningSlot, WorkerKeys};

const CHALLENGE: &[u8; 8] = b"TALLYATH";
const PLEDGE: &[u8; 8] = b"TALLYCMT";
const RECEIPT: &[u8; 8] = b"TALLYRCT";

/// Keys made from one byte, with the record of what they signed. Clones share the record:
/// dropping the user and handing a clone to another one is a restart.
#[derive(Clone, Debug)]
pub struct MemoryKeys {
    node: NodeId,
    identity: SigningKey,
    signer: EvmKey,
    signed: Arc<Mutex<Record>>,
}

#[derive(Debug, Default)]
struct Record {
    /// The digest of what was signed in each place.
    slots: BTreeMap<SigningSlot, B256>,
    signatures: u64,
    is_full: bool,
}

impl MemoryKeys {
    /// The keys of a test's node, which must not be zero.
    pub fn new(node: u8) -> Self {
        let signer = EvmKey::from_bytes(&[node; 32].into()).expect("a byte above zero is a key");
        Self {
            node: NodeId::new(node.into()),
            identity: SigningKey::from_bytes(&[node; 32]),
            signer,
            signed: Arc::default(),
        }
    }

    /// How many different things were signed in places; what was signed again counts once.
    pub fn places(&self) -> usize {
        self.signed.lock().unwrap_or_else(PoisonError::into_inner).slots.len()
    }

    /// How often a signature was handed out.
    pub fn signatures(&self) -> u64 {
        self.signed.lock().unwrap_or_else(PoisonError::into_inner).signatures
    }

    /// From now on there is no room to write down a signature.
    pub fn fill_disk(&self) {
        self.signed.lock().unwrap_or_else(PoisonError::into_inner).is_full = true;
    }

    fn take(&self, slot: SigningSlot, digest: B256) -> Result<(), SigningError> {
        let mut signed = self.signed.lock().unwrap_or_else(PoisonError::into_inner);
        if signed.is_full {
            return Err(SigningError::Record(StoreError::NoSpace(DiskFull)));
        }
        if *signed.slots.entry(slot).or_insert(digest) != digest {
            return Err(SigningError::AlreadySigned { slot });
        }
        signed.signatures = signed.signatures.saturating_add(1);
        Ok(())
    }

    fn identity_signature(&self, bytes: &[u8]) -> IdentitySignature {
        IdentitySignature::new(self.identity.sign(bytes).to_bytes())
    }

    fn signer_signature(&self, digest: B256) -> EvmSignature {
        let (signature, recovery) = self
            .signer
            .sign_prehash_recoverable(digest.as_slice())
            .expect("a digest of 32 bytes is signed");
        let mut bytes = [0; 65];
        let (numbers, parity) = bytes.split_at_mut(64);
        numbers.copy_from_slice(&signature.to_bytes());
        parity.fill(recovery.to_byte().saturating_add(27));
        EvmSignature::new(bytes)
    }
}

impl WorkerKeys for MemoryKeys {
    fn seat(&self) -> Seat {
        Seat { node: self.node, signer: Address::from_public_key(self.signer.verifying_key()) }
    }

    fn identity_key(&self) -> IdentityKey {
        IdentityKey::new(self.identity.verifying_key().to_bytes())
    }

    fn sign_challenge(&self, challenge: &[u8]) -> Result<ChallengeProof, SigningError> {
        of_kind(challenge, CHALLENGE)?;
        Ok(ChallengeProof {
            identity: self.identity_signature(challenge),
            signer: self.signer_signature(keccak256(challenge)),
        })
    }

    fn sign_pledge(
        &self,
        slot: SigningSlot,
        pledge: &[u8],
    ) -> Result<IdentitySignature, SigningError> {
        of_kind(pledge, PLEDGE)?;
        let fits = matches!(slot.kind, SigningKind::Pledge { .. });
        fits.then_some(()).ok_or(SigningError::WrongKind)?;
        self.take(slot, keccak256(pledge))?;
        Ok(self.identity_signature(pledge))
    }

    fn sign_claim(&self, slot: SigningSlot, digest: B256) -> Result<EvmSignature, SigningError> {
        (slot.kind == SigningKind::Claim).then_some(()).ok_or(SigningError::WrongKind)?;
        self.take(slot, digest)?;
        Ok(self.signer_signature(digest))
    }

    fn sign_receipt(
        &self,
        slot: SigningSlot,
        receipt: &[u8],
    ) -> Result<IdentitySignature, SigningError> {
        of_kind(receipt, RECEIPT)?;
        (slot.kind == SigningKind::Receipt).then_some(()).ok_or(SigningError::WrongKind)?;
        self.take(slot, keccak256(receipt))?;
        Ok(self.identity_signature(receipt))
    }
}

fn of_kind(bytes: &[u8], kind: &[u8; 8]) -> Result<(), SigningError> {
    if bytes.starts_with(kind) { Ok(()) } else { Err(SigningError::WrongKind) }
}
