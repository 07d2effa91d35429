//! What callers wish for, and what became of it.

use std::fmt;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::SolValue;
use serde::{Deserialize, Serialize};
use tallystick_types::{ChainId, WallTime};

use crate::endpoint::CallRefusal;

/// Names one wish for ever: whoever wishes for the same thing again builds the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IntentKey(B256);

impl IntentKey {
    /// The key of a call: chain, contract, function and what the call is about, for example
    /// `("settle", job and attempt)`.
    pub fn of(chain: ChainId, contract: Address, function: &str, business_key: &[u8]) -> Self {
        Self(keccak256((chain.get(), contract, function, business_key).abi_encode_params()))
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0.0
    }
}

impl From<B256> for IntentKey {
    fn from(bytes: B256) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for IntentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A wish: one call that is to take effect on the chain once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Its name. A second wish of the same name is the first one.
    pub key: IntentKey,
    /// The contract to call.
    pub to: Address,
    /// What to call it with.
    pub data: Bytes,
    /// Native currency to send along, in wei.
    pub value: U256,
    /// When the wish is void, or nothing where it stands for ever. What is under way by then is
    /// taken back where the chain still lets it.
    pub deadline: Option<WallTime>,
    /// Never pay more than this per unit of gas, in wei.
    pub max_fee_per_gas: u128,
    /// Gas that the transaction gets at least, whatever the endpoints estimate; zero leaves it to
    /// them. A call that survives the failure of its parts, as a batch does, needs it: estimates
    /// look for the least gas with which the call does not fail, not with which its parts succeed.
    pub least_gas: u64,
    /// A question to the chain that tells whether the wish is fulfilled already.
    pub guard: Option<Guard>,
    /// What it is for, for logs and people.
    pub purpose: String,
}

/// A view call whose first word tells whether a wish is fulfilled, whoever fulfilled it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// The contract to ask.
    pub to: Address,
    /// What to ask.
    pub data: Bytes,
    /// The bits of the answer's first word that count.
    pub mask: B256,
    /// The values of these bits that mean "fulfilled".
    pub done: Vec<B256>,
}

impl Guard {
    /// Whether this answer means that the wish is fulfilled.
    pub fn says_done(&self, word: B256) -> bool {
        self.done.contains(&(word & self.mask))
    }

    /// Whether the answer to its question means that. A guard that is refused, or that no contract
    /// answers, does not say "done".
    pub fn is_done_by(&self, answer: Result<Bytes, CallRefusal>) -> bool {
        let answer = answer.unwrap_or_default();
        answer.first_chunk().is_some_and(|word| self.says_done(B256::new(*word)))
    }
}

/// Where a wish stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IntentStatus {
    /// Kept; to be tried against the chain, now or after a refusal.
    Queued {
        /// Why the chain refused it last.
        refused: Option<String>,
    },
    /// The chain would take it; it waits for its turn.
    Ready,
    /// Signed and stored; about to be sent.
    Signed {
        /// Its nonce.
        nonce: u64,
    },
    /// Sent; whether anyone took it is unknown until the chain shows it.
    Broadcast {
        /// Its nonce.
        nonce: u64,
        /// How many differently priced variants exist.
        variants: usize,
    },
    /// Past its deadline: a variant that does nothing competes for its nonce.
    Cancelling {
        /// Its nonce.
        nonce: u64,
    },
    /// In a block that can still be reorganised away.
    Included {
        /// The transaction.
        tx: B256,
        /// The number of the block.
        block: u64,
    },
    /// Over; see the outcome.
    Ended(Outcome),
}

/// The number of an outcome in its lane, from 1 without gaps.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Seq(pub u64);

/// What became of a wish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The wish.
    pub key: IntentKey,
    /// What became of it.
    pub result: OutcomeResult,
}

/// What became of a wish. All but `Included` are final.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OutcomeResult {
    /// In a block that can still be reorganised away; may come again with another block.
    Included {
        /// The transaction.
        tx: B256,
        /// The number of the block.
        block: u64,
    },
    /// In a final block, with effect.
    Done {
        /// The transaction.
        tx: B256,
    },
    /// The guard says, at a final block, that somebody fulfilled it.
    Superseded,
    /// Its deadline passed without effect.
    Expired,
    /// The chain refuses it again and again.
    GaveUp {
        /// What the chain says.
        reason: String,
    },
}

impl OutcomeResult {
    /// Whether nothing follows.
    pub const fn is_final(&self) -> bool {
        !matches!(self, Self::Included { .. })
    }
}

/// What a lane does as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LaneState {
    /// Has not yet compared what it stored with the chain.
    #[default]
    Starting,
    /// Works.
    Open,
    /// Signs nothing new for now and resumes by itself.
    Paused(Pause),
    /// Signs nothing until a person acted.
    Halted(Halt),
}

/// What a lane waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// Enough endpoints that answer.
    NoChain,
    /// Native currency for fees.
    NoFunds,
    /// Gas below the caps of its wishes.
    FeeCap,
    /// A signer that signs.
    Locked,
    /// Transactions that the account had under way before the lane's first.
    Unsettled,
}

/// Why a lane stands still.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Halt {
    /// Somebody else uses the account, or the store is older than what it sent.
    ForeignNonce {
        /// The first nonce that is not this lane's.
        nonce: u64,
    },
    /// The endpoints speak for another chain, or refuse the account's signatures.
    Configuration,
}
