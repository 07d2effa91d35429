//! A look at the chain and what follows from it.

use tallystick_planted::{Bug, planted};
use tallystick_types::WallTime;

use super::super::answer::{SeenReceipt, SendAnswer, Sight};
use super::super::fees::Market;
use super::super::intent::{OutcomeResult, Pause};
use super::super::record::Inclusion;
use super::evidence::{Evidence, middle, reached, weigh};
use super::{Lane, Phase, Request, Step};
use crate::endpoint::SendClass;

/// How many times sooner bytes are sent again that no pool has.
const LOST: u64 = 3;

impl Lane {
    /// Takes what each endpoint saw; nothing where it did not answer.
    pub fn looked(&mut self, now: WallTime, sights: Vec<Option<Sight>>) -> Step {
        let mut step = Step::default();
        self.looking = false;
        self.look_at = later(now, self.look_interval());
        let quorum = self.settings.quorum.max(1);
        let chain = self.settings.chain.get();
        let (sights, others): (Vec<_>, Vec<_>) =
            sights.into_iter().flatten().partition(|sight| sight.chain == chain);
        self.misconfigured |= others.len() >= quorum;
        if sights.len() < quorum {
            self.pause = Some(Pause::NoChain);
            return step;
        }
        if matches!(self.pause, Some(Pause::NoChain | Pause::Unsettled)) {
            self.pause = None;
        }
        self.read_market(&sights);
        let nonces: Vec<u64> = self.slots.keys().copied().collect();
        for nonce in nonces {
            match weigh(nonce, &sights, quorum) {
                Evidence::Mined(receipt) => self.mined(now, nonce, receipt, &mut step),
                Evidence::Absent => self.not_mined(nonce, &mut step),
                Evidence::Foreign if !self.looked_for_all(nonce) => {}
                Evidence::Foreign if self.header.adopting => self.release(now, nonce, &mut step),
                Evidence::Foreign => self.meet_foreign(nonce, &mut step),
                Evidence::Unclear => {}
            }
        }
        self.compare_count(&sights, quorum, &mut step);
        self.booted |= self.header.next.is_some();
        self.resend(now, &sights, &mut step);
        self.schedule(now, &mut step);
        step
    }

    fn look_interval(&self) -> u64 {
        let settings = &self.settings;
        let idle = self.wishes.is_empty() && self.booted;
        if idle { settings.idle_look_every_ms } else { settings.look_every_ms }
    }

    fn read_market(&mut self, sights: &[Sight]) {
        let base = middle(sights.iter().map(|sight| sight.base_fee));
        let tip = middle(sights.iter().map(|sight| sight.tip));
        self.market = base.zip(tip).map(|(base, tip)| Market { base, tip });
        self.balance = middle(sights.iter().map(|sight| sight.balance)).unwrap_or_default();
        self.head = middle(sights.iter().map(|sight| sight.head)).unwrap_or(self.head);
    }

    /// The lane's count against the chain's. The first look takes the chain's count; later the
    /// chain must never be ahead, or the store is older than what it sent.
    fn compare_count(&mut self, sights: &[Sight], quorum: usize, step: &mut Step) {
        let latest = sights.iter().map(|sight| sight.latest_nonce);
        let pending = sights.iter().map(|sight| sight.pending_nonce);
        let Some(next) = self.header.next else {
            let mut counts = latest.clone().chain(pending);
            let first = counts.next();
            if let Some(count) = first
                && counts.all(|other| other == count)
            {
                self.header.next = Some(count);
                self.table.put_header(&mut step.batch, &self.header);
            } else {
                self.pause = Some(Pause::Unsettled);
            }
            return;
        };
        if self.header.adopting {
            let finals = sights.iter().map(|sight| sight.final_nonce);
            let mut counts = latest.chain(pending).chain(finals);
            let count = counts.next().filter(|count| counts.all(|other| other == *count));
            if let Some(count) = count.filter(|count| *count >= next && self.slots.is_empty()) {
                (self.header.next, self.header.foreign) = (Some(count), None);
                self.header.adopting = false;
                self.table.put_header(&mut step.batch, &self.header);
            }
            return;
        }
        let ahead = |count: Option<u64>| count.is_some_and(|count| count > next);
        if ahead(reached(latest, quorum)) || ahead(reached(pending, quorum)) {
            self.meet_foreign(next, step);
        }
    }

    fn meet_foreign(&mut self, nonce: u64, step: &mut Step) {
        if self.header.foreign.is_none() {
            self.header.foreign = Some(nonce);
            self.table.put_header(&mut step.batch, &self.header);
        }
    }

    /// Whether the last look asked for every variant of a nonce.
    fn looked_for_all(&self, nonce: u64) -> bool {
        let variants = self.slots.get(&nonce).map(|slot| slot.record.variants.len());
        variants.is_some() && self.looked_for.get(&nonce).copied() == variants
    }

    /// Frees a wish from a nonce that a final block gave to somebody else.
    fn release(&mut self, now: WallTime, nonce: u64, step: &mut Step) {
        let Some(slot) = self.slots.remove(&nonce) else { return };
        self.table.delete_nonce(&mut step.batch, nonce);
        let arrival = self.arrivals.get(&slot.record.intent);
        if let Some(wish) = arrival.and_then(|arrival| self.wishes.get_mut(arrival)) {
            wish.phase = Phase::Queued { retry_at: now };
        }
    }

