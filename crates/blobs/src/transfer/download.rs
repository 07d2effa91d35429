//! A fetch that keeps its chunks in the store and survives a restart.

use std::io;
use std::sync::Arc;

use tallystick_types::BlobDigest;

use super::fetch::{Fetch, FetchError, Step};
use super::message::{Descriptor, Part, Request};
use super::partial::{PartialFiles, partial_length};
use crate::error::BlobError;
use crate::index::Partial;
use crate::pin::Pin;
use crate::store::{BlobStore, Reservation, Shared, Stored};
use crate::trailer::{self, stored_length};

/// Why a download did not get on.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// A message was not accepted; the chunks before it are kept. [`FetchError::blame`] says
    /// who is at fault.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The store failed. Drop the download; a later one goes on from what is on the disk.
    #[error(transparent)]
    Store(#[from] BlobError),
}

/// How far a download is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Verified chunks.
    pub chunks: u64,
    /// Chunks of the blob, once it is described.
    pub of: Option<u64>,
    /// Whether the running answer is over: time for the next request, or to finish.
    pub answered: bool,
}

/// One blob on its way from other nodes into the store. Dropping it keeps the verified chunks
/// for later.
#[derive(Debug)]
pub struct Download {
    store: BlobStore,
    digest: BlobDigest,
    fetch: Fetch,
    /// Absent before the blob is described and after a write failed.
    files: Option<PartialFiles>,
    /// Before the reservation, which is given back after what is left was counted.
    claim: Claim,
    reservation: Option<Reservation>,
}

/// The sole right to fetch one blob, and the account of what is on the disk when it ends.
#[derive(Debug)]
struct Claim {
    shared: Arc<Shared>,
    digest: BlobDigest,
    /// Bytes that stay on the disk, or nothing when the files are gone.
    left: Option<u64>,
}

impl Claim {
    fn new(shared: &Arc<Shared>, digest: BlobDigest) -> Result<Self, BlobError> {
        // Whoever removes partial files holds the names meanwhile.
        let _names = shared.names();
        let mut index = shared.index();
        let found = index.partials.get(&digest).copied();
        if found.is_some_and(|partial| partial.open) {
            return Err(BlobError::InUse { digest });
        }
        let bytes = found.map_or(0, |partial| partial.bytes);
        index.partials.insert(digest, Partial { bytes, open: true });
        let left = found.map(|partial| partial.bytes);
        Ok(Self { shared: Arc::clone(shared), digest, left })
    }

    /// Reserves what the whole fetch needs, in exchange for what is counted as left over.
    fn reserve(&self, needed: u64) -> Result<Reservation, BlobError> {
        let mut index = self.shared.index();
        let before = index.partials.insert(self.digest, Partial { bytes: 0, open: true });
        match index.reserve(needed) {
            Ok(()) => Ok(Reservation::taken(&self.shared, needed)),
            Err(error) => {
                if let Some(before) = before {
                    index.partials.insert(self.digest, before);
                }
                Err(error)
            }
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut index = self.shared.index();
        match self.left {
            Some(bytes) => {
                index.partials.insert(self.digest, Partial { bytes, open: false });
            }
            None => {
                index.partials.remove(&self.digest);
            }
        }
    }
}

impl BlobStore {
    /// Begins or resumes to fetch a blob of at most `limit` bytes. Reads again what an earlier
    /// fetch left. Whether the blob is here already is for the caller to ask before.
    ///
    /// # Errors
    ///
    /// [`BlobError::InUse`] while another fetch of the blob runs, [`BlobError::NoSpace`] when
    /// what is left of an earlier fetch cannot be completed within the quota,
    /// [`BlobError::TooLarge`] when it is above the limit, [`BlobError::Io`].
    pub fn download(&self, digest: BlobDigest, limit: u64) -> Result<Download, BlobError> {
        let limit = limit.min(self.shared.config.largest_bytes);
        let mut claim = Claim::new(&self.shared, digest)?;
        let mut fetch = Fetch::new(digest, limit);
        let (mut files, mut reservation) = (None, None);
        if claim.left.is_some()
            && let Some((found, recovered)) = PartialFiles::recover(&self.shared, digest)?
        {
            let descriptor = recovered.descriptor;
            let size = descriptor.size;
            if size > limit {
                return Err(BlobError::TooLarge { size, limit });
            }
            claim.left = Some(partial_length(descriptor, recovered.next));
            reservation = Some(claim.reserve(needed(descriptor))?);
            files = Some(found);
            fetch = Fetch::resumed(descriptor, limit, recovered.hasher, recovered.next);
        }
        Ok(Download { store: self.clone(), digest, fetch, files, reservation, claim })
    }

