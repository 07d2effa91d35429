//! Disks that lose what was not synced, and fail when they are told to.
//!
//! All disks of a machine share its [`Fuse`]: the machine can be made to lose its power at any
//! effect, before it or after it.

mod files;
mod log;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use imbl::OrdMap;
use memchr::memmem;
use tallystick_ports::{Batch, Change, DiskFull, Entry, Store, StoreError};

pub use files::Files;
pub use log::{KeptRow, LogError, StoreLog};

/// Commits that a disk which lies about syncing still owes.
const OWED: u64 = 4;

/// The power of a machine.
#[derive(Clone, Debug, Default)]
pub struct Fuse(Arc<Power>);

#[derive(Debug, Default)]
struct Power {
    /// Effects that still happen, and one; zero where nothing is planned.
    left: AtomicU64,
    /// Whether the effect at which it goes still happens.
    after: AtomicBool,
    gone: AtomicBool,
    spent: AtomicU64,
}

/// What an effect is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    /// Happen.
    Fine,
    /// Happen; nothing after it does.
    Last,
    /// Not happen.
    Gone,
}

/// The machine has no power.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the machine lost its power; start it again")]
pub struct PowerLost;

/// The disk refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the disk failed (EIO); start the process again")]
pub struct DiskFailed;

impl Fuse {
    /// Lets so many effects happen, and then none. `after`: one more happens in silence.
    pub fn arm(&self, effects: u64, after: bool) {
        self.0.left.store(effects.saturating_add(1), Ordering::Relaxed);
        self.0.after.store(after, Ordering::Relaxed);
    }

    /// Gives the machine power again.
    pub fn mend(&self) {
        self.0.left.store(0, Ordering::Relaxed);
        self.0.gone.store(false, Ordering::Relaxed);
    }

    /// Whether the power is gone.
    pub fn is_gone(&self) -> bool {
        self.0.gone.load(Ordering::Relaxed)
    }

    /// Effects that happened.
    pub fn spent(&self) -> u64 {
        self.0.spent.load(Ordering::Relaxed)
    }

    /// Takes note of an effect that is about to happen.
    pub fn spend(&self) -> Spent {
        let power = &*self.0;
        if power.gone.load(Ordering::Relaxed) {
            return Spent::Gone;
        }
        let left = power.left.load(Ordering::Relaxed);
        if left == 1 {
            power.gone.store(true, Ordering::Relaxed);
            let after = power.after.load(Ordering::Relaxed);
            return if after { Spent::Last } else { Spent::Gone };
        }
        power.left.store(left.saturating_sub(1), Ordering::Relaxed);
        power.spent.fetch_add(1, Ordering::Relaxed);
        Spent::Fine
    }
}

type Entries = OrdMap<Vec<u8>, Vec<u8>>;

/// A store on a simulated disk. Clones are the same disk: what a process leaves, the next finds.
#[derive(Clone, Debug)]
pub struct Disk {
    fuse: Fuse,
    held: Arc<Mutex<Held>>,
}

#[derive(Debug, Default)]
struct Held {
    entries: Entries,
    /// What a loss of power leaves, where that is less than everything. Not a copy that is always
    /// there: maps that share their nodes are slow to write to.
    synced: Option<Entries>,
    unsynced: u64,
    is_full: bool,
    fails: bool,
    lies: bool,
    commits: u64,
    refusals: u64,
}

impl Disk {
    /// An empty disk of a machine.
    pub fn new(fuse: Fuse) -> Self {
        Self { fuse, held: Arc::default() }
    }

    /// Lets the disk be full, or have room again.
    pub fn set_full(&self, is_full: bool) {
        self.held().is_full = is_full;
    }

    /// Lets the next commit fail.
    pub fn fail_next(&self) {
        self.held().fails = true;
    }

    /// Lets the disk say that it synced what it did not: no store may do that.
    pub fn lie(&self) {
        self.held().lies = true;
    }

    /// Batches that were kept.
    pub fn commits(&self) -> u64 {
        self.held().commits
    }

    /// Batches that the disk had no room for, or failed to write.
    pub fn refusals(&self) -> u64 {
        self.held().refusals
    }

    /// What remains after a loss of power.
    pub fn lose_power(&self) {
        let mut held = self.held();
        if let Some(synced) = held.synced.take() {
            held.entries = synced;
        }
        held.unsynced = 0;
    }

    /// Whether these bytes survive a loss of power, in a value whose key begins so.
    pub fn keeps(&self, prefix: &[u8], bytes: &[u8]) -> bool {
        let held = self.held();
        let synced = held.synced.as_ref().unwrap_or(&held.entries);
        let from = synced.range(prefix.to_vec()..);
        let mut found = from.take_while(|(key, _)| key.starts_with(prefix));
        let wanted = memmem::Finder::new(bytes);
        found.any(|(_, value)| wanted.find(value).is_some())
    }

    /// Copies everything, as somebody who looks at the disk from outside.
    pub fn copy(&self) -> Self {
        let copied = Held { entries: self.held().entries.clone(), ..Held::default() };
        Self { fuse: Fuse::default(), held: Arc::new(Mutex::new(copied)) }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for Disk {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.held().entries.get(key).cloned())
    }

    fn scan(&self, prefix: &[u8]) -> Result<Vec<Entry>, StoreError> {
        let held = self.held();
        let from = held.entries.range(prefix.to_vec()..);
        let found = from.take_while(|(key, _)| key.starts_with(prefix));
        Ok(found.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let lost = || Err(StoreError::Engine(Box::new(PowerLost)));
        let mut held = self.held();
        if held.is_full || held.fails {
            held.refusals = held.refusals.saturating_add(1);
        }
        if held.is_full {
            return Err(StoreError::NoSpace(DiskFull));
        }
        if std::mem::take(&mut held.fails) {
            return Err(StoreError::Engine(Box::new(DiskFailed)));
        }
        let spent = self.fuse.spend();
        if spent == Spent::Gone {
            return lost();
        }
        held.unsynced = held.unsynced.saturating_add(1);
        if !held.lies || held.unsynced > OWED {
            held.synced = None;
            held.unsynced = 0;
        } else if held.synced.is_none() {
            held.synced = Some(held.entries.clone());
        }
        for change in batch.into_changes() {
            match change {
                Change::Put { key, value } => held.entries.insert(key, value),
                Change::Delete { key } => held.entries.remove(&key),
            };
        }
        held.commits = held.commits.saturating_add(1);
        if spent == Spent::Last { lost() } else { Ok(()) }
    }
}
