//! The digests that people and machines sign, and whose signatures they are (EIP-712).
//!
//! Every digest names the chain and the contract, so a signature counts nowhere else.

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::{Eip712Domain, SolStruct, SolValue};
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{Message, SECP256K1};
use tallystick_types::{
    ChainId, EvmSignature, JobId, JobOrder, NodeId, Receipt, ReceiptClaim, Sequence,
};

use crate::contracts;

/// The `JobManager` of one chain, under whose domain orders and claims are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct JobDomain {
    /// The chain.
    pub chain: ChainId,
    /// The proxy of `JobManager`.
    pub job_manager: Address,
}

/// The `NodeRegistry` of one chain, under whose domain signers consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RegistryDomain {
    /// The chain.
    pub chain: ChainId,
    /// The proxy of `NodeRegistry`.
    pub registry: Address,
}

/// Why a signature counts for nobody, or not for whom it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No key made this signature.
    #[error("the signature is malformed; it is 65 bytes: r, s, v with v 27 or 28")]
    Malformed,
    /// The mirrored twin of a signature; contracts refuse it, so that each signature is unique.
    #[error("the signature's s is in the upper half; sign with a library that normalises it")]
    Malleable,
    /// Another key signed.
    #[error("node {node} attests with {expected}, but {actual} signed")]
    OtherSigner {
        /// The node.
        node: NodeId,
        /// Who should have signed.
        expected: Address,
        /// Who signed.
        actual: Address,
    },
}

impl JobDomain {
    /// The id of the job that an order becomes.
    pub fn job_id(&self, order: &JobOrder) -> JobId {
        let domain = (U256::from(self.chain.get()), self.job_manager, order.client);
        let terms = contracts::JobTerms::from(&order.terms);
        let hash = (domain.0, domain.1, domain.2, order.nonce, terms).abi_encode_params();
        let key = order.nonce & U256::MAX.wrapping_shr(24);
        let slot = (domain.0, domain.1, domain.2, key).abi_encode_params();
        let sequence = order.nonce.wrapping_shr(232).to();
        let sequence = Sequence::new(sequence).expect("24 bits are left");
        JobId::of_parts(keccak256(hash), keccak256(slot), sequence)
    }

    /// What a client signs to let somebody else create its job.
    pub fn order_digest(&self, order: &JobOrder) -> B256 {
        contracts::JobOrder::from(order).eip712_signing_hash(&self.domain())
    }

    /// What a node signs to attest a result.
    pub fn claim_digest(&self, claim: &ReceiptClaim) -> B256 {
        let claim = contracts::ReceiptClaim {
            jobId: claim.job.into(),
            attempt: claim.attempt.get(),
            outputRoot: claim.output_root.into(),
            cost: claim.cost.get(),
        };
        claim.eip712_signing_hash(&self.domain())
    }

    fn domain(&self) -> Eip712Domain {
        domain("Tallystick JobManager", self.chain, self.job_manager)
    }
}

impl RegistryDomain {
    /// What a signer signs to serve an operator's node.
    pub fn consent_digest(&self, operator: Address) -> B256 {
        let domain = domain("Tallystick NodeRegistry", self.chain, self.registry);
        contracts::SignerConsent { operator }.eip712_signing_hash(&domain)
    }
}

/// Who signed a digest, by the rules of the contracts.
pub fn signer_of(digest: B256, signature: &EvmSignature) -> Result<Address, SignatureError> {
    let bytes = signature.as_bytes();
    let parity = match bytes[64] {
        27 => RecoveryId::Zero,
        28 => RecoveryId::One,
        _ => return Err(SignatureError::Malformed),
    };
    let malformed = |_| SignatureError::Malformed;
    let signature = RecoverableSignature::from_compact(&bytes[..64], parity).map_err(malformed)?;
    let (given, mut normal) = (signature.to_standard(), signature.to_standard());
    normal.normalize_s();
    if normal != given {
        return Err(SignatureError::Malleable);
    }
    let message = Message::from_digest(digest.0);
    let key = SECP256K1.recover_ecdsa(message, &signature).map_err(malformed)?;
    let [_, point @ ..] = key.serialize_uncompressed();
    Ok(Address::from_raw_public_key(&point))
}

/// Checks that every attestation of a receipt was signed by the key it names, without any network.
///
/// That the keys were assigned to the job is written on the chain that the receipt's anchor names.
pub fn verify_attestations(receipt: &Receipt) -> Result<(), SignatureError> {
    let anchor = &receipt.anchor;
    let domain = JobDomain { chain: anchor.chain, job_manager: anchor.contract };
    let digest = domain.claim_digest(&receipt.claim());
    for attestation in receipt.attestations.as_slice() {
        let actual = signer_of(digest, &attestation.signature)?;
        let (node, expected) = (attestation.node, attestation.signer);
        if actual != expected {
            return Err(SignatureError::OtherSigner { node, expected, actual });
        }
    }
    Ok(())
}

fn domain(name: &'static str, chain: ChainId, contract: Address) -> Eip712Domain {
    let chain = U256::from(chain.get());
    Eip712Domain::new(Some(name.into()), Some("1".into()), Some(chain), Some(contract), None)
}
