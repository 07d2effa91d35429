//! The nodes that the ledger may use: connected or not, free or busy, paired, quarantined.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};
use tallystick_types::{JobId, NodeId, Ppm, Seat, TaskIndex, WallTime};

use super::pairs;

/// What a node says of itself when it joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeProfile {
    /// Tasks that it executes at a time, at least 1.
    pub places: u16,
    /// Measured speed in work units per second; zero where it was not measured.
    pub speed: u64,
}

/// A node as the ledger knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// What it said when it joined.
    pub profile: NodeProfile,
    /// Load as of the last heartbeat.
    pub load: Ppm,
    /// Whether it is connected.
    pub online: bool,
    /// Takes no new work, because it asked so.
    pub draining: bool,
    /// Gets no work, because it was caught.
    pub quarantined: bool,
    /// When its lease ends unless a heartbeat comes.
    pub lease_until: WallTime,
    /// The tasks it takes part in.
    #[serde(with = "pairs")]
    pub work: BTreeMap<(JobId, TaskIndex), Engagement>,
}

/// How a task binds a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Engagement {
    /// It executes and takes a place.
    Executing,
    /// It committed and waits to open; no place is taken.
    Committed,
}

/// All nodes, by their seats.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Nodes {
    #[serde(with = "pairs")]
    by_seat: BTreeMap<Seat, Node>,
}

/// Which nodes each client paired with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pairings {
    by_client: BTreeMap<Address, BTreeSet<Seat>>,
}

/// Whether two seats are one machine: the same registered node, or the same unregistered signer.
pub fn same_node(one: Seat, other: Seat) -> bool {
    one == other || (one.node != NodeId::UNREGISTERED && one.node == other.node)
}

impl Node {
    /// Places that are taken.
    pub fn busy(&self) -> usize {
        self.work.values().filter(|bound| **bound == Engagement::Executing).count()
    }

    /// Whether it could take one more task, by its own state.
    pub fn is_free(&self) -> bool {
        self.is_usable() && self.busy() < usize::from(self.profile.places)
    }

    /// Whether it takes work at all.
    pub const fn is_usable(&self) -> bool {
        self.online && !self.draining && !self.quarantined
    }
}

impl Nodes {
    /// One node.
    pub fn get(&self, seat: Seat) -> Option<&Node> {
        self.by_seat.get(&seat)
    }

    /// All nodes in the order of their seats.
    pub fn iter(&self) -> impl Iterator<Item = (Seat, &Node)> {
        self.by_seat.iter().map(|(seat, node)| (*seat, node))
    }

    pub(super) fn get_mut(&mut self, seat: Seat) -> Option<&mut Node> {
        self.by_seat.get_mut(&seat)
    }

    pub(super) fn insert(&mut self, seat: Seat, node: Node) {
        self.by_seat.insert(seat, node);
    }

    /// Forgets a node that is away, has no work and did nothing wrong.
    pub(super) fn forget_idle(&mut self, seat: Seat) {
        let idle = |node: &Node| !node.online && !node.quarantined && node.work.is_empty();
        if self.by_seat.get(&seat).is_some_and(idle) {
            self.by_seat.remove(&seat);
        }
    }

    /// Bars a node from work, known or not.
    pub(super) fn quarantine(&mut self, seat: Seat) {
        let stranger = || Node {
            profile: NodeProfile { places: 1, speed: 0 },
            load: Ppm::ZERO,
            online: false,
            draining: false,
            quarantined: true,
            lease_until: WallTime::new(0),
            work: BTreeMap::new(),
        };
        self.by_seat.entry(seat).or_insert_with(stranger).quarantined = true;
    }
}

impl Pairings {
    /// The nodes a client paired with.
    pub fn of(&self, client: Address) -> Option<&BTreeSet<Seat>> {
        self.by_client.get(&client)
    }

    /// How many there are.
    pub fn count(&self, client: Address) -> usize {
        self.of(client).map_or(0, BTreeSet::len)
    }

    pub(super) fn add(&mut self, client: Address, seat: Seat) {
        self.by_client.entry(client).or_default().insert(seat);
    }

    /// Takes a pairing back; says whether there was one.
    pub(super) fn remove(&mut self, client: Address, seat: Seat) -> bool {
        let Some(seats) = self.by_client.get_mut(&client) else { return false };
        let removed = seats.remove(&seat);
        if seats.is_empty() {
            self.by_client.remove(&client);
        }
        removed
    }
}
