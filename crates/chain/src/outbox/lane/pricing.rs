//! What is signed next, and for how much.

use alloy_primitives::{Bytes, U256};
use tallystick_planted::{Bug, planted};
use tallystick_types::WallTime;

use super::super::answer::SignedTransaction;
use super::super::fees::{Market, Offer};
use super::super::intent::Pause;
use super::super::record::{NonceRecord, Variant};
use super::settling::later;
use super::{Lane, Phase, Request, Signing, Slot, Step, Unsigned, Wish};

/// How long to wait for a signer that refused, in milliseconds.
const LOCKED_MS: u64 = 5_000;
/// The most gas that using up a nonce may take, in any chain's way of counting.
const CANCEL_GAS: u64 = 1_000_000;

impl Lane {
    /// Asks for the next signature, if any is due: better offers first, then the oldest wish.
    pub(super) fn schedule(&mut self, now: WallTime, step: &mut Step) {
        let Some(market) = self.market else { return };
        let blocked = matches!(self.pause, Some(Pause::NoChain | Pause::Unsettled));
        if self.signing.is_some() || self.halted() || !self.booted || blocked {
            return;
        }
        self.pause = None;
        if now < self.locked_until {
            self.pause = Some(Pause::Locked);
            return;
        }
        let nonces: Vec<u64> = self.slots.keys().copied().collect();
        if nonces.into_iter().any(|nonce| self.improve(now, nonce, market, step)) {
            return;
        }
        if now < self.unfunded_until {
            self.pause = Some(Pause::NoFunds);
            return;
        }
        if self.under_way() < self.settings.in_flight {
            self.start_next(now, market, step);
        }
    }

    /// Asks for another variant of a nonce where it needs one. Whether it did.
    fn improve(&mut self, now: WallTime, nonce: u64, market: Market, step: &mut Step) -> bool {
        let Some(slot) = self.slots.get(&nonce) else { return false };
        let arrival = self.arrivals.get(&slot.record.intent).copied();
        let Some(wish) = arrival.and_then(|arrival| self.wishes.get(&arrival)) else {
            return false;
        };
        let (intent, last) = (&wish.record.intent, slot.record.newest());
        let cancelled = slot.record.variants.iter().any(|variant| variant.cancels);
        let void = intent.deadline.is_some_and(|deadline| deadline <= now) || slot.give_back;
        let waited = later(last.at, self.settings.raise_after_ms) <= now
            || last.head.saturating_add(self.settings.raise_after_blocks) <= self.head;
        let stuck = slot.underpriced || (waited && market.exceeds(last.offer));
        let due = (void && !cancelled) || slot.new_gas.is_some() || stuck;
        if slot.record.included.is_some() || !due {
            return false;
        }
        let Some(offer) = market.better_offer(last.offer, intent.max_fee_per_gas) else {
            self.pause = Some(Pause::FeeCap);
            return false;
        };
        let cancels = void || cancelled;
        let gas = slot.new_gas.unwrap_or(last.gas);
        let gas = if cancels { gas.min(CANCEL_GAS) } else { gas };
        let value = if cancels { U256::ZERO } else { intent.value };
        if !self.affordable(Some(nonce), cost(gas, offer, value)) {
            self.pause = Some(Pause::NoFunds);
            return false;
        }
        let arrival = wish.record.arrival;
        let signing = Signing { arrival, replaces: true, cancels, nonce, gas, offer };
        self.sign(signing, step);
        true
    }

    fn start_next(&mut self, now: WallTime, market: Market, step: &mut Step) {
        let Some(nonce) = self.header.next else { return };
        let mut next = None;
        for (&arrival, wish) in &mut self.wishes {
            let Phase::Ready { gas, until } = wish.phase else { continue };
            if until <= now {
                wish.phase = Phase::Queued { retry_at: now };
                continue;
            }
            let intent = &wish.record.intent;
            if let Some(offer) = market.first_offer(intent.max_fee_per_gas) {
                next = Some((arrival, gas, offer, intent.value));
                break;
            }
            self.pause = Some(Pause::FeeCap);
        }
        let Some((arrival, gas, offer, value)) = next else { return };
        if !self.affordable(None, cost(gas, offer, value)) {
            self.pause = Some(Pause::NoFunds);
            return;
        }
        self.pause = None;
        let signing = Signing { arrival, replaces: false, cancels: false, nonce, gas, offer };
        if let Some(wish) = self.wishes.get_mut(&arrival) {
            wish.phase = Phase::Signing { gas };
        }
        self.sign(signing, step);
    }

