//! The seam between the rules of choosing and the way candidates are kept.

use crate::candidate::{Candidate, CandidateId};
use crate::draw::DrawSeed;
use crate::explanation::{Decision, explain_draw, explain_primary};
use crate::parameters::SchedulingParameters;
use crate::ranking::Scored;
use crate::request::Request;

/// A candidate as an index has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// What is known of it.
    pub candidate: &'a Candidate,
    /// It was marked as busy.
    pub busy: bool,
}

/// Why a candidate was not marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MarkError {
    /// It is not in the index: it left, or never came.
    #[error("{id} is no candidate; choose again")]
    Unknown {
        /// Who.
        id: CandidateId,
    },
    /// Somebody marked it before.
    #[error("{id} is busy already; choose again")]
    Busy {
        /// Who.
        id: CandidateId,
    },
}

/// The candidates of one coordinator, at most one for each [`CandidateId`].
///
/// How fast it answers is up to the implementation, what it answers is not: [`best`](Self::best)
/// and [`draw`](Self::draw) give what [`reject`](crate::reject), [`Ranking`](crate::Ranking) and
/// the documented draw give over all candidates one by one. The test `churn` holds an
/// implementation to that.
pub trait CandidateIndex {
    /// The figures that scores follow from.
    fn parameters(&self) -> &SchedulingParameters;

    /// Governance changed the figures.
    fn set_parameters(&mut self, parameters: SchedulingParameters);

    /// A machine joined, or something about it changed. Gives what was known before. A mark as
    /// busy stays.
    fn upsert(&mut self, candidate: Candidate) -> Option<Candidate>;

    /// A machine left for good. Its mark goes with it, so a machine that only lost its connection
    /// is better upserted as offline.
    fn remove(&mut self, id: CandidateId) -> Option<Candidate>;

    /// Takes a machine out of every choice until it is marked as free.
    fn mark_busy(&mut self, id: CandidateId) -> Result<(), MarkError>;

    /// Lets a machine be chosen again. Says whether it was busy: a task may end twice, or after
    /// its machine left, and neither is an error.
    fn mark_free(&mut self, id: CandidateId) -> bool;

    /// One candidate.
    fn get(&self, id: CandidateId) -> Option<Entry<'_>>;

    /// How many candidates there are, busy ones included.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Shows every candidate once, by ascending id.
    fn visit(&self, visitor: &mut dyn FnMut(Entry<'_>));

    /// The first of all suitable candidates in the order of [`Ranking`](crate::Ranking), or
    /// nothing where none is suitable.
    fn best(&self, request: &Request, seed: &DrawSeed) -> Option<Scored>;

    /// Draws up to `count` of the suitable candidates without the primary: at random by stake,
    /// without replacement, in the order drawn. Fewer where fewer are suitable. Policy and score
    /// play no part.
    ///
    /// A candidate without stake is drawn after all that have some: names are free, stake is not.
    fn draw(
        &self,
        request: &Request,
        primary: CandidateId,
        seed: &DrawSeed,
        count: u8,
    ) -> Vec<Scored>;

    /// The best candidate, with the reasons. They take a look at every candidate.
    fn decide_primary(&self, request: &Request, seed: &DrawSeed) -> Decision {
        let chosen = self.best(request, seed).into_iter().collect();
        Decision { chosen, explanation: explain_primary(self, request, seed) }
    }

    /// The drawn candidates, with the reasons. They take a look at every candidate.
    fn decide_secondaries(
        &self,
        request: &Request,
        primary: CandidateId,
        seed: &DrawSeed,
        count: u8,
    ) -> Decision {
        let chosen = self.draw(request, primary, seed, count);
        Decision { chosen, explanation: explain_draw(self, request, primary, seed, count) }
    }

    /// Chooses the best candidate and marks it as busy, in one step.
    fn claim_primary(&mut self, request: &Request, seed: &DrawSeed) -> Decision {
        let decision = self.decide_primary(request, seed);
        claim(self, decision)
    }

    /// Draws candidates and marks them as busy, in one step.
    fn claim_secondaries(
        &mut self,
        request: &Request,
        primary: CandidateId,
        seed: &DrawSeed,
        count: u8,
    ) -> Decision {
        let decision = self.decide_secondaries(request, primary, seed, count);
        claim(self, decision)
    }
}

fn claim<I: CandidateIndex + ?Sized>(index: &mut I, decision: Decision) -> Decision {
    for scored in &decision.chosen {
        index.mark_busy(scored.id()).expect("whoever is busy or gone is not chosen");
    }
    decision
}
