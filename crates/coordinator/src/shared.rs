//! What the parts of a running coordinator share.

use std::sync::Arc;

use alloy_primitives::Address;
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use tallystick_abi::{Deployment, JobDomain};
use tallystick_blobs::BlobStore;
use tallystick_chain::follow::House;
use tallystick_chain::outbox::OutboxHandle;
use tallystick_ports::Clock;
use tallystick_types::{IdentityKey, Seat, Seconds};

use crate::desk::DeskHandle;
use crate::feed::Feed;
use crate::price::PriceList;
use crate::sessions::Sessions;

/// How a coordinator behaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CoordinatorConfig {
    /// What it asks for work.
    pub prices: PriceList,
    /// Never pay more than this per unit of gas, in wei.
    pub max_fee_per_gas: u64,
    /// How long a quote stands.
    pub quote: Seconds,
    /// From an order to the last moment at which its job may be assigned.
    pub assign_within: Seconds,
    /// Time between two heartbeats of a node.
    pub heartbeat: Seconds,
    /// Rounds of the benchmark that a node runs when it joins.
    pub profile_rounds: u64,
    /// Least speed of a node, in work units of the benchmark per second.
    pub least_speed: u64,
    /// Least memory of a node, in bytes.
    pub least_memory_bytes: u64,
    /// The most nodes that are connected at a time.
    pub most_nodes: usize,
}

impl Default for CoordinatorConfig {
    /// Quotes stand for five minutes, jobs are assigned within ten; a heartbeat every ten seconds;
    /// a benchmark of about a tenth of a second and next to nothing that is demanded.
    fn default() -> Self {
        Self {
            prices: PriceList::default(),
            max_fee_per_gas: 200_000_000_000,
            quote: Seconds::new(300),
            assign_within: Seconds::new(600),
            heartbeat: Seconds::new(10),
            profile_rounds: 64,
            least_speed: 1,
            least_memory_bytes: 64 << 20,
            most_nodes: 4_096,
        }
    }
}

/// Everything that more than one part needs. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) config: Arc<CoordinatorConfig>,
    pub(crate) deployment: Arc<Deployment>,
    pub(crate) domain: JobDomain,
    /// This coordinator, with the signer that holds its leases.
    pub(crate) me: Seat,
    pub(crate) identity: SigningKey,
    pub(crate) desk: DeskHandle,
    pub(crate) house: House,
    pub(crate) outbox: OutboxHandle,
    pub(crate) blobs: BlobStore,
    pub(crate) sessions: Sessions,
    pub(crate) feed: Feed,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Shared {
    /// The identity key that the registry has for this coordinator.
    pub(crate) fn identity_key(&self) -> IdentityKey {
        IdentityKey::new(self.identity.verifying_key().to_bytes())
    }

    /// The tokens in which jobs may be paid now.
    pub(crate) fn takes(&self, token: Address) -> bool {
        self.house.read().latest().network().parameters_of(token).is_some()
    }
}
