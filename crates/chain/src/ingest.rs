//! Chain to ledger: what our contracts logged, in order, each piece numbered and durable.
//!
//! [`Machine`] is the pure part: it is handed answers and asks for the next ones. [`Ingest`] runs
//! it over endpoints, a store and a clock. [`IngestHandle`] is what everybody else holds.

mod check;
mod hearing;
mod kept;
mod machine;
mod peer;
mod range;
mod runner;
#[cfg(feature = "test-utils")]
pub(crate) mod scripted;
mod survey;
#[cfg(test)]
mod tests;

use std::time::Duration;

use alloy_primitives::{Address, B256, TxHash};
use serde::{Deserialize, Serialize};
use tallystick_abi::Deployment;
use tallystick_types::{ChainId, ChainTime, WallTime};

use crate::endpoint::RawLog;
pub use crate::view::HouseContracts;
pub use kept::{KeptError, Place};
pub use machine::{Input, Machine, Output};
pub use peer::{Miss, PeerStatus, Question, Reply, Standing};
pub use runner::{Ingest, IngestError, IngestHandle};

/// Number of a delivery. The first one is 1; zero stands for "none yet".
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Seq(pub u64);

/// One thing that consumers have to take in, in the order of its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "nearly all deliveries are events")]
pub enum Delivery {
    /// A contract logged something.
    Event(Observed),
    /// Blocks above `to` are no longer part of the chain: what they brought is to be undone.
    Rollback {
        /// Height of the last block that stays.
        to: u64,
        /// How many rollbacks there have been.
        epoch: u64,
    },
    /// How far the chain is settled. `safe` goes back only through a rollback, `last` never.
    Levels {
        /// Blocks up to this height are safe.
        safe: u64,
        /// Blocks up to this height are final.
        last: u64,
    },
}

/// A log of one of our contracts, with its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// Its number among all deliveries.
    pub seq: Seq,
    /// What no other log has, on any branch of any chain.
    pub key: EventKey,
    /// The block.
    pub block: BlockPlace,
    /// The log.
    pub log: RawLog,
}

/// Tells a log from all others. The same log on another branch has another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EventKey {
    /// The chain.
    pub chain: ChainId,
    /// Hash of the block.
    pub block: B256,
    /// The transaction.
    pub tx: TxHash,
    /// Place among the logs of the block.
    pub index: u64,
}

/// A block as far as events need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockPlace {
    /// Its height.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
    /// The time it states.
    pub time: ChainTime,
}

/// Says whether a log of our contracts is one that this program understands.
pub trait LogReader: Send + Sync {
    /// True where it can be decoded.
    fn understands(&self, log: &RawLog) -> bool;
}

impl<F: Fn(&RawLog) -> bool + Send + Sync> LogReader for F {
    fn understands(&self, log: &RawLog) -> bool {
        self(log)
    }
}

/// How a block becomes safe and final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finality {
    /// The chain's own words `safe` and `finalized`.
    Tags,
    /// So many blocks on top of it.
    Depth {
        /// Until it is safe.
        safe: u64,
        /// Until it is final.
        last: u64,
    },
}

/// A contract whose logs are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Followed {
    /// Its address.
    pub address: Address,
    /// keccak256 of the code that must be there.
    pub code_hash: B256,
}

/// What is followed, and how careful.
#[derive(Clone, Debug)]
pub struct IngestConfig {
    /// The chain.
    pub chain: ChainId,
    /// The contracts.
    pub contracts: Vec<Followed>,
    /// A block before the first event. It is taken as final.
    pub start: u64,
    /// How many endpoints must state the same hash. One suits a local chain only.
    pub agreement: usize,
    /// How blocks become final.
    pub finality: Finality,
    /// How many headers are kept: how deep a reorganisation may be that is undone step by step.
    pub window: u64,
    /// Most blocks that are read before the endpoints are compared again.
    pub stride: u64,
    /// Most blocks of one question when old blocks are read in ranges.
    pub range: u64,
    /// Shortest time between two looks at the head.
    pub poll: Duration,
    /// How long there may be no agreed head until the state is `Degraded`.
    pub patience: Duration,
}

/// Where the machine stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nothing was agreed since the start.
    Boot,
    /// The endpoints' heads are being compared with what is kept.
    Verify,
    /// All known blocks are in, or are being read.
    Follow,
    /// Blocks far below the head are being read in ranges.
    BackFill,
    /// No agreed head for too long: serve, and accept nothing that needs new facts of the chain.
    Degraded,
    /// The chain contradicts what was final. Only a person can resolve that.
    Halted(Halt),
}

/// The chain went back on its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Halt {
    /// Height of the last final block.
    pub number: u64,
    /// Its hash when it became final.
    pub ours: B256,
    /// Its hash as the endpoints state it now.
    pub theirs: B256,
}

/// What can be said about the state of ingest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IngestStatus {
    /// Where it stands.
    pub phase: Phase,
    /// The last block that was read.
    pub cursor: Option<Place>,
    /// Height of the last block that enough endpoints agree on.
    pub head: Option<u64>,
    /// Height of the last safe block.
    pub safe: Option<u64>,
    /// Height of the last final block.
    pub last: Option<u64>,
    /// Rollbacks so far.
    pub epoch: u64,
    /// Logs of our contracts that nobody understood. Above zero this program is too old.
    pub strange: u64,
    /// When a block was last read.
    pub progress: Option<WallTime>,
    /// The endpoints in the order in which they were given.
    pub peers: Vec<PeerStatus>,
}

impl IngestConfig {
    /// Follows the contracts of a deployment that a view reads, with settings for a public chain
    /// with tags. Tokens and governance speak of other things, and often.
    pub fn of_deployment(deployment: &Deployment) -> Self {
        let read = HouseContracts::of(deployment);
        let contracts = deployment.contracts.values();
        Self {
            chain: deployment.chain_id,
            contracts: contracts
                .filter(|it| read.addresses().any(|address| address == it.address))
                .map(|it| Followed { address: it.address, code_hash: it.code_hash })
                .collect(),
            start: deployment.block,
            agreement: 2,
            finality: Finality::Tags,
            window: 4_096,
            stride: 256,
            range: 2_048,
            poll: Duration::from_millis(250),
            patience: Duration::from_secs(30),
        }
    }

    /// The addresses that are followed.
    pub fn addresses(&self) -> Vec<Address> {
        self.contracts.iter().map(|contract| contract.address).collect()
    }
}
