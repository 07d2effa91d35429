//! Putting: reserve, write aside, sync, rename, sync the folder. Only then is the blob visible.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tallystick_planted::{Bug, planted};
use tallystick_types::BlobDigest;

use super::{BlobStore, Reservation, Shared};
use crate::chunk::{ChunkHasher, Hashed, LARGEST_BLOB};
use crate::disk::AppendFile;
use crate::error::BlobError;
use crate::layout::Layout;
use crate::pin::Pin;
use crate::trailer::{self, stored_length};

/// Bytes read from a stream at once.
const STEP: usize = 256 * 1024;

/// What the caller knows before it puts.
#[derive(Clone, Copy, Debug, Default)]
pub struct PutOptions {
    /// The address that the bytes must have.
    pub expected: Option<BlobDigest>,
    /// How many bytes will come, exactly. Reserved at once; without it as they come.
    pub size: Option<u64>,
    /// A pin that takes effect together with the blob, so that no collection comes between. It
    /// may stay when the disk fails after it was written.
    pub pin: Option<Pin>,
}

/// A blob that is stored, synced and visible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its address.
    pub digest: BlobDigest,
    /// Its bytes.
    pub size: u64,
    /// Whether it was here before; the bytes were then compared by digest and dropped.
    pub existed: bool,
}

/// A blob on its way in. Dropping it unfinished leaves nothing.
#[derive(Debug)]
pub struct BlobWriter {
    store: BlobStore,
    /// Absent after a write failed: nobody knows what the file holds then.
    file: Option<Incoming>,
    hasher: ChunkHasher,
    reservation: Reservation,
    options: PutOptions,
}

/// A file that is removed unless it was moved to its place.
#[derive(Debug)]
pub(crate) struct Incoming {
    shared: Arc<Shared>,
    pub(crate) path: PathBuf,
    pub(crate) file: Box<dyn AppendFile>,
    placed: bool,
}

impl Incoming {
    fn create(shared: &Arc<Shared>) -> Result<Self, BlobError> {
        let path = shared.incoming();
        let file = shared.disk.create(&path).map_err(BlobError::io(&path))?;
        Ok(Self { shared: Arc::clone(shared), path, file, placed: false })
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        self.file.append(bytes).map_err(BlobError::io(&self.path))
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if !self.placed {
            // What cannot be removed now is swept at the next start.
            let _swept_later = self.shared.disk.remove(&self.path);
        }
    }
}

impl BlobStore {
    /// Stores bytes and returns their address.
    ///
    /// # Errors
    ///
    /// As [`BlobWriter::write`] and [`BlobWriter::finish`].
    pub fn put(&self, bytes: &[u8]) -> Result<Stored, BlobError> {
        let size = Some(bytes.len() as u64);
        self.put_with(bytes, PutOptions { size, ..PutOptions::default() })
    }

    /// Stores everything that a stream gives, such as an open file, and returns its address.
    ///
    /// # Errors
    ///
    /// [`BlobError::Stream`] when the stream fails, and as [`BlobStore::put`].
    pub fn put_with(
        &self,
        mut stream: impl Read,
        options: PutOptions,
    ) -> Result<Stored, BlobError> {
        let mut writer = self.writer(options)?;
        let whole = options.size.and_then(|size| usize::try_from(size).ok());
        let mut buffer = vec![0; whole.unwrap_or(STEP).clamp(1, STEP)];
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => return writer.finish(),
                Ok(read) => writer.write(&buffer[..read])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => {
                    return Err(BlobError::Stream { read: writer.hasher.size(), source });
                }
            }
        }
    }

    /// Begins a blob that is written step by step.
    ///
    /// # Errors
    ///
    /// [`BlobError::NoSpace`] and [`BlobError::TooLarge`] for the size that the options name,
    /// [`BlobError::DiskFull`] and [`BlobError::Io`] when the disk fails.
    pub fn writer(&self, options: PutOptions) -> Result<BlobWriter, BlobError> {
        let size = options.size.unwrap_or(0);
        self.check_size(size)?;
        let reservation = Reservation::new(&self.shared, stored_length(size))?;
        let file = Some(Incoming::create(&self.shared)?);
        let hasher = ChunkHasher::default();
        Ok(BlobWriter { store: self.clone(), file, hasher, reservation, options })
    }

    fn broken(&self) -> BlobError {
        let folder = self.shared.layout.incoming();
        BlobError::io(&folder)(io::Error::other("an earlier write failed"))
    }

    /// Refuses what is larger than this store takes.
    pub(crate) fn check_size(&self, size: u64) -> Result<(), BlobError> {
        let limit = self.shared.config.largest_bytes.min(LARGEST_BLOB);
        if size > limit { Err(BlobError::TooLarge { size, limit }) } else { Ok(()) }
    }
}