    fn sign(&mut self, signing: Signing, step: &mut Step) {
        let Some(wish) = self.wishes.get(&signing.arrival) else { return };
        let intent = &wish.record.intent;
        let (to, data, value) = if signing.cancels {
            (self.settings.account, Bytes::new(), U256::ZERO)
        } else {
            (intent.to, intent.data.clone(), intent.value)
        };
        step.requests.push(Request::Sign(Unsigned {
            nonce: signing.nonce,
            to,
            data,
            value,
            gas: signing.gas,
            max_fee_per_gas: signing.offer.cap,
            max_priority_fee_per_gas: signing.offer.tip,
        }));
        self.signing = Some(signing);
    }

    /// Takes a signature; nothing where the signer refused. Nonce and bytes go into one batch.
    pub fn signed(&mut self, now: WallTime, signed: Option<SignedTransaction>) -> Step {
        let mut step = Step::default();
        let Some(signing) = self.signing.take() else { return step };
        let Some(SignedTransaction { raw, tx }) = signed.filter(|_| !self.halted()) else {
            self.locked_until = later(now, LOCKED_MS);
            self.unsign(now, &signing);
            self.schedule(now, &mut step);
            return step;
        };
        let Signing { nonce, gas, offer, cancels, .. } = signing;
        let head = self.head;
        let variant = Variant { raw: raw.clone(), tx, offer, gas, at: now, head, cancels };
        if signing.replaces {
            // The chain may have decided in the meantime.
            let slot = self.slots.get_mut(&nonce).filter(|slot| slot.record.included.is_none());
            let Some(slot) = slot else {
                self.schedule(now, &mut step);
                return step;
            };
            slot.record.variants.push(variant);
            (slot.underpriced, slot.new_gas) = (false, None);
            slot.sent_at = Some(now);
            if !planted(Bug::ReplacesUnrecorded) {
                self.table.put_nonce(&mut step.batch, nonce, &slot.record);
            }
        } else {
            let Some(wish) = self.wishes.get_mut(&signing.arrival) else { return step };
            wish.phase = Phase::Sent { nonce };
            let intent = wish.record.intent.key;
            let record = NonceRecord { intent, variants: vec![variant], included: None };
            if !planted(Bug::SendsUnrecorded) {
                self.table.put_nonce(&mut step.batch, nonce, &record);
            }
            let used = u64::from(!planted(Bug::ReusesNonce));
            self.header.next = Some(nonce.saturating_add(used));
            if !planted(Bug::NonceInMemory) {
                self.table.put_header(&mut step.batch, &self.header);
            }
            self.slots.insert(nonce, Slot { sent_at: Some(now), ..Slot::new(record) });
        }
        step.requests.push(Request::Send { nonce, tx, raw });
        self.schedule(now, &mut step);
        step
    }

    /// Puts back a wish that was not signed.
    fn unsign(&mut self, now: WallTime, signing: &Signing) {
        if let Some(wish) = self.wishes.get_mut(&signing.arrival)
            && matches!(wish.phase, Phase::Signing { .. })
        {
            wish.phase = Phase::Queued { retry_at: now };
        }
    }

    /// Whether the account can pay for what is under way and for this, at the worst price.
    fn affordable(&self, instead_of: Option<u64>, more: U256) -> bool {
        let under_way = self
            .slots
            .iter()
            .filter(|(nonce, slot)| slot.record.included.is_none() && instead_of != Some(**nonce));
        let total =
            under_way.fold(more, |total, (_, slot)| total.saturating_add(self.worst_cost(slot)));
        total <= self.balance
    }

    fn worst_cost(&self, slot: &Slot) -> U256 {
        let arrival = self.arrivals.get(&slot.record.intent);
        let wish: Option<&Wish> = arrival.and_then(|arrival| self.wishes.get(arrival));
        let value = wish.map_or(U256::ZERO, |wish| wish.record.intent.value);
        let costs = slot.record.variants.iter().map(|variant| {
            let value = if variant.cancels { U256::ZERO } else { value };
            cost(variant.gas, variant.offer, value)
        });
        costs.max().unwrap_or_default()
    }
}

fn cost(gas: u64, offer: Offer, value: U256) -> U256 {
    U256::from(gas).saturating_mul(U256::from(offer.cap)).saturating_add(value)
}
