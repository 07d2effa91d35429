//! What a node takes on, and how long it waits and keeps.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tallystick_abi::JobDomain;
use tallystick_protocol::commitment::TaskAssignment;
use tallystick_types::{Amount, Canonical, EngineProfile, Salt, Seconds};

/// The rules of one node.
#[derive(Clone, Debug)]
pub struct AgentConfig {
    /// The chain and contract under which claims are signed.
    pub domain: JobDomain,
    /// The engine that executes, as specifications name it.
    pub engine: EngineProfile,
    /// Tasks that are worked on at a time, at least 1.
    pub places: u16,
    /// The most that one task may take here.
    pub maxima: Maxima,
    /// What the node asks for one work unit, in base units. A claim whose cost is below it for the
    /// node's own tasks is not signed.
    pub price: Amount,
    /// How long the chain may take to show an assignment, and the lease of a claim.
    pub fact_wait: Seconds,
    /// Time between two tries to fetch a blob while no coordinator can be reached.
    pub fetch_retry: Seconds,
    /// How many blocks after the newest known one a commitment names as its round, at least 1.
    pub round_distance: u64,
    /// How long what was signed for a job is kept after the job is over, where there is room.
    pub keep_ended: Seconds,
    /// Most assignments that are remembered. More are refused, unless some are of jobs that are
    /// over: these are forgotten first.
    pub most_held: usize,
}

/// The most that one task may take of a node. What asks for more is refused; nothing is cut down,
/// because a smaller limit would give another result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Maxima {
    /// Metered units of one slice.
    pub units: u64,
    /// Memory of one run, in bytes.
    pub memory_bytes: u64,
    /// The program, in bytes.
    pub program_bytes: u64,
    /// All input of the task, in bytes.
    pub input_bytes: u64,
    /// All output of the task, in bytes.
    pub output_bytes: u64,
    /// Time from the acknowledgement to the commitment.
    pub execution: Seconds,
}

/// What the salts of a node are made of; nobody else may know it. It must outlive restarts.
#[derive(Clone)]
pub struct NodeSecret([u8; 32]);

impl NodeSecret {
    /// Takes 32 random bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The salt of an assignment: HMAC-SHA256 of its bytes. One assignment has one salt, so a crash
    /// cannot lead to two commitments to one output.
    pub fn salt(&self, assignment: &TaskAssignment) -> Salt {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("any length is a key");
        mac.update(&assignment.to_bytes());
        Salt::new(mac.finalize().into_bytes().into())
    }
}

impl fmt::Debug for NodeSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NodeSecret(hidden)")
    }
}
