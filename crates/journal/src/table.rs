//! Typed tables over column families, and the encoding of their values.

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::JournalError;
use crate::key::Key;

/// A column family of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Format and network of the journal.
    Meta,
    /// The log: every event in its order.
    Events,
    /// States as they were after an event.
    Snapshots,
    /// How far a reader of something outside has come.
    Cursors,
    /// What is to be sent, and what became of it.
    Outbox,
    /// Jobs as clients see them.
    Jobs,
    /// Receipts, by job.
    Receipts,
    /// Who may see whose private work.
    TrustPairings,
    /// Which pairing has a code: what makes codes unique.
    PairingCodes,
    /// Which pairing joins a client and a node.
    PairedNodes,
    /// Tasks that nobody could do.
    DeadLetters,
}

impl Family {
    /// Every family.
    pub const ALL: [Self; 11] = [
        Self::Meta,
        Self::Events,
        Self::Snapshots,
        Self::Cursors,
        Self::Outbox,
        Self::Jobs,
        Self::Receipts,
        Self::TrustPairings,
        Self::PairingCodes,
        Self::PairedNodes,
        Self::DeadLetters,
    ];

    /// Whether its entries follow rules, so that only the calls that check them may write it.
    pub(crate) const fn has_rules(self) -> bool {
        match self {
            Self::Cursors | Self::Outbox | Self::DeadLetters => false,
            Self::Meta
            | Self::Events
            | Self::Snapshots
            | Self::Jobs
            | Self::Receipts
            | Self::TrustPairings
            | Self::PairingCodes
            | Self::PairedNodes => true,
        }
    }

    /// Its name in the database. Never changes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Events => "events",
            Self::Snapshots => "snapshots",
            Self::Cursors => "cursors",
            Self::Outbox => "outbox",
            Self::Jobs => "jobs",
            Self::Receipts => "receipts",
            Self::TrustPairings => "trust_pairings",
            Self::PairingCodes => "pairing_codes",
            Self::PairedNodes => "paired_nodes",
            Self::DeadLetters => "dead_letters",
        }
    }
}

/// A value that the journal keeps: one byte of version, then the value in postcard's encoding.
pub trait Stored: Serialize + DeserializeOwned {
    /// Version of the encoding; one more whenever fields change.
    const VERSION: u8;

    /// What it is called in messages.
    const NAME: &'static str;

    /// Reads a value of an older version, or nothing where it cannot be read any more.
    fn from_older(version: u8, bytes: &[u8]) -> Option<Self> {
        let _ = (version, bytes);
        None
    }
}

/// A table: keys of one kind to values of one kind.
#[derive(Debug)]
pub struct Table<K, V> {
    family: Family,
    kinds: PhantomData<fn(K) -> V>,
}

impl<K, V> Clone for Table<K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for Table<K, V> {}

impl<K: Key, V: Stored> Table<K, V> {
    /// The table in this family. One family holds one table.
    pub const fn new(family: Family) -> Self {
        Self { family, kinds: PhantomData }
    }

    /// Where it lies.
    pub const fn family(self) -> Family {
        self.family
    }
}

/// The bytes of a value, as they are kept.
pub fn encode<V: Stored>(value: &V) -> Result<Vec<u8>, JournalError> {
    postcard::to_extend(value, vec![V::VERSION])
        .map_err(|error| JournalError::Damaged { family: V::NAME, detail: error.to_string() })
}

/// The value of bytes that were kept in a family. Any others are refused, whatever they are.
pub fn decode<V: Stored>(family: Family, bytes: &[u8]) -> Result<V, JournalError> {
    let damaged = |detail: String| JournalError::Damaged { family: family.name(), detail };
    let Some((&version, body)) = bytes.split_first() else {
        return Err(damaged(format!("an empty {}", V::NAME)));
    };
    if version != V::VERSION {
        let unknown =
            JournalError::UnknownVersion { what: V::NAME, found: version, known: V::VERSION };
        return V::from_older(version, body).filter(|_| version < V::VERSION).ok_or(unknown);
    }
    let (value, rest) = postcard::take_from_bytes(body)
        .map_err(|error| damaged(format!("a {}: {error}", V::NAME)))?;
    if rest.is_empty() {
        Ok(value)
    } else {
        Err(damaged(format!("{} bytes after a {}", rest.len(), V::NAME)))
    }
}
