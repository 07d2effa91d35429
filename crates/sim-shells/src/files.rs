//! The disk of a simulated machine: files of turmoil, of which a loss of power leaves what was
//! synced, bytes and names each by themselves. Stores are logs in such files.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use sha2::{Digest, Sha256};
use tallystick_blobs::{AppendFile, Disk, DiskEntry, FolderLock, ReadFile};
use tallystick_ports::{Batch, Change, Entry, Store, StoreError};
use turmoil::fs::shim::std::fs::{self, File, OpenOptions};

/// Bytes of a checksum of a record.
const CHECK: usize = 8;

/// The files of the machine that runs now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Files;

struct Open(File);

#[derive(Debug)]
struct Held;

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Open").field(&self.0.path()).finish()
    }
}

impl AppendFile for Open {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_all()
    }
}

impl ReadFile for Open {
    fn length(&mut self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.0.seek(SeekFrom::Start(offset))?;
        self.0.read_exact(buffer)
    }
}

impl FolderLock for Held {}

impl Disk for Files {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<DiskEntry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let found = entry.metadata()?;
            if let Ok(name) = entry.file_name().into_string() {
                let folder = found.is_dir();
                let length = if folder { 0 } else { found.len() };
                let modified = found.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                entries.push(DiskEntry { name, length, modified, folder });
            }
        }
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(entries)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn AppendFile>> {
        Ok(Box::new(Open(File::create(path)?)))
    }

    fn extend(&self, path: &Path, length: u64) -> io::Result<Box<dyn AppendFile>> {
        let mut file = OpenOptions::new().write(true).open(path)?;
        file.set_len(length)?;
        file.seek(SeekFrom::Start(length))?;
        Ok(Box::new(Open(file)))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn ReadFile>> {
        Ok(Box::new(Open(File::open(path)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        fs::sync_dir(path)
    }

    /// A machine runs one process at a time, so that every lock is free.
    fn lock(&self, _: &Path) -> io::Result<Option<Box<dyn FolderLock>>> {
        Ok(Some(Box::new(Held)))
    }
}

/// A store that is a log in a file: a batch is a record, and counts when all of it is there.
#[derive(Debug)]
pub(crate) struct Log(Mutex<Entries>);

struct Entries {
    file: File,
    lies: bool,
    entries: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl fmt::Debug for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entries").field("entries", &self.entries.len()).finish_non_exhaustive()
    }
}

impl Log {
    /// Reads the log of a folder, or begins one there. One that `lies` says that it synced what it
    /// did not, which no disk may.
    ///
    /// # Errors
    ///
    /// Where the disk fails.
    pub(crate) fn open(folder: &Path, lies: bool) -> io::Result<Self> {
        let path = folder.join("log");
        let (mut entries, mut good) = (BTreeMap::new(), 0);
        if fs::exists(&path) {
            let bytes = fs::read(&path)?;
            while let Some((batch, end)) = record(&bytes, good) {
                apply(&mut entries, batch);
                good = end;
            }
        } else {
            fs::create_dir_all(folder)?;
            File::create(&path)?.sync_all()?;
            for above in folder.ancestors().filter(|above| !above.as_os_str().is_empty()) {
                fs::sync_dir(above)?;
            }
        }
        // What follows was never acknowledged.
        let mut file = OpenOptions::new().write(true).open(&path)?;
        let end = u64::try_from(good).unwrap_or(u64::MAX);
        file.set_len(end)?;
        file.seek(SeekFrom::Start(end))?;
        Ok(Self(Mutex::new(Entries { file, lies, entries })))
    }

    fn held(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for Log {
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
        let changes = batch.into_changes();
        let mut written = held.file.write_all(&written(&changes));
        if !held.lies {
            written = written.and_then(|()| held.file.sync_all());
        }
        written.map_err(|error| StoreError::Engine(Box::new(error)))?;
        apply(&mut held.entries, changes);
        Ok(())
    }
}

fn apply(entries: &mut BTreeMap<Vec<u8>, Vec<u8>>, changes: Vec<Change>) {
    for change in changes {
        match change {
            Change::Put { key, value } => entries.insert(key, value),
            Change::Delete { key } => entries.remove(&key),
        };
    }
}

/// Length and checksum of what follows, then the changes.
fn written(changes: &[Change]) -> Vec<u8> {
    let mut body = Vec::new();
    let mut put = |bytes: &[u8]| {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        body.extend_from_slice(&length.to_be_bytes());
        body.extend_from_slice(bytes);
    };
    for change in changes {
        match change {
            Change::Put { key, value } => {
                put(&[1]);
                put(key);
                put(value);
            }
            Change::Delete { key } => {
                put(&[0]);
                put(key);
            }
        }
    }
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes();
    [length.as_slice(), &Sha256::digest(&body)[..CHECK], &body].concat()
}

/// The record at a place, and where it ends; nothing where it is not whole.
fn record(bytes: &[u8], at: usize) -> Option<(Vec<Change>, usize)> {
    let (length, rest) = bytes.get(at..)?.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (check, rest) = rest.split_at_checked(CHECK)?;
    let mut body = rest.get(..length)?;
    if Sha256::digest(body)[..CHECK] != *check {
        return None;
    }
    let mut take = || -> Option<Vec<u8>> {
        let (length, rest) = body.split_first_chunk()?;
        let (piece, rest) = rest.split_at_checked(u32::from_be_bytes(*length).try_into().ok()?)?;
        body = rest;
        Some(piece.to_vec())
    };
    let mut changes = Vec::new();
    while let Some(kind) = take() {
        let key = take()?;
        changes.push(match kind.as_slice() {
            [1] => Change::Put { key, value: take()? },
            _ => Change::Delete { key },
        });
    }
    Some((changes, at + 4 + CHECK + length))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use turmoil::Builder;

    use super::*;

    const FOLDER: &str = "/node/shelf";

    fn batch(key: &[u8]) -> Batch {
        let mut batch = Batch::default();
        batch.put(key, b"value".as_slice());
        batch
    }

    /// What a machine finds after its power was lost while `before` had run.
    fn found(before: fn(&Log) -> io::Result<()>, lies: bool) -> Vec<Vec<u8>> {
        let runs = Arc::new(Mutex::new(Vec::<Vec<Vec<u8>>>::new()));
        let mut sim = Builder::new().rng_seed(1).build();
        let seen = Arc::clone(&runs);
        sim.host("machine", move || {
            let seen = Arc::clone(&seen);
            async move {
                let log = Log::open(Path::new(FOLDER), lies)?;
                let keys = log.scan(&[])?.into_iter().map(|(key, _)| key).collect();
                seen.lock().unwrap().push(keys);
                before(&log)?;
                std::future::pending::<()>().await;
                Ok(())
            }
        });
        sim.step().unwrap();
        sim.crash("machine");
        sim.bounce("machine");
        sim.step().unwrap();
        let runs = runs.lock().unwrap();
        assert!(runs[0].is_empty());
        runs[1].clone()
    }

    fn two(log: &Log) -> io::Result<()> {
        log.commit(batch(b"one")).map_err(io::Error::other)?;
        log.commit(batch(b"two")).map_err(io::Error::other)
    }

    fn torn(log: &Log) -> io::Result<()> {
        two(log)?;
        let mut held = log.held();
        held.file.write_all(&written(&batch(b"three").into_changes())[..20])?;
        held.file.sync_all()
    }

    #[test]
    fn what_was_committed_is_there_after_a_loss_of_power() {
        assert_eq!(found(two, false), [b"one".to_vec(), b"two".to_vec()]);
    }

    #[test]
    fn a_record_that_is_not_whole_does_not_count() {
        assert_eq!(found(torn, false), [b"one".to_vec(), b"two".to_vec()]);
    }

    #[test]
    fn a_disk_that_lies_keeps_nothing() {
        assert!(found(two, true).is_empty());
    }
}
