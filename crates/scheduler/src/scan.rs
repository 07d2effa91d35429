//! The plain index: it looks at every candidate for every choice.

use std::collections::BTreeMap;

use crate::candidate::{Candidate, CandidateId};
use crate::draw::{self, DrawSeed};
use crate::filter::reject;
use crate::index::{CandidateIndex, Entry, MarkError};
use crate::parameters::SchedulingParameters;
use crate::ranking::{Ranking, Scored};
use crate::request::Request;

/// Candidates in a map by id. A choice takes time in proportion to their number.
#[derive(Clone, Debug, Default)]
pub struct ScanIndex {
    parameters: SchedulingParameters,
    entries: BTreeMap<CandidateId, Stored>,
}

#[derive(Clone, Debug)]
struct Stored {
    candidate: Candidate,
    busy: bool,
}

impl Stored {
    const fn entry(&self) -> Entry<'_> {
        Entry { candidate: &self.candidate, busy: self.busy }
    }
}

impl ScanIndex {
    /// No candidates yet.
    pub const fn new(parameters: SchedulingParameters) -> Self {
        Self { parameters, entries: BTreeMap::new() }
    }

    /// Whoever passes the filters, by ascending id.
    fn suitable(&self, request: &Request) -> impl Iterator<Item = Scored> {
        let entries = self.entries.values().map(Stored::entry);
        entries
            .filter(|entry| reject(*entry, request).is_none())
            .map(|entry| Scored::of(entry.candidate, request, &self.parameters))
    }
}

impl CandidateIndex for ScanIndex {
    fn parameters(&self) -> &SchedulingParameters {
        &self.parameters
    }

    fn set_parameters(&mut self, parameters: SchedulingParameters) {
        self.parameters = parameters;
    }

    fn upsert(&mut self, candidate: Candidate) -> Option<Candidate> {
        let id = candidate.id();
        let busy = self.entries.get(&id).is_some_and(|stored| stored.busy);
        self.entries.insert(id, Stored { candidate, busy }).map(|stored| stored.candidate)
    }

    fn remove(&mut self, id: CandidateId) -> Option<Candidate> {
        self.entries.remove(&id).map(|stored| stored.candidate)
    }

    fn mark_busy(&mut self, id: CandidateId) -> Result<(), MarkError> {
        let stored = self.entries.get_mut(&id).ok_or(MarkError::Unknown { id })?;
        if std::mem::replace(&mut stored.busy, true) { Err(MarkError::Busy { id }) } else { Ok(()) }
    }

    fn mark_free(&mut self, id: CandidateId) -> bool {
        let stored = self.entries.get_mut(&id);
        stored.is_some_and(|stored| std::mem::replace(&mut stored.busy, false))
    }

    fn get(&self, id: CandidateId) -> Option<Entry<'_>> {
        self.entries.get(&id).map(Stored::entry)
    }

    fn len(&self) -> usize {
        self.entries.len()
    }

    fn visit(&self, visitor: &mut dyn FnMut(Entry<'_>)) {
        self.entries.values().map(Stored::entry).for_each(visitor);
    }

    fn best(&self, request: &Request, seed: &DrawSeed) -> Option<Scored> {
        let ranking = Ranking::of(request, &self.parameters, seed);
        self.suitable(request).reduce(|one, other| ranking.better(one, other))
    }

    fn draw(
        &self,
        request: &Request,
        primary: CandidateId,
        seed: &DrawSeed,
        count: u8,
    ) -> Vec<Scored> {
        let others: Vec<Scored> =
            self.suitable(request).filter(|scored| scored.id() != primary).collect();
        let stakes: Vec<u128> = others.iter().map(|scored| scored.stake.get()).collect();
        let drawn = draw::by_stake(seed, &stakes, count.into());
        drawn.into_iter().filter_map(|place| others.get(place).copied()).collect()
    }
}
