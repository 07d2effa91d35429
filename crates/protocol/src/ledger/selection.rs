//! The choice of a node, which the ledger leaves to whoever scores and draws.
//!
//! The ledger asks, checks the answer and marks the node busy in one step, so that nobody can take
//! a place between the choice and its use.

use std::collections::BTreeSet;

use alloy_primitives::keccak256;
use serde::{Deserialize, Serialize};
use tallystick_types::{JobId, Seat, Seed, SliceRange, TaskAttempt, TaskIndex};

use super::node::{Node, Nodes, same_node};
use super::reason::NoNode;
use super::request::JobRequest;

/// What a node is in a try at a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Executes and commits first. Chosen by score.
    Primary,
    /// Executes or checks; drawn after the primary's commitment.
    Secondary,
}

/// Chooses nodes. The answer must follow from the selection alone: the same selection on a replay
/// gets the same answer.
pub trait Selector {
    /// The node for this place, one of [`Selection::eligible`], or why there is none.
    ///
    /// A primary is chosen by score, with the seed to break ties; a secondary is drawn with the
    /// seed. An answer that is not eligible counts as [`NoNode::NotEligible`].
    fn select(&self, selection: &Selection<'_>) -> Result<Seat, NoNode>;
}

/// One place to fill.
#[derive(Clone, Copy, Debug)]
pub struct Selection<'a> {
    /// The job.
    pub job: JobId,
    /// Its terms.
    pub request: &'a JobRequest,
    /// The task.
    pub task: TaskIndex,
    /// Its slices.
    pub slices: SliceRange,
    /// The try.
    pub attempt: TaskAttempt,
    /// What the node is to be.
    pub role: Role,
    /// Bytes for ties and draws; another for every place.
    pub seed: Seed,
    /// Who executes first in this try; nothing while that is what is chosen.
    pub primary: Option<Seat>,
    /// All nodes.
    pub nodes: &'a Nodes,
    pub(super) paired: Option<&'a BTreeSet<Seat>>,
    pub(super) excluded: &'a BTreeSet<Seat>,
    /// The nodes of the attempt, once it has as many as an attempt may have on the chain.
    pub(super) only: Option<&'a BTreeSet<Seat>>,
}

impl<'a> Selection<'a> {
    /// The nodes that the ledger allows, in the order of their seats.
    pub fn eligible(&self) -> impl Iterator<Item = (Seat, &'a Node)> {
        self.nodes.iter().filter(|(seat, node)| node.is_free() && self.admits(*seat))
    }

    /// Whether the ledger allows a node, for those who choose without looking at all of them.
    pub fn is_eligible(&self, seat: Seat) -> bool {
        self.nodes.get(seat).is_some_and(Node::is_free) && self.admits(seat)
    }

    /// The best general reason why nobody is eligible.
    pub fn none_eligible(&self) -> NoNode {
        let paired = |seat: &Seat, node: &Node| node.is_usable() && self.is_paired(*seat);
        let usable = |seat: &Seat, node: &Node| paired(seat, node) && self.is_open_to(*seat);
        if !self.nodes.iter().any(|(_, node)| node.is_usable()) {
            NoNode::NoneOnline
        } else if !self.nodes.iter().any(|(seat, node)| paired(&seat, node)) {
            NoNode::NonePaired
        } else if self.nodes.iter().any(|(seat, node)| usable(&seat, node) && node.is_free()) {
            NoNode::AllExcluded
        } else {
            NoNode::AllBusy
        }
    }

    fn is_paired(&self, seat: Seat) -> bool {
        self.paired.is_none_or(|paired| paired.contains(&seat))
    }

    fn is_open_to(&self, seat: Seat) -> bool {
        self.only.is_none_or(|seats| seats.contains(&seat))
    }

    fn admits(&self, seat: Seat) -> bool {
        self.is_paired(seat)
            && self.is_open_to(seat)
            && !self.excluded.iter().any(|other| same_node(*other, seat))
    }
}

/// The seed of one place: `keccak256` of the root seed, the job, the task, its attempt and the
/// number of the place.
pub(super) fn place_seed(
    root: Seed,
    job: JobId,
    task: TaskIndex,
    attempt: TaskAttempt,
    place: u8,
) -> Seed {
    let mut bytes = Vec::with_capacity(71);
    bytes.extend_from_slice(root.as_bytes());
    bytes.extend_from_slice(job.as_bytes());
    bytes.extend_from_slice(&task.get().to_be_bytes());
    bytes.extend_from_slice(&attempt.get().to_be_bytes());
    bytes.push(place);
    keccak256(bytes).into()
}
