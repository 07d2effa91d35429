//! A machine that may get a task, as the coordinator knows it now.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use alloy_primitives::{Address, B256};
use serde::{Deserialize, Serialize};
use tallystick_types::{Amount, EngineProfile, InputDigest, NodeId, Ppm, Seat, Trust};

use crate::region::Region;
use crate::resources::Resources;

/// Who a candidate is: a registered machine by its number, another by its signer. A machine that
/// rotates its signer stays the same candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CandidateId {
    /// A registered machine.
    Node(NodeId),
    /// A machine that is not registered.
    Signer(Address),
}

/// A kind of work that the worker's sandbox knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkKind {
    /// A WASI program, one run per slice.
    Wasm,
    /// Primitives on tensors.
    Tensor,
    /// Summaries, classes, extraction of JSON.
    Text,
    /// A named model: completion, chat, embeddings.
    Inference,
    /// A virtual machine.
    Instance,
    /// A Wasm handler of HTTP requests that is kept warm.
    Function,
}

/// What the benchmark on joining made of a machine. Higher is faster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Low-end: lite tasks and simple checks.
    One,
    /// Ordinary, mid-range.
    Two,
    /// High-end.
    Three,
}

/// Whether a machine may get paid work after a failed validation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quarantine {
    /// It may.
    #[default]
    None,
    /// It gets tests only.
    Until {
        /// Tests that it still has to pass.
        tests_left: u32,
    },
}

/// What is known of one machine. Facts come from the chain (seat, trust, stake, region), from
/// admission (tier, capacity), from heartbeats (online, free, load, blobs, capabilities, price)
/// and from the coordinator itself (quarantine, pairings).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// The node, and the signer that counts from the next assignment on.
    pub seat: Seat,
    /// Its connection is up and its heartbeats arrive.
    pub online: bool,
    /// The kinds of work it does, each with the engines or models that it has for it, in any order.
    pub capabilities: BTreeMap<WorkKind, Vec<EngineProfile>>,
    /// Its tier, or nothing before the benchmark.
    pub tier: Option<Tier>,
    /// The most that a job may demand of it: registered or not, active with stake, vetted.
    pub trust: Trust,
    /// Active stake behind it, in base units of the stake token.
    pub stake: Amount,
    /// What it could give to tasks if it had none.
    pub capacity: Resources,
    /// What of that is free now.
    pub free: Resources,
    /// Where it is.
    pub region: Region,
    /// How busy it is, as a share of what it can do.
    pub load: Ppm,
    /// What it asks for one unit of work, in base units of the token that the request pays in.
    pub price: Amount,
    /// Input blobs that it holds.
    pub blobs: BTreeSet<InputDigest>,
    /// Whether it is out after a failed validation.
    pub quarantine: Quarantine,
    /// Clients that paired with it and may send it private work.
    pub paired: BTreeSet<Address>,
}

impl CandidateId {
    /// Who sits in a seat.
    pub fn of(seat: Seat) -> Self {
        if seat.node == NodeId::UNREGISTERED {
            Self::Signer(seat.signer)
        } else {
            Self::Node(seat.node)
        }
    }

    /// The name as 32 bytes, as draws hash it: the account that earns for the machine, as
    /// `abi.encode` writes an address. Ids in ascending order have words in ascending order: a
    /// signer that begins with twelve zero bytes cannot be found.
    pub fn word(self) -> B256 {
        let account = match self {
            Self::Node(node) => Seat { node, signer: Address::ZERO }.account(),
            Self::Signer(signer) => signer,
        };
        account.into_word()
    }
}

impl fmt::Display for CandidateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(node) => write!(f, "node {node}"),
            Self::Signer(signer) => write!(f, "signer {signer}"),
        }
    }
}

impl fmt::Display for WorkKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wasm => "wasm",
            Self::Tensor => "tensor",
            Self::Text => "text",
            Self::Inference => "inference",
            Self::Instance => "instance",
            Self::Function => "function",
        })
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::One => "1",
            Self::Two => "2",
            Self::Three => "3",
        })
    }
}

impl Candidate {
    /// Who it is.
    pub fn id(&self) -> CandidateId {
        CandidateId::of(self.seat)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_keeps_its_id_when_its_signer_changes() {
        let [old, new] =
            [1, 2].map(|byte| Seat { node: NodeId::new(7), signer: Address::repeat_byte(byte) });
        assert_eq!(CandidateId::of(old), CandidateId::of(new));
        let free = |byte| Seat { node: NodeId::UNREGISTERED, signer: Address::repeat_byte(byte) };
        assert_ne!(CandidateId::of(free(1)), CandidateId::of(free(2)));
    }

    #[test]
    fn ids_and_their_words_have_one_order() {
        let ids = [
            CandidateId::Node(NodeId::new(1)),
            CandidateId::Node(NodeId::new(u64::MAX)),
            CandidateId::Signer(Address::repeat_byte(1)),
            CandidateId::Signer(Address::repeat_byte(2)),
        ];
        assert!(ids.is_sorted() && ids.map(CandidateId::word).is_sorted());
        assert_eq!(ids[1].word().to_string(), format!("0x{}{}", "0".repeat(48), "f".repeat(16)));
    }
}
