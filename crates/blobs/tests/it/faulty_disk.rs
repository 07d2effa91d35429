//! A disk in memory that knows what would survive a power cut, and fails on request.
//!
//! Bytes survive when their file was synced, names when their folder was. Of everything else a
//! crash keeps a part that the seed decides: a file may be cut or end in zeros, a rename may have
//! reached one of its two folders. As on Linux, a sync that failed is not made good by the next
//! one, which says that all is well: the pages count as clean.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use tallystick_blobs::{AppendFile, Disk, DiskEntry, FolderLock, ReadFile};

#[derive(Clone, Debug, Default)]
struct Inode {
    bytes: Vec<u8>,
    synced: Vec<u8>,
    modified: u64,
    /// A sync failed: what the disk did not get then it never gets.
    lost: bool,
}

/// What happens at the call whose number was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// This call fails, the next ones work.
    Error,
    /// This call and all later ones fail: the machine is off.
    Off,
}

#[derive(Debug, Default)]
struct State {
    inodes: BTreeMap<u64, Inode>,
    names: BTreeMap<PathBuf, u64>,
    durable: BTreeMap<PathBuf, u64>,
    folders: BTreeSet<PathBuf>,
    durable_folders: BTreeSet<PathBuf>,
    counter: u64,
    calls: u64,
    fault: Option<(u64, Fault)>,
    capacity: Option<usize>,
}

/// The disk.
#[derive(Debug, Default)]
pub(crate) struct FaultyDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct Handle {
    state: Arc<Mutex<State>>,
    inode: u64,
}

#[derive(Debug)]
struct NoLock;

impl FolderLock for NoLock {}

/// A generator that needs nothing but its seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888);
        (self.0 >> 33) as usize % limit.max(1)
    }
}

impl State {
    /// Counts a call that changes something and lets it fail where that is asked for.
    fn change(&mut self) -> io::Result<()> {
        self.calls += 1;
        match self.fault {
            Some((at, Fault::Error)) if self.calls == at => Err(io::Error::other("injected")),
            Some((at, Fault::Off)) if self.calls >= at => Err(io::Error::other("switched off")),
            _ => Ok(()),
        }
    }

    fn inode(&self, path: &Path) -> io::Result<u64> {
        self.names.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn used(&self) -> usize {
        self.names.values().map(|inode| self.inodes[inode].bytes.len()).sum()
    }

    fn crash(&mut self, seed: u64) {
        let mut dice = Dice(seed);
        let folders: Vec<PathBuf> = self.folders.iter().cloned().collect();
        for folder in folders {
            let kept = self.durable_folders.contains(&folder) || dice.below(2) == 0;
            let above = folder.parent().is_none_or(|above| self.folders.contains(above));
            if !(kept && above) {
                self.folders.remove(&folder);
            }
        }
        let paths: BTreeSet<PathBuf> =
            self.names.keys().chain(self.durable.keys()).cloned().collect();
        let mut names = BTreeMap::new();
        for path in paths {
            let (now, before) = (self.names.get(&path), self.durable.get(&path));
            let kept = if dice.below(2) == 0 { now } else { before };
            let above = path.parent().is_some_and(|above| self.folders.contains(above));
            if let Some(inode) = kept.filter(|_| above) {
                names.insert(path, *inode);
            }
        }
        for inode in self.inodes.values_mut() {
            inode.tear(&mut dice);
        }
        (self.durable, self.names) = (names.clone(), names);
        self.durable_folders = self.folders.clone();
        self.fault = None;
    }
}

impl Inode {
    fn tear(&mut self, dice: &mut Dice) {
        if self.bytes.starts_with(&self.synced) {
            let more = self.bytes.len() - self.synced.len();
            self.bytes.truncate(self.synced.len() + dice.below(more + 1));
            if dice.below(3) == 0 {
                let from = self.synced.len() + dice.below(more + 1);
                self.bytes.iter_mut().skip(from).for_each(|byte| *byte = 0);
            }
        } else if dice.below(2) == 0 {
            self.bytes.clone_from(&self.synced);
        }
        self.synced.clone_from(&self.bytes);
    }
}

impl FaultyDisk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Lets a later call fail, counted from 1 from now on.
    pub(crate) fn fail_at(&self, call: u64, fault: Fault) {
        let mut state = self.state();
        state.calls = 0;
        state.fault = Some((call, fault));
    }

    /// Calls that changed something since the last `fail_at`.
    pub(crate) fn calls(&self) -> u64 {
        self.state().calls
    }

    /// From now on no call fails by request.
    pub(crate) fn heal(&self) {
        self.state().fault = None;
    }

    /// Cuts the power. What survives unsynced is decided by the seed.
    pub(crate) fn crash(&self, seed: u64) {
        self.state().crash(seed);
    }

    /// Most bytes of all files together.
    pub(crate) fn limit(&self, capacity: usize) {
        self.state().capacity = Some(capacity);
    }

