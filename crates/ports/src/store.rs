//! Bytes that survive a crash.

use std::fmt;

#[cfg(any(test, feature = "test-utils"))]
mod memory;
#[cfg(test)]
mod tests;

#[cfg(any(test, feature = "test-utils"))]
pub use memory::MemoryStore;

/// A key and its value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// Keys and values in the order of the keys' bytes. One owner writes.
pub trait Store: fmt::Debug + Send + Sync {
    /// One value.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// All entries whose key begins with these bytes, ascending.
    fn scan(&self, prefix: &[u8]) -> Result<Vec<Entry>, StoreError>;

    /// Keeps a batch whole or not at all. When it returns without an error, the disk has it.
    fn commit(&self, batch: Batch) -> Result<(), StoreError>;
}

/// Changes that are kept together; later ones to a key win.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch(Vec<Change>);

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Sets a value.
    Put {
        /// The key.
        key: Vec<u8>,
        /// The value.
        value: Vec<u8>,
    },
    /// Removes a value; it need not be there.
    Delete {
        /// The key.
        key: Vec<u8>,
    },
}

/// What stands at the end of the causes of every error that a full disk leads to, so that whoever
/// ends a process knows it from other failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the disk is full, or a file may not grow further")]
pub struct DiskFull;

/// Why bytes could not be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk is full. Nothing of the batch was kept.
    #[error("the disk is full; free space and start again, nothing was lost")]
    NoSpace(#[source] DiskFull),
    /// Anything else that the storage says.
    #[error("the storage failed; look at the disk before starting again")]
    Engine(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Batch {
    /// Adds a value.
    pub fn put(&mut self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.0.push(Change::Put { key: key.into(), value: value.into() });
    }

    /// Adds a removal.
    pub fn delete(&mut self, key: impl Into<Vec<u8>>) {
        self.0.push(Change::Delete { key: key.into() });
    }

    /// Whether there is nothing to keep.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The changes in their order.
    pub fn into_changes(self) -> Vec<Change> {
        self.0
    }
}
