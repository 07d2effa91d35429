//! Opening a journal, and reading it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use alloy_primitives::Address;
use rocksdb::{DB, Options, WriteBatch, WriteOptions};
use serde::{Deserialize, Serialize};
use tallystick_ports::{DiskFull, Store};
use tallystick_types::ChainId;

use crate::engine::{Changes, Engine};
use crate::error::JournalError;
use crate::key::Key;
use crate::log::EventNumber;
use crate::step::Step;
use crate::table::{Family, Stored, Table, decode, encode};

/// Format of the folder that this program writes. It grows when families change their meaning.
pub const FORMAT: u32 = 1;

/// In the words of the system: the disk is full, or a file has the most bytes it may have.
const NO_SPACE: [&str; 2] = ["No space left on device", "File too large"];

pub(crate) const FORMAT_KEY: &[u8] = b"format";
pub(crate) const NETWORK_KEY: &[u8] = b"network";

/// The network that a journal belongs to: nothing of another one may get into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// The chain.
    pub chain: ChainId,
    /// Address of the job manager on it.
    pub jobs: Address,
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the network of {} on chain {}", self.jobs, self.chain)
    }
}

impl Stored for Network {
    const VERSION: u8 = 1;
    const NAME: &'static str = "network";
}

/// A journal, open for writing. One process and one owner have it at a time.
#[derive(Debug)]
pub struct Journal {
    reader: Reader,
    last: Option<EventNumber>,
}

/// A view of a journal for reading. Sees every step that was committed.
#[derive(Clone)]
pub struct Reader {
    engine: Engine,
    path: Arc<Path>,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Journal {
    /// Opens the journal in a folder, or begins one there.
    pub fn open(path: impl Into<PathBuf>, network: Network) -> Result<Self, JournalError> {
        let path: PathBuf = path.into();
        let db = database(&path, &Family::ALL.map(Family::name))?;
        Self::over(Engine::Folder(Arc::new(db)), path.into(), network)
    }

    /// The journal in a store that nobody else writes, or begins one there. For whoever has no
    /// folder, such as a simulator.
    pub fn in_store(store: Arc<dyn Store>, network: Network) -> Result<Self, JournalError> {
        Self::over(Engine::Store(store), Path::new("").into(), network)
    }

    fn over(engine: Engine, path: Arc<Path>, network: Network) -> Result<Self, JournalError> {
        let reader = Reader { engine, path };
        reader.check_format()?;
        let mut journal = Self { last: reader.last_event()?, reader };
        journal.check_network(network)?;
        Ok(journal)
    }

    /// A view for reading.
    pub fn reader(&self) -> Reader {
        self.reader.clone()
    }

    /// The last event of the log.
    pub const fn last_event(&self) -> Option<EventNumber> {
        self.last
    }

    /// Begins a step: what it changes is kept together, or not at all.
    pub fn step(&mut self) -> Step<'_> {
        Step::new(&self.reader, &mut self.last)
    }

    fn check_network(&mut self, wanted: Network) -> Result<(), JournalError> {
        if let Some(bytes) = self.reader.bytes(Family::Meta, NETWORK_KEY)? {
            let found: Network = decode(Family::Meta, &bytes)?;
            let path = self.reader.path.to_path_buf();
            return if found == wanted {
                Ok(())
            } else {
                Err(JournalError::WrongNetwork { path, found, wanted })
            };
        }
        let entries =
            [(FORMAT_KEY, FORMAT.to_be_bytes().to_vec()), (NETWORK_KEY, encode(&wanted)?)];
        let changes = entries.map(|(key, value)| ((Family::Meta, key.to_vec()), Some(value)));
        self.reader.commit(&Changes::from(changes))
    }
}

impl Reader {
    /// One value.
    pub fn get<K: Key, V: Stored>(
        &self,
        table: Table<K, V>,
        key: &K,
    ) -> Result<Option<V>, JournalError> {
        self.bytes(table.family(), &key.to_bytes())?
            .map(|bytes| decode(table.family(), &bytes))
            .transpose()
    }

    /// All values whose key begins with these bytes, in the order of their keys.
    pub fn scan<K: Key, V: Stored>(
        &self,
        table: Table<K, V>,
        prefix: &[u8],
    ) -> Result<Vec<(K, V)>, JournalError> {
        let family = table.family();
        let mut found = Vec::new();
        for entry in self.engine.from(family, prefix)? {
            let (key, value) = entry?;
            if !key.starts_with(prefix) {
                break;
            }
            found.push((self.key(family, &key)?, decode(family, &value)?));
        }
        Ok(found)
    }

    /// Folder of the journal.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn bytes(
        &self,
        family: Family,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>, JournalError> {
        self.engine.get(family, key)
    }

    pub(crate) fn key<K: Key>(&self, family: Family, bytes: &[u8]) -> Result<K, JournalError> {
        K::from_bytes(bytes).ok_or_else(|| JournalError::Damaged {
            family: family.name(),
            detail: format!("a key of {} bytes that no key has", bytes.len()),
        })
    }

    pub(crate) const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Writes and waits until the disk has it.
    pub(crate) fn commit(&self, changes: &Changes) -> Result<(), JournalError> {
        self.engine.commit(changes, &self.path)
    }

    fn check_format(&self) -> Result<(), JournalError> {
        let Some(bytes) = self.bytes(Family::Meta, FORMAT_KEY)? else { return Ok(()) };
        let found = u32::from_bytes(&bytes).ok_or_else(|| JournalError::Damaged {
            family: Family::Meta.name(),
            detail: "the format is no number".to_owned(),
        })?;
        if found > FORMAT {
            let path = self.path.to_path_buf();
            return Err(JournalError::NewerFormat { path, found, known: FORMAT });
        }
        Ok(())
    }
}

/// Opens a folder with these families, and with those that a newer program added: the engine opens
/// all or none, and the format says afterwards who may read.
pub(crate) fn database(path: &Path, families: &[&str]) -> Result<DB, JournalError> {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    // A damaged tail of the write-ahead log was never acknowledged; damage before it is refused.
    options.set_wal_recovery_mode(rocksdb::DBRecoveryMode::TolerateCorruptedTailRecords);
    options.set_compression_type(rocksdb::DBCompressionType::Lz4);
    let mut names = DB::list_cf(&options, path).unwrap_or_default();
    for family in families {
        if !names.iter().any(|name| name == family) {
            names.push((*family).to_owned());
        }
    }
    DB::open_cf(&options, path, &names).map_err(|error| refusal(error, path))
}

/// Writes and waits until the disk has it.
pub(crate) fn write(db: &DB, path: &Path, batch: WriteBatch) -> Result<(), JournalError> {
    let mut options = WriteOptions::default();
    options.set_sync(true);
    db.write_opt(batch, &options).map_err(|error| refusal(error, path))
}

/// What a refusal of the engine means. It says so only in words.
fn refusal(error: rocksdb::Error, path: &Path) -> JournalError {
    let path = path.to_path_buf();
    let text = error.to_string();
    match error.kind() {
        rocksdb::ErrorKind::IOError if text.contains("/LOCK") => JournalError::Locked { path },
        _ if NO_SPACE.iter().any(|words| text.contains(words)) => {
            JournalError::NoSpace { path, source: DiskFull }
        }
        _ => JournalError::Engine(error),
    }
}
