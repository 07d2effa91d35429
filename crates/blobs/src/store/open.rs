//! Opening a store: what a crash left is swept, what does not belong is moved aside.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use tallystick_types::BlobDigest;

use super::{BlobStore, Shared};
use crate::disk::{Disk, LocalDisk};
use crate::error::OpenError;
use crate::index::{Index, Partial};
use crate::layout::{self, FORMAT, FORMAT_TEXT, Layout};
use crate::pin::{MOST_PINS, PinSet};
use crate::trailer::size_of_stored;

/// Longest record of pins, in bytes; a longer file is none.
const LONGEST_PINS: u64 = 128 + 64 * MOST_PINS as u64;

/// How a store is set up.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// The folder, made where it is missing. Nothing else may live in it.
    pub folder: PathBuf,
    /// Most bytes on disk: blobs with trailers, partial fetches, quarantine.
    pub quota_bytes: u64,
    /// Most bytes that [`BlobStore::get`] and [`BlobStore::range`] return at once.
    pub memory_bytes: u64,
    /// Largest blob that is stored, in bytes; never above [`crate::LARGEST_BLOB`].
    pub largest_bytes: u64,
}

impl StoreConfig {
    /// A store with a quota, 64 MiB at once and blobs of at most 64 GiB.
    ///
    /// At 64 GiB the digests of all chunks take 32 MiB of memory while a blob is open.
    pub fn new(folder: impl Into<PathBuf>, quota_bytes: u64) -> Self {
        let (memory_bytes, largest_bytes) = (64 << 20, 64 << 30);
        Self { folder: folder.into(), quota_bytes, memory_bytes, largest_bytes }
    }
}

/// What opening found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// Blobs that can be read.
    pub blobs: u64,
    /// Files of interrupted writes that were removed.
    pub swept: u64,
    /// Names of files that were moved aside, because no blob has such a name or length.
    pub quarantined: Vec<String>,
    /// Blobs whose record of pins is unreadable. They are kept until they are pinned anew.
    pub unreadable_pins: Vec<BlobDigest>,
    /// Fetches that can be resumed.
    pub partials: Vec<BlobDigest>,
}

impl BlobStore {
    /// Opens or makes the store in a folder of this machine's file system.
    ///
    /// # Errors
    ///
    /// [`OpenError::Locked`] while another process has it, [`OpenError::Format`] for a folder of
    /// another format, [`OpenError::Io`] when the disk fails.
    pub fn open(config: StoreConfig) -> Result<(Self, OpenReport), OpenError> {
        Self::open_on(Arc::new(LocalDisk), config)
    }

    /// Opens or makes the store on another disk, such as one that fails on purpose.
    ///
    /// # Errors
    ///
    /// As [`BlobStore::open`].
    pub fn open_on(
        disk: Arc<dyn Disk>,
        config: StoreConfig,
    ) -> Result<(Self, OpenReport), OpenError> {
        let layout = Layout::new(config.folder.clone());
        disk.create_folder(layout.root()).map_err(OpenError::io(layout.root()))?;
        let path = layout.lock();
        let lock = disk.lock(&path).map_err(OpenError::io(&path))?;
        let lock = lock.ok_or(OpenError::Locked { path })?;
        prepare(&*disk, &layout)?;
        let mut scan = Scan {
            disk: &*disk,
            layout: &layout,
            index: Index::new(config.quota_bytes),
            report: OpenReport::default(),
            next: 0,
        };
        scan.quarantine()?;
        scan.incoming()?;
        scan.blobs()?;
        scan.partials()?;
        scan.pins()?;
        let Scan { index, report, next, .. } = scan;
        let numbers = AtomicU64::new(next);
        let (index, names) = (Mutex::new(index), Mutex::new(()));
        let shared = Shared { disk, layout, config, index, names, numbers, _lock: lock };
        Ok((Self { shared: Arc::new(shared) }, report))
    }
}

/// Makes the folders, and before them the file that names their format: aside and then renamed,
/// so that it is whole or not there.
fn prepare(disk: &dyn Disk, layout: &Layout) -> Result<(), OpenError> {
    let (path, root) = (layout.format(), layout.root());
    let entries = disk.list(root).map_err(OpenError::io(root))?;
    if entries.iter().any(|entry| entry.name == FORMAT) {
        let (found, known) = (read_text(disk, &path)?, FORMAT_TEXT);
        if found != known {
            return Err(OpenError::Format { path, found, known });
        }
    } else {
        let new = layout.new_format();
        let written = disk.create(&new).and_then(|mut file| {
            file.append(FORMAT_TEXT.as_bytes())?;
            file.sync()
        });
        let moved = written.and_then(|()| disk.rename(&new, &path));
        moved.map_err(OpenError::io(&path))?;
    }
    for folder in layout.folders() {
        disk.create_folder(&folder).map_err(OpenError::io(&folder))?;
    }
    disk.sync_folder(root).map_err(OpenError::io(root))
}

