//! Transactions that wait for a block, by the rules of the programs that keep them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use alloy_primitives::{Address, B256, U256};
use tallystick_chain::endpoint::SendClass;

use super::choice::Choice;
use super::state::State;
use super::transaction::Signed;

/// Whose rules a chain's endpoints follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persona {
    /// A public pool: the best price first, 10 % more in both fields replaces, gaps wait.
    Geth,
    /// A sequencer: first come, first served. Nothing is replaced, gaps are refused, tips are taken
    /// and do not matter, and what does not pay the base fee is refused at once.
    Nitro,
}

/// A percent more that a replacement has to offer.
const BUMP: u128 = 10;

/// Gas of any transaction.
const BASE_GAS: u64 = 21_000;

/// Gas of creating a contract.
const CREATION_GAS: u64 = 32_000;

/// Gas of a zero byte of data; another one counts as four of them.
const TOKEN_GAS: u64 = 4;

/// Gas of a zero byte of data where little else is done.
const FLOOR_GAS: u64 = 10;

#[derive(Clone, Debug)]
struct Waiting {
    tx: Arc<Signed>,
    arrival: u64,
}

/// What waits, by account and nonce.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    persona: Persona,
    waiting: BTreeMap<Address, BTreeMap<u64, Waiting>>,
    arrivals: u64,
}

/// What the next block demands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) chain: u64,
    pub(super) base_fee: u64,
    pub(super) gas_limit: u64,
}

/// The next transaction of each account, the best first.
#[derive(Debug)]
pub(super) struct Queue<'a> {
    pool: &'a Pool,
    choice: &'a Choice,
    base_fee: u128,
    order: BTreeSet<(Reverse<u128>, u64, Address, u64)>,
}

impl Pool {
    pub(super) const fn new(persona: Persona) -> Self {
        Self { persona, waiting: BTreeMap::new(), arrivals: 0 }
    }

    pub(super) const fn set_persona(&mut self, persona: Persona) {
        self.persona = persona;
    }

    /// Takes a transaction, or says why not.
    pub(super) fn add(
        &mut self,
        tx: Arc<Signed>,
        state: &State,
        terms: Terms,
    ) -> Result<(), SendClass> {
        let queued = self.waiting.get(&tx.from);
        let rival = queued.and_then(|queued| queued.get(&tx.nonce));
        if rival.is_some_and(|rival| rival.tx.hash == tx.hash) {
            return Err(SendClass::AlreadyKnown);
        }
        check_form(&tx, terms)?;
        if tx.nonce < state.nonce(tx.from) {
            return Err(SendClass::NonceTooLow);
        }
        if self.persona == Persona::Nitro {
            self.check_turn(&tx, state, terms)?;
        }
        if state.balance(tx.from) < self.spending(&tx).saturating_add(tx.most()) {
            return Err(SendClass::Funds);
        }
        if rival.is_some_and(|rival| !outbids(&tx, &rival.tx)) {
            return Err(SendClass::Underpriced);
        }
        self.arrivals = self.arrivals.saturating_add(1);
        let (from, nonce, arrival) = (tx.from, tx.nonce, self.arrivals);
        self.waiting.entry(from).or_default().insert(nonce, Waiting { tx, arrival });
        Ok(())
    }

    /// A sequencer takes the next transaction of an account and no other.
    fn check_turn(&self, tx: &Signed, state: &State, terms: Terms) -> Result<(), SendClass> {
        if tx.fee_cap < u128::from(terms.base_fee) {
            return Err(SendClass::Underpriced);
        }
        match tx.nonce.cmp(&self.pending_nonce(tx.from, state)) {
            std::cmp::Ordering::Less => Err(SendClass::NonceTooLow),
            std::cmp::Ordering::Equal => Ok(()),
            std::cmp::Ordering::Greater => Err(SendClass::NonceTooHigh),
        }
    }

    /// Most that everything else of the same account that waits before it can cost.
    fn spending(&self, tx: &Signed) -> U256 {
        let queued = self.waiting.get(&tx.from).into_iter();
        let before = queued.flat_map(|queued| queued.range(..tx.nonce));
        before.fold(U256::ZERO, |sum, (_, waiting)| sum.saturating_add(waiting.tx.most()))
    }

