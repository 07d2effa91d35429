//! The keys of a node as the port through which a worker signs, each signature made once.

use std::sync::Arc;

use alloy_primitives::{B256, keccak256};
use ed25519_dalek::{Signer, SigningKey};
use tallystick_abi::JobDomain;
use tallystick_chain::keys::protection::{Kind, Role, SignOnceError, SigningProtection, Slot};
use tallystick_chain::keys::{EvmSigner, IdentityFile, SignError};
use tallystick_planted::{Bug, planted};
use tallystick_ports::{ChallengeProof, SigningError, SigningKind, SigningSlot, WorkerKeys};
use tallystick_types::{EvmSignature, IdentityKey, IdentitySignature, NodeId, Seat};

/// First bytes of what proves who a node is in a session.
const CHALLENGE: &[u8; 8] = b"TALLYATH";
/// First bytes of a pledge.
const PLEDGE: &[u8; 8] = b"TALLYCMT";
/// First bytes of a receipt.
const RECEIPT: &[u8; 8] = b"TALLYRCT";

/// Signer and identity key, behind the record of what they signed.
#[derive(Debug)]
pub struct NodeKeys {
    domain: JobDomain,
    node: NodeId,
    signer: Arc<dyn EvmSigner>,
    identity: SigningKey,
    protection: SigningProtection,
}

impl NodeKeys {
    /// The keys of a node, which signs for a network.
    pub const fn new(
        domain: JobDomain,
        node: NodeId,
        signer: Arc<dyn EvmSigner>,
        identity: SigningKey,
        protection: SigningProtection,
    ) -> Self {
        Self { domain, node, signer, identity, protection }
    }

    fn place(&self, slot: SigningSlot) -> Slot {
        let kind = match slot.kind {
            SigningKind::Pledge { task, task_attempt } => Kind::Pledge { task, task_attempt },
            SigningKind::Claim => Kind::Attest,
            SigningKind::Receipt => Kind::Receipt,
        };
        Slot {
            chain: self.domain.chain,
            contract: self.domain.job_manager,
            job: slot.job,
            attempt: slot.attempt,
            // Whether it executes first or checks, a node has one word per place.
            role: Role::Primary,
            kind,
        }
    }

    fn identity_signature(&self, bytes: &[u8]) -> IdentitySignature {
        IdentitySignature::new(self.identity.sign(bytes).to_bytes())
    }

    fn sign_bytes_once(
        &self,
        slot: SigningSlot,
        bytes: &[u8],
    ) -> Result<IdentitySignature, SigningError> {
        if planted(Bug::SignsUnprotected) {
            return Ok(self.identity_signature(bytes));
        }
        let sign = || Ok::<_, SignError>(self.identity_signature(bytes));
        let signed = self.protection.sign_once(&self.place(slot), keccak256(bytes), sign);
        signed.map_err(|error| refused(slot, error))
    }
}

impl WorkerKeys for NodeKeys {
    fn seat(&self) -> Seat {
        Seat { node: self.node, signer: self.signer.address() }
    }

    fn identity_key(&self) -> IdentityKey {
        IdentityFile::public(&self.identity)
    }

    fn sign_challenge(&self, challenge: &[u8]) -> Result<ChallengeProof, SigningError> {
        of_kind(challenge, CHALLENGE)?;
        let signer = self.signer.sign_digest(keccak256(challenge));
        let signer = signer.map_err(|error| SigningError::Unavailable(Box::new(error)))?;
        Ok(ChallengeProof { identity: self.identity_signature(challenge), signer })
    }

    fn sign_pledge(
        &self,
        slot: SigningSlot,
        pledge: &[u8],
    ) -> Result<IdentitySignature, SigningError> {
        of_kind(pledge, PLEDGE)?;
        let fits = matches!(slot.kind, SigningKind::Pledge { .. });
        fits.then_some(()).ok_or(SigningError::WrongKind)?;
        self.sign_bytes_once(slot, pledge)
    }

    fn sign_claim(&self, slot: SigningSlot, digest: B256) -> Result<EvmSignature, SigningError> {
        (slot.kind == SigningKind::Claim).then_some(()).ok_or(SigningError::WrongKind)?;
        let sign = || self.signer.sign_digest(digest);
        let signed = self.protection.sign_once(&self.place(slot), digest, sign);
        signed.map_err(|error| refused(slot, error))
    }

