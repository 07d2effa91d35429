//! Puts the scheduler into the ledger's hands.

use std::cell::RefCell;
use std::collections::BTreeMap;

use alloy_primitives::Address;
use serde_json::json;
use tallystick_protocol::ledger::{NoNode, Node, Role, Selection, Selector};
use tallystick_scheduler::{
    Candidate, CandidateId, CandidateIndex, DrawSeed, Outlook, Quarantine, Request, ScanIndex,
    SchedulingParameters,
};
use tallystick_types::{JobId, Ppm, Seat};

use super::book::Book;

/// Chooses from the candidates that are known, and remembers why.
#[derive(Debug)]
pub(super) struct Chooser<'a> {
    pub(super) candidates: &'a BTreeMap<CandidateId, Candidate>,
    pub(super) parameters: &'a SchedulingParameters,
    pub(super) books: &'a BTreeMap<JobId, Book>,
    /// Decisions as JSON, each with its job.
    pub(super) decisions: RefCell<Vec<(JobId, String)>>,
}

impl Chooser<'_> {
    /// The candidates as they stand in the ledger now, each with whether it is busy.
    pub(super) fn known(
        &self,
        client: Address,
        node_of: impl Fn(Seat) -> Option<NodeState>,
    ) -> impl Iterator<Item = (Candidate, bool)> {
        self.candidates.values().map(move |candidate| {
            let state = node_of(candidate.seat).unwrap_or_default();
            let mut candidate = candidate.clone();
            candidate.online &= state.online;
            candidate.load = candidate.load.max(state.load);
            if state.paired {
                candidate.paired.insert(client);
            }
            if state.quarantined {
                candidate.quarantine = Quarantine::Until { tests_left: 1 };
            }
            (candidate, state.busy)
        })
    }

    fn index(&self, client: Address, node_of: impl Fn(Seat) -> Option<NodeState>) -> ScanIndex {
        let mut index = ScanIndex::new(self.parameters.clone());
        for (candidate, busy) in self.known(client, node_of) {
            let id = candidate.id();
            index.upsert(candidate);
            if busy {
                index.mark_busy(id).expect("the candidate was put in just now");
            }
        }
        index
    }

    /// The best nodes for a job that is not in the ledger yet, each once.
    pub(super) fn first(
        &self,
        book: &Book,
        most: usize,
        node_of: impl Fn(Seat) -> Option<NodeState>,
    ) -> Vec<Seat> {
        let mut index = self.index(book.offer.client, node_of);
        let (request, seed) = (book.demands(), DrawSeed::new([0; 32]));
        let mut seats = Vec::new();
        while seats.len() < most {
            let Some(best) = index.best(&request, &seed) else { break };
            index.mark_busy(best.id()).expect("whoever is busy is not chosen");
            seats.push(best.seat);
        }
        seats
    }
}

/// How a node stands in the ledger.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NodeState {
    pub(super) online: bool,
    /// Whether the ledger knows that the client paired with it.
    pub(super) paired: bool,
    pub(super) quarantined: bool,
    pub(super) busy: bool,
    pub(super) load: Ppm,
}

impl From<&Node> for NodeState {
    fn from(node: &Node) -> Self {
        Self {
            online: node.online && !node.draining,
            paired: false,
            quarantined: node.quarantined,
            busy: !node.is_free(),
            load: node.load,
        }
    }
}

impl Selector for Chooser<'_> {
    fn select(&self, selection: &Selection<'_>) -> Result<Seat, NoNode> {
        let Some(book) = self.books.get(&selection.job) else { return Err(NoNode::NoneFits) };
        // For a private job the ledger allows only nodes with which the client paired.
        let state_of = |seat| {
            let state = NodeState::from(selection.nodes.get(seat)?);
            Some(NodeState { paired: selection.is_eligible(seat), ..state })
        };
        let index = self.index(selection.request.client, state_of);
        let barred = |candidate: &&Candidate| {
            let free = selection.nodes.get(candidate.seat).is_some_and(Node::is_free);
            free && !selection.is_eligible(candidate.seat)
        };
        let excluded = self.candidates.values().filter(barred).map(Candidate::id).collect();
        let request = Request { excluded, ..book.demands() };
        let seed = DrawSeed::new(*selection.seed.as_bytes());
        let decision = match (selection.role, selection.primary) {
            (Role::Secondary, Some(primary)) => {
                index.decide_secondaries(&request, CandidateId::of(primary), &seed, 1)
            }
            (Role::Primary | Role::Secondary, _) => index.decide_primary(&request, &seed),
        };
        let told = json!({
            "task": selection.task,
            "task_attempt": selection.attempt,
            "role": selection.role,
            "decision": decision,
        });
        self.decisions.borrow_mut().push((selection.job, told.to_string()));
        match (decision.first(), decision.explanation.outlook()) {
            (Some(chosen), _) => Ok(chosen.seat),
            (None, Outlook::Unmet) => Err(NoNode::NoneFits),
            (None, Outlook::Suitable | Outlook::Wait) => Err(selection.none_eligible()),
        }
    }
}
