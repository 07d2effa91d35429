//! The receipt of a job: who executed what, with which outcome and at which price, checked by whom.
//!
//! Anyone can check a receipt without a network: the node's Ed25519 signature over the canonical
//! bytes here, the attestations' EIP-712 signatures with the digest that `tallystick-abi` computes.
//! What only the chain knows (was it settled, who are the assigned signers) is found through the
//! anchor.

mod parts;

#[cfg(test)]
mod tests;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use parts::{
    ChainAnchor, EngineProfile, EngineProfileError, ReceiptVersion, SliceRange, Usage,
};

use crate::amount::Amount;
use crate::attestation::{Attestations, ReceiptClaim};
use crate::encoding::{Canonical, EncodingError, Reader, Writer};
use crate::id::{
    Attempt, IdentityKey, IdentitySignature, InputDigest, JobId, NodeId, OutputDigest, OutputRoot,
    ProgramDigest, ReceiptDigest, SpecificationDigest,
};
use crate::seat::Seat;
use crate::time::WallTime;

/// First bytes of every receipt: nothing else that a node signs begins with them.
const KIND: &[u8; 8] = b"TALLYRCT";

/// What a quorum agreed on, with everything needed to check it. The fields are encoded in this
/// order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// Version of this format (2 bytes).
    pub version: ReceiptVersion,
    /// The job (32 bytes).
    pub job: JobId,
    /// The attempt that led to this result (1 byte).
    pub attempt: Attempt,
    /// Digest of what was to be done (32 bytes).
    pub specification: SpecificationDigest,
    /// Digest of the program that was executed (32 bytes).
    pub program: ProgramDigest,
    /// The engine that executed it, with the settings that shape results (length, then text).
    pub engine: EngineProfile,
    /// Digest of the input (32 bytes).
    pub input: InputDigest,
    /// Merkle root over the outputs of the slices (32 bytes).
    pub output_root: OutputRoot,
    /// Digest of the whole output (32 bytes).
    pub output: OutputDigest,
    /// The slices of the input that are covered (16 bytes).
    pub slices: SliceRange,
    /// What the work used (40 bytes).
    pub usage: Usage,
    /// Agreed cost, in base units of the job's token (16 bytes).
    pub cost: Amount,
    /// Who executed and signs the receipt: node, then signer (28 bytes).
    pub primary: Seat,
    /// Who signed the claim (count, then 93 bytes each).
    pub attestations: Attestations,
    /// When the receipt was made, by the primary's clock (8 bytes).
    pub issued_at: WallTime,
    /// Where on the chain the job lives (76 bytes).
    pub anchor: ChainAnchor,
}

/// A receipt with the signature of its primary's identity key over the canonical bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedReceipt {
    /// What is signed.
    pub receipt: Receipt,
    /// The primary's public identity key (32 bytes).
    pub identity: IdentityKey,
    /// Its signature (64 bytes).
    pub signature: IdentitySignature,
}

/// Why a receipt does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// The identity key is no point of the curve, or a weak one.
    #[error("{identity} is no usable identity key; the receipt is forged or damaged")]
    BadKey {
        /// The key.
        identity: IdentityKey,
    },
    /// The signature is not by that key over this receipt.
    #[error("the signature of {identity} does not fit the receipt; it is forged or damaged")]
    BadSignature {
        /// The key.
        identity: IdentityKey,
    },
    /// The primary is not among those who attest.
    #[error("node {} with signer {} did not attest its own result", .primary.node, .primary.signer)]
    PrimaryMissing {
        /// The primary.
        primary: Seat,
    },
}

impl Receipt {
    /// What the attestations sign.
    pub const fn claim(&self) -> ReceiptClaim {
        ReceiptClaim {
            job: self.job,
            attempt: self.attempt,
            output_root: self.output_root,
            cost: self.cost,
        }
    }

    /// The name of this receipt: SHA-256 of its canonical bytes.
    pub fn digest(&self) -> ReceiptDigest {
        ReceiptDigest::new(Sha256::digest(self.to_bytes()).into())
    }

    /// Signs with the primary's identity key.
    pub fn sign(self, key: &SigningKey) -> SignedReceipt {
        let signature = IdentitySignature::new(key.sign(&self.to_bytes()).to_bytes());
        let identity = IdentityKey::new(key.verifying_key().to_bytes());
        SignedReceipt { receipt: self, identity, signature }
    }
}

impl SignedReceipt {
    /// Checks what needs neither network nor chain: the primary attested, and the identity key
    /// signed.
    ///
    /// Whether the identity key is the primary's is written in the registry.
    pub fn verify(&self) -> Result<(), ReceiptError> {
        let identity = self.identity;
        let primary = self.receipt.primary;
        let attested = self.receipt.attestations.as_slice();
        if !attested.iter().any(|attestation| attestation.seat() == primary) {
            return Err(ReceiptError::PrimaryMissing { primary });
        }
        let key = VerifyingKey::from_bytes(identity.as_bytes())
            .ok()
            .filter(|key| !key.is_weak())
            .ok_or(ReceiptError::BadKey { identity })?;
        let signature = Signature::from_bytes(self.signature.as_bytes());
        key.verify_strict(&self.receipt.to_bytes(), &signature)
            .map_err(|_| ReceiptError::BadSignature { identity })
    }
}

impl Canonical for Receipt {
    fn encode(&self, writer: &mut Writer) {
        writer.raw(KIND);
        self.version.encode(writer);
        writer.raw(self.job.as_bytes());
        writer.byte(self.attempt.get());
        writer.raw(self.specification.as_bytes());
        writer.raw(self.program.as_bytes());
        self.engine.encode(writer);
        writer.raw(self.input.as_bytes());
        writer.raw(self.output_root.as_bytes());
        writer.raw(self.output.as_bytes());
        self.slices.encode(writer);
        self.usage.encode(writer);
        writer.u128(self.cost.get());
        writer.u64(self.primary.node.get());
        writer.raw(self.primary.signer.as_slice());
        self.attestations.encode(writer);
        writer.u64(self.issued_at.get());
        self.anchor.encode(writer);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, EncodingError> {
        if reader.raw()? != *KIND {
            return Err(EncodingError::WrongKind);
        }
        Ok(Self {
            version: ReceiptVersion::decode(reader)?,
            job: JobId::new(reader.raw()?),
            attempt: Attempt::new(reader.byte()?),
            specification: SpecificationDigest::new(reader.raw()?),
            program: ProgramDigest::new(reader.raw()?),
            engine: EngineProfile::decode(reader)?,
            input: InputDigest::new(reader.raw()?),
            output_root: OutputRoot::new(reader.raw()?),
            output: OutputDigest::new(reader.raw()?),
            slices: SliceRange::decode(reader)?,
            usage: Usage::decode(reader)?,
            cost: Amount::new(reader.u128()?),
            primary: Seat { node: NodeId::new(reader.u64()?), signer: reader.address()? },
            attestations: Attestations::decode(reader)?,
            issued_at: WallTime::new(reader.u64()?),
            anchor: ChainAnchor::decode(reader)?,
        })
    }
}

impl Canonical for SignedReceipt {
    fn encode(&self, writer: &mut Writer) {
        self.receipt.encode(writer);
        writer.raw(self.identity.as_bytes());
        writer.raw(self.signature.as_bytes());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, EncodingError> {
        Ok(Self {
            receipt: Receipt::decode(reader)?,
            identity: IdentityKey::new(reader.raw()?),
            signature: IdentitySignature::new(reader.raw()?),
        })
    }
}
