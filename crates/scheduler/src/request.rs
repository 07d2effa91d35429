//! What a task demands of the machine that gets it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};
use tallystick_types::{Amount, EngineProfile, InputDigest, Policy, Privacy, Trust};

use crate::candidate::{CandidateId, Tier, WorkKind};
use crate::region::Region;
use crate::resources::Resources;

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
    /// Who wants it done.
    pub client: Address,
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

impl ResolvedPolicy {
    /// What a policy comes to for a kind of work.
    pub const fn of(policy: Policy, kind: WorkKind) -> Self {
        match (policy, kind) {
            (Policy::Fast, _) | (Policy::Auto, WorkKind::Inference) => Self::Fast,
            (Policy::Cheap | Policy::Auto, _) => Self::Cheap,
        }
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
        assert_eq!(ResolvedPolicy::of(Policy::Auto, Inference), ResolvedPolicy::Fast);
        for kind in [Wasm, Tensor, Text, Instance, Function] {
            assert_eq!(ResolvedPolicy::of(Policy::Auto, kind), ResolvedPolicy::Cheap, "{kind}");
        }
    }

    #[test]
    fn what_the_client_said_holds_for_every_kind() {
        for kind in [WorkKind::Inference, WorkKind::Wasm] {
            assert_eq!(ResolvedPolicy::of(Policy::Fast, kind), ResolvedPolicy::Fast);
            assert_eq!(ResolvedPolicy::of(Policy::Cheap, kind), ResolvedPolicy::Cheap);
        }
    }
}
