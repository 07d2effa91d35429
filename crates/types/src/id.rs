//! What things are called. Each kind of name is a type of its own, so that none is taken for another.

use std::fmt;
use std::str::FromStr;

use alloy_primitives::{FixedBytes, hex};
use serde::{Deserialize, Serialize};

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

bytes_name! {
    /// Identifies one job: the hash of chain, `JobManager`, client, nonce and terms.
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
    /// Root of the Merkle tree over the outputs of a job's slices (see [`crate::merkle`]).
    OutputRoot, 32
}
bytes_name! {
    /// SHA-256 of a receipt's canonical bytes.
    ReceiptDigest, 32
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
    /// Identifies one registered machine. The registry counts from 1; zero stands for a machine that is not
    /// registered and known by its signer alone.
    NodeId, u64
}
number_name! {
    /// The number of an assignment of a job, from 1: the fencing token that attestations sign.
    Attempt, u8
}
number_name! {
    /// A service level that a job asks for; zero is none.
    ServiceLevel, u64
}
number_name! {
    /// The number of an EVM chain (EIP-155).
    ChainId, u64
}

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
}
