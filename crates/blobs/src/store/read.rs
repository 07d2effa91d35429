//! Reading: nothing leaves the store that was not compared with its digest.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tallystick_types::BlobDigest;

use super::{BlobStore, Shared};
use crate::chunk::{CHUNK_BYTES, ChunkDigest, ChunkTree, chunk_digest, chunk_length, chunks_of};
use crate::disk::ReadFile;
use crate::error::{BlobError, Damage};
use crate::trailer::{self, stored_length, trailer_length};

/// Counts one reader of a blob, so that nobody collects it meanwhile.
#[derive(Debug)]
struct OpenGuard {
    shared: Arc<Shared>,
    digest: BlobDigest,
    size: u64,
    id: u64,
}

impl OpenGuard {
    fn new(shared: &Arc<Shared>, digest: BlobDigest) -> Result<Self, BlobError> {
        let (size, id) = shared.index().open(digest).ok_or(BlobError::Missing { digest })?;
        Ok(Self { shared: Arc::clone(shared), digest, size, id })
    }

    /// Opens the file, which must have its length.
    fn file(&self) -> Result<Box<dyn ReadFile>, BlobError> {
        let path = self.shared.layout.blob(self.digest);
        let opened = self.shared.disk.open(&path);
        let mut file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.shared.forget(self.digest, self.id);
                return Err(BlobError::Missing { digest: self.digest });
            }
            Err(source) => return Err(BlobError::io(&path)(source)),
        };
        let actual = file.length().map_err(BlobError::io(&path))?;
        let expected = stored_length(self.size);
        if actual == expected {
            Ok(file)
        } else {
            Err(self.damaged(Damage::Length { expected, actual }))
        }
    }

    fn read(
        &self,
        file: &mut dyn ReadFile,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<(), BlobError> {
        let path = self.shared.layout.blob(self.digest);
        file.read_at(offset, buffer).map_err(BlobError::io(&path))
    }

    fn damaged(&self, damage: Damage) -> BlobError {
        self.shared.set_aside(self.digest, self.id, damage)
    }

    fn too_large(&self, size: u64) -> Result<usize, BlobError> {
        let limit = self.shared.config.memory_bytes;
        usize::try_from(size)
            .ok()
            .filter(|_| size <= limit)
            .ok_or(BlobError::TooLarge { size, limit })
    }
}

impl Drop for OpenGuard {
    fn drop(&mut self) {
        self.shared.index().close(self.digest, self.id);
    }
}

impl BlobStore {
    /// The whole blob, compared with its address.
    ///
    /// # Errors
    ///
    /// [`BlobError::Missing`]; [`BlobError::TooLarge`] above the memory limit of the store;
    /// [`BlobError::Damaged`] once, after which the blob is missing; [`BlobError::Io`].
    pub fn get(&self, digest: BlobDigest) -> Result<Vec<u8>, BlobError> {
        let guard = OpenGuard::new(&self.shared, digest)?;
        let size = guard.too_large(guard.size)?;
        let mut file = guard.file()?;
        let mut bytes = vec![0; size + trailer_bytes(guard.size)];
        guard.read(&mut *file, 0, &mut bytes)?;
        let (content, trailer) = bytes.split_at(size);
        let actual = BlobDigest::new(Sha256::digest(content).into());
        if actual != digest {
            return Err(guard.damaged(Damage::Whole { actual }));
        }
        trailer::decode(trailer, digest, guard.size).map_err(|damage| guard.damaged(damage))?;
        bytes.truncate(size);
        Ok(bytes)
    }

    /// `length` bytes from `offset`; the chunks that hold them are compared with their digests.
    ///
    /// # Errors
    ///
    /// [`BlobError::OutOfRange`] for bytes that the blob does not have, and as
    /// [`BlobStore::get`].
    pub fn range(
        &self,
        digest: BlobDigest,
        offset: u64,
        length: u64,
    ) -> Result<Vec<u8>, BlobError> {
        self.reader(digest)?.range(offset, length)
    }

    /// Opens a blob for reading in steps of any size. It is not collected before the reader is
    /// dropped.
    ///
    /// # Errors
    ///
    /// [`BlobError::Missing`], [`BlobError::Damaged`], [`BlobError::Io`].
    pub fn reader(&self, digest: BlobDigest) -> Result<BlobReader, BlobError> {
        let guard = OpenGuard::new(&self.shared, digest)?;
        let mut file = guard.file()?;
        let mut bytes = vec![0; trailer_bytes(guard.size)];
        guard.read(&mut *file, guard.size, &mut bytes)?;
        let chunks =
            trailer::decode(&bytes, digest, guard.size).map_err(|damage| guard.damaged(damage))?;
        Ok(BlobReader { guard, file, chunks, position: 0, loaded: None, buffer: Vec::new() })
    }

