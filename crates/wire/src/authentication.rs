//! The exact bytes that agents, clients and nodes sign.
//!
//! Numbers are big-endian. Every text begins with eight letters that nothing else signed in the
//! network begins with, and a version of two bytes, 1.
//!
//! | bytes | [`SessionChallenge`], 194 bytes |
//! |---|---|
//! | 8, 2 | `TALLYATH`, version |
//! | 8, 20 | chain, `JobManager` |
//! | 32 | nonce of the coordinator |
//! | 8, 20, 32 | node, its signer, its identity key |
//! | 8, 20, 32 | node of the coordinator, its signer, its identity key |
//! | 4 | chosen version |
//!
//! The identity key signs these bytes with Ed25519; the seat's signer signs their Keccak-256 with
//! secp256k1. The coordinator's names are in it, so that no other coordinator can use the proof.
//!
//! The coordinator's own identity key signs the same bytes with `TALLYCRD` in front instead and the
//! nonce of the agent, 32 bytes, at the end: [`SessionChallenge::answer`]. Both know then whom they
//! speak to, before the agent has signed anything.
//!
//! | bytes | what |
//! |---|---|
//! | 8, 2, 8, 20, 32 | `TALLYCNL`, version, chain, `JobManager`, job: [`ClientRequest::Cancel`] |
//! | 8, 2, 8, 20, 32, 4, 4 | `TALLYRTR`, ..., job, task, tries: [`ClientRequest::Retry`] |
//! | 8, 2, 8, 20, 20, 32, 28, 8 | `TALLYPAR`, ..., client, nonce, coordinator, end: [pairing] |
//! | 8, 2, 8, 20, 28, 8 | `TALLYRED`, ..., coordinator, end: [`ClientRequest::Read`] |
//! | 8, 2, 8, 20, 8, 20, 1, n | `TALLYCLM`, ..., node, signer, length, code: [`PairingClaim`] |
//!
//! A client signs as wallets do (EIP-191): the Keccak-256 of a prefix and the Keccak-256 of the
//! bytes. A node claims a pairing with its identity key.
//!
//! [pairing]: ClientRequest::CreatePairing

#[cfg(test)]
mod tests;

use alloy_primitives::{Address, B256, eip191_hash_message, keccak256};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use tallystick_types::{
    ChainId, IdentityKey, IdentitySignature, JobId, Seat, Seconds, TaskIndex, WallTime,
};

use crate::bounded::Label;
use crate::worker::{Challenge, Hello};

const VERSION: u16 = 1;

/// The longest time for which a request with an end may be taken. A program that signs one says
/// less, so that a clock that is a little off does no harm.
pub const LONGEST_REQUEST: Seconds = Seconds::new(600);

/// What an agent signs before its session begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionChallenge {
    /// The chain and contract of the network.
    pub network: Network,
    /// Random bytes of the coordinator, used once.
    pub nonce: B256,
    /// Who the agent says it is.
    pub seat: Seat,
    /// Its identity key.
    pub identity: IdentityKey,
    /// Who the coordinator says it is.
    pub coordinator: Seat,
    /// The coordinator's identity key.
    pub coordinator_identity: IdentityKey,
    /// The version that both speak.
    pub chosen_version: u32,
}

/// The network for which a signature counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// The settlement chain.
    pub chain: ChainId,
    /// Its `JobManager`.
    pub job_manager: Address,
}

/// What a client signs, apart from orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientRequest {
    /// To cancel a job.
    Cancel {
        /// The job.
        job: JobId,
    },
    /// To send a dead letter out again.
    Retry {
        /// The job.
        job: JobId,
        /// The task.
        task: TaskIndex,
        /// Tries that it had.
        tries: u32,
    },
    /// To make a pairing code.
    CreatePairing {
        /// The client.
        client: Address,
        /// Random bytes, used once.
        nonce: B256,
        /// The coordinator that is to make it, so that no other one can pass the request on.
        coordinator: Seat,
        /// Until when it may be taken.
        until: WallTime,
    },
    /// To read what only this client may read.
    Read {
        /// The coordinator that is asked, so that it cannot ask another one in the client's name.
        coordinator: Seat,
        /// Until when it counts.
        until: WallTime,
    },
}

/// What a node signs to pair with the client that made a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairingClaim {
    /// The node.
    pub seat: Seat,
    /// The code.
    pub code: Label,
}

/// Why a signature of an identity key does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// The key is no point of the curve, or a weak one.
    #[error("{identity} is no usable identity key; make a new one and register it")]
    BadKey {
        /// The key.
        identity: IdentityKey,
    },
    /// The signature is not by that key over these bytes.
    #[error("the signature of {identity} does not fit; sign the bytes of this challenge")]
    BadSignature {
        /// The key.
        identity: IdentityKey,
    },
}

impl SessionChallenge {
    /// What both sides know after Hello and Challenge.
    pub const fn new(hello: &Hello, challenge: &Challenge) -> Self {
        Self {
            network: Network { chain: challenge.chain_id, job_manager: challenge.job_manager },
            nonce: challenge.nonce,
            seat: hello.seat,
            identity: hello.identity,
            coordinator: challenge.coordinator,
            coordinator_identity: challenge.coordinator_identity,
            chosen_version: challenge.chosen_version,
        }
    }

    /// What the agent signs.
    pub fn bytes(&self) -> Vec<u8> {
        self.session(b"TALLYATH")
    }

