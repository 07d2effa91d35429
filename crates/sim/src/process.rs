//! The processes of a simulation: shells without a runtime around the cores that production runs.

mod client;
mod coordinator;
mod eyes;
mod mouth;
mod settler;
mod worker;

pub use client::{Client, ClientPlan, JobPlan, Whim};
pub use coordinator::{Coordinator, CoordinatorPlan};
pub use eyes::Eyes;
pub use mouth::Mouth;
pub use settler::{SettlerPlan, SettlerProcess};
pub use worker::{Worker, WorkerPlan};

use std::sync::Arc;

use tallystick_blobs::{BlobStore, StoreConfig};
use tallystick_chain::follow::FollowError;
use tallystick_chain::ingest::KeptError;
use tallystick_chain::outbox::{RecordError, RunError};
use tallystick_ports::{Store, StoreError};
use tallystick_settlement::SettlementError;
use tallystick_worker::agent::RestoreError;

use crate::disk::{Disk, Files, Fuse, LogError};
use crate::event::{Answer, Letter, Message, Pid, Session, Timer};
use crate::kernel::MachineClock;
use crate::outside::Here;
use crate::random::Dice;

/// Why a process ended. After a loss of power or a failing disk that is as it should be.
#[derive(Debug, thiserror::Error)]
pub enum End {
    /// The disk refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log of inputs cannot be used.
    #[error(transparent)]
    Log(#[from] LogError),
    /// What ingest kept cannot be used.
    #[error(transparent)]
    Kept(#[from] KeptError),
    /// The view cannot follow.
    #[error(transparent)]
    Follow(#[from] FollowError),
    /// The outbox cannot go on.
    #[error(transparent)]
    Outbox(#[from] RunError),
    /// What the outbox kept cannot be read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The settler cannot go on.
    #[error(transparent)]
    Settler(#[from] SettlementError),
    /// The agent cannot go on from its store.
    #[error(transparent)]
    Agent(#[from] RestoreError),
    /// The signing protection does not open.
    #[error(transparent)]
    Protection(#[from] tallystick_chain::keys::protection::ProtectionError),
    /// The store of blobs does not open.
    #[error(transparent)]
    Blobs(#[from] tallystick_blobs::OpenError),
}

/// A machine: what survives the process that runs on it.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Its power.
    pub fuse: Fuse,
    /// The disk for everything that is kept in batches.
    pub disk: Disk,
    /// The disk of the coordinator's log, so that its keys are its own.
    pub log: Disk,
    /// The files of its blobs.
    pub files: Files,
    /// Its clock.
    pub clock: MachineClock,
    /// Headers of the chain that it keeps.
    pub window: u64,
}

impl Machine {
    /// A new machine.
    pub fn new(clock: MachineClock, window: u64) -> Self {
        let fuse = Fuse::default();
        Self {
            disk: Disk::new(fuse.clone()),
            log: Disk::new(fuse.clone()),
            files: Files::new(fuse.clone()),
            fuse,
            clock,
            window,
        }
    }

    /// Another machine with the same on its disks.
    pub fn copy(&self) -> Self {
        Self {
            fuse: Fuse::default(),
            disk: self.disk.copy(),
            log: self.log.copy(),
            files: self.files.copy(),
            clock: self.clock.clone(),
            window: self.window,
        }
    }

    /// Batches that its disks did not take.
    pub fn refusals(&self) -> u64 {
        self.disk.refusals() + self.log.refusals()
    }

    /// Its store.
    pub fn store(&self) -> Arc<dyn Store> {
        Arc::new(self.disk.clone())
    }

    /// Its blobs.
    pub fn blobs(&self) -> Result<BlobStore, End> {
        let config = StoreConfig::new("/blobs", 1 << 30);
        let (store, _) = BlobStore::open_on(Arc::new(self.files.clone()), config)?;
        Ok(store)
    }

    /// The power comes back: what was not synced is gone, or a part of it. The number of writes of
    /// which a part is left.
    pub fn lose_power(&self, dice: &mut Dice) -> u64 {
        self.fuse.mend();
        self.disk.lose_power();
        self.log.lose_power();
        self.files.lose_power(dice)
    }
}

/// One running process.
#[derive(Debug)]
pub enum Process {
    /// Drives jobs.
    Coordinator(Box<Coordinator>),
    /// Does work.
    Worker(Box<Worker>),
    /// Pays results.
    Settler(Box<SettlerProcess>),
    /// Orders work.
    Client(Box<Client>),
}

macro_rules! each {
    ($self:expr, $it:ident => $call:expr) => {
        match $self {
            Process::Coordinator($it) => $call,
            Process::Worker($it) => $call,
            Process::Settler($it) => $call,
            Process::Client($it) => $call,
        }
    };
}

impl Process {
    /// Begins.
    pub fn start(&mut self, here: &mut Here<'_>) -> Result<(), End> {
        each!(self, it => it.start(here))
    }

    /// A timer rang.
    pub fn timer(&mut self, timer: Timer, here: &mut Here<'_>) -> Result<(), End> {
        each!(self, it => it.timer(timer, here))
    }

    /// The endpoints answered.
    pub fn answer(&mut self, answer: Answer, here: &mut Here<'_>) -> Result<(), End> {
        each!(self, it => it.answer(answer, here))
    }

    /// A message of a session came.
    pub fn message(
        &mut self,
        session: Session,
        message: Message,
        here: &mut Here<'_>,
    ) -> Result<(), End> {
        match self {
            Self::Coordinator(it) => it.message(session, message, here),
            Self::Worker(it) => it.message(session, message, here),
            Self::Settler(_) | Self::Client(_) => Ok(()),
        }
    }

    /// A session is over.
    pub fn closed(&mut self, session: Session, here: &mut Here<'_>) -> Result<(), End> {
        match self {
            Self::Coordinator(it) => it.closed(session, here),
            Self::Worker(it) => it.closed(session, here),
            Self::Settler(_) | Self::Client(_) => Ok(()),
        }
    }

    /// A letter came.
    pub fn letter(&mut self, from: Pid, letter: Letter, here: &mut Here<'_>) -> Result<(), End> {
        match self {
            Self::Coordinator(it) => it.letter(from, letter, here),
            Self::Client(it) => it.letter(from, letter, here),
            Self::Settler(_) | Self::Worker(_) => Ok(()),
        }
    }

    /// A client does something to its money.
    pub fn whim(&mut self, whim: Whim, here: &mut Here<'_>) -> Result<(), End> {
        match self {
            Self::Client(it) => it.whim(whim, here),
            Self::Coordinator(_) | Self::Settler(_) | Self::Worker(_) => Ok(()),
        }
    }

    /// How it sees the chain.
    pub fn eyes(&self) -> &Eyes {
        each!(self, it => it.eyes())
    }

    /// What of it is not as in another process that began on a copy of what it kept.
    pub fn differs(&self, other: &Self) -> Option<&'static str> {
        if let Some(difference) = self.eyes().differs(other.eyes()) {
            return Some(difference);
        }
        match (self, other) {
            (Self::Coordinator(one), Self::Coordinator(other)) => {
                (!one.is_as(other)).then_some("what it decided or wishes")
            }
            (Self::Settler(one), Self::Settler(other)) => {
                (!one.is_as(other)).then_some("what it handed in")
            }
            (Self::Worker(one), Self::Worker(other)) => {
                (!one.is_as(other)).then_some("what it works on")
            }
            (Self::Client(_), Self::Client(_)) => None,
            _ => Some("its role"),
        }
    }
}