/// The first 64 bytes of a file.
fn read_text(disk: &dyn Disk, path: &Path) -> Result<String, OpenError> {
    let bytes = read_start(disk, path, 64).map_err(OpenError::io(path))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn read_start(disk: &dyn Disk, path: &Path, most: u64) -> std::io::Result<Vec<u8>> {
    let mut file = disk.open(path)?;
    let length = file.length()?.min(most);
    let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
    file.read_at(0, &mut bytes)?;
    Ok(bytes)
}

/// One pass over the folder.
struct Scan<'a> {
    disk: &'a dyn Disk,
    layout: &'a Layout,
    index: Index,
    report: OpenReport,
    /// First number that no name in quarantine has.
    next: u64,
}

impl Scan<'_> {
    fn list(&self, folder: &Path) -> Result<Vec<crate::disk::DiskEntry>, OpenError> {
        let mut entries = self.disk.list(folder).map_err(OpenError::io(folder))?;
        entries.sort_by(|a, b| (a.modified, &a.name).cmp(&(b.modified, &b.name)));
        Ok(entries)
    }

    fn remove(&mut self, path: &Path) -> Result<(), OpenError> {
        self.report.swept += 1;
        self.disk.remove(path).map_err(OpenError::io(path))
    }

    fn quarantine(&mut self) -> Result<(), OpenError> {
        for entry in self.list(&self.layout.quarantine())? {
            let number = entry.name.split('-').next().and_then(|text| text.parse::<u64>().ok());
            self.next = self.next.max(number.map_or(0, |number| number.saturating_add(1)));
            self.index.quarantine.insert(entry.name, entry.length);
        }
        Ok(())
    }

    fn move_aside(&mut self, path: &Path, name: &str, length: u64) -> Result<(), OpenError> {
        let aside = format!("{}-{name}", self.next);
        self.next += 1;
        let target = self.layout.quarantine().join(&aside);
        self.disk.rename(path, &target).map_err(OpenError::io(path))?;
        self.index.quarantine.insert(aside, length);
        self.report.quarantined.push(name.to_owned());
        Ok(())
    }

    fn incoming(&mut self) -> Result<(), OpenError> {
        let folder = self.layout.incoming();
        for entry in self.list(&folder)? {
            self.remove(&folder.join(&entry.name))?;
        }
        Ok(())
    }

    fn blobs(&mut self) -> Result<(), OpenError> {
        let mut found: Vec<(SystemTime, BlobDigest, u64)> = Vec::new();
        for shard in self.list(&self.layout.blobs())? {
            let folder = self.layout.blobs().join(&shard.name);
            if !shard.folder {
                self.move_aside(&folder, &shard.name, shard.length)?;
                continue;
            }
            // What is visible may be the rename of a process that died before its sync.
            self.disk.sync_folder(&folder).map_err(OpenError::io(&folder))?;
            self.index.shards.insert(shard.name.clone());
            for entry in self.list(&folder)? {
                let digest = layout::parse_digits(&entry.name)
                    .filter(|digest| Layout::shard_name(*digest) == shard.name);
                match (digest, size_of_stored(entry.length)) {
                    (Some(digest), Some(size)) => found.push((entry.modified, digest, size)),
                    _ => self.move_aside(&folder.join(&entry.name), &entry.name, entry.length)?,
                }
            }
        }
        let folder = self.layout.blobs();
        self.disk.sync_folder(&folder).map_err(OpenError::io(&folder))?;
        // The order of use before the start is not known; the order of storing stands for it.
        found.sort_unstable();
        self.report.blobs = found.len() as u64;
        for (_, digest, size) in found {
            self.index.insert(digest, size);
        }
        Ok(())
    }

    fn partials(&mut self) -> Result<(), OpenError> {
        let folder = self.layout.partial();
        let entries = self.list(&folder)?;
        for entry in &entries {
            let stem = entry.name.trim_end_matches(layout::LOG);
            let other =
                if stem == entry.name { stem.to_owned() + layout::LOG } else { stem.into() };
            let pair = entries.iter().find(|entry| entry.name == other);
            let digest = layout::parse_digits(stem)
                .filter(|digest| pair.is_some() && self.index.size(*digest).is_none());
            match (digest, pair) {
                (Some(digest), Some(pair)) => {
                    let bytes = entry.length.saturating_add(pair.length);
                    if self.index.partials.insert(digest, Partial { bytes, open: false }).is_none()
                    {
                        self.report.partials.push(digest);
                    }
                }
                _ => self.remove(&folder.join(&entry.name))?,
            }
        }
        Ok(())
    }

    fn pins(&mut self) -> Result<(), OpenError> {
        let folder = self.layout.pins();
        self.disk.sync_folder(&folder).map_err(OpenError::io(&folder))?;
        for entry in self.list(&folder)? {
            let path = folder.join(&entry.name);
            let Some(digest) = layout::parse_digits(&entry.name) else {
                self.move_aside(&path, &entry.name, entry.length)?;
                continue;
            };
            let record =
                read_start(self.disk, &path, LONGEST_PINS).map_err(OpenError::io(&path))?;
            let pins = PinSet::of_record(&record);
            if pins.unreadable {
                self.report.unreadable_pins.push(digest);
            }
            self.index.pins.insert(digest, pins);
        }
        Ok(())
    }
}
