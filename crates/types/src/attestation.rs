//! What a node signs about a result.

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};

use crate::amount::Amount;
use crate::encoding::{Canonical, EncodingError, Reader, Writer};
use crate::id::{Attempt, EvmSignature, JobId, NodeId, OutputRoot};
use crate::seat::Seat;

/// What all agreeing nodes sign: this attempt at this job has this output and costs this much.
///
/// The signature is over its EIP-712 digest under the domain of the `JobManager`. Two signatures of
/// one node for one attempt are an offence when their outputs differ; the cost is no part of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptClaim {
    /// The job.
    pub job: JobId,
    /// The attempt.
    pub attempt: Attempt,
    /// Merkle root over the outputs of the job's slices.
    pub output_root: OutputRoot,
    /// Agreed cost of the work, in base units of the job's token.
    pub cost: Amount,
}

/// One node's signature over a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attestation {
    /// The node, zero where it is not registered.
    pub node: NodeId,
    /// The address that counts for it in this attempt.
    pub signer: Address,
    /// Its signature over the claim.
    pub signature: EvmSignature,
}

/// The attestations of one result: at least one, at most 16, ascending by node and signer, nobody
/// twice.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<Attestation>", into = "Vec<Attestation>")]
pub struct Attestations(Vec<Attestation>);

/// Why attestations do not make a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttestationsError {
    /// None at all.
    #[error("a result needs at least one attestation")]
    Empty,
    /// More than an assignment has nodes.
    #[error("{given} attestations are more than the {} nodes of an assignment", Attestations::MOST)]
    TooMany {
        /// How many.
        given: usize,
    },
    /// A node, or an unregistered signer, attests twice.
    #[error("node {node} with signer {signer} attests twice; keep one")]
    Twice {
        /// The node.
        node: NodeId,
        /// Its signer.
        signer: Address,
    },
    /// A list that was read is not in order.
    #[error("the attestations are not ascending by node and signer")]
    Unordered,
}

impl Attestation {
    /// Who attests.
    pub const fn seat(&self) -> Seat {
        Seat { node: self.node, signer: self.signer }
    }
}

impl Attestations {
    /// The most nodes that an assignment has.
    pub const MOST: usize = 16;

    /// Puts attestations in order.
    pub fn new(mut attestations: Vec<Attestation>) -> Result<Self, AttestationsError> {
        attestations.sort_unstable_by_key(Attestation::seat);
        Self::ordered(attestations)
    }

    /// The attestations, in order.
    pub fn as_slice(&self) -> &[Attestation] {
        &self.0
    }

    /// Takes what is in order already.
    fn ordered(attestations: Vec<Attestation>) -> Result<Self, AttestationsError> {
        if attestations.is_empty() {
            return Err(AttestationsError::Empty);
        }
        if attestations.len() > Self::MOST {
            return Err(AttestationsError::TooMany { given: attestations.len() });
        }
        for (earlier, later) in attestations.iter().zip(attestations.iter().skip(1)) {
            let registered = later.node != NodeId::UNREGISTERED;
            if earlier.seat() == later.seat() || (registered && earlier.node == later.node) {
                let (node, signer) = (later.node, later.signer);
                return Err(AttestationsError::Twice { node, signer });
            }
            if earlier.seat() > later.seat() {
                return Err(AttestationsError::Unordered);
            }
        }
        Ok(Self(attestations))
    }
}

impl TryFrom<Vec<Attestation>> for Attestations {
    type Error = AttestationsError;

    fn try_from(attestations: Vec<Attestation>) -> Result<Self, Self::Error> {
        Self::ordered(attestations)
    }
}

impl From<Attestations> for Vec<Attestation> {
    fn from(attestations: Attestations) -> Self {
        attestations.0
    }
}

impl Canonical for Attestation {
    fn encode(&self, writer: &mut Writer) {
        writer.u64(self.node.get());
        writer.raw(self.signer.as_slice());
        writer.raw(self.signature.as_bytes());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, EncodingError> {
        Ok(Self {
            node: NodeId::new(reader.u64()?),
            signer: reader.address()?,
            signature: EvmSignature::new(reader.raw()?),
        })
    }
}

impl Canonical for Attestations {
    fn encode(&self, writer: &mut Writer) {
        writer.byte(u8::try_from(self.0.len()).expect("at most 16 attestations"));
        for attestation in &self.0 {
            attestation.encode(writer);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, EncodingError> {
        let count = reader.byte()?;
        if usize::from(count) > Self::MOST {
            return Err(EncodingError::Invalid { field: "attestations" });
        }
        let attestations =
            (0..count).map(|_| Attestation::decode(reader)).collect::<Result<Vec<_>, _>>()?;
        Self::ordered(attestations).map_err(|_| EncodingError::Invalid { field: "attestations" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(node: u64) -> Attestation {
        Attestation {
            node: NodeId::new(node),
            signer: Address::ZERO,
            signature: EvmSignature::new([7; 65]),
        }
    }

    #[test]
    fn attestations_are_put_in_order_and_nobody_attests_twice() {
        let sorted = Attestations::new(vec![by(3), by(1), by(2)]).unwrap();
        assert_eq!(sorted.as_slice(), [by(1), by(2), by(3)]);
        let twice = Attestations::new(vec![by(3), by(1), by(3)]);
        let (node, signer) = (NodeId::new(3), Address::ZERO);
        assert_eq!(twice, Err(AttestationsError::Twice { node, signer }));
        assert_eq!(Attestations::new(vec![]), Err(AttestationsError::Empty));
        let crowd = Attestations::new((0..17).map(by).collect());
        assert_eq!(crowd, Err(AttestationsError::TooMany { given: 17 }));
    }

    #[test]
    fn unregistered_nodes_are_told_apart_by_their_signers() {
        let of = |byte| Attestation { signer: Address::repeat_byte(byte), ..by(0) };
        assert!(Attestations::new(vec![of(2), of(1)]).is_ok());
        assert!(Attestations::new(vec![of(2), of(2)]).is_err());
        let other_key = Attestation { signer: Address::repeat_byte(9), ..by(5) };
        assert!(Attestations::new(vec![by(5), other_key]).is_err());
    }

    #[test]
    fn a_list_that_is_read_must_be_in_order() {
        let unordered = serde_json::to_string(&[by(2), by(1)]).unwrap();
        assert!(serde_json::from_str::<Attestations>(&unordered).is_err());
        let mut bytes = vec![2];
        bytes.extend(by(2).to_bytes());
        bytes.extend(by(1).to_bytes());
        let refused = EncodingError::Invalid { field: "attestations" };
        assert_eq!(Attestations::from_bytes(&bytes), Err(refused));
    }
}
