//! What things are called. Each kind of name is a type of its own, so that none is taken for
//! another.

use std::fmt;
use std::str::FromStr;

use alloy_primitives::{B256, FixedBytes, U256, hex};
use serde::{Deserialize, Serialize};

use crate::bits::{PackingError, Unpacker};

/// A name of fixed length: prints and parses as `0x` and hexadecimal digits.
macro_rules! bytes_name {
    ($(#[$doc:meta])* $name:ident, $length:literal) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize,
            Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(FixedBytes<$length>);

        impl $name {
            /// Takes the bytes as they are.
            pub const fn new(bytes: [u8; $length]) -> Self {
                Self(FixedBytes(bytes))
            }

            /// The bytes.
            pub const fn as_bytes(&self) -> &[u8; $length] {
                &self.0.0
            }
        }

        impl From<FixedBytes<$length>> for $name {
            fn from(bytes: FixedBytes<$length>) -> Self {
                Self(bytes)
            }
        }

        impl From<$name> for FixedBytes<$length> {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }

        impl FromStr for $name {
            type Err = hex::FromHexError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                FixedBytes::from_str(text).map(Self)
            }
        }
    };
}

/// A name that is a number.
macro_rules! number_name {
    ($(#[$doc:meta])* $name:ident, $number:ty) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize,
            Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name($number);

        impl $name {
            /// Takes the number as it is.
            pub const fn new(number: $number) -> Self {
                Self(number)
            }

            /// The number.
            pub const fn get(self) -> $number {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

/// A number of at most 24 bits.
macro_rules! narrow_name {
    ($(#[$doc:meta])* $name:ident, $field:literal) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize,
            Deserialize,
        )]
        #[serde(try_from = "u32", into = "u32")]
        pub struct $name(u32);

        impl $name {
            /// Takes a number of at most 24 bits.
            pub const fn new(number: u32) -> Result<Self, PackingError> {
                if number.wrapping_shr(24) == 0 {
                    Ok(Self(number))
                } else {
                    let (field, value) = ($field, number as u128);
                    Err(PackingError::TooWide { field, value, bits: 24 })
                }
            }

            /// The number.
            pub const fn get(self) -> u32 {
                self.0
            }

            /// The lowest 24 bits.
            pub(crate) const fn of_bits(bits: u64) -> Self {
                let [a, b, c, ..] = bits.to_le_bytes();
                Self(u32::from_le_bytes([a, b, c, 0]))
            }
        }

        impl TryFrom<u32> for $name {
            type Error = PackingError;

            fn try_from(number: u32) -> Result<Self, Self::Error> {
                Self::new(number)
            }
        }

        impl From<$name> for u32 {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

bytes_name! {
    /// Identifies one job by hashes of chain, `JobManager`, client, nonce and terms. Lowest bits
    /// first: sequence (24 bits), slot (80), order (152).
    JobId, 32
}
bytes_name! {
    /// SHA-256 of a job's canonical specification: program, input, limits.
    SpecificationDigest, 32
}
bytes_name! {
    /// SHA-256 of a program's bytes.
    ProgramDigest, 32
}
bytes_name! {
    /// SHA-256 of a job's input.
    InputDigest, 32
}
bytes_name! {
    /// SHA-256 of a job's whole output, for whoever holds the file and no tree.
    OutputDigest, 32
}
bytes_name! {
    /// SHA-256 of a blob's bytes: the address under which anyone stores and fetches it.
    BlobDigest, 32
}
bytes_name! {
    /// Root of the Merkle tree over a blob's chunks; it names the size of the blob as well.
    ChunkRoot, 32
}
bytes_name! {
    /// Root of the Merkle tree over the outputs of a job's slices (see [`crate::merkle`]).
    OutputRoot, 32
}
bytes_name! {
    /// SHA-256 of a receipt's canonical bytes.
    ReceiptDigest, 32
}
bytes_name! {
    /// Salted hash of a task's output by which a node binds itself before anyone shows an output.
    Commitment, 32
}
bytes_name! {
    /// Random bytes that keep a commitment from being guessed; shown together with the output.
    Salt, 32
}
bytes_name! {
    /// Randomness of a beacon round, from which secondaries are drawn.
    Seed, 32
}
bytes_name! {
    /// Hash of a block of the settlement chain.
    BlockHash, 32
}
bytes_name! {
    /// Ed25519 public key by which a node signs its receipts.
    IdentityKey, 32
}
bytes_name! {
    /// Ed25519 signature by a node's identity key.
    IdentitySignature, 64
}
bytes_name! {
    /// Secp256k1 signature as the contracts take it: r, s, v.
    EvmSignature, 65
}
number_name! {
    /// Identifies one registered machine. The registry counts from 1; zero stands for a machine
    /// that is not registered and known by its signer alone.
    NodeId, u64
}
number_name! {
    /// The number of an assignment of a job, from 1: the fencing token that attestations sign.
    Attempt, u8
}
number_name! {
    /// The place of a task in its job, from 0.
    TaskIndex, u32
}
number_name! {
    /// The number of one try at a task, from 1 and never used again: the fencing token inside a
    /// job's attempt.
    TaskAttempt, u16
}
number_name! {
    /// A beacon round: randomness named by its number before it exists.
    BeaconRound, u64
}
number_name! {
    /// A service level that a job asks for; zero is none.
    ServiceLevel, u64
}
number_name! {
    /// The number of an EVM chain (EIP-155).
    ChainId, u64
}

narrow_name! {
    /// Version of the network's parameters, from 1. Zero: the token is not accepted.
    ParametersVersion, "parameters_version"
}
narrow_name! {
    /// The place of a job among those of its slot, the storage word that it shares with them.
    Sequence, "sequence"
}

impl JobId {
    /// Joins the parts of an id: the upper bits of two hashes and a sequence.
    pub fn of_parts(order: B256, slot: B256, sequence: Sequence) -> Self {
        let word = |hash: B256| U256::from_be_bytes(hash.0);
        let order = word(order).wrapping_shr(104).wrapping_shl(104);
        let slot = word(slot).wrapping_shr(176).wrapping_shl(24);
        Self(B256::from(order | slot | U256::from(sequence.get())))
    }

    /// The place of the job among those of its slot.
    pub fn sequence(&self) -> Sequence {
        Sequence::of_bits(Unpacker::new(self.0.into()).take(24))
    }

    /// The slot that holds the job's word, a number of 80 bits.
    pub fn slot(&self) -> u128 {
        let mut fields = Unpacker::new(self.0.into());
        fields.take(24);
        fields.take_wide(80)
    }
}

/// A digest of bytes is the address of these bytes.
macro_rules! blob_address {
    ($($name:ident),*) => {$(
        impl From<$name> for BlobDigest {
            fn from(digest: $name) -> Self {
                Self(digest.0)
            }
        }
    )*};
}

blob_address!(SpecificationDigest, ProgramDigest, InputDigest, OutputDigest, ReceiptDigest);

impl NodeId {
    /// Stands for every machine that is not registered.
    pub const UNREGISTERED: Self = Self(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_print_and_parse_as_hexadecimal() {
        let job = JobId::new([0xab; 32]);
        assert_eq!(job.to_string(), format!("0x{}", "ab".repeat(32)));
        assert_eq!(job.to_string().parse(), Ok(job));
        assert!("0x12".parse::<JobId>().is_err());
        assert_eq!(serde_json::to_string(&job).unwrap(), format!("\"{job}\""));
    }

    #[test]
    fn the_parts_of_a_job_id_are_found_again() {
        let (order, slot) = (B256::repeat_byte(0xaa), B256::repeat_byte(0xbb));
        let sequence = Sequence::new(0x01_0203).unwrap();
        let id = JobId::of_parts(order, slot, sequence);
        assert_eq!(id.to_string(), format!("0x{}{}010203", "aa".repeat(19), "bb".repeat(10)));
        assert_eq!(id.sequence(), sequence);
        assert_eq!(id.slot(), 0xbbbb_bbbb_bbbb_bbbb_bbbb);
    }

    #[test]
    fn a_digest_of_bytes_is_their_address() {
        let address = BlobDigest::new([7; 32]);
        assert_eq!(BlobDigest::from(ProgramDigest::new([7; 32])), address);
        assert_eq!(BlobDigest::from(OutputDigest::new([7; 32])), address);
    }

    #[test]
    fn more_than_24_bits_are_no_sequence() {
        assert!(Sequence::new(0xff_ffff).is_ok());
        assert!(Sequence::new(1 << 24).is_err());
        assert!(serde_json::from_str::<ParametersVersion>("16777216").is_err());
    }
}
