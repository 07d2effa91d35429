//! A store in memory, for tests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Batch, Change, DiskFull, Entry, Store, StoreError};

/// Keeps what was committed for as long as a clone of it lives: dropping its user and handing a
/// clone to another one is a restart.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Mutex<Held>>);

#[derive(Debug, Default)]
struct Held {
    entries: BTreeMap<Vec<u8>, Vec<u8>>,
    commits: u64,
    /// Commits that still succeed; nothing where all do.
    room: Option<u64>,
}

impl MemoryStore {
    /// Lets so many commits succeed, and every later one fail as a full disk does.
    pub fn fail_after(&self, commits: u64) {
        self.held().room = Some(commits);
    }

    /// Lets all commits succeed again.
    pub fn mend(&self) {
        self.held().room = None;
    }

    /// How many batches were kept.
    pub fn commits(&self) -> u64 {
        self.held().commits
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
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
        let mut held = self.held();
        if let Some(room) = &mut held.room {
            *room = room.checked_sub(1).ok_or(StoreError::NoSpace(DiskFull))?;
        }
        for change in batch.into_changes() {
            match change {
                Change::Put { key, value } => held.entries.insert(key, value),
                Change::Delete { key } => held.entries.remove(&key),
            };
        }
        held.commits = held.commits.saturating_add(1);
        Ok(())
    }
}
