//! Who is connected: the nodes with what they said of themselves and the way to each.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tallystick_protocol::ledger::same_node;
use tallystick_scheduler::{Candidate, Quarantine, Region, Resources, Tier, WorkKind};
use tallystick_types::{Amount, EngineProfile, InputDigest, Ppm, Seat, Trust, WallTime};
use tallystick_wire::worker::{self, Capabilities, CoordinatorBody};
use tokio::sync::{mpsc, watch};

/// Messages for one node that wait for the network.
pub const QUEUE: usize = 256;

/// The connected nodes. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Sessions(Arc<Mutex<BTreeMap<Seat, Session>>>);

/// One connected node.
#[derive(Clone, Debug)]
pub struct Session {
    /// Tells this session from an earlier one of the same node.
    pub number: u64,
    /// The way to the node.
    pub sender: mpsc::Sender<CoordinatorBody>,
    /// Ends with the session; whoever serves the node's stream waits for that.
    pub presence: watch::Sender<()>,
    /// What is known of the node.
    pub facts: Facts,
    /// When it last gave a sign of life.
    pub last_seen: WallTime,
}

/// What a node said and what was measured of it.
#[derive(Clone, Debug)]
pub struct Facts {
    /// What it can do, as it says.
    pub capabilities: Capabilities,
    /// Its program.
    pub software: String,
    /// What the benchmark made of it.
    pub tier: Tier,
    /// Its load.
    pub load: Ppm,
    /// Inputs that it has.
    pub inputs: Vec<InputDigest>,
}

/// What the chain says of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How far it is trusted.
    pub trust: Trust,
    /// Its active stake, in base units.
    pub stake: Amount,
    /// The region that it stated.
    pub region: u16,
}

impl Sessions {
    /// Lets a node in; false while another session of the same machine is alive.
    pub fn enter(&self, seat: Seat, session: Session) -> bool {
        let mut all = self.all();
        let twin =
            all.iter().find(|(other, known)| same_node(**other, seat) && !known.sender.is_closed());
        if twin.is_some() {
            return false;
        }
        all.retain(|other, _| !same_node(*other, seat));
        all.insert(seat, session);
        true
    }

    /// Takes a session away, unless a later one took its place. Says whether the node is gone.
    pub fn leave(&self, seat: Seat, number: u64) -> bool {
        let mut all = self.all();
        if all.get(&seat).is_some_and(|session| session.number == number) {
            all.remove(&seat);
        }
        !all.keys().any(|other| same_node(*other, seat))
    }

    /// Says something to a node. One that does not read as fast as it is spoken to is cut off: it
    /// comes back and is told everything anew.
    pub fn tell(&self, seat: Seat, bodies: Vec<CoordinatorBody>) {
        let mut all = self.all();
        let Some(session) = all.get(&seat) else { return };
        for body in bodies {
            if session.sender.try_send(body).is_err() {
                all.remove(&seat);
                return;
            }
        }
    }

    /// Notes what a heartbeat said; gives the facts where they changed.
    pub fn heard(
        &self,
        seat: Seat,
        now: WallTime,
        (load, inputs): (Ppm, Vec<InputDigest>),
    ) -> Option<Facts> {
        let mut all = self.all();
        let session = all.get_mut(&seat)?;
        session.last_seen = now;
        let facts = &mut session.facts;
        let changed = facts.inputs != inputs;
        (facts.load, facts.inputs) = (load, inputs);
        changed.then(|| facts.clone())
    }

    /// What is known of one connected node.
    pub fn get(&self, seat: Seat) -> Option<Session> {
        self.all().get(&seat).cloned()
    }

    /// The seats of all connected nodes.
    pub fn seats(&self) -> Vec<Seat> {
        self.all().keys().copied().collect()
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<Seat, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Facts {
    /// The machine as the scheduler sees it.
    pub fn candidate(&self, seat: Seat, standing: Standing) -> Candidate {
        let it = &self.capabilities;
        let kinds = it.kinds.iter().map(|offer| {
            let engines: Vec<EngineProfile> = offer.engine_profiles.iter().cloned().collect();
            (kind(offer.kind), engines)
        });
        let resources = Resources {
            cpu_millicores: it.cpu_millis,
            memory_bytes: it.memory_bytes,
            disk_bytes: it.disk_bytes,
            accelerators: u64::try_from(it.accelerators.len()).unwrap_or(u64::MAX),
            accelerator_memory_bytes: it
                .accelerators
                .iter()
                .fold(0, |sum, one| sum.saturating_add(one.memory_bytes)),
        };
        Candidate {
            seat,
            online: true,
            capabilities: kinds.collect(),
            tier: Some(self.tier),
            trust: standing.trust,
            stake: standing.stake,
            capacity: resources,
            free: resources,
            region: Region::new(standing.region),
            load: self.load,
            price: it.price,
            blobs: self.inputs.iter().copied().collect(),
            quarantine: Quarantine::None,
            paired: std::collections::BTreeSet::new(),
        }
    }
}

const fn kind(kind: worker::WorkKind) -> WorkKind {
    match kind {
        worker::WorkKind::Wasm => WorkKind::Wasm,
        worker::WorkKind::Tensor => WorkKind::Tensor,
        worker::WorkKind::Text => WorkKind::Text,
        worker::WorkKind::Inference => WorkKind::Inference,
        worker::WorkKind::Instance => WorkKind::Instance,
        worker::WorkKind::Function => WorkKind::Function,
    }
}

#[cfg(test)]
mod tests;
