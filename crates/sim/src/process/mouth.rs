//! How a process speaks to the chain: a lane over its store.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use alloy_primitives::Bytes;

use tallystick_chain::keys::{EvmSigner, LocalKey};
use tallystick_chain::outbox::{
    Intent, IntentKey, IntentStatus, KeptLane, Lane, LaneState, OutboxHandle, OutcomeResult,
    Request, Settings, Step,
};
use tallystick_ports::Clock;
use tallystick_types::ChainId;

use super::{End, Machine};
use crate::disk::Disk;
use crate::event::{Answer, Ask, Timer};
use crate::kernel::MachineClock;
use crate::outside::Here;
use crate::situations::Situation;

/// Milliseconds between two ticks of a lane.
const TICK: u64 = 400;

/// A lane with its signer.
#[derive(Debug)]
pub struct Mouth {
    lane: KeptLane,
    handle: OutboxHandle,
    signer: LocalKey,
    clock: MachineClock,
    disk: Disk,
    /// What each wish of this life calls.
    calls: BTreeMap<IntentKey, Bytes>,
}

impl Mouth {
    /// Takes up what the machine keeps of a lane.
    pub fn open(
        machine: &Machine,
        chain: ChainId,
        signer: LocalKey,
        quorum: usize,
    ) -> Result<Self, End> {
        let settings = Settings { quorum, ..Settings::new(chain, signer.address()) };
        let (lane, handle) = KeptLane::open(settings, machine.store())?;
        let (clock, disk) = (machine.clock.clone(), machine.disk.clone());
        Ok(Self { lane, handle, signer, clock, disk, calls: BTreeMap::new() })
    }

    /// What others hold of it.
    pub const fn handle(&self) -> &OutboxHandle {
        &self.handle
    }

    /// What the lane does as a whole.
    pub const fn state(&self) -> LaneState {
        self.lane.lane().state()
    }

    /// The wishes that are not over.
    pub fn open_wishes(&self) -> Vec<IntentKey> {
        self.lane.lane().statuses().map(|(key, _)| key).collect()
    }

    /// Whether another lane that read the same store wishes for the same.
    pub fn is_as(&self, other: &Self) -> bool {
        let wishes = |it: &Self| it.open_wishes().into_iter().collect::<BTreeSet<_>>();
        let newest = |it: &Self| it.lane.lane().newest_outcome();
        wishes(self) == wishes(other) && newest(self) == newest(other)
    }

    /// Lets time act.
    pub fn tick(&mut self, here: &mut Here<'_>) -> Result<(), End> {
        here.wake(TICK, Timer::Lane);
        let now = self.clock.now();
        let requests = self.step(|lane| lane.tick(now), here)?;
        self.perform(requests, here)
    }

    /// Takes a wish.
    pub fn hand_in(&mut self, intent: Intent, here: &mut Here<'_>) -> Result<(), End> {
        let purpose = intent.purpose.clone();
        here.note(|| format!("wishes to {purpose}"));
        // A lease is renewed by the same call again and again.
        if !purpose.starts_with("renew") {
            let open = self.open_wishes();
            self.calls.retain(|key, _| open.contains(key));
            let mut others = self.calls.iter().filter(|(key, _)| **key != intent.key);
            let is_open = others.any(|(_, data)| *data == intent.data);
            here.out.tally.oracles.wished(is_open, &purpose, here.name);
            self.calls.insert(intent.key, intent.data.clone());
        }
        let requests = self.lane.keep(intent)?;
        self.perform(requests, here)
    }

    /// Takes what the endpoints said.
    pub fn answer(&mut self, answer: Answer, here: &mut Here<'_>) -> Result<(), End> {
        let now = self.clock.now();
        let act = |lane: &mut Lane| match answer {
            Answer::Looked(sights) => lane.looked(now, sights),
            Answer::Tried(key, trials) => lane.tried(now, key, &trials),
            Answer::Sent { nonce, tx, answers } => lane.sent(now, nonce, tx, &answers),
            Answer::Ingest(_) => Default::default(),
        };
        let requests = self.step(act, here)?;
        self.mark(here);
        self.perform(requests, here)
    }

    /// Lets the lane take a step, and sees that no wish ends for its time alone whose transaction
    /// may yet be included.
    fn step(
        &mut self,
        act: impl FnOnce(&mut Lane) -> Step,
        here: &mut Here<'_>,
    ) -> Result<Vec<Request>, End> {
        use IntentStatus::{Broadcast, Signed};
        let is_out = |status: &IntentStatus| matches!(status, Signed { .. } | Broadcast { .. });
        let out = self.lane.lane().statuses().filter(|(_, status)| is_out(status));
        let out: Vec<IntentKey> = out.map(|(key, _)| key).collect();
        let requests = self.lane.step(act)?;
        for key in out {
            let given_up = match self.handle.status(key) {
                Ok(Some(IntentStatus::Cancelling { .. })) => {
                    here.mark(Situation::WishCalledBack);
                    here.tempt_fate();
                    false
                }
                Ok(Some(IntentStatus::Ended(outcome))) => outcome.result == OutcomeResult::Expired,
                _ => false,
            };
            here.out.tally.oracles.check("what is out is not given up", !given_up, || {
                format!("{} gives a wish up whose transaction is out", here.name)
            });
        }
        Ok(requests)
    }

    fn mark(&self, here: &mut Here<'_>) {
        match self.state() {
            LaneState::Paused(tallystick_chain::outbox::Pause::NoChain) => {
                here.mark(Situation::LaneWithoutChain);
            }
            LaneState::Paused(tallystick_chain::outbox::Pause::FeeCap) => {
                here.mark(Situation::LaneAtFeeCap);
            }
            LaneState::Paused(_) | LaneState::Starting | LaneState::Open | LaneState::Halted(_) => {
            }
        }
    }

    fn perform(&mut self, requests: Vec<Request>, here: &mut Here<'_>) -> Result<(), End> {
        let mut requests = VecDeque::from(requests);
        let account = self.signer.address();
        while let Some(request) = requests.pop_front() {
            match request {
                Request::Look { nonces } => here.ask(Ask::Look { account, nonces }),
                Request::Try { key, to, data, value, guard } => {
                    here.ask(Ask::Try { account, key, to, data, value, guard });
                }
                Request::Sign(unsigned) => {
                    let (nonce, chain) = (unsigned.nonce, self.lane.lane().chain());
                    let signed = self.signer.sign_transaction(unsigned.transaction(chain)).ok();
                    here.note(|| format!("signs transaction {nonce}"));
                    if let Some(signed) = &signed {
                        here.out.chain.know(&signed.raw, account);
                    }
                    let now = self.clock.now();
                    requests.extend(self.step(|lane| lane.signed(now, signed), here)?);
                }
                Request::Send { nonce, tx, raw } => {
                    let is_kept = self.disk.keeps(b"outbox/", &raw);
                    let signed = here.out.chain.decode(&raw);
                    let oracles = &mut here.out.tally.oracles;
                    oracles.transaction_sent(signed.as_deref(), is_kept, here.name);
                    here.ask(Ask::Send { nonce, tx, raw });
                }
            }
        }
        Ok(())
    }

    /// The signer.
    pub fn signer(&self) -> Arc<dyn EvmSigner> {
        Arc::new(self.signer.clone())
    }
}
