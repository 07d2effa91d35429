//! The rules of one lane: one account on one chain. Pure: time, answers and signatures come in,
//! batches and requests go out.
//!
//! What holds after every step, whatever endpoints say and wherever a crash falls:
//! a nonce exists only together with stored signed bytes; nothing is sent that is not stored; no
//! answer to a sending ends a wish, only the chain does; nonces are contiguous from the chain's; a
//! wish has at most one nonce that is not final; what is under way never costs more than the
//! account has.

mod evidence;
mod pricing;
mod settling;
#[cfg(test)]
mod tests;
mod trying;

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256};
use tallystick_planted::{Bug, planted};
use tallystick_ports::{Batch, Store};
use tallystick_types::{ChainId, WallTime};

use super::fees::{Market, Offer};
use super::intent::{
    Guard, Halt, Intent, IntentKey, IntentStatus, LaneState, Outcome, OutcomeResult, Pause, Seq,
};
use super::record::{Header, Inclusion, NonceRecord, RecordError, Table, WishRecord};

/// How a lane behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The chain.
    pub chain: ChainId,
    /// The account that sends; nobody else may use it.
    pub account: Address,
    /// How many endpoints must agree on what the chain says.
    pub quorum: usize,
    /// How many transactions may be under way at once.
    pub in_flight: usize,
    /// Time between two looks at the chain, in milliseconds.
    pub look_every_ms: u64,
    /// The same while there is nothing to wait for.
    pub idle_look_every_ms: u64,
    /// When to send stored bytes again that are in no block, in milliseconds.
    pub resend_after_ms: u64,
    /// When to raise a price that is below the chain's, in milliseconds after its signature.
    pub raise_after_ms: u64,
    /// The same, in blocks.
    pub raise_after_blocks: u64,
    /// How many equal refusals in a row end a wish.
    pub refusals: u32,
    /// How long to wait after the first refusal, in milliseconds; doubles with each.
    pub refusal_wait_ms: u64,
    /// How many final blocks without effect end a wish.
    pub failures: u32,
}

impl Settings {
    /// Settings for a chain with blocks of seconds, and one endpoint.
    pub const fn new(chain: ChainId, account: Address) -> Self {
        Self {
            chain,
            account,
            quorum: 1,
            in_flight: 16,
            look_every_ms: 1_000,
            idle_look_every_ms: 15_000,
            resend_after_ms: 15_000,
            raise_after_ms: 30_000,
            raise_after_blocks: 8,
            refusals: 5,
            refusal_wait_ms: 1_000,
            failures: 3,
        }
    }
}

/// What a lane asks for. Every request is answered once, in any order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Look at the chain through every endpoint; answer with [`Lane::looked`].
    Look {
        /// Nonces and the transactions that compete for each.
        nonces: Vec<(u64, Vec<B256>)>,
    },
    /// Try a call on every endpoint, the guard first; answer with [`Lane::tried`].
    Try {
        /// The wish.
        key: IntentKey,
        /// The contract.
        to: Address,
        /// What to call it with.
        data: Bytes,
        /// What to send along, in wei.
        value: U256,
        /// The question to ask first.
        guard: Option<Guard>,
    },
    /// Sign; answer with [`Lane::signed`]. The bytes go nowhere but there.
    Sign(Unsigned),
    /// Send stored bytes to every endpoint; answer with [`Lane::sent`].
    Send {
        /// The nonce.
        nonce: u64,
        /// The transaction.
        tx: B256,
        /// The bytes.
        raw: Bytes,
    },
}

/// A transaction that waits for its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsigned {
    /// The nonce.
    pub nonce: u64,
    /// The contract.
    pub to: Address,
    /// What to call it with.
    pub data: Bytes,
    /// What to send along, in wei.
    pub value: U256,
    /// Gas that it may use.
    pub gas: u64,
    /// Most to pay per unit of gas, in wei.
    pub max_fee_per_gas: u128,
    /// Most of it for whoever builds the block, in wei.
    pub max_priority_fee_per_gas: u128,
}

/// What follows from one step: first the batch, then, once it is on the disk, the requests.
#[must_use = "requests without the batch before them send what is not stored"]
#[derive(Debug, Default)]
pub struct Step {
    /// What to commit first. Where that fails, the lane must be loaded again.
    pub batch: Batch,
    /// What to ask afterwards.
    pub requests: Vec<Request>,
}

/// A wish in memory.
#[derive(Debug)]
struct Wish {
    record: WishRecord,
    phase: Phase,
    refusal: Option<Refusal>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Queued { retry_at: WallTime },
    Trying,
    Ready { gas: u64, until: WallTime },
    Signing { gas: u64 },
    Sent { nonce: u64 },
}

