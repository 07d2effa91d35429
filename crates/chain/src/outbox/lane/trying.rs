//! Trying a wish against the chain before anything is signed.

use tallystick_types::WallTime;

use super::super::answer::Trial;
use super::super::intent::{IntentKey, OutcomeResult};
use super::evidence::middle;
use super::settling::later;
use super::{Lane, Phase, Refusal, Request, Step, Wish};

/// How long a successful trial stands, in milliseconds.
const TRIAL_STANDS_MS: u64 = 30_000;
/// The longest wait after a refusal, in milliseconds.
const LONGEST_WAIT_MS: u64 = 60_000;

/// What the endpoints say together.
enum Verdict {
    Runs {
        gas: u64,
    },
    Refused {
        reason: String,
    },
    NoFunds,
    Done,
    /// Done, but not finally, or they contradict each other: ask again.
    Unclear,
}

impl Wish {
    pub(super) fn trial(&self) -> Request {
        let intent = &self.record.intent;
        Request::Try {
            key: intent.key,
            to: intent.to,
            data: intent.data.clone(),
            value: intent.value,
            guard: intent.guard.clone(),
        }
    }
}

impl Lane {
    /// Tries the oldest wishes, as many as could be signed.
    pub(super) fn start_trials(&mut self, now: WallTime, step: &mut Step) {
        if self.halted() || !self.booted {
            return;
        }
        let busy = |wish: &&Wish| matches!(wish.phase, Phase::Trying | Phase::Ready { .. });
        let busy = self.wishes.values().filter(busy).count();
        let free = self.settings.in_flight.saturating_sub(busy.saturating_add(self.under_way()));
        let due =
            |wish: &&mut Wish| matches!(wish.phase, Phase::Queued { retry_at } if retry_at <= now);
        for wish in self.wishes.values_mut().filter(due).take(free) {
            wish.phase = Phase::Trying;
            step.requests.push(wish.trial());
        }
    }

    /// Takes what each endpoint said about a call; nothing where it did not answer.
    pub fn tried(&mut self, now: WallTime, key: IntentKey, trials: &[Option<Trial>]) -> Step {
        let mut step = Step::default();
        let Some(&arrival) = self.arrivals.get(&key) else { return step };
        let Some(wish) = self.wishes.get_mut(&arrival) else { return step };
        let verdict = match weigh(trials, self.settings.quorum.max(1)) {
            Verdict::Runs { gas } => Verdict::Runs { gas: gas.max(wish.record.intent.least_gas) },
            other => other,
        };
        match wish.phase {
            Phase::Trying => self.judge(now, arrival, verdict, &mut step),
            Phase::Sent { nonce } => self.judge_sent(nonce, &verdict),
            Phase::Queued { .. } | Phase::Ready { .. } | Phase::Signing { .. } => {}
        }
        self.schedule(now, &mut step);
        step
    }

    fn judge(&mut self, now: WallTime, arrival: u64, verdict: Verdict, step: &mut Step) {
        let again = later(now, self.settings.look_every_ms);
        let Some(wish) = self.wishes.get_mut(&arrival) else { return };
        match verdict {
            Verdict::Runs { gas } => {
                wish.refusal = None;
                wish.phase = Phase::Ready { gas, until: later(now, TRIAL_STANDS_MS) };
            }
            Verdict::Done => self.end(arrival, OutcomeResult::Superseded, step),
            Verdict::Unclear => wish.phase = Phase::Queued { retry_at: again },
            Verdict::NoFunds => {
                wish.phase = Phase::Queued { retry_at: again };
                self.unfunded_until = later(again, self.settings.look_every_ms);
            }
            Verdict::Refused { reason } => self.refuse(now, arrival, reason, step),
        }
    }

    fn refuse(&mut self, now: WallTime, arrival: u64, reason: String, step: &mut Step) {
        let next = self.header.next.unwrap_or_default();
        let waiting = self.slots.iter().find(|(_, slot)| slot.record.included.is_none());
        let waiting = waiting.map(|(nonce, _)| *nonce);
        let Some(wish) = self.wishes.get_mut(&arrival) else { return };
        let last = wish.refusal.take().filter(|last| last.reason == reason);
        let mut refusal = last.unwrap_or(Refusal { reason, times: 0, after: next });
        if waiting.is_none_or(|nonce| nonce >= refusal.after) {
            refusal.times = refusal.times.saturating_add(1);
        }
        let doubled = 2_u64.saturating_pow(refusal.times.saturating_sub(1));
        let wait = self.settings.refusal_wait_ms.saturating_mul(doubled).min(LONGEST_WAIT_MS);
        wish.phase = Phase::Queued { retry_at: later(now, wait) };
        let hopeless = refusal.times >= self.settings.refusals;
        let reason = refusal.reason.clone();
        wish.refusal = Some(refusal);
        if hopeless {
            self.end(arrival, OutcomeResult::GaveUp { reason }, step);
        }
    }

    /// A stored transaction's gas did not fit, so its call was tried again.
    fn judge_sent(&mut self, nonce: u64, verdict: &Verdict) {
        let Some(slot) = self.slots.get_mut(&nonce).filter(|slot| slot.retrying) else { return };
        slot.retrying = false;
        match verdict {
            Verdict::Runs { gas } => slot.new_gas = Some(*gas),
            // The nonce is taken and must be used up by something.
            Verdict::Refused { .. } | Verdict::Done => slot.give_back = true,
            Verdict::NoFunds | Verdict::Unclear => {}
        }
    }
}

fn weigh(trials: &[Option<Trial>], quorum: usize) -> Verdict {
    let said = || trials.iter().flatten();
    let finals = said().filter(|trial| matches!(trial, Trial::GuardDone { is_final: true }));
    if finals.count() >= quorum {
        return Verdict::Done;
    }
    let gas = said().filter_map(|trial| match trial {
        Trial::Gas(gas) => Some(*gas),
        Trial::Refused(_) | Trial::NoFunds | Trial::GuardDone { .. } => None,
    });
    if gas.clone().count() >= quorum {
        let gas = middle(gas).unwrap_or_default();
        // A fifth more, since the state moves between trial and block.
        return Verdict::Runs { gas: gas.saturating_add(gas.div_ceil(5)) };
    }
    if said().filter(|trial| matches!(trial, Trial::NoFunds)).count() >= quorum {
        return Verdict::NoFunds;
    }
    let reasons = || {
        said().filter_map(|trial| match trial {
            Trial::Refused(reason) => Some(reason),
            Trial::Gas(_) | Trial::NoFunds | Trial::GuardDone { .. } => None,
        })
    };
    let shared =
        reasons().find(|reason| reasons().filter(|other| other == reason).count() >= quorum);
    shared.map_or(Verdict::Unclear, |reason| Verdict::Refused { reason: reason.clone() })
}
