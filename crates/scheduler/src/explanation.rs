//! Why a task went where it went.
//!
//! An explanation has a bounded size however many candidates there are: all of them are counted,
//! by reason where they were rejected; the first [`Explanation::MOST_RANKED`] suitable ones are
//! listed with their terms, and of each reason the [`Explanation::MOST_EXAMPLES`] rejected ones
//! with the lowest ids. A digest over all suitable candidates and their stakes holds the
//! coordinator to the set that it drew from.

use std::cmp::Ordering;

use alloy_primitives::{B256, Keccak256, U256};
use serde::{Deserialize, Serialize};
use tallystick_types::Policy;

use crate::candidate::CandidateId;
use crate::draw::DrawSeed;
use crate::filter::{Outlook, Reason, Rejection, reject};
use crate::index::{CandidateIndex, Entry};
use crate::parameters::{SchedulingParameters, Weights};
use crate::ranking::{Ranking, Scored};
use crate::request::{Request, ResolvedPolicy};
use crate::score::Score;

mod text;

/// Who was chosen, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// Who: one primary or none; or the secondaries in the order drawn, perhaps fewer than wanted.
    pub chosen: Vec<Scored>,
    /// Why.
    pub explanation: Explanation,
}

/// How a choice was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case")]
pub enum Method {
    /// The best score, equals by lot: a primary by FAST.
    BestScore,
    /// The lowest price among sufficient scores, then the best score, then the lot: a primary by
    /// CHEAP. The best score where none is sufficient.
    LowestPrice {
        /// The least score that suffices, in parts per trillion.
        sufficient: Score,
    },
    /// At random by stake, without replacement: secondaries.
    StakeDraw {
        /// Who was not drawn from, as it works on the task already.
        primary: CandidateId,
        /// How many were wanted.
        wanted: u8,
    },
}

/// Those who were rejected for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RejectionTally {
    /// The reason.
    pub reason: Reason,
    /// How many there are.
    pub count: u64,
    /// Those with the lowest ids, with the values of the reason.
    pub examples: Vec<(CandidateId, Rejection)>,
}

/// The reasons of a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explanation {
    /// The policy that the client gave.
    pub policy: Policy,
    /// What it came to, or how secondaries are drawn whatever the policy.
    pub method: Method,
    /// How much each term counted.
    pub weights: Weights,
    /// What lots and draws follow from.
    pub seed: DrawSeed,
    /// Candidates that were looked at.
    pub candidates: u64,
    /// Those of them that passed the filters.
    pub suitable: u64,
    /// Keccak-256 over all suitable candidates by ascending id, each as two words: the name
    /// ([`CandidateId::word`]) and the stake as `uint256`.
    pub suitable_digest: B256,
    /// The first of the suitable ones: in the order of the ranking for a primary, by falling stake
    /// and then by ascending id for secondaries.
    pub ranked: Vec<Scored>,
    /// Those that did not pass, by reason in the order of the filters. A reason that nobody was
    /// rejected for is not listed.
    pub rejections: Vec<RejectionTally>,
}

impl Decision {
    /// The primary, or the first secondary.
    pub fn first(&self) -> Option<&Scored> {
        self.chosen.first()
    }
}

impl Explanation {
    /// The most suitable candidates that are listed.
    pub const MOST_RANKED: usize = 32;

    /// The most rejected candidates that are listed for each reason.
    pub const MOST_EXAMPLES: usize = 8;

    /// What a caller may expect of asking again. A draw is suitable where anybody is, even if
    /// fewer than wanted.
    pub fn outlook(&self) -> Outlook {
        if self.suitable > 0 {
            Outlook::Suitable
        } else if self.rejections.iter().any(|tally| tally.reason.passes()) {
            Outlook::Wait
        } else {
            Outlook::Unmet
        }
    }
}

/// The reasons for a primary.
pub(crate) fn explain_primary<I: CandidateIndex + ?Sized>(
    index: &I,
    request: &Request,
    seed: &DrawSeed,
) -> Explanation {
    let parameters = index.parameters();
    let method = match ResolvedPolicy::of(request.policy, request.kind) {
        ResolvedPolicy::Fast => Method::BestScore,
        ResolvedPolicy::Cheap => {
            Method::LowestPrice { sufficient: Score::of_share(parameters.sufficient) }
        }
    };
    let ranking = Ranking::of(request, parameters, seed);
    let mut builder = Builder::new(request, parameters, seed, method);
    index.visit(&mut |entry| builder.take(entry, |one, other| ranking.compare(one, other)));
    builder.finish()
}

/// The reasons for secondaries.
pub(crate) fn explain_draw<I: CandidateIndex + ?Sized>(
    index: &I,
    request: &Request,
    primary: CandidateId,
    seed: &DrawSeed,
    wanted: u8,
) -> Explanation {
    let others = request.without(primary);
    let method = Method::StakeDraw { primary, wanted };
    let by_stake =
        |one: &Scored, other: &Scored| other.stake.cmp(&one.stake).then(one.id().cmp(&other.id()));
    let mut builder = Builder::new(&others, index.parameters(), seed, method);
    index.visit(&mut |entry| builder.take(entry, by_stake));
    builder.finish()
}

/// An explanation in the making: takes candidates by ascending id.
struct Builder<'a> {
    request: &'a Request,
    parameters: &'a SchedulingParameters,
    explanation: Explanation,
    digest: Keccak256,
}

impl<'a> Builder<'a> {
    fn new(
        request: &'a Request,
        parameters: &'a SchedulingParameters,
        seed: &DrawSeed,
        method: Method,
    ) -> Self {
        let tally = |reason| RejectionTally { reason, count: 0, examples: Vec::new() };
        let explanation = Explanation {
            policy: request.policy,
            method,
            weights: parameters.weights,
            seed: *seed,
            candidates: 0,
            suitable: 0,
            suitable_digest: B256::ZERO,
            ranked: Vec::new(),
            rejections: Reason::ALL.map(tally).into(),
        };
        Self { request, parameters, explanation, digest: Keccak256::new() }
    }

    fn take(&mut self, entry: Entry<'_>, compare: impl Fn(&Scored, &Scored) -> Ordering) {
        let explanation = &mut self.explanation;
        explanation.candidates = explanation.candidates.saturating_add(1);
        match reject(entry, self.request) {
            Some(rejection) => self.reject(entry.candidate.id(), rejection),
            None => {
                let scored = Scored::of(entry.candidate, self.request, self.parameters);
                explanation.suitable = explanation.suitable.saturating_add(1);
                self.digest.update(scored.id().word());
                self.digest.update(U256::from(scored.stake.get()).to_be_bytes::<32>());
                let ranked = &mut explanation.ranked;
                let place = ranked.partition_point(|other| compare(other, &scored).is_lt());
                ranked.insert(place, scored);
                ranked.truncate(Explanation::MOST_RANKED);
            }
        }
    }

    fn reject(&mut self, id: CandidateId, rejection: Rejection) {
        let reason = rejection.reason();
        for tally in self.explanation.rejections.iter_mut().filter(|tally| tally.reason == reason) {
            tally.count = tally.count.saturating_add(1);
            if tally.examples.len() < Explanation::MOST_EXAMPLES {
                tally.examples.push((id, rejection.clone()));
            }
        }
    }

    fn finish(mut self) -> Explanation {
        self.explanation.rejections.retain(|tally| tally.count > 0);
        self.explanation.suitable_digest = self.digest.finalize();
        self.explanation
    }
}