#[derive(Clone, Debug)]
struct Refusal {
    reason: String,
    times: u32,
    /// The lane's next nonce at the first of them: a refusal counts only once all lower nonces are
    /// in a block, since the wish may wait for one of them.
    after: u64,
}

/// A nonce in memory.
#[derive(Debug)]
struct Slot {
    record: NonceRecord,
    sent_at: Option<WallTime>,
    answered: bool,
    underpriced: bool,
    /// The call is tried again, since its gas did not fit.
    retrying: bool,
    new_gas: Option<u64>,
    give_back: bool,
}

impl Slot {
    const fn new(record: NonceRecord) -> Self {
        Self {
            record,
            sent_at: None,
            answered: false,
            underpriced: false,
            retrying: false,
            new_gas: None,
            give_back: false,
        }
    }
}

/// A signature that was asked for. One at a time.
#[derive(Debug)]
struct Signing {
    arrival: u64,
    replaces: bool,
    cancels: bool,
    nonce: u64,
    gas: u64,
    offer: Offer,
}

/// The machine of one lane. See the page of this module.
#[derive(Debug)]
pub struct Lane {
    settings: Settings,
    table: Table,
    header: Header,
    /// Wishes in the order of arrival.
    wishes: BTreeMap<u64, Wish>,
    arrivals: BTreeMap<IntentKey, u64>,
    slots: BTreeMap<u64, Slot>,
    market: Option<Market>,
    balance: U256,
    head: u64,
    looking: bool,
    /// How many variants of each nonce the look under way asks for: what came later may be on the
    /// chain without that look seeing it.
    looked_for: BTreeMap<u64, usize>,
    look_at: WallTime,
    booted: bool,
    signing: Option<Signing>,
    pause: Option<Pause>,
    misconfigured: bool,
    /// No new transaction before these moments: the signer refused; a node wants more funds.
    locked_until: WallTime,
    unfunded_until: WallTime,
}

impl Lane {
    /// Reads a lane as its last committed batch left it.
    pub fn load(settings: Settings, store: &dyn Store) -> Result<Self, RecordError> {
        let table = Table::of(settings.chain, settings.account);
        let header = table.header(store)?;
        let (mut wishes, mut arrivals) = (BTreeMap::new(), BTreeMap::new());
        for record in table.wishes(store)? {
            arrivals.insert(record.intent.key, record.arrival);
            let phase = Phase::Queued { retry_at: WallTime::default() };
            wishes.insert(record.arrival, Wish { record, phase, refusal: None });
        }
        let mut slots = BTreeMap::new();
        for (nonce, record) in table.nonces(store)? {
            let torn = RecordError::Torn { nonce };
            let arrival = arrivals.get(&record.intent);
            let Some(wish) = arrival.and_then(|arrival| wishes.get_mut(arrival)) else {
                return Err(torn);
            };
            let second = matches!(wish.phase, Phase::Sent { .. });
            if second || header.next.is_none_or(|next| nonce >= next) {
                return Err(torn);
            }
            wish.phase = Phase::Sent { nonce };
            slots.insert(nonce, Slot::new(record));
        }
        Ok(Self {
            settings,
            table,
            header,
            wishes,
            arrivals,
            slots,
            market: None,
            balance: U256::ZERO,
            head: 0,
            looking: false,
            looked_for: BTreeMap::new(),
            look_at: WallTime::default(),
            booted: false,
            signing: None,
            pause: None,
            misconfigured: false,
            locked_until: WallTime::default(),
            unfunded_until: WallTime::default(),
        })
    }

    /// Takes a wish. The caller made sure that no wish of this name is over.
    pub fn enqueue(&mut self, intent: Intent) -> Step {
        let mut step = Step::default();
        if self.arrivals.contains_key(&intent.key) {
            return step;
        }
        let arrival = self.header.arrivals;
        self.header.arrivals = arrival.saturating_add(1);
        let record = WishRecord { intent, arrival, failures: 0 };
        self.table.put_wish(&mut step.batch, &record);
        self.table.put_header(&mut step.batch, &self.header);
        self.arrivals.insert(record.intent.key, arrival);
        let phase = Phase::Queued { retry_at: WallTime::default() };
        self.wishes.insert(arrival, Wish { record, phase, refusal: None });
        // An idle lane looks rarely; now there is a reason.
        self.look_at = WallTime::default();
        step
    }