    /// Compares a whole stored blob with its address, at any size. For regular checks of what
    /// nobody reads.
    ///
    /// # Errors
    ///
    /// As [`BlobStore::reader`].
    pub fn verify(&self, digest: BlobDigest) -> Result<(), BlobError> {
        let mut reader = self.reader(digest)?;
        let mut whole = Sha256::new();
        for index in 0..reader.chunks() {
            whole.update(reader.chunk(index)?);
        }
        let actual = BlobDigest::new(whole.finalize().into());
        if actual == digest { Ok(()) } else { Err(reader.guard.damaged(Damage::Whole { actual })) }
    }
}

/// Bytes of a trailer; chunks of a blob that was stored fit the memory.
fn trailer_bytes(size: u64) -> usize {
    usize::try_from(trailer_length(size)).unwrap_or(usize::MAX)
}

/// An open blob. Also a [`Read`] and [`Seek`]; a [`BlobError`] is inside its errors.
#[derive(Debug)]
pub struct BlobReader {
    guard: OpenGuard,
    file: Box<dyn ReadFile>,
    chunks: Vec<ChunkDigest>,
    position: u64,
    /// The chunk whose verified bytes are in the buffer.
    loaded: Option<u64>,
    buffer: Vec<u8>,
}

impl BlobReader {
    /// The address.
    pub const fn digest(&self) -> BlobDigest {
        self.guard.digest
    }

    /// Bytes of the blob.
    pub const fn size(&self) -> u64 {
        self.guard.size
    }

    /// How many chunks it has; at least one.
    pub const fn chunks(&self) -> u64 {
        chunks_of(self.guard.size)
    }

    /// The tree over its chunks.
    pub(crate) fn tree(&self) -> Option<ChunkTree> {
        ChunkTree::new(self.guard.size, &self.chunks)
    }

    /// One chunk, compared with its digest; nothing past the last one.
    ///
    /// # Errors
    ///
    /// [`BlobError::Damaged`] and [`BlobError::Io`].
    pub fn chunk(&mut self, index: u64) -> Result<&[u8], BlobError> {
        if self.loaded == Some(index) {
            return Ok(&self.buffer);
        }
        self.loaded = None;
        let digest = usize::try_from(index).ok().and_then(|at| self.chunks.get(at));
        let Some(digest) = digest else {
            self.buffer.clear();
            return Ok(&self.buffer);
        };
        self.buffer.resize(chunk_length(self.guard.size, index), 0);
        self.guard.read(&mut *self.file, index * CHUNK_BYTES as u64, &mut self.buffer)?;
        if chunk_digest(&self.buffer) != *digest {
            return Err(self.guard.damaged(Damage::Chunk { index }));
        }
        self.loaded = Some(index);
        Ok(&self.buffer)
    }

    /// `length` bytes from `offset`.
    ///
    /// # Errors
    ///
    /// As [`BlobStore::range`].
    pub fn range(&mut self, offset: u64, length: u64) -> Result<Vec<u8>, BlobError> {
        let size = self.guard.size;
        let end = offset.checked_add(length).filter(|end| *end <= size);
        let end = end.ok_or(BlobError::OutOfRange { offset, length, size })?;
        let mut bytes = Vec::with_capacity(self.guard.too_large(length)?);
        let mut at = offset;
        while at < end {
            let part = self.rest_of_chunk(at)?;
            let most = usize::try_from(end - at).unwrap_or(usize::MAX);
            let taken = &part[..part.len().min(most)];
            bytes.extend_from_slice(taken);
            at += taken.len() as u64;
        }
        Ok(bytes)
    }

    /// What the chunk of a place holds from there on; nothing at the end of the blob.
    fn rest_of_chunk(&mut self, offset: u64) -> Result<&[u8], BlobError> {
        let (index, skip) = (offset / CHUNK_BYTES as u64, offset % CHUNK_BYTES as u64);
        let chunk = self.chunk(index)?;
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        Ok(chunk.get(skip..).unwrap_or_default())
    }
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.guard.size {
            return Ok(0);
        }
        let part = self.rest_of_chunk(self.position).map_err(io::Error::other)?;
        let taken = part.len().min(buffer.len());
        buffer[..taken].copy_from_slice(&part[..taken]);
        self.position += taken as u64;
        Ok(taken)
    }
}

impl Seek for BlobReader {
    fn seek(&mut self, target: SeekFrom) -> io::Result<u64> {
        let place = match target {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::End(by) => self.guard.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position = place.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