    fn sign_receipt(
        &self,
        slot: SigningSlot,
        receipt: &[u8],
    ) -> Result<IdentitySignature, SigningError> {
        of_kind(receipt, RECEIPT)?;
        (slot.kind == SigningKind::Receipt).then_some(()).ok_or(SigningError::WrongKind)?;
        self.sign_bytes_once(slot, receipt)
    }
}

fn of_kind(bytes: &[u8], kind: &[u8; 8]) -> Result<(), SigningError> {
    if bytes.starts_with(kind) { Ok(()) } else { Err(SigningError::WrongKind) }
}

fn refused(slot: SigningSlot, error: SignOnceError<SignError>) -> SigningError {
    match error {
        SignOnceError::Conflict { .. } => SigningError::AlreadySigned { slot },
        SignOnceError::Forgotten { .. } => SigningError::Pruned { slot },
        SignOnceError::Store(error) => SigningError::Record(error),
        SignOnceError::OtherKind { .. } | SignOnceError::Damaged | SignOnceError::Key(_) => {
            SigningError::Unavailable(Box::new(error))
        }
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::Address;
    use tallystick_chain::keys::LocalKey;
    use tallystick_chain::keys::protection::History;
    use tallystick_ports::{MemoryStore, StoreError};
    use tallystick_types::{Attempt, ChainId, JobId, TaskAttempt, TaskIndex};

    use super::*;

    fn keys(store: &MemoryStore, signer: &LocalKey) -> NodeKeys {
        let domain = JobDomain { chain: ChainId::new(1), job_manager: Address::repeat_byte(9) };
        let protection = SigningProtection::open(Arc::new(store.clone()), History::NewKey).unwrap();
        let identity = SigningKey::from_bytes(&[3; 32]);
        NodeKeys::new(domain, NodeId::new(7), Arc::new(signer.clone()), identity, protection)
    }

    fn slot(kind: SigningKind) -> SigningSlot {
        SigningSlot { job: JobId::new([1; 32]), attempt: Attempt::new(1), kind }
    }

    #[test]
    fn each_place_has_one_signature_also_after_a_restart() {
        let (store, signer) = (MemoryStore::default(), LocalKey::random());
        let pledge = |task, task_attempt| {
            let (task, task_attempt) = (TaskIndex::new(task), TaskAttempt::new(task_attempt));
            slot(SigningKind::Pledge { task, task_attempt })
        };
        let first = keys(&store, &signer);
        let signed = first.sign_pledge(pledge(0, 1), b"TALLYCMT one").unwrap();
        let claim = first.sign_claim(slot(SigningKind::Claim), B256::repeat_byte(1)).unwrap();
        first.sign_pledge(pledge(0, 2), b"TALLYCMT two").unwrap();
        first.sign_receipt(slot(SigningKind::Receipt), b"TALLYRCT r").unwrap();
        drop(first);
        let again = keys(&store, &signer);
        assert_eq!(again.sign_pledge(pledge(0, 1), b"TALLYCMT one").unwrap(), signed);
        let same = again.sign_claim(slot(SigningKind::Claim), B256::repeat_byte(1)).unwrap();
        assert_eq!(same, claim);
        let other = again.sign_claim(slot(SigningKind::Claim), B256::repeat_byte(2));
        assert!(matches!(other, Err(SigningError::AlreadySigned { .. })));
    }

    #[test]
    fn what_cannot_be_written_down_is_not_signed() {
        let store = MemoryStore::default();
        let keys = keys(&store, &LocalKey::random());
        store.fail_after(0);
        let signed = keys.sign_receipt(slot(SigningKind::Receipt), b"TALLYRCT r");
        assert!(matches!(signed, Err(SigningError::Record(StoreError::NoSpace(_)))), "{signed:?}");
        store.mend();
        keys.sign_receipt(slot(SigningKind::Receipt), b"TALLYRCT other").unwrap();
    }

    #[test]
    fn bytes_of_another_kind_are_never_signed() {
        let keys = keys(&MemoryStore::default(), &LocalKey::random());
        let receipt = slot(SigningKind::Receipt);
        assert!(matches!(keys.sign_receipt(receipt, b"TALLYCMT"), Err(SigningError::WrongKind)));
        assert!(matches!(keys.sign_pledge(receipt, b"TALLYCMT"), Err(SigningError::WrongKind)));
        assert!(matches!(keys.sign_challenge(b"TALLYRCT"), Err(SigningError::WrongKind)));
        let claim = keys.sign_claim(receipt, B256::ZERO);
        assert!(matches!(claim, Err(SigningError::WrongKind)));
        assert!(keys.sign_challenge(b"TALLYATH and so on").is_ok());
    }
}
