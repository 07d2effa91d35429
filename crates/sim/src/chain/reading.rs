//! What can be asked about any block of any branch.

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, U256};
use revm::context::result::ExecutionResult;
use tallystick_chain::endpoint::{Call, CallClass, CallRefusal};

use super::block::{Block, Mined};
use super::evm::{Outcome, Surroundings};
use super::{Abandoned, Chain};

/// Gas that a called contract may keep for itself: an estimate adds it, as geth does.
const STIPEND: u64 = 2_300;

impl Chain {
    /// A block on any branch.
    pub fn block(&self, hash: B256) -> Option<&Arc<Block>> {
        self.blocks.get(&hash)
    }

    /// The block at a height on the branch that ends in `head`.
    pub fn block_at(&self, head: &Block, number: u64) -> Option<&Arc<Block>> {
        self.block(head.state.hash_at(number)?)
    }

    /// The branches that were abandoned, the newest last.
    pub fn abandoned(&self) -> &[Abandoned] {
        &self.abandoned
    }

    /// Height of the last safe block.
    pub fn safe_number(&self) -> u64 {
        self.head().number().saturating_sub(self.settings.safe_lag).max(self.last)
    }

    /// Height of the last final block.
    pub const fn final_number(&self) -> u64 {
        self.last
    }

    /// How many transactions of an account are in blocks up to one.
    pub fn nonce(&self, at: &Block, account: Address) -> u64 {
        at.state.nonce(account)
    }

    /// The same with those that wait.
    pub fn pending_nonce(&self, at: &Block, account: Address) -> u64 {
        self.pool.pending_nonce(account, &at.state)
    }

    /// Wei of an account after a block.
    pub fn balance(&self, at: &Block, account: Address) -> U256 {
        at.state.balance(account)
    }

    /// The code at an address after a block.
    pub fn code(&self, at: &Block, address: Address) -> Bytes {
        at.state.code(address)
    }

    /// keccak256 of the code at an address after a block.
    pub fn code_hash(&self, at: &Block, address: Address) -> B256 {
        at.state.code_hash(address)
    }

    /// A slot of a contract's storage after a block.
    pub fn slot(&self, at: &Block, contract: Address, slot: U256) -> U256 {
        at.state.slot(contract, slot)
    }

    /// What a transaction did on the branch that ends in `head`.
    pub fn receipt(&self, head: &Block, tx: B256) -> Option<(&Arc<Block>, &Mined)> {
        let places = self.places.get(&tx)?;
        let blocks = places.iter().filter_map(|hash| self.block(*hash));
        let here = |block: &&Arc<Block>| head.state.hash_at(block.number()) == Some(block.hash());
        let block = blocks.into_iter().find(here)?;
        let mined = block.transactions.iter().find(|mined| mined.tx.hash == tx)?;
        Some((block, mined))
    }

    /// Tries a call on the state after a block.
    pub fn call(&self, at: &Block, call: &Call) -> Result<Bytes, CallRefusal> {
        let gas = self.settings.gas_limit;
        let result = self.attempt(at, call, gas);
        match Outcome::of(&result) {
            Outcome::Done(data) => Ok(data),
            outcome => Err(refusal(outcome, self.lacks_funds(at, call))),
        }
    }

    /// Gas that a call needs on the state after a block, without any reserve.
    pub fn estimate(&self, at: &Block, call: &Call) -> Result<u64, CallRefusal> {
        let most = self.settings.gas_limit;
        let first = self.attempt(at, call, most);
        let outcome = Outcome::of(&first);
        if !outcome.is_done() {
            return Err(refusal(outcome, self.lacks_funds(at, call)));
        }
        let enough = |gas| Outcome::of(&self.attempt(at, call, gas)).is_done();
        // What is given back in the end has to be there until then.
        let (used, spent) = (first.tx_gas_used(), first.gas().total_gas_spent());
        if used >= spent && enough(used) {
            return Ok(used);
        }
        let (mut low, mut high) = (used.max(spent).saturating_sub(1), most);
        let least = spent.saturating_add(STIPEND);
        let guess = least.saturating_mul(64).checked_div(63).unwrap_or(least);
        if guess < high && enough(guess) {
            high = guess;
        }
        // To within one and a half percent, as geth does, and what a contract may keep.
        while high.saturating_sub(low) > (high / 64).saturating_add(2 * STIPEND) {
            let middle = low.saturating_add(high.saturating_sub(low) / 2);
            if enough(middle) {
                high = middle;
            } else {
                low = middle;
            }
        }
        Ok(high)
    }

    fn attempt(&self, at: &Block, call: &Call, gas: u64) -> ExecutionResult {
        Surroundings::of(&at.header.inner, self.id).attempt(&at.state, call, gas)
    }

    fn lacks_funds(&self, at: &Block, call: &Call) -> bool {
        at.state.balance(call.from) < call.value
    }
}

fn refusal(outcome: Outcome, lacks_funds: bool) -> CallRefusal {
    let (class, text, data) = match outcome {
        _ if lacks_funds => (CallClass::Funds, "insufficient funds for transfer", Bytes::new()),
        Outcome::Reverted(data) => (CallClass::Reverted, "execution reverted", data),
        _ => (CallClass::Gas, "out of gas", Bytes::new()),
    };
    CallRefusal { class, text: text.to_owned(), data }
}
