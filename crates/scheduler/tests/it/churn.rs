//! Whatever joins, leaves and changes: an index chooses as the plain formula does over all
//! candidates. A new index gets a test at the end of this file.

use std::collections::BTreeSet;

use alloy_primitives::Address;
use proptest::prelude::*;
use proptest::sample::Index;
use tallystick_scheduler::{
    Candidate, CandidateId, CandidateIndex, DrawSeed, MarkError, Quarantine, Region, Request,
    Resources, ScanIndex, SchedulingParameters, Tier,
};
use tallystick_types::{Amount, InputDigest, Ppm, Trust};

use crate::formula::{self, Known};
use crate::sample;

/// One thing that happens to the candidates. A place picks one of those there are.
#[derive(Clone, Debug)]
enum Event {
    Join(Box<Candidate>),
    Leave(Index),
    Change(Index, Change),
    Busy(Index),
    Free(Index),
    Stranger(CandidateId),
    Govern(Box<SchedulingParameters>),
    Claim(Box<Request>, DrawSeed),
}

/// One fact that changes.
#[derive(Clone, Debug)]
enum Change {
    Online(bool),
    Load(Ppm),
    Stake(Amount),
    Price(Amount),
    FreeResources(Resources),
    Gained(InputDigest),
    Lost(InputDigest),
    Quarantine(Quarantine),
    Admitted(Option<Tier>),
    Trust(Trust),
    Moved(Region),
    Paired(bool),
    Signer(u8),
}

fn changes() -> impl Strategy<Value = Change> {
    let tiers = prop::option::of(prop::sample::select(vec![Tier::One, Tier::Three]));
    let trusts = prop::sample::select(vec![Trust::Any, Trust::Staked, Trust::Vetted]);
    prop_oneof![
        prop::bool::weighted(0.8).prop_map(Change::Online),
        sample::shares().prop_map(Change::Load),
        sample::stakes().prop_map(Change::Stake),
        sample::prices().prop_map(Change::Price),
        sample::machines().prop_map(Change::FreeResources),
        (0..4_u8).prop_map(|number| Change::Gained(sample::blob(number))),
        (0..4_u8).prop_map(|number| Change::Lost(sample::blob(number))),
        sample::quarantines().prop_map(Change::Quarantine),
        tiers.prop_map(Change::Admitted),
        trusts.prop_map(Change::Trust),
        sample::regions().prop_map(Change::Moved),
        prop::bool::weighted(0.7).prop_map(Change::Paired),
        (1..=9_u8).prop_map(Change::Signer),
    ]
}

fn events() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => sample::candidates().prop_map(|it| Event::Join(Box::new(it))),
        1 => any::<Index>().prop_map(Event::Leave),
        8 => (any::<Index>(), changes()).prop_map(|(place, it)| Event::Change(place, it)),
        1 => any::<Index>().prop_map(Event::Busy),
        2 => any::<Index>().prop_map(Event::Free),
        1 => sample::seats().prop_map(|seat| Event::Stranger(CandidateId::of(seat))),
        1 => sample::parameters().prop_map(|it| Event::Govern(Box::new(it))),
        1 => (sample::requests(), sample::seeds()).prop_map(|(it, seed)| {
            Event::Claim(Box::new(it), seed)
        }),
    ]
}

impl Change {
    fn apply(self, candidate: &mut Candidate) {
        match self {
            Self::Online(online) => candidate.online = online,
            Self::Load(load) => candidate.load = load,
            Self::Stake(stake) => candidate.stake = stake,
            Self::Price(price) => candidate.price = price,
            Self::FreeResources(free) => candidate.free = free,
            Self::Gained(blob) => drop(candidate.blobs.insert(blob)),
            Self::Lost(blob) => drop(candidate.blobs.remove(&blob)),
            Self::Quarantine(quarantine) => candidate.quarantine = quarantine,
            Self::Admitted(tier) => candidate.tier = tier,
            Self::Trust(trust) => candidate.trust = trust,
            Self::Moved(region) => candidate.region = region,
            Self::Paired(true) => candidate.paired = BTreeSet::from([sample::CLIENT]),
            Self::Paired(false) => candidate.paired = BTreeSet::new(),
            Self::Signer(byte) => candidate.seat.signer = Address::repeat_byte(byte),
        }
    }
}

/// What an index should know, in the order in which it came.
struct Model {
    parameters: SchedulingParameters,
    known: Vec<Known>,
}

impl Model {
    fn pick(&self, place: &Index) -> Option<usize> {
        (!self.known.is_empty()).then(|| place.index(self.known.len()))
    }

    fn place(&self, id: CandidateId) -> Option<usize> {
        self.known.iter().position(|(candidate, _)| candidate.id() == id)
    }

    fn upsert(&mut self, candidate: Candidate) -> Option<Candidate> {
        match self.place(candidate.id()) {
            Some(place) => Some(std::mem::replace(&mut self.known[place].0, candidate)),
            None => {
                self.known.push((candidate, false));
                None
            }
        }
    }

