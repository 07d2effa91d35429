//! The chain of the simulation: real blocks and headers, the contracts' bytecode in an EVM, a pool,
//! forks. Nothing here knows a clock or rolls dice: both are handed in.

mod block;
mod choice;
pub mod endpoint;
mod evm;
pub mod genesis;
mod mining;
mod pool;
mod reading;
mod recovery;
mod state;
mod transaction;

use std::sync::Arc;

use alloy::consensus::Header;
use alloy_primitives::map::B256Map;
use alloy_primitives::{Address, B256, U256, keccak256};
use tallystick_chain::endpoint::SendClass;

pub use block::{Block, Mined};
pub use choice::Choice;
pub use evm::Outcome;
pub use mining::{Branch, ReorganiseError, Returned};
pub use pool::Persona;
pub use transaction::{Signed, Wish};

use pool::{Pool, Terms};
use state::State;

/// How a chain behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The rules of its pool.
    pub persona: Persona,
    /// Most gas of one block.
    pub gas_limit: u64,
    /// Blocks below the head until one is safe.
    pub safe_lag: u64,
    /// Blocks below the head until one is final.
    pub final_lag: u64,
    /// Wei per unit of gas that endpoints suggest as tip.
    pub suggested_tip: u128,
    /// The base fee never falls below so many wei per unit of gas.
    pub least_base_fee: u64,
}

impl Default for Settings {
    /// Anvil's numbers with four blocks in an epoch.
    fn default() -> Self {
        Self {
            persona: Persona::Geth,
            gas_limit: 30_000_000,
            safe_lag: 4,
            final_lag: 8,
            suggested_tip: 1_000_000_000,
            least_base_fee: 7,
        }
    }
}

/// A tree of blocks with one branch that counts, and what waits for the next block.
///
/// Blocks of abandoned branches stay, so that endpoints can go on speaking of them.
#[derive(Clone, Debug)]
pub struct Chain {
    id: u64,
    settings: Settings,
    /// Only looked up, so that its order shows nowhere.
    blocks: B256Map<Arc<Block>>,
    head: Arc<Block>,
    /// Height of the last final block.
    last: u64,
    /// Branches that were abandoned, the newest last.
    abandoned: Vec<Abandoned>,
    /// The blocks that have a transaction, on any branch.
    places: B256Map<Vec<B256>>,
    /// Transactions by their bytes' hash: finding a signer is what costs time.
    known: B256Map<Arc<Signed>>,
    pool: Pool,
    next_base_fee: Option<u64>,
}

/// A branch that counted once.
#[derive(Clone, Debug)]
pub struct Abandoned {
    /// Its newest block.
    pub head: Arc<Block>,
    /// Height of the last block that was final when it counted.
    pub last: u64,
}

impl Chain {
    /// A chain whose first block gives these accounts so many wei.
    pub fn new(id: u64, settings: Settings, time: u64, funds: &[(Address, U256)]) -> Self {
        recovery::remember();
        let mut state = State::default();
        for (account, wei) in funds {
            state.fund(*account, *wei);
        }
        let header = Header {
            timestamp: time,
            gas_limit: settings.gas_limit,
            base_fee_per_gas: Some(1_000_000_000),
            ..mining::post_merge()
        };
        let head = Arc::new(block::Draft::new(header).seal(state));
        Self {
            id,
            settings,
            blocks: std::iter::once((head.hash(), Arc::clone(&head))).collect(),
            head,
            last: 0,
            abandoned: Vec::new(),
            places: B256Map::default(),
            known: B256Map::default(),
            pool: Pool::new(settings.persona),
            next_base_fee: None,
        }
    }

    /// Its number.
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// How it behaves.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Lets it behave in another way from now on.
    pub const fn set_settings(&mut self, settings: Settings) {
        self.settings = settings;
        self.pool.set_persona(settings.persona);
    }

    /// The newest block.
    pub const fn head(&self) -> &Arc<Block> {
        &self.head
    }

    /// Base fee of the block to come, in wei per unit of gas.
    pub fn base_fee(&self) -> u64 {
        let lowest = self.settings.least_base_fee;
        self.next_base_fee.unwrap_or_else(|| self.head.next_base_fee().max(lowest))
    }

    /// Sets the base fee of the block to come; those after it follow by EIP-1559.
    pub const fn set_base_fee(&mut self, wei: u64) {
        self.next_base_fee = Some(wei);
    }

    /// Takes signed bytes into the pool, or says why not. `Identity` where they are no transaction.
    pub fn send(&mut self, raw: &[u8]) -> Result<B256, SendClass> {
        let tx = self.decode(raw).ok_or(SendClass::Identity)?;
        self.submit(&tx)
    }

    /// Takes a transaction into the pool, or says why not.
    pub fn submit(&mut self, tx: &Arc<Signed>) -> Result<B256, SendClass> {
        let terms = self.terms();
        self.pool.add(Arc::clone(tx), &self.head.state, terms)?;
        Ok(tx.hash)
    }

    /// Reads signed bytes; each transaction's signer is looked for once.
    pub fn decode(&mut self, raw: &[u8]) -> Option<Arc<Signed>> {
        let hash = keccak256(raw);
        if let Some(tx) = self.known.get(&hash) {
            return Some(Arc::clone(tx));
        }
        let tx = Signed::decode(raw)?;
        self.known.insert(hash, Arc::clone(&tx));
        Some(tx)
    }

    /// Takes the word of somebody who signed these bytes just now for who that was.
    pub fn know(&mut self, raw: &[u8], from: Address) {
        if let Some(tx) = Signed::decode_from(raw, from) {
            self.known.insert(tx.hash, tx);
        }
    }

    /// Forgets a transaction that waits, as pools do under pressure; false where it does not wait.
    pub fn forget(&mut self, tx: B256) -> bool {
        self.pool.remove(tx)
    }

    /// What waits, by account and nonce.
    pub fn waiting(&self) -> impl Iterator<Item = &Arc<Signed>> {
        self.pool.iter()
    }

    /// Makes everything final that is there.
    fn settle(&mut self) {
        self.last = self.head.number();
    }

    fn terms(&self) -> Terms {
        Terms { chain: self.id, base_fee: self.base_fee(), gas_limit: self.settings.gas_limit }
    }
}

#[cfg(test)]
mod tests;