    /// Goes on after a foreign nonce, by the word of an operator who made sure that nobody else
    /// uses the account any more. Wishes whose nonce the foreigner took get another one; the lane
    /// signs again once all that the account ever sent is final.
    pub fn adopt(&mut self) -> Step {
        let mut step = Step::default();
        if self.header.foreign.is_some() {
            self.header.adopting = true;
            self.table.put_header(&mut step.batch, &self.header);
        }
        step
    }

    /// Lets time act: looks, tries, expiries, prices. Call it every few hundred milliseconds.
    pub fn tick(&mut self, now: WallTime) -> Step {
        let mut step = Step::default();
        if !self.looking && now >= self.look_at {
            self.looking = true;
            let count = |(nonce, slot): (&u64, &Slot)| (*nonce, slot.record.variants.len());
            self.looked_for = self.slots.iter().map(count).collect();
            let hashes = |slot: &Slot| slot.record.variants.iter().map(|each| each.tx).collect();
            let nonces = self.slots.iter().map(|(nonce, slot)| (*nonce, hashes(slot))).collect();
            step.requests.push(Request::Look { nonces });
        }
        self.expire(now, &mut step);
        self.start_trials(now, &mut step);
        self.schedule(now, &mut step);
        step
    }

    /// What the lane does as a whole.
    pub const fn state(&self) -> LaneState {
        if self.header.adopting {
            LaneState::Paused(Pause::Unsettled)
        } else if let Some(nonce) = self.header.foreign {
            LaneState::Halted(Halt::ForeignNonce { nonce })
        } else if self.misconfigured {
            LaneState::Halted(Halt::Configuration)
        } else if let Some(pause) = self.pause {
            LaneState::Paused(pause)
        } else if self.booted {
            LaneState::Open
        } else {
            LaneState::Starting
        }
    }

    /// The chain that the lane sends to.
    pub const fn chain(&self) -> ChainId {
        self.settings.chain
    }

    /// The number of the newest outcome.
    pub const fn newest_outcome(&self) -> Seq {
        Seq(self.header.outcomes)
    }

    /// The wishes that are not over, and where each stands.
    pub fn statuses(&self) -> impl Iterator<Item = (IntentKey, IntentStatus)> {
        self.wishes.values().map(|wish| (wish.record.intent.key, self.status(wish)))
    }

    fn status(&self, wish: &Wish) -> IntentStatus {
        match wish.phase {
            Phase::Queued { .. } | Phase::Trying => {
                let refused = wish.refusal.as_ref().map(|refusal| refusal.reason.clone());
                IntentStatus::Queued { refused }
            }
            Phase::Ready { .. } | Phase::Signing { .. } => IntentStatus::Ready,
            Phase::Sent { nonce } => {
                let slot = self.slots.get(&nonce).expect("a wish that was sent has its nonce");
                let record = &slot.record;
                if let Some(Inclusion { tx, block, .. }) = record.included {
                    IntentStatus::Included { tx, block }
                } else if record.newest().cancels {
                    IntentStatus::Cancelling { nonce }
                } else if slot.answered {
                    IntentStatus::Broadcast { nonce, variants: record.variants.len() }
                } else {
                    IntentStatus::Signed { nonce }
                }
            }
        }
    }

    const fn halted(&self) -> bool {
        self.header.foreign.is_some() || self.misconfigured
    }

    /// Ends wishes that are past their deadline and have no nonce.
    fn expire(&mut self, now: WallTime, step: &mut Step) {
        let late = |wish: &&Wish| {
            let out = matches!(wish.phase, Phase::Sent { .. } | Phase::Signing { .. });
            let unsigned = !out || planted(Bug::GivesUpSent);
            unsigned && wish.record.intent.deadline.is_some_and(|deadline| deadline <= now)
        };
        let late: Vec<u64> =
            self.wishes.values().filter(late).map(|wish| wish.record.arrival).collect();
        for arrival in late {
            self.end(arrival, OutcomeResult::Expired, step);
        }
    }

    /// Adds an outcome to the log; a final one takes the place of its wish.
    fn end(&mut self, arrival: u64, result: OutcomeResult, step: &mut Step) {
        let Some(wish) = self.wishes.get(&arrival) else { return };
        let key = wish.record.intent.key;
        self.header.outcomes = self.header.outcomes.saturating_add(1);
        let outcome = Outcome { key, result };
        self.table.put_outcome(&mut step.batch, Seq(self.header.outcomes), &outcome);
        self.table.put_header(&mut step.batch, &self.header);
        if outcome.result.is_final() {
            self.wishes.remove(&arrival);
            self.arrivals.remove(&key);
        }
    }

    /// How many transactions are under way.
    fn under_way(&self) -> usize {
        self.slots.values().filter(|slot| slot.record.included.is_none()).count()
    }
}
