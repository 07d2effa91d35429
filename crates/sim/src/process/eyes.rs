//! How a process sees the chain: ingest and the fold of its deliveries.

use std::sync::Arc;

use tallystick_abi::Deployment;
use tallystick_chain::follow::{Change, Follower, House, reader};
use tallystick_chain::ingest::{
    HouseContracts, IngestConfig, IngestHandle, IngestStatus, Input, Machine as Ingest, Miss,
    Notices, Output, Phase, Reply,
};
use tallystick_ports::{Clock, Store};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::TryRecvError;

use super::{End, Machine};
use crate::event::{Ask, Timer};
use crate::kernel::MachineClock;
use crate::oracles::Handed;
use crate::outside::{FINALITY, Here};
use crate::situations::Situation;

/// Milliseconds between two looks at the head.
const POLL: u64 = 900;

/// Deliveries that are looked at together.
const DELIVERIES: usize = 256;

/// Ingest with its view.
#[derive(Debug)]
pub struct Eyes {
    ingest: Ingest,
    notices: Notices,
    follower: Follower,
    house: House,
    changes: broadcast::Receiver<Arc<Change>>,
    store: Arc<dyn Store>,
    clock: MachineClock,
    vain: u64,
    handle: IngestHandle,
    handed: Handed,
}

impl Eyes {
    /// Takes up what the machine keeps.
    pub fn open(
        machine: &Machine,
        deployment: &Deployment,
        endpoints: usize,
        agreement: usize,
    ) -> Result<Self, End> {
        let store = machine.store();
        let contracts = HouseContracts::of(deployment);
        let config = IngestConfig {
            agreement,
            finality: FINALITY,
            window: machine.window,
            stride: 8,
            range: 4,
            ..IngestConfig::of_deployment(deployment)
        };
        let logs = Arc::new(reader(contracts.clone()));
        let ingest = Ingest::load(config, endpoints, logs, &*store)?;
        let (notices, handle) = Notices::of(&ingest, Arc::clone(&store));
        let handed = Handed::new(contracts.clone());
        let (follower, house) = Follower::open(handle.clone(), contracts)?;
        let (changes, clock, vain) = (house.changes(), machine.clock.clone(), 0);
        Ok(Self { ingest, notices, follower, house, changes, store, clock, vain, handle, handed })
    }

    /// What it sees.
    pub const fn house(&self) -> &House {
        &self.house
    }

    /// Where it stands.
    pub fn status(&self) -> IngestStatus {
        self.ingest.status()
    }

    /// Looks at the chain.
    pub fn wake(&mut self, here: &mut Here<'_>) -> Result<(), End> {
        let now = self.clock.now();
        self.step(Input::Wake(now), here)
    }

    /// Takes what the endpoints said.
    pub fn answers(
        &mut self,
        answers: Vec<Result<Reply, Miss>>,
        here: &mut Here<'_>,
    ) -> Result<(), End> {
        self.step(Input::Answers(answers), here)
    }

    /// What changed since the last call; nothing where all may have.
    pub fn changes(&mut self) -> Option<Change> {
        let mut all = Change::default();
        loop {
            match self.changes.try_recv() {
                Ok(change) if change.everything => return self.forget_changes(),
                Ok(change) => {
                    all.jobs.extend(change.jobs.iter().copied());
                    all.nodes.extend(change.nodes.iter().copied());
                }
                Err(TryRecvError::Lagged(_)) => return self.forget_changes(),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return Some(all),
            }
        }
    }

    fn forget_changes(&mut self) -> Option<Change> {
        self.changes = self.house.changes();
        None
    }

    fn step(&mut self, mut input: Input, here: &mut Here<'_>) -> Result<(), End> {
        loop {
            let before = self.ingest.status();
            let output = self.ingest.step(input);
            self.mark(&before, here);
            match output {
                Output::Commit(batch) => {
                    self.store.commit(batch)?;
                    self.tell(here)?;
                    input = Input::Committed;
                }
                Output::Ask(asks) => {
                    here.ask(Ask::Ingest(asks));
                    return Ok(());
                }
                Output::Rest { more } => {
                    self.tell(here)?;
                    let well =
                        matches!(self.ingest.status().phase, Phase::Follow | Phase::BackFill);
                    self.vain = if well { 0 } else { (self.vain.saturating_add(1)).min(16) };
                    let wait = if more { 0 } else { POLL.saturating_mul(self.vain.max(1)) };
                    here.wake(wait, Timer::Ingest);
                    return Ok(());
                }
            }
        }
    }

    fn mark(&self, before: &IngestStatus, here: &mut Here<'_>) {
        let status = self.ingest.status();
        if status.epoch > before.epoch {
            here.mark(Situation::ViewRolledBack);
            here.note(|| format!("the chain took blocks back, epoch {}", status.epoch));
        }
        if status.phase == before.phase {
            return;
        }
        match status.phase {
            Phase::Degraded => here.mark(Situation::IngestDegraded),
            Phase::Halted(_) => here.mark(Situation::IngestHalted),
            Phase::BackFill => here.mark(Situation::IngestBackFilled),
            Phase::Boot | Phase::Verify | Phase::Follow => {}
        }
    }

    fn tell(&mut self, here: &mut Here<'_>) -> Result<(), End> {
        self.notices.tell(&self.ingest);
        self.check_handed(here)?;
        while self.follower.fold()? {}
        let heights = self.house.heights();
        if here.out.tally.census.broken_finality == 0 {
            let last = here.out.chain.final_number();
            here.out.tally.oracles.final_believed(heights.last, last, here.name);
        }
        if let Ok(Some(block)) = self.house.block(heights.head) {
            here.out.tally.oracles.block_used(&here.out.chain, &block, here.name);
        }
        Ok(())
    }

    /// Holds what it is about to fold against the chain as it is.
    fn check_handed(&mut self, here: &mut Here<'_>) -> Result<(), End> {
        let (chain, oracles) = (&here.out.chain, &mut here.out.tally.oracles);
        while self.handed.seq() < *self.handle.watch().borrow() {
            let deliveries = self.handle.deliveries(self.handed.seq(), DELIVERIES)?;
            if deliveries.is_empty() {
                break;
            }
            for delivery in &deliveries {
                self.handed.take(delivery, chain, (&mut *oracles, here.name));
            }
        }
        if let Some(cursor) = self.ingest.status().cursor {
            self.handed.pass(cursor, chain, (oracles, here.name));
        }
        Ok(())
    }

    /// What of it is not as in another one that read the same store.
    pub fn differs(&self, other: &Self) -> Option<&'static str> {
        let place = |it: &Self| {
            let status = it.ingest.status();
            (status.cursor, status.last, status.epoch, it.ingest.seq())
        };
        if place(self) != place(other) {
            return Some("where its ingest stands");
        }
        let (mine, its) = (self.house.read(), other.house.read());
        if mine.latest() != its.latest() {
            return Some("its latest view");
        }
        (mine.final_() != its.final_()).then_some("its final view")
    }
}