    /// Lets an event happen to the model and to an index, and compares what the index answers.
    fn happen(&mut self, index: &mut impl CandidateIndex, event: Event) {
        match event {
            Event::Join(candidate) => {
                assert_eq!(index.upsert((*candidate).clone()), self.upsert(*candidate));
            }
            Event::Govern(parameters) => {
                index.set_parameters((*parameters).clone());
                self.parameters = *parameters;
            }
            Event::Stranger(id) => self.stranger(index, id),
            Event::Claim(request, seed) => {
                let best = formula::best(&self.known, &request, &self.parameters, &seed);
                let claimed = index.claim_primary(&request, &seed);
                assert_eq!(claimed.first().map(|scored| scored.id()), best);
                if let Some(place) = best.and_then(|id| self.place(id)) {
                    self.known[place].1 = true;
                }
            }
            Event::Leave(place) => {
                let Some(place) = self.pick(&place) else { return };
                let (candidate, _) = self.known.swap_remove(place);
                assert_eq!(index.remove(candidate.id()), Some(candidate));
            }
            Event::Change(place, change) => self.change(index, &place, change),
            Event::Busy(place) => {
                let Some(place) = self.pick(&place) else { return };
                let (candidate, busy) = &mut self.known[place];
                let id = candidate.id();
                let refused = busy.then_some(MarkError::Busy { id });
                assert_eq!(index.mark_busy(id).err(), refused);
                *busy = true;
            }
            Event::Free(place) => {
                let Some(place) = self.pick(&place) else { return };
                let (candidate, busy) = &mut self.known[place];
                assert_eq!(index.mark_free(candidate.id()), std::mem::take(busy));
            }
        }
    }

    fn change(&mut self, index: &mut impl CandidateIndex, place: &Index, change: Change) {
        let Some(place) = self.pick(place) else { return };
        let before = self.known[place].0.clone();
        let mut after = before.clone();
        change.apply(&mut after);
        // Another signer makes another candidate of a machine that is not registered.
        if after.id() == before.id() {
            assert_eq!(index.upsert(after.clone()), Some(before));
            self.known[place].0 = after;
        }
    }

    fn stranger(&self, index: &mut impl CandidateIndex, id: CandidateId) {
        if self.place(id).is_none() {
            assert_eq!(index.mark_busy(id), Err(MarkError::Unknown { id }));
            assert!(!index.mark_free(id));
            assert_eq!(index.remove(id), None);
        }
    }

    /// An index knows what the model knows, and chooses by the plain formula.
    fn compare(&self, index: &impl CandidateIndex, request: &Request, seed: &DrawSeed) {
        let mut shown = Vec::new();
        index.visit(&mut |entry| shown.push((entry.candidate.clone(), entry.busy)));
        let mut known = self.known.clone();
        known.sort_by_key(|(candidate, _)| candidate.id());
        assert_eq!((index.len(), shown), (known.len(), known));

        let parameters = &self.parameters;
        let best = index.best(request, seed);
        let expected = formula::best(&self.known, request, parameters, seed);
        assert_eq!(best.map(|scored| scored.id()), expected);
        if let Some(scored) = best {
            let (candidate, _) = &self.known[self.place(scored.id()).unwrap()];
            let score = formula::score(candidate, request, parameters);
            assert_eq!((u128::from(scored.score.get()), scored.seat), (score, candidate.seat));
        }

        let primary = expected.unwrap_or(sample::node(1));
        for count in [0, 2, 20] {
            let drawn = index.draw(request, primary, seed, count);
            let drawn: Vec<_> = drawn.iter().map(|scored| scored.id()).collect();
            assert_eq!(drawn, formula::draw(&self.known, request, primary, seed, count));
        }
    }
}

/// An event, and a choice after it.
type Step = (Event, (Request, DrawSeed));

/// Some machines join first, so that there is a choice from the start.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let joins = sample::candidates().prop_map(|it| Event::Join(Box::new(it)));
    let choices = || (sample::requests(), sample::seeds());
    let start = prop::collection::vec((joins, choices()), 0..24);
    let later = prop::collection::vec((events(), choices()), 1..24);
    (start, later).prop_map(|(start, later)| [start, later].concat())
}

fn obeys_the_plain_formula<I: CandidateIndex>(
    new: impl FnOnce(SchedulingParameters) -> I,
    parameters: SchedulingParameters,
    steps: Vec<Step>,
) {
    let mut index = new(parameters.clone());
    let mut model = Model { parameters, known: Vec::new() };
    for (event, (request, seed)) in steps {
        model.happen(&mut index, event);
        model.compare(&index, &request, &seed);
    }
}

proptest! {
    #[test]
    fn a_scan_chooses_as_the_plain_formula_does_under_every_kind_of_churn(
        parameters in sample::parameters(), steps in steps()
    ) {
        obeys_the_plain_formula(ScanIndex::new, parameters, steps);
    }
}
