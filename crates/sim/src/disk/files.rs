//! A file system in memory: bytes that were not synced and names whose folder was not are lost with
//! the power.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use imbl::OrdMap;
use tallystick_blobs::{AppendFile, Disk, DiskEntry, FolderLock, ReadFile};

use super::{Fuse, Spent};

/// The files of a machine. Clones are the same files.
#[derive(Clone, Debug)]
pub struct Files {
    fuse: Fuse,
    held: Arc<Mutex<Held>>,
}

#[derive(Debug, Default)]
struct Held {
    /// Bytes of every file there ever was, as they are and as they are synced.
    nodes: Vec<Node>,
    names: Folders,
    /// What a loss of power leaves of the names.
    synced: Folders,
    folders: BTreeSet<PathBuf>,
    locks: BTreeSet<PathBuf>,
}

/// The files of each folder. A copy of a folder shares what is equal, so that to sync one costs
/// nothing.
type Folders = BTreeMap<PathBuf, OrdMap<OsString, usize>>;

#[derive(Debug, Default)]
struct Node {
    bytes: Vec<u8>,
    synced: Vec<u8>,
}

#[derive(Debug)]
struct Open {
    files: Files,
    node: usize,
}

#[derive(Debug)]
struct Lock {
    files: Files,
    path: PathBuf,
}

impl Files {
    /// No files, on a machine.
    pub fn new(fuse: Fuse) -> Self {
        Self { fuse, held: Arc::default() }
    }

    /// What remains after a loss of power. Nobody has a file open then.
    pub fn lose_power(&self) {
        let mut held = self.held();
        held.names = held.synced.clone();
        held.locks.clear();
        for node in &mut held.nodes {
            node.bytes = node.synced.clone();
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One effect: false where it is the last that happens.
    fn spend(&self) -> io::Result<bool> {
        match self.fuse.spend() {
            Spent::Fine => Ok(true),
            Spent::Last => Ok(false),
            Spent::Gone => Err(lost()),
        }
    }
}

impl Held {
    fn find(&self, path: &Path) -> io::Result<usize> {
        let (folder, name) = parts(path)?;
        let node = self.names.get(folder).and_then(|files| files.get(name));
        node.copied().ok_or_else(missing)
    }

    fn name(&mut self, path: &Path, node: usize) -> io::Result<()> {
        let (folder, name) = parts(path)?;
        let files = self.names.entry(folder.to_path_buf()).or_default();
        files.insert(name.to_os_string(), node);
        Ok(())
    }

    fn forget(&mut self, path: &Path) -> io::Result<usize> {
        let (folder, name) = parts(path)?;
        let files = self.names.get_mut(folder).ok_or_else(missing)?;
        files.remove(name).ok_or_else(missing)
    }
}

/// The folder of a file, and its name there.
fn parts(path: &Path) -> io::Result<(&Path, &OsStr)> {
    path.parent().zip(path.file_name()).ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

fn lost() -> io::Error {
    io::Error::other(super::PowerLost)
}

fn missing() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl AppendFile for Open {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut held = self.files.held();
        held.nodes.get_mut(self.node).ok_or_else(missing)?.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let goes_on = self.files.spend()?;
        let mut held = self.files.held();
        let node = held.nodes.get_mut(self.node).ok_or_else(missing)?;
        node.synced = node.bytes.clone();
        if goes_on { Ok(()) } else { Err(lost()) }
    }
}

impl ReadFile for Open {
    fn length(&mut self) -> io::Result<u64> {
        let held = self.files.held();
        let node = held.nodes.get(self.node).ok_or_else(missing)?;
        Ok(u64::try_from(node.bytes.len()).unwrap_or(u64::MAX))
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let held = self.files.held();
        let node = held.nodes.get(self.node).ok_or_else(missing)?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let end = start.saturating_add(buffer.len());
        let bytes = node.bytes.get(start..end).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }
}

impl FolderLock for Lock {}

impl Drop for Lock {
    fn drop(&mut self) {
        self.files.held().locks.remove(&self.path);
    }
}

impl Disk for Files {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        // The folders of a store are made once, before anything is kept.
        let above = path.ancestors().map(Path::to_path_buf);
        self.held().folders.extend(above);
        Ok(())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<DiskEntry>> {
        let held = self.held();
        let name = |path: &Path| path.file_name()?.to_str().map(str::to_owned);
        let modified = SystemTime::UNIX_EPOCH;
        let files = held.names.get(path).into_iter().flatten().filter_map(|(name, node)| {
            let length = held.nodes.get(*node)?.bytes.len();
            let length = u64::try_from(length).unwrap_or(u64::MAX);
            Some(DiskEntry { name: name.to_str()?.to_owned(), length, modified, folder: false })
        });
        let folders = held.folders.iter().filter(|folder| folder.parent() == Some(path));
        let folders = folders.filter_map(|folder| {
            Some(DiskEntry { name: name(folder)?, length: 0, modified, folder: true })
        });
        Ok(files.chain(folders).collect())
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn AppendFile>> {
        let mut held = self.held();
        let node = held.nodes.len();
        held.nodes.push(Node::default());
        held.name(path, node)?;
        Ok(Box::new(Open { files: self.clone(), node }))
    }

    fn extend(&self, path: &Path, length: u64) -> io::Result<Box<dyn AppendFile>> {
        let mut held = self.held();
        let node = held.find(path)?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        held.nodes.get_mut(node).ok_or_else(missing)?.bytes.truncate(length);
        Ok(Box::new(Open { files: self.clone(), node }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn ReadFile>> {
        let node = self.held().find(path)?;
        Ok(Box::new(Open { files: self.clone(), node }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut held = self.held();
        let node = held.forget(from)?;
        held.name(to, node)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.held().forget(path).map(drop)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        let goes_on = self.spend()?;
        let mut held = self.held();
        if let Some(now) = held.names.get(path).cloned() {
            held.synced.insert(path.to_path_buf(), now);
        }
        if goes_on { Ok(()) } else { Err(lost()) }
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn FolderLock>>> {
        let free = self.held().locks.insert(path.to_path_buf());
        let lock = Lock { files: self.clone(), path: path.to_path_buf() };
        if free {
            Ok(Some(Box::new(lock)))
        } else {
            std::mem::forget(lock);
            Ok(None)
        }
    }
}
