//! Shows the desk what the chain says, keeps what it plans, and hands it to the outbox.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tallystick_chain::follow::House;
use tallystick_chain::ingest::{KeptError, Phase};
use tallystick_chain::outbox::{EnqueueError, Intent, IntentStatus, OutboxHandle, RecordError};
use tallystick_ports::{Clock, Store, StoreError};
use tallystick_types::ChainTime;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use crate::config::{ConfigError, SettlementConfig};
use crate::desk::{Desk, DeskError};

/// How often waits are looked at that no event ends.
const TICK: Duration = Duration::from_secs(1);
/// Blocks that the view may be behind the chain while it is acted on.
const MOST_BEHIND: u64 = 2;

/// What a settler works with.
#[derive(Clone, Debug)]
pub struct Parts {
    /// What the chain says.
    pub house: House,
    /// Through what it speaks; the account of this lane gets the tips.
    pub outbox: OutboxHandle,
    /// Its notes; keys that begin with `settlement/` are its alone.
    pub store: Arc<dyn Store>,
    /// The time of this machine, for waits.
    pub clock: Arc<dyn Clock>,
}

/// Pays results that stand and moves on jobs whose time is over.
#[derive(Debug)]
pub struct Settler {
    parts: Parts,
    desk: Desk,
    status: watch::Sender<SettlerStatus>,
}

/// How a settler is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SettlerStatus {
    /// Jobs whose calls wait for the chain.
    pub under_way: usize,
    /// Wishes that were handed in since the start.
    pub handed_in: u64,
    /// Wishes that ended since the start.
    pub ended: u64,
    /// Whether the view is near the head of the chain. Nothing is begun while it is not.
    pub current: bool,
}

/// Why a settler does not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum SettlementError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Its notes.
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// Something could not be kept; nothing followed from it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What ingest kept cannot be read.
    #[error(transparent)]
    Kept(#[from] KeptError),
    /// What the outbox kept cannot be read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The outbox took no more wishes.
    #[error(transparent)]
    Outbox(#[from] EnqueueError),
}

impl Settler {
    /// Reads what an earlier run left. Nothing is sent before [`Self::run`].
    pub fn open(config: SettlementConfig, parts: Parts) -> Result<Self, SettlementError> {
        config.check()?;
        let desk = Desk::load(config, &*parts.store)?;
        let (status, _) = watch::channel(SettlerStatus::default());
        Ok(Self { parts, desk, status })
    }

    /// Shows how the settler is.
    pub fn status(&self) -> watch::Receiver<SettlerStatus> {
        self.status.subscribe()
    }

    /// Works until `stop` is ready. What was begun goes on after the next start.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> Result<(), SettlementError> {
        let mut stop = pin!(stop);
        let mut heights = self.parts.house.watch_heights();
        let mut board = self.parts.outbox.watch();
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for intent in self.left() {
            tokio::select! {
                () = &mut stop => return Ok(()),
                taken = self.parts.outbox.enqueue(intent) => taken?,
            }
        }
        loop {
            tokio::select! {
                () = &mut stop => return Ok(()),
                round = self.round() => round?,
            }
            tokio::select! {
                () = &mut stop => return Ok(()),
                changed = heights.changed() => if changed.is_err() { return Ok(()) },
                changed = board.changed() => if changed.is_err() { return Ok(()) },
                _ = ticks.tick() => {}
            }
        }
    }

    /// What an earlier run handed in and that is not over: to be handed in again after a start.
    pub fn left(&self) -> Vec<Intent> {
        self.desk.intents().cloned().collect()
    }

    /// Looks once at what ended and what is due, keeps it, and gives what is to be handed to the
    /// outbox.
    ///
    /// # Errors
    ///
    /// Where something cannot be read or kept; the settler has to be opened again.
    pub fn look(&mut self) -> Result<Vec<Intent>, SettlementError> {
        self.take_outcomes()?;
        let now = self.chain_time()?;
        self.status.send_modify(|status| status.current = now.is_some());
        let Some(now) = now else { return Ok(Vec::new()) };
        let wall = self.parts.clock.now();
        let plan = self.desk.step(self.parts.house.read().latest(), now, wall);
        if !plan.batch.is_empty() {
            fail::fail_point!("settler.plan.before");
            self.parts.store.commit(plan.batch)?;
            fail::fail_point!("settler.plan.kept");
        }
        Ok(plan.intents)
    }

    /// One look, and what follows. May be dropped while it waits for the outbox: a restart hands in
    /// again what was kept.
    async fn round(&mut self) -> Result<(), SettlementError> {
        for intent in self.look()? {
            tracing::info!(purpose = %intent.purpose, key = %intent.key, "settlement.desk.wish");
            self.parts.outbox.enqueue(intent).await?;
            fail::fail_point!("settler.wish.handed");
            self.status.send_modify(|it| it.handed_in = it.handed_in.saturating_add(1));
        }
        let under_way = self.desk.under_way();
        self.status.send_modify(|status| status.under_way = under_way);
        Ok(())
    }

    fn take_outcomes(&mut self) -> Result<(), SettlementError> {
        let keys: Vec<_> = self.desk.intents().map(|intent| intent.key).collect();
        for key in keys {
            let Some(IntentStatus::Ended(outcome)) = self.parts.outbox.status(key)? else {
                continue;
            };
            tracing::info!(%key, result = ?outcome.result, "settlement.desk.outcome");
            let batch = self.desk.ended(key, self.parts.clock.now());
            fail::fail_point!("settler.outcome.before");
            self.parts.store.commit(batch)?;
            fail::fail_point!("settler.outcome.kept");
            self.status.send_modify(|it| it.ended = it.ended.saturating_add(1));
        }
        Ok(())
    }

    /// The time of the newest block; nothing while the view is behind the chain, where jobs seem
    /// due that others moved long ago.
    fn chain_time(&self) -> Result<Option<ChainTime>, KeptError> {
        let (status, heights) = (self.parts.house.status(), self.parts.house.heights());
        let (Phase::Follow, Some(head)) = (status.phase, status.head) else { return Ok(None) };
        if head.saturating_sub(heights.head) > MOST_BEHIND {
            return Ok(None);
        }
        Ok(self.parts.house.block(heights.head)?.map(|block| block.time))
    }
}

#[cfg(test)]
mod tests;
