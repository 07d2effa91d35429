//! The file system as the store uses it: few calls, so that each can be made to fail in a test.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::SystemTime;

/// One entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskEntry {
    /// Its name, without the folder. Names that are no text are left out of listings.
    pub name: String,
    /// Bytes of the file; 0 for a folder.
    pub length: u64,
    /// When its bytes last changed, for the order of collection only.
    pub modified: SystemTime,
    /// Whether it is a folder.
    pub folder: bool,
}

/// A file that grows at its end.
pub trait AppendFile: Debug + Send {
    /// Appends all bytes or fails; what a failure leaves behind is undefined.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Returns once the bytes are on stable storage.
    fn sync(&mut self) -> io::Result<()>;
}

/// A file that is read.
pub trait ReadFile: Debug + Send {
    /// Bytes of the file.
    fn length(&mut self) -> io::Result<u64>;
    /// Fills the buffer from `offset`, or fails with `UnexpectedEof`.
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;
}

/// Keeps a folder to one process until it is dropped.
pub trait FolderLock: Debug + Send + Sync {}

/// The calls that the store makes.
pub trait Disk: Debug + Send + Sync {
    /// Makes a folder and those above it. An existing one is fine.
    fn create_folder(&self, path: &Path) -> io::Result<()>;
    /// The entries of a folder, in any order.
    fn list(&self, path: &Path) -> io::Result<Vec<DiskEntry>>;
    /// Makes an empty file, or empties the one that is there.
    fn create(&self, path: &Path) -> io::Result<Box<dyn AppendFile>>;
    /// Cuts an existing file to `length` bytes and appends from there.
    fn extend(&self, path: &Path, length: u64) -> io::Result<Box<dyn AppendFile>>;
    /// Opens a file for reading.
    fn open(&self, path: &Path) -> io::Result<Box<dyn ReadFile>>;
    /// Moves a file over another or to a free name, in one step.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Returns once the names in a folder are on stable storage.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
    /// Locks a file for this process, or nothing while another holds it.
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn FolderLock>>>;
}

/// The file system of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalDisk;

impl AppendFile for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

impl ReadFile for File {
    fn length(&mut self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.seek(SeekFrom::Start(offset))?;
        self.read_exact(buffer)
    }
}

impl FolderLock for File {}

impl Disk for LocalDisk {
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
        Ok(entries)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn AppendFile>> {
        Ok(Box::new(File::create(path)?))
    }

    fn extend(&self, path: &Path, length: u64) -> io::Result<Box<dyn AppendFile>> {
        let mut file = OpenOptions::new().write(true).open(path)?;
        file.set_len(length)?;
        file.seek(SeekFrom::Start(length))?;
        Ok(Box::new(file))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn ReadFile>> {
        Ok(Box::new(File::open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn FolderLock>>> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Box::new(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(source),
        }
    }
}