    /// The nonce after those in blocks and those that wait without a gap.
    pub(super) fn pending_nonce(&self, account: Address, state: &State) -> u64 {
        let first = state.nonce(account);
        let Some(queued) = self.waiting.get(&account) else { return first };
        (first..).find(|nonce| !queued.contains_key(nonce)).unwrap_or(first)
    }

    /// Forgets what can never be in a block of this branch.
    pub(super) fn forget_used(&mut self, state: &State) {
        self.waiting.retain(|account, queued| {
            *queued = queued.split_off(&state.nonce(*account));
            !queued.is_empty()
        });
    }

    /// Forgets one transaction; false where it does not wait.
    pub(super) fn remove(&mut self, hash: B256) -> bool {
        let found = self.waiting.iter().find_map(|(account, queued)| {
            let nonce = queued.iter().find(|(_, waiting)| waiting.tx.hash == hash)?.0;
            Some((*account, *nonce))
        });
        let Some((account, nonce)) = found else { return false };
        let queued = self.waiting.get_mut(&account);
        queued.is_some_and(|queued| queued.remove(&nonce).is_some())
    }

    /// What waits, by account and nonce.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Signed>> {
        self.waiting.values().flat_map(BTreeMap::values).map(|waiting| &waiting.tx)
    }

    pub(super) fn queue<'a>(
        &'a self,
        state: &State,
        base_fee: u64,
        choice: &'a Choice,
    ) -> Queue<'a> {
        let order = BTreeSet::new();
        let mut queue = Queue { pool: self, choice, base_fee: base_fee.into(), order };
        for account in self.waiting.keys() {
            queue.line_up(*account, state.nonce(*account));
        }
        queue
    }
}

impl Queue<'_> {
    /// The best of all that may come next; its account is out until it is lined up again.
    pub(super) fn pop(&mut self) -> Option<Arc<Signed>> {
        let (_, _, account, nonce) = self.order.pop_first()?;
        let waiting = self.pool.waiting.get(&account)?.get(&nonce)?;
        Some(Arc::clone(&waiting.tx))
    }

    /// Lets an account's transaction with this nonce wait for its turn.
    pub(super) fn line_up(&mut self, account: Address, nonce: u64) {
        let queued = self.pool.waiting.get(&account);
        let Some(waiting) = queued.and_then(|queued| queued.get(&nonce)) else { return };
        let Some(tip) = waiting.tx.tip_at(self.base_fee) else { return };
        if self.choice.leaves_out(waiting.tx.hash) {
            return;
        }
        let market = match self.pool.persona {
            Persona::Geth => tip,
            Persona::Nitro => 0,
        };
        let score = self.choice.score(waiting.tx.hash).unwrap_or(market);
        self.order.insert((Reverse(score), waiting.arrival, account, nonce));
    }
}

/// What can be said against a transaction without knowing its account.
fn check_form(tx: &Signed, terms: Terms) -> Result<(), SendClass> {
    if tx.chain.is_some_and(|chain| chain != terms.chain) {
        return Err(SendClass::Identity);
    }
    if tx.tip_cap > tx.fee_cap {
        return Err(SendClass::Underpriced);
    }
    let zeros = u64::try_from(tx.data.iter().filter(|byte| **byte == 0).count());
    let length = u64::try_from(tx.data.len()).unwrap_or(u64::MAX);
    let zeros = zeros.unwrap_or(u64::MAX);
    let tokens = zeros.saturating_add(length.saturating_sub(zeros).saturating_mul(4));
    let creation = if tx.to.is_create() {
        CREATION_GAS.saturating_add(length.div_ceil(32).saturating_mul(2))
    } else {
        0
    };
    let of_data = tokens.saturating_mul(TOKEN_GAS).saturating_add(creation);
    let least = of_data.max(tokens.saturating_mul(FLOOR_GAS)).saturating_add(BASE_GAS);
    if tx.gas < least || tx.gas > terms.gas_limit {
        return Err(SendClass::Gas);
    }
    Ok(())
}

/// Whether one transaction may take the place of another.
fn outbids(tx: &Signed, rival: &Signed) -> bool {
    let more = |ours: u128, theirs: u128| {
        ours > theirs && ours.saturating_mul(100) >= theirs.saturating_mul(100 + BUMP)
    };
    more(tx.fee_cap, rival.fee_cap) && more(tx.tip_cap, rival.tip_cap)
}
