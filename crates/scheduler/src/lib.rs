#![doc = include_str!("../README.md")]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::float_arithmetic,
    clippy::wildcard_enum_match_arm
)]

mod candidate;
mod draw;
mod explanation;
mod filter;
mod index;
mod parameters;
mod prospect;
mod ranking;
mod region;
mod request;
mod resources;
mod scan;
mod score;

pub use candidate::{Candidate, CandidateId, Quarantine, Tier, WorkKind};
pub use draw::DrawSeed;
pub use explanation::{Decision, Explanation, Method, RejectionTally};
pub use filter::{Outlook, Reason, Rejection, reject};
pub use index::{CandidateIndex, Entry, MarkError};
pub use parameters::{SchedulingParameters, Weights, WeightsError};
pub use prospect::Prospect;
pub use ranking::{Ranking, Scored};
pub use region::{Region, RegionDistance, RegionTable, RegionTableError};
pub use request::{Request, ResolvedPolicy};
pub use resources::{Resource, Resources};
pub use scan::ScanIndex;
pub use score::{Score, Terms};
