//! What a task demands of the machine that gets it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};
use tallystick_types::{Amount, EngineProfile, InputDigest, Trust};

use crate::candidate::{CandidateId, Tier, WorkKind};
use crate::region::Region;
use crate::resources::Resources;

/// Who may see the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Privacy {
    /// Any machine.
    Public,
    /// Machines that the client paired with, and no other.
    Private {
        /// The client.
        client: Address,
    },
}

/// What the client prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// The best score.
    Fast,
    /// The lowest price among sufficient scores.
    Cheap,
    /// `Fast` for inference, `Cheap` for everything else.
    Auto,
}

/// A policy that says what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResolvedPolicy {
    /// The best score.
    Fast,
    /// The lowest price among sufficient scores.
    Cheap,
}

/// What a task demands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The kind of work.
    pub kind: WorkKind,
    /// The engine or model, or nothing where any will do.
    pub engine: Option<EngineProfile>,
    /// What it takes while it runs.
    pub resources: Resources,
    /// The least tier; `One` for lite tasks only.
    pub tier: Tier,
    /// The least trust.
    pub trust: Trust,
    /// Who may see it.
    pub privacy: Privacy,
    /// The most it may cost per unit of work, in base units of the token it is paid in.
    pub max_price: Amount,
    /// Where the client is, or nothing where that is not known.
    pub region: Option<Region>,
    /// Input blobs with their sizes in bytes.
    pub blobs: BTreeMap<InputDigest, u64>,
    /// What the client prefers.
    pub policy: Policy,
    /// Machines that are not to get it: they failed an earlier attempt, or work on it already.
    pub excluded: BTreeSet<CandidateId>,
}

impl Policy {
    /// What it comes to for a kind of work.
    pub const fn resolve(self, kind: WorkKind) -> ResolvedPolicy {
        match (self, kind) {
            (Self::Fast, _) | (Self::Auto, WorkKind::Inference) => ResolvedPolicy::Fast,
            (Self::Cheap | Self::Auto, _) => ResolvedPolicy::Cheap,
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fast => "FAST",
            Self::Cheap => "CHEAP",
            Self::Auto => "AUTO",
        })
    }
}

impl fmt::Display for ResolvedPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fast => "FAST",
            Self::Cheap => "CHEAP",
        })
    }
}

impl Request {
    /// The same demands with one more machine excluded.
    #[must_use]
    pub fn without(&self, excluded: CandidateId) -> Self {
        let mut request = self.clone();
        request.excluded.insert(excluded);
        request
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_is_fast_for_inference_and_cheap_for_everything_else() {
        use WorkKind::{Function, Inference, Instance, Tensor, Text, Wasm};
        assert_eq!(Policy::Auto.resolve(Inference), ResolvedPolicy::Fast);
        for kind in [Wasm, Tensor, Text, Instance, Function] {
            assert_eq!(Policy::Auto.resolve(kind), ResolvedPolicy::Cheap, "{kind}");
        }
    }

    #[test]
    fn what_the_client_said_holds_for_every_kind() {
        for kind in [WorkKind::Inference, WorkKind::Wasm] {
            assert_eq!(Policy::Fast.resolve(kind), ResolvedPolicy::Fast);
            assert_eq!(Policy::Cheap.resolve(kind), ResolvedPolicy::Cheap);
        }
    }
}
