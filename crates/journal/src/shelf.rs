//! Keys and values for one owner, in a folder of its own.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rocksdb::{ColumnFamily, DB, Direction, IteratorMode, WriteBatch};
use tallystick_ports::{Batch, Change, Entry, Store, StoreError};

use crate::error::JournalError;
use crate::key::Key;
use crate::open::{FORMAT_KEY, NETWORK_KEY, Network, database, write};
use crate::table::{Family, decode, encode};

/// Format of the folder that this program writes.
const SHELF_FORMAT: u32 = 1;

/// Where the entries lie; the engine's own family holds format and network.
const ENTRIES: &str = "entries";

/// Keys and values in a folder of their own, for whoever needs a [`Store`]. Cheap to clone; the
/// folder is free again when the last clone is gone.
#[derive(Clone)]
pub struct Shelf {
    db: Arc<DB>,
    path: Arc<Path>,
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelf").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Shelf {
    /// Opens the shelf in a folder, or begins one there.
    pub fn open(path: impl Into<PathBuf>, network: Network) -> Result<Self, JournalError> {
        let path: PathBuf = path.into();
        let db = database(&path, &[ENTRIES])?;
        let shelf = Self { db: Arc::new(db), path: path.into() };
        shelf.check_format()?;
        shelf.check_network(network)?;
        Ok(shelf)
    }

    /// Folder of the shelf.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn check_format(&self) -> Result<(), JournalError> {
        let Some(bytes) = self.db.get(FORMAT_KEY).map_err(JournalError::Engine)? else {
            return Ok(());
        };
        let damaged =
            || JournalError::Damaged { family: ENTRIES, detail: "the format is no number".into() };
        let found = u32::from_bytes(&bytes).ok_or_else(damaged)?;
        if found > SHELF_FORMAT {
            let path = self.path.to_path_buf();
            return Err(JournalError::NewerFormat { path, found, known: SHELF_FORMAT });
        }
        Ok(())
    }

    fn check_network(&self, wanted: Network) -> Result<(), JournalError> {
        if let Some(bytes) = self.db.get(NETWORK_KEY).map_err(JournalError::Engine)? {
            let found: Network = decode(Family::Meta, &bytes)?;
            let path = self.path.to_path_buf();
            return if found == wanted {
                Ok(())
            } else {
                Err(JournalError::WrongNetwork { path, found, wanted })
            };
        }
        let mut batch = WriteBatch::default();
        batch.put(FORMAT_KEY, SHELF_FORMAT.to_be_bytes());
        batch.put(NETWORK_KEY, encode(&wanted)?);
        self.write(batch)
    }

    /// Writes and waits until the disk has it.
    fn write(&self, batch: WriteBatch) -> Result<(), JournalError> {
        write(&self.db, &self.path, batch)
    }

    fn entries(&self) -> Result<&ColumnFamily, JournalError> {
        self.db.cf_handle(ENTRIES).ok_or_else(|| JournalError::Damaged {
            family: ENTRIES,
            detail: "the family is not there".to_owned(),
        })
    }
}

impl Store for Shelf {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let found = self.db.get_cf(self.entries()?, key);
        Ok(found.map_err(JournalError::Engine)?)
    }

    fn scan(&self, prefix: &[u8]) -> Result<Vec<Entry>, StoreError> {
        let start = IteratorMode::From(prefix, Direction::Forward);
        let mut found = Vec::new();
        for entry in self.db.iterator_cf(self.entries()?, start) {
            let (key, value) = entry.map_err(JournalError::Engine)?;
            if !key.starts_with(prefix) {
                break;
            }
            found.push((key.into_vec(), value.into_vec()));
        }
        Ok(found)
    }

    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let entries = self.entries()?;
        let mut changes = WriteBatch::default();
        for change in batch.into_changes() {
            match change {
                Change::Put { key, value } => changes.put_cf(entries, key, value),
                Change::Delete { key } => changes.delete_cf(entries, key),
            }
        }
        fail::fail_point!("shelf.batch.before");
        self.write(changes)?;
        fail::fail_point!("shelf.batch.kept");
        Ok(())
    }
}

impl From<JournalError> for StoreError {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::NoSpace { source, .. } => Self::NoSpace(source),
            error => Self::Engine(Box::new(error)),
        }
    }
}
