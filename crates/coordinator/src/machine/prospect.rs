//! Who is there for a job, and who is missing while it waits.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::Address;
use tallystick_protocol::ledger::{CloseReason, JobPhase, Settlement};
use tallystick_protocol::specification::{Input as WorkInput, Specification, Work};
use tallystick_scheduler::{Entry, Prospect, Request, Resources, Tier, WorkKind};
use tallystick_types::{Amount, ChainTime, InputDigest, JobId, Privacy, Seat, Trust, WallTime};

use super::book::Book;
use super::choose::{Chooser, NodeState};
use super::input::Offer;
use super::wish::{Told, Wish};
use super::{Machine, PATIENCE, Stepped};

/// What a job waits for, and how that ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Who is missing.
    pub prospect: Prospect,
    /// From when on anybody can send the money back, while there is no result.
    pub refund_at: ChainTime,
}

/// What was last found of a job. Not kept: it follows from everything else, and is found again.
#[derive(Clone, Debug)]
pub(super) struct Weighed {
    at: WallTime,
    waiting: Option<Waiting>,
}

/// What nodes are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lack {
    /// The lease is to be taken.
    Begin,
    /// Tasks are worked on.
    GoOn,
}

/// Terms as far as they say which nodes will do.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// What is to be done.
    pub specification: &'a Specification,
    /// Slices of its input.
    pub slices: u64,
    /// Who pays; nobody's pairings count where that is not known.
    pub client: Option<Address>,
    /// Who may execute.
    pub trust: Trust,
    /// What the client is charged for all of it, in base units.
    pub price: Amount,
    /// Different nodes that every task needs.
    pub replicas: u8,
}

impl Terms<'_> {
    /// What a task of the job demands of a machine.
    pub fn demands(&self) -> Request {
        let specification = self.specification;
        let Work::Wasm { memory_bytes, .. } = &specification.work;
        let blobs: BTreeMap<InputDigest, u64> = match &specification.input {
            WorkInput::Blob { digest, size, .. } => BTreeMap::from([(*digest, *size)]),
            WorkInput::Blobs(blobs) => blobs.iter().map(|it| (it.digest, it.size)).collect(),
            WorkInput::Tiles { .. } => BTreeMap::new(),
        };
        Request {
            kind: WorkKind::Wasm,
            engine: Some(specification.engine.clone()),
            resources: Resources {
                cpu_millicores: 1_000,
                memory_bytes: *memory_bytes,
                ..Resources::default()
            },
            tier: Tier::One,
            trust: self.trust,
            client: self.client.unwrap_or_default(),
            privacy: self.client.map_or(Privacy::Public, |_| specification.privacy),
            max_price: self.most_per_unit(),
            region: None,
            blobs,
            policy: specification.policy,
            excluded: BTreeSet::new(),
        }
    }

    /// A node signs no claim that is charged less than it asks for one whole task of its own.
    fn most_per_unit(&self) -> Amount {
        let slices = self.specification.slices_per_task.min(self.slices);
        let units = u128::from(self.specification.work_units_per_slice);
        let units = units.saturating_mul(slices.into());
        Amount::new(self.price.get().checked_div(units).unwrap_or(u128::MAX))
    }
}

impl Offer {
    /// The terms as far as they say which nodes will do.
    pub const fn terms(&self) -> Terms<'_> {
        Terms {
            specification: &self.specification,
            slices: self.slices,
            client: Some(self.client),
            trust: self.rules.trust,
            price: self.price,
            replicas: self.rules.replicas,
        }
    }
}

impl Machine {
    /// Who of the known nodes could do a job, leaving out those that the chain does not let work.
    pub fn prospect(&self, terms: &Terms<'_>, may_work: impl Fn(Seat) -> bool) -> Prospect {
        let client = terms.client.unwrap_or_default();
        let chooser = self.chooser();
        let known = chooser.known(client, self.node_states(client));
        let known: Vec<_> = known.filter(|(candidate, _)| may_work(candidate.seat)).collect();
        let entries = known.iter().map(|(candidate, busy)| Entry { candidate, busy: *busy });
        Prospect::of(entries, &terms.demands(), terms.replicas)
    }

    /// What a job waits for; nothing while it does not.
    pub fn waiting(&self, job: JobId) -> Option<&Waiting> {
        self.lacks(job, self.books.get(&job)?)?;
        self.weighed.get(&job)?.waiting.as_ref()
    }

    /// Looks whether enough nodes are there for a job, now and then, and tells what is new.
    pub(super) fn weigh(&mut self, job: JobId, out: &mut Stepped) {
        let now = self.ledger.state().now;
        if self.weighed.get(&job).is_some_and(|it| now < it.at.after(PATIENCE)) {
            return;
        }
        let waiting = self.books.get(&job).and_then(|book| self.waits(job, book));
        let weighed = Weighed { at: now, waiting: waiting.clone() };
        let before = self.weighed.insert(job, weighed).and_then(|it| it.waiting);
        if let Some(waiting) = waiting.filter(|waiting| before.as_ref() != Some(waiting)) {
            out.wishes.push(Wish::Tell(job, Told::Waiting(waiting)));
        }
    }

    /// What a job lacks while it is not done: nodes to begin with, or nodes to go on with.
    fn lacks(&self, job: JobId, book: &Book) -> Option<Lack> {
        let idle = book.lease.is_none() && book.taking.is_none();
        let begin = (idle && !book.is_late(self.ledger.state().now)).then_some(Lack::Begin);
        match self.ledger.job(job) {
            None => begin,
            Some(it) => match it.phase {
                JobPhase::Working => Some(Lack::GoOn),
                JobPhase::Attesting { .. }
                | JobPhase::Closed { reason: CloseReason::Completed, .. } => None,
                JobPhase::Closed { .. } => begin.filter(|_| it.settlement == Settlement::Open),
            },
        }
    }

    fn waits(&self, job: JobId, book: &Book) -> Option<Waiting> {
        let lack = self.lacks(job, book)?;
        let prospect = self.prospect(&book.offer.terms(), |_| true);
        let away = prospect.present() < prospect.needed;
        let busy = lack == Lack::Begin && prospect.free() == 0;
        (away || busy).then(|| Waiting { prospect, refund_at: book.refund_at() })
    }

    pub(super) fn chooser(&self) -> Chooser<'_> {
        Chooser {
            candidates: &self.candidates,
            parameters: &self.parameters,
            books: &self.books,
            decisions: RefCell::default(),
        }
    }

    /// How nodes stand in the ledger, seen by a client.
    pub(super) fn node_states(&self, client: Address) -> impl Fn(Seat) -> Option<NodeState> {
        let state = self.ledger.state();
        let paired = state.pairings.of(client);
        move |seat| {
            let node = NodeState::from(state.nodes.get(seat)?);
            let paired = paired.is_some_and(|paired| paired.contains(&seat));
            Some(NodeState { paired, ..node })
        }
    }
}