impl BlobWriter {
    /// Appends bytes.
    ///
    /// # Errors
    ///
    /// [`BlobError::TooLarge`] past the announced size or the largest blob,
    /// [`BlobError::NoSpace`] when the quota is used up, [`BlobError::DiskFull`] and
    /// [`BlobError::Io`] when the disk fails. After an error the writer is of no more use.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        let size = self.hasher.size().saturating_add(bytes.len() as u64);
        if let Some(limit) = self.options.size
            && size > limit
        {
            return Err(BlobError::TooLarge { size, limit });
        }
        self.store.check_size(size)?;
        self.reservation.grow_to(stored_length(size))?;
        let mut file = self.file.take().ok_or_else(|| self.store.broken())?;
        file.append(bytes)?;
        self.file = Some(file);
        self.hasher.update(bytes);
        Ok(())
    }

    /// Makes the blob visible. When this returns, it survives a crash.
    ///
    /// # Errors
    ///
    /// [`BlobError::DigestMismatch`] when the bytes are not those of the expected address,
    /// [`BlobError::TooShort`] when fewer came than announced, [`BlobError::DiskFull`] and
    /// [`BlobError::Io`] when the disk fails. Nothing of the blob stays after an error.
    pub fn finish(self) -> Result<Stored, BlobError> {
        let Self { store, file, hasher, reservation, options } = self;
        let mut file = file.ok_or_else(|| store.broken())?;
        let blob = hasher.finish();
        if let Some(expected) = options.size.filter(|size| *size != blob.size) {
            return Err(BlobError::TooShort { expected, actual: blob.size });
        }
        if let Some(expected) = options.expected.filter(|digest| *digest != blob.digest) {
            return Err(BlobError::DigestMismatch { expected, actual: blob.digest });
        }
        file.append(&trailer::encode(&blob))?;
        fail::fail_point!("blobs.file.written");
        if !planted(Bug::BlobUnsynced) {
            file.file.sync().map_err(BlobError::io(&file.path))?;
        }
        fail::fail_point!("blobs.file.synced");
        let (shared, path) = (Arc::clone(&store.shared), file.path.clone());
        let stored = shared.place(&path, &mut file.placed, &blob, options.pin)?;
        drop(reservation);
        Ok(stored)
    }
}

impl Shared {
    /// Moves a synced file to the place of its blob. `placed` tells the caller that the file is
    /// gone from `path`.
    pub(crate) fn place(
        &self,
        path: &Path,
        placed: &mut bool,
        blob: &Hashed,
        pin: Option<Pin>,
    ) -> Result<Stored, BlobError> {
        let Hashed { digest, size, .. } = *blob;
        let names = self.names();
        if let Some(pin) = pin {
            self.add_pin(&names, digest, pin)?;
            fail::fail_point!("blobs.pin.added");
        }
        if self.index().size(digest).is_some() {
            self.index().touch(digest);
            return Ok(Stored { digest, size, existed: true });
        }
        self.ready_shard(digest)?;
        let target = self.layout.blob(digest);
        self.disk.rename(path, &target).map_err(BlobError::io(&target))?;
        *placed = true;
        fail::fail_point!("blobs.file.renamed");
        let folder = self.layout.shard(digest);
        if !planted(Bug::NameUnsynced)
            && let Err(source) = self.disk.sync_folder(&folder)
        {
            // Nobody may see a blob that the next crash could take away.
            let _overwritten_by_the_next_put = self.disk.remove(&target);
            return Err(BlobError::io(&folder)(source));
        }
        fail::fail_point!("blobs.file.named");
        self.index().insert(digest, size);
        Ok(Stored { digest, size, existed: false })
    }

    /// Makes the folder of a blob where it is missing, so that its name survives a crash.
    fn ready_shard(&self, digest: BlobDigest) -> Result<(), BlobError> {
        let name = Layout::shard_name(digest);
        if self.index().shards.contains(&name) {
            return Ok(());
        }
        let (folder, above) = (self.layout.shard(digest), self.layout.blobs());
        self.disk.create_folder(&folder).map_err(BlobError::io(&folder))?;
        fail::fail_point!("blobs.folder.made");
        self.disk.sync_folder(&above).map_err(BlobError::io(&above))?;
        self.index().shards.insert(name);
        Ok(())
    }

    /// Writes a small file over another in one step. The caller holds the names.
    pub(crate) fn replace(&self, target: &Path, bytes: &[u8]) -> Result<(), BlobError> {
        let path = self.incoming();
        let written = self.disk.create(&path).and_then(|mut file| {
            file.append(bytes)?;
            fail::fail_point!("blobs.pin.written");
            file.sync()
        });
        fail::fail_point!("blobs.pin.synced");
        let moved = written.and_then(|()| self.disk.rename(&path, target));
        if let Err(source) = moved {
            let _swept_later = self.disk.remove(&path);
            return Err(BlobError::io(target)(source));
        }
        fail::fail_point!("blobs.pin.renamed");
        let folder = self.layout.pins();
        self.disk.sync_folder(&folder).map_err(BlobError::io(&folder))
    }
}
