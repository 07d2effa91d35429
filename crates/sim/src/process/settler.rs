//! A settler: the production settler, looked through at every tick.

use std::sync::Arc;

use tallystick_abi::Deployment;
use tallystick_chain::keys::LocalKey;
use tallystick_settlement::{Parts, SettlementConfig, Settler};
use tallystick_types::Seconds;

use super::{End, Eyes, Machine, Mouth};
use crate::event::{Answer, Timer};
use crate::outside::Here;
use crate::situations::Situation;

/// Milliseconds between two looks.
const LOOK: u64 = 1_000;
/// How long a batch is wished for: short enough for some to be called back.
const BATCH_STANDS: Seconds = Seconds::new(12);

/// A running settler.
#[derive(Debug)]
pub struct SettlerProcess {
    eyes: Eyes,
    mouth: Mouth,
    settler: Settler,
}

/// What a settler is set up with.
#[derive(Clone, Debug)]
pub struct SettlerPlan {
    /// The contracts.
    pub deployment: Deployment,
    /// Its key.
    pub signer: LocalKey,
    /// How many endpoints there are, and how many must agree.
    pub endpoints: (usize, usize),
}

impl SettlerProcess {
    /// Takes up what its machine keeps.
    pub fn open(machine: &Machine, plan: &SettlerPlan) -> Result<Self, End> {
        let (endpoints, agreement) = plan.endpoints;
        let eyes = Eyes::open(machine, &plan.deployment, endpoints, agreement)?;
        let chain = plan.deployment.chain_id;
        let mouth = Mouth::open(machine, chain, plan.signer.clone(), agreement)?;
        let config = SettlementConfig {
            batch_stands: BATCH_STANDS,
            ..SettlementConfig::new(plan.deployment.job_domain())
        };
        let parts = Parts {
            house: eyes.house().clone(),
            outbox: mouth.handle().clone(),
            store: machine.store(),
            clock: Arc::new(machine.clock.clone()),
        };
        let settler = Settler::open(config, parts)?;
        Ok(Self { eyes, mouth, settler })
    }

    /// How it sees the chain.
    pub const fn eyes(&self) -> &Eyes {
        &self.eyes
    }

    /// How it speaks to the chain.
    pub const fn mouth(&self) -> &Mouth {
        &self.mouth
    }

    /// Whether another one that read the same store has the same under way.
    pub fn is_as(&self, other: &Self) -> bool {
        let left = |it: &Self| it.settler.left().into_iter().map(|it| it.key).collect::<Vec<_>>();
        left(self) == left(other) && self.mouth.is_as(&other.mouth)
    }

    /// Begins: what was handed in and is not over is handed in again.
    pub fn start(&mut self, here: &mut Here<'_>) -> Result<(), End> {
        for (after, timer) in [(0, Timer::Ingest), (1, Timer::Lane), (LOOK, Timer::Settle)] {
            here.wake(after, timer);
        }
        let left = self.settler.left();
        if !left.is_empty() {
            here.mark(Situation::SettlerHandsInAgain);
        }
        left.into_iter().try_for_each(|intent| self.mouth.hand_in(intent, here))
    }

    /// A timer rang.
    pub fn timer(&mut self, timer: Timer, here: &mut Here<'_>) -> Result<(), End> {
        match timer {
            Timer::Ingest => self.eyes.wake(here),
            Timer::Lane => self.mouth.tick(here),
            Timer::Settle => {
                here.wake(LOOK, Timer::Settle);
                let intents = self.settler.look()?;
                intents.into_iter().try_for_each(|intent| {
                    here.out.tally.oracles.asks_chain(here.name, self.eyes.house().is_halted());
                    crate::watcher::settles(&intent, here);
                    self.mouth.hand_in(intent, here)
                })
            }
            _ => Ok(()),
        }
    }

    /// The endpoints answered.
    pub fn answer(&mut self, answer: Answer, here: &mut Here<'_>) -> Result<(), End> {
        match answer {
            Answer::Ingest(answers) => self.eyes.answers(answers, here),
            answer => self.mouth.answer(answer, here),
        }
    }
}