    /// Bytes of all files below a folder.
    pub(crate) fn used_below(&self, folder: &str) -> u64 {
        let state = self.state();
        let below = state.names.iter().filter(|(path, _)| path.starts_with(folder));
        below.map(|(_, inode)| state.inodes[inode].bytes.len() as u64).sum()
    }

    /// Flips one bit of a file.
    pub(crate) fn flip(&self, path: &Path, bit: usize) {
        let mut state = self.state();
        let inode = state.inode(path).unwrap();
        let file = state.inodes.get_mut(&inode).unwrap();
        let place = bit / 8 % file.bytes.len();
        file.bytes[place] ^= 1 << (bit % 8);
    }

    /// Removes a file behind the back of the store.
    pub(crate) fn lose(&self, path: &Path) {
        self.state().names.remove(path).unwrap();
    }
}

impl Disk for FaultyDisk {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.change()?;
        for folder in path.ancestors() {
            state.folders.insert(folder.to_owned());
        }
        // The folder of the store itself is there before the store.
        if path == Path::new("/store") {
            state.durable_folders = state.folders.clone();
        }
        Ok(())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<DiskEntry>> {
        let state = self.state();
        if !state.folders.contains(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        let inside = |entry: &&PathBuf| entry.parent() == Some(path);
        let time = |ticks| SystemTime::UNIX_EPOCH + Duration::from_secs(ticks);
        let mut entries = Vec::new();
        for folder in state.folders.iter().filter(inside) {
            let modified = time(0);
            entries.push(DiskEntry { name: name(folder), length: 0, modified, folder: true });
        }
        for file in state.names.keys().filter(inside) {
            let inode = &state.inodes[&state.names[file]];
            let (length, modified) = (inode.bytes.len() as u64, time(inode.modified));
            entries.push(DiskEntry { name: name(file), length, modified, folder: false });
        }
        Ok(entries)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn AppendFile>> {
        let mut state = self.state();
        state.change()?;
        state.counter += 1;
        let new = state.counter;
        let inode = *state.names.entry(path.to_owned()).or_insert(new);
        state.inodes.entry(inode).or_default().bytes.clear();
        Ok(Box::new(Handle { state: self.state.clone(), inode }))
    }

    fn extend(&self, path: &Path, length: u64) -> io::Result<Box<dyn AppendFile>> {
        let mut state = self.state();
        state.change()?;
        let inode = state.inode(path)?;
        state.inodes.get_mut(&inode).unwrap().bytes.resize(length as usize, 0);
        Ok(Box::new(Handle { state: self.state.clone(), inode }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn ReadFile>> {
        let inode = self.state().inode(path)?;
        Ok(Box::new(Handle { state: self.state.clone(), inode }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.change()?;
        let inode = state.inode(from)?;
        state.names.remove(from);
        state.names.insert(to.to_owned(), inode);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.change()?;
        state.inode(path)?;
        state.names.remove(path);
        Ok(())
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.change()?;
        let inside = |entry: &PathBuf| entry.parent() == Some(path);
        state.durable.retain(|entry, _| !inside(entry));
        state.durable_folders.retain(|entry| !inside(entry));
        let State { names, durable, folders, durable_folders, .. } = &mut *state;
        let kept = names.iter().filter(|(entry, _)| inside(entry));
        durable.extend(kept.map(|(entry, inode)| (entry.clone(), *inode)));
        durable_folders.extend(folders.iter().filter(|entry| inside(entry)).cloned());
        Ok(())
    }

    fn lock(&self, _path: &Path) -> io::Result<Option<Box<dyn FolderLock>>> {
        Ok(Some(Box::new(NoLock)))
    }
}

impl AppendFile for Handle {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        let fault = state.change();
        state.counter += 1;
        let (modified, used, capacity) = (state.counter, state.used(), state.capacity);
        let free = capacity.map_or(usize::MAX, |capacity| capacity.saturating_sub(used));
        let taken = if fault.is_err() { bytes.len() / 2 } else { bytes.len().min(free) };
        let file = state.inodes.get_mut(&self.inode).unwrap();
        file.bytes.extend_from_slice(&bytes[..taken]);
        file.modified = modified;
        fault?;
        if taken < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        let fault = state.change();
        let file = state.inodes.get_mut(&self.inode).unwrap();
        file.lost |= fault.is_err();
        if !file.lost {
            file.synced.clone_from(&file.bytes);
        }
        fault
    }
}

impl ReadFile for Handle {
    fn length(&mut self) -> io::Result<u64> {
        Ok(self.state.lock().unwrap().inodes[&self.inode].bytes.len() as u64)
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let state = self.state.lock().unwrap();
        let file = &state.inodes[&self.inode].bytes;
        let part = file.get(offset as usize..).and_then(|rest| rest.get(..buffer.len()));
        buffer.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}