    /// What the coordinator signs.
    pub fn answer_bytes(&self, agent_nonce: B256) -> Vec<u8> {
        let mut bytes = self.session(b"TALLYCRD");
        bytes.extend_from_slice(agent_nonce.as_slice());
        bytes
    }

    fn session(&self, kind: &[u8; 8]) -> Vec<u8> {
        let mut bytes = self.network.begin(kind);
        bytes.extend_from_slice(self.nonce.as_slice());
        seat(&mut bytes, self.seat);
        bytes.extend_from_slice(self.identity.as_bytes());
        seat(&mut bytes, self.coordinator);
        bytes.extend_from_slice(self.coordinator_identity.as_bytes());
        bytes.extend_from_slice(&self.chosen_version.to_be_bytes());
        bytes
    }

    /// What the seat's signer signs as it is, without any prefix.
    pub fn digest(&self) -> B256 {
        keccak256(self.bytes())
    }

    /// Signs with the agent's identity key.
    pub fn sign(&self, key: &SigningKey) -> IdentitySignature {
        sign(key, &self.bytes())
    }

    /// Checks the signature of the agent's identity key.
    ///
    /// # Errors
    ///
    /// [`IdentityError`] when the key or the signature is not good.
    pub fn verify(&self, signature: &IdentitySignature) -> Result<(), IdentityError> {
        verify(self.identity, &self.bytes(), signature)
    }

    /// Signs with the coordinator's identity key.
    pub fn answer(&self, agent_nonce: B256, key: &SigningKey) -> IdentitySignature {
        sign(key, &self.answer_bytes(agent_nonce))
    }

    /// Checks the signature of the coordinator's identity key.
    ///
    /// # Errors
    ///
    /// [`IdentityError`] when the key or the signature is not good.
    pub fn verify_answer(
        &self,
        agent_nonce: B256,
        signature: &IdentitySignature,
    ) -> Result<(), IdentityError> {
        verify(self.coordinator_identity, &self.answer_bytes(agent_nonce), signature)
    }
}

impl ClientRequest {
    /// The bytes of the request.
    pub fn bytes(&self, network: Network) -> Vec<u8> {
        match self {
            Self::Cancel { job } => {
                let mut bytes = network.begin(b"TALLYCNL");
                bytes.extend_from_slice(job.as_bytes());
                bytes
            }
            Self::Retry { job, task, tries } => {
                let mut bytes = network.begin(b"TALLYRTR");
                bytes.extend_from_slice(job.as_bytes());
                bytes.extend_from_slice(&task.get().to_be_bytes());
                bytes.extend_from_slice(&tries.to_be_bytes());
                bytes
            }
            Self::CreatePairing { client, nonce, coordinator, until } => {
                let mut bytes = network.begin(b"TALLYPAR");
                bytes.extend_from_slice(client.as_slice());
                bytes.extend_from_slice(nonce.as_slice());
                seat(&mut bytes, *coordinator);
                bytes.extend_from_slice(&until.get().to_be_bytes());
                bytes
            }
            Self::Read { coordinator, until } => {
                let mut bytes = network.begin(b"TALLYRED");
                seat(&mut bytes, *coordinator);
                bytes.extend_from_slice(&until.get().to_be_bytes());
                bytes
            }
        }
    }

    /// What the client's key signs: the EIP-191 hash over the Keccak-256 of the bytes.
    pub fn digest(&self, network: Network) -> B256 {
        eip191_hash_message(keccak256(self.bytes(network)))
    }
}

impl PairingClaim {
    /// The bytes of the claim.
    pub fn bytes(&self, network: Network) -> Vec<u8> {
        let mut bytes = network.begin(b"TALLYCLM");
        seat(&mut bytes, self.seat);
        bytes.push(u8::try_from(self.code.len()).expect("at most 64 bytes"));
        bytes.extend_from_slice(self.code.as_bytes());
        bytes
    }

    /// Signs with the node's identity key.
    pub fn sign(&self, network: Network, key: &SigningKey) -> IdentitySignature {
        sign(key, &self.bytes(network))
    }

    /// Checks the signature of the node's identity key, which the registry names.
    ///
    /// # Errors
    ///
    /// [`IdentityError`] when the key or the signature is not good.
    pub fn verify(
        &self,
        network: Network,
        identity: IdentityKey,
        signature: &IdentitySignature,
    ) -> Result<(), IdentityError> {
        verify(identity, &self.bytes(network), signature)
    }
}

impl Network {
    fn begin(self, kind: &[u8; 8]) -> Vec<u8> {
        let mut bytes = kind.to_vec();
        bytes.extend_from_slice(&VERSION.to_be_bytes());
        bytes.extend_from_slice(&self.chain.get().to_be_bytes());
        bytes.extend_from_slice(self.job_manager.as_slice());
        bytes
    }
}

fn seat(bytes: &mut Vec<u8>, seat: Seat) {
    bytes.extend_from_slice(&seat.node.get().to_be_bytes());
    bytes.extend_from_slice(seat.signer.as_slice());
}

fn sign(key: &SigningKey, bytes: &[u8]) -> IdentitySignature {
    IdentitySignature::new(key.sign(bytes).to_bytes())
}

fn verify(
    identity: IdentityKey,
    bytes: &[u8],
    signature: &IdentitySignature,
) -> Result<(), IdentityError> {
    let key = VerifyingKey::from_bytes(identity.as_bytes())
        .ok()
        .filter(|key| !key.is_weak())
        .ok_or(IdentityError::BadKey { identity })?;
    key.verify_strict(bytes, &Signature::from_bytes(signature.as_bytes()))
        .map_err(|_| IdentityError::BadSignature { identity })
}
