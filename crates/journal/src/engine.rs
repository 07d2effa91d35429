//! Where families of bytes lie: in RocksDB, or in a store that somebody brings.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rocksdb::{ColumnFamily, DB, Direction, IteratorMode, WriteBatch};
use tallystick_ports::{Batch, Entry, Store, StoreError};

use crate::error::JournalError;
use crate::open::write;
use crate::table::Family;

/// Changes that are kept together; what has no value goes.
pub(crate) type Changes = BTreeMap<(Family, Vec<u8>), Option<Vec<u8>>>;

/// Entries in the order of their keys.
pub(crate) type Entries<'a> = Box<dyn Iterator<Item = Result<Entry, JournalError>> + 'a>;

/// What a journal is kept by.
#[derive(Clone)]
pub(crate) enum Engine {
    /// A folder of this machine.
    Folder(Arc<DB>),
    /// A store: each family has its name before its keys.
    Store(Arc<dyn Store>),
}

impl Engine {
    pub(crate) fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, JournalError> {
        match self {
            Self::Folder(db) => db.get_cf(column(db, family)?, key).map_err(JournalError::Engine),
            Self::Store(store) => Ok(store.get(&[&prefix(family), key].concat())?),
        }
    }

    /// Entries from a key on.
    pub(crate) fn from(&self, family: Family, key: &[u8]) -> Result<Entries<'_>, JournalError> {
        match self {
            Self::Folder(db) => {
                let start = IteratorMode::From(key, Direction::Forward);
                let entries = db.iterator_cf(column(db, family)?, start);
                Ok(Box::new(entries.map(|entry| {
                    let (key, value) = entry.map_err(JournalError::Engine)?;
                    Ok((key.into_vec(), value.into_vec()))
                })))
            }
            Self::Store(store) => {
                let (before, from) = (prefix(family).len(), key.to_vec());
                let all = store.scan(&prefix(family))?.into_iter();
                let own = all.map(move |(key, value)| (key[before..].to_vec(), value));
                Ok(Box::new(own.filter(move |(key, _)| *key >= from).map(Ok)))
            }
        }
    }

    /// The entry with the greatest key.
    pub(crate) fn last(&self, family: Family) -> Result<Option<Entry>, JournalError> {
        match self {
            Self::Folder(db) => {
                let last = db.iterator_cf(column(db, family)?, IteratorMode::End).next();
                let last = last.transpose().map_err(JournalError::Engine)?;
                Ok(last.map(|(key, value)| (key.into_vec(), value.into_vec())))
            }
            Self::Store(_) => self.from(family, &[])?.last().transpose(),
        }
    }

    /// Writes and waits until the disk has it.
    pub(crate) fn commit(&self, changes: &Changes, path: &Path) -> Result<(), JournalError> {
        match self {
            Self::Folder(db) => {
                let mut batch = WriteBatch::default();
                for ((family, key), value) in changes {
                    let column = column(db, *family)?;
                    match value {
                        Some(value) => batch.put_cf(column, key, value),
                        None => batch.delete_cf(column, key),
                    }
                }
                write(db, path, batch)
            }
            Self::Store(store) => {
                let mut batch = Batch::default();
                for ((family, key), value) in changes {
                    let key = [&prefix(*family), key.as_slice()].concat();
                    match value {
                        Some(value) => batch.put(key, value.as_slice()),
                        None => batch.delete(key),
                    }
                }
                store.commit(batch).map_err(|error| match error {
                    StoreError::NoSpace(source) => {
                        JournalError::NoSpace { path: path.to_owned(), source }
                    }
                    error => error.into(),
                })
            }
        }
    }
}

fn column(db: &DB, family: Family) -> Result<&ColumnFamily, JournalError> {
    db.cf_handle(family.name()).ok_or_else(|| JournalError::Damaged {
        family: family.name(),
        detail: "the family is not there".to_owned(),
    })
}

/// Names have no zero byte, so that none is the beginning of another.
fn prefix(family: Family) -> Vec<u8> {
    [family.name().as_bytes(), &[0]].concat()
}