    /// Drops what is left of an earlier fetch; whether there was anything.
    ///
    /// # Errors
    ///
    /// [`BlobError::Io`] when the disk fails.
    pub fn discard_partial(&self, digest: BlobDigest) -> Result<bool, BlobError> {
        self.shared.remove_partial(digest)
    }
}

/// Most bytes on disk while a blob is fetched: its file, and the log beside it.
fn needed(descriptor: Descriptor) -> u64 {
    let log = partial_length(descriptor, crate::chunk::chunks_of(descriptor.size))
        .saturating_sub(descriptor.size);
    stored_length(descriptor.size).saturating_add(log)
}

impl Download {
    /// What the senders agree on.
    pub const fn descriptor(&self) -> Option<Descriptor> {
        self.fetch.descriptor()
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        let of = self.descriptor().map(|found| crate::chunk::chunks_of(found.size));
        Progress { chunks: self.fetch.next_chunk(), of, answered: false }
    }

    /// The next request, as [`Fetch::request`].
    pub fn request(&mut self, most: u32) -> Option<Request> {
        self.fetch.request(most)
    }

    /// Takes the next message of an answer and keeps the chunk that it brings.
    ///
    /// # Errors
    ///
    /// [`DownloadError::Fetch`] for a message that is not accepted, [`DownloadError::Store`]
    /// with [`BlobError::NoSpace`], [`BlobError::DiskFull`] or [`BlobError::Io`].
    pub fn receive(&mut self, part: Part) -> Result<Progress, DownloadError> {
        let step = self.fetch.accept(part)?;
        let mut answered = false;
        match step {
            Step::Described(descriptor) => {
                self.reservation = Some(self.claim.reserve(needed(descriptor))?);
                self.claim.left = Some(partial_length(descriptor, 0));
                self.files = Some(PartialFiles::create(&self.store.shared, descriptor)?);
            }
            Step::Confirmed => {}
            Step::Chunk { index, bytes } => self.keep(index, &bytes)?,
            Step::Answered => answered = true,
        }
        Ok(Progress { answered, ..self.progress() })
    }

    /// Writes a chunk. After a failure nobody knows what the file holds, so it is closed.
    fn keep(&mut self, index: u64, bytes: &[u8]) -> Result<(), BlobError> {
        let path = self.store.shared.layout.partial_data(self.digest);
        let (Some(mut files), Some(descriptor)) = (self.files.take(), self.descriptor()) else {
            return Err(BlobError::io(&path)(io::Error::other("an earlier write failed")));
        };
        self.claim.left = Some(partial_length(descriptor, index + 1));
        files.keep(bytes)?;
        self.files = Some(files);
        Ok(())
    }

    /// Makes the complete blob visible, with a pin where one is given. When this returns, it
    /// survives a crash.
    ///
    /// # Errors
    ///
    /// [`FetchError::FalseDescriptor`] when the bytes are not the blob; everything is then
    /// dropped, and who announced the descriptor is to blame. [`BlobError::TooShort`] while
    /// chunks are missing. [`BlobError::DiskFull`] and [`BlobError::Io`] when the disk fails.
    pub fn finish(mut self, pin: Option<Pin>) -> Result<Stored, DownloadError> {
        let size = self.descriptor().map_or(0, |found| found.size);
        let (Some(outcome), Some(mut files)) = (self.fetch.finish(), self.files.take()) else {
            let actual = self.fetch.next_chunk() * crate::chunk::CHUNK_BYTES as u64;
            return Err(BlobError::TooShort { expected: size, actual: actual.min(size) }.into());
        };
        let blob = match outcome {
            Ok(blob) => blob,
            Err(error) => {
                drop(files);
                self.remove_files();
                return Err(error.into());
            }
        };
        let path = files.data_path.clone();
        self.claim.left = self.descriptor().map(needed);
        files.data.append(&trailer::encode(&blob)).map_err(BlobError::io(&path))?;
        if let Err(source) = files.data.sync() {
            // What the disk did not take now counts as written for every later sync of this file.
            drop(files);
            self.remove_files();
            return Err(BlobError::io(&path)(source).into());
        }
        fail::fail_point!("blobs.download.synced");
        drop(files);
        let mut placed = false;
        let stored = self.store.shared.place(&path, &mut placed, &blob, pin);
        fail::fail_point!("blobs.download.placed");
        if placed || stored.is_ok() {
            self.remove_files();
        }
        Ok(stored?)
    }

    /// Removes both files, as far as they are there; the rest is swept at the next start.
    fn remove_files(&mut self) {
        let shared = &self.store.shared;
        let _may_have_moved = shared.disk.remove(&shared.layout.partial_data(self.digest));
        let _swept_later = shared.disk.remove(&shared.layout.partial_log(self.digest));
        self.claim.left = None;
    }
}
