//! Which of two suitable candidates comes first.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use tallystick_types::{Amount, Seat};

use crate::candidate::{Candidate, CandidateId};
use crate::draw::DrawSeed;
use crate::parameters::SchedulingParameters;
use crate::request::{Request, ResolvedPolicy};
use crate::score::{Score, Terms};

/// A candidate that passed the filters, with its terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scored {
    /// The node, and the signer that counts.
    pub seat: Seat,
    /// The four terms.
    pub terms: Terms,
    /// Their weighted sum, in parts per trillion.
    pub score: Score,
    /// What it asks per unit of work, in base units.
    pub price: Amount,
    /// Active stake behind it, in base units.
    pub stake: Amount,
}

/// The order that a policy and a seed put candidates in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ranking<'a> {
    policy: ResolvedPolicy,
    sufficient: Score,
    seed: &'a DrawSeed,
}

impl Scored {
    /// Computes terms and score. It does not look at the filters.
    pub fn of(candidate: &Candidate, request: &Request, parameters: &SchedulingParameters) -> Self {
        let terms = Terms::of(candidate, request, parameters);
        Self {
            seat: candidate.seat,
            terms,
            score: terms.score(&parameters.weights),
            price: candidate.price,
            stake: candidate.stake,
        }
    }

    /// Who it is.
    pub fn id(&self) -> CandidateId {
        CandidateId::of(self.seat)
    }
}

impl<'a> Ranking<'a> {
    /// The order for a request.
    pub fn of(request: &Request, parameters: &SchedulingParameters, seed: &'a DrawSeed) -> Self {
        let policy = ResolvedPolicy::of(request.policy, request.kind);
        Self { policy, sufficient: Score::of_share(parameters.sufficient), seed }
    }

    /// `Less` where the first candidate comes before the other, as in a list that begins with the
    /// best. It is a total order: two different candidates are never equal.
    ///
    /// - FAST: the higher score; then the lower lot.
    /// - CHEAP: a sufficient score before one that is not. Among sufficient ones the lower price,
    ///   then the higher score, then the lower lot. Among the others as FAST.
    pub fn compare(&self, one: &Scored, other: &Scored) -> Ordering {
        let by_score = other.score.cmp(&one.score);
        let before_lots = match self.policy {
            ResolvedPolicy::Fast => by_score,
            ResolvedPolicy::Cheap => {
                let sufficient = |scored: &Scored| scored.score >= self.sufficient;
                match (sufficient(one), sufficient(other)) {
                    (true, true) => one.price.cmp(&other.price).then(by_score),
                    (true, false) => Ordering::Less,
                    (false, true) => Ordering::Greater,
                    (false, false) => by_score,
                }
            }
        };
        before_lots.then_with(|| self.by_lot(one.id(), other.id()))
    }

    /// The better of two.
    pub(crate) fn better(&self, one: Scored, other: Scored) -> Scored {
        if self.compare(&one, &other).is_le() { one } else { other }
    }

    fn by_lot(&self, one: CandidateId, other: CandidateId) -> Ordering {
        self.seed.lot(one).cmp(&self.seed.lot(other)).then(one.cmp(&other))
    }
}
