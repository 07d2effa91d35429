#![doc = include_str!("../README.md")]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::float_arithmetic,
    clippy::wildcard_enum_match_arm
)]

mod amount;
mod attestation;
mod bits;
mod encoding;
mod id;
pub mod merkle;
mod parameters;
mod placement;
mod price;
mod receipt;
mod seat;
mod state;
mod terms;
mod time;

pub use amount::{Amount, AmountError, Ppm, PpmError, Ratio};
pub use attestation::{Attestation, Attestations, AttestationsError, ReceiptClaim};
pub use bits::PackingError;
pub use encoding::{Canonical, EncodingError, Reader, Writer};
pub use id::{
    Attempt, BeaconRound, BlobDigest, BlockHash, ChainId, ChunkRoot, Commitment, EvmSignature,
    IdentityKey, IdentitySignature, InputDigest, JobId, NodeId, OutputDigest, OutputRoot,
    ParametersVersion, ProgramDigest, ReceiptDigest, Salt, Seed, Sequence, ServiceLevel,
    SpecificationDigest, TaskAttempt, TaskIndex,
};
pub use parameters::JobParameters;
pub use placement::{Policy, Privacy};
pub use price::JobPrice;
pub use receipt::{
    ChainAnchor, EngineProfile, EngineProfileError, Receipt, ReceiptError, ReceiptVersion,
    SignedReceipt, SliceRange, Usage,
};
pub use seat::Seat;
pub use state::{JobState, JobWord};
pub use terms::{Funding, JobOrder, JobRules, JobTerms, Trust, Verification};
pub use time::{ChainTime, Seconds, TimeError, WallTime};