    fn not_mined(&mut self, nonce: u64, step: &mut Step) {
        let Some(slot) = self.slots.get_mut(&nonce) else { return };
        if !planted(Bug::OverlooksReorg) && slot.record.included.take().is_some() {
            // The block was reorganised away, and perhaps the pools forgot the bytes.
            slot.sent_at = None;
            self.table.put_nonce(&mut step.batch, nonce, &slot.record);
        }
    }

    fn mined(&mut self, now: WallTime, nonce: u64, receipt: SeenReceipt, step: &mut Step) {
        let Some(slot) = self.slots.get_mut(&nonce) else { return };
        let record = &mut slot.record;
        let variant = record.variants.iter().find(|variant| variant.tx == receipt.tx);
        let Some(cancels) = variant.map(|variant| variant.cancels) else { return };
        let SeenReceipt { tx, block, block_hash, .. } = receipt;
        let inclusion = Inclusion { tx, block, block_hash };
        let is_news = record.included != Some(inclusion);
        let arrival = self.arrivals.get(&record.intent).copied();
        let arrival = arrival.expect("a nonce exists only together with its wish");
        if is_news {
            record.included = Some(inclusion);
            self.table.put_nonce(&mut step.batch, nonce, record);
            if !cancels {
                self.end(arrival, OutcomeResult::Included { tx, block }, step);
            }
        }
        if receipt.is_final || planted(Bug::OneConfirmation) {
            self.slots.remove(&nonce);
            self.table.delete_nonce(&mut step.batch, nonce);
            if receipt.success && !cancels {
                self.end(arrival, OutcomeResult::Done { tx }, step);
            } else {
                self.without_effect(now, arrival, cancels, step);
            }
        }
    }

    /// The nonce is used up, and the wish is not fulfilled.
    fn without_effect(&mut self, now: WallTime, arrival: u64, cancelled: bool, step: &mut Step) {
        let Some(wish) = self.wishes.get_mut(&arrival) else { return };
        wish.phase = Phase::Queued { retry_at: now };
        if !cancelled {
            wish.record.failures = wish.record.failures.saturating_add(1);
        }
        self.table.put_wish(&mut step.batch, &wish.record);
        let failures = wish.record.failures;
        if failures >= self.settings.failures {
            let reason = format!("{failures} transactions were in final blocks without effect");
            self.end(arrival, OutcomeResult::GaveUp { reason }, step);
        }
    }

    /// Sends again what is in no block: pools forget, and endpoints lose what they took. What
    /// enough endpoints count as neither mined nor waiting goes out again sooner.
    fn resend(&mut self, now: WallTime, sights: &[Sight], step: &mut Step) {
        if (self.halted() && !self.header.adopting) || !self.booted {
            return;
        }
        for (&nonce, slot) in &mut self.slots {
            let without = sights.iter().filter(|sight| sight.pending_nonce <= nonce).count();
            let lost = without >= self.settings.quorum.max(1);
            let patience = self.settings.resend_after_ms / if lost { LOST } else { 1 };
            let due = slot.sent_at.is_none_or(|sent_at| later(sent_at, patience) <= now);
            if slot.record.included.is_some() || !due || planted(Bug::NeverResends) {
                continue;
            }
            slot.sent_at = Some(now);
            // The newest last: it replaces the others wherever they were kept.
            for variant in &slot.record.variants {
                let (tx, raw) = (variant.tx, variant.raw.clone());
                step.requests.push(Request::Send { nonce, tx, raw });
            }
        }
    }

    /// Takes what each endpoint said to signed bytes. None of it ends a wish.
    pub fn sent(
        &mut self,
        now: WallTime,
        nonce: u64,
        tx: alloy_primitives::B256,
        answers: &[SendAnswer],
    ) -> Step {
        let mut step = Step::default();
        let Some(slot) = self.slots.get_mut(&nonce) else { return step };
        slot.answered = true;
        let count =
            |class| answers.iter().filter(|answer| **answer == SendAnswer::Refused(class)).count();
        self.misconfigured |= count(SendClass::Identity) >= self.settings.quorum.max(1);
        let is_newest = slot.record.newest().tx == tx;
        let taken = answers.contains(&SendAnswer::Taken);
        if is_newest && taken {
            slot.underpriced = false;
        }
        if !is_newest || taken || slot.record.included.is_some() {
            return step;
        }
        slot.underpriced |= count(SendClass::Underpriced) > 0;
        if count(SendClass::Funds) > 0 {
            self.unfunded_until = later(now, self.settings.resend_after_ms);
        }
        if count(SendClass::Gas) > 0 && !slot.retrying && slot.new_gas.is_none() && !slot.give_back
        {
            slot.retrying = true;
            let key = slot.record.intent;
            let arrival = self.arrivals.get(&key).and_then(|arrival| self.wishes.get(arrival));
            step.requests.extend(arrival.map(super::Wish::trial));
        }
        if count(SendClass::NonceTooHigh) > 0 {
            for lower in self.slots.range_mut(..nonce).map(|(_, lower)| lower) {
                lower.sent_at = None;
            }
        }
        step
    }
}

pub(super) const fn later(now: WallTime, milliseconds: u64) -> WallTime {
    WallTime::new(now.get().saturating_add(milliseconds))
}
