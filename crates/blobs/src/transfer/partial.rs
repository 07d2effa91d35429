//! The files of a fetch that is under way: the bytes as they came, and a log that says of which
//! blob they are and what digest each chunk had when it was verified.
//!
//! ```text
//! TALLYPRT | version 2 | address 32 | size 8 | root 32 | check 32 | 32 bytes per chunk
//! ```
//!
//! Neither file is synced while chunks come. After a crash the chunks are compared with the log,
//! and what does not fit is fetched again; nothing rests on what a disk happened to keep.

use std::path::PathBuf;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tallystick_types::{BlobDigest, ChunkRoot};

use super::message::Descriptor;
use crate::chunk::{CHUNK_BYTES, ChunkHasher, chunk_digest, chunk_length, chunks_of};
use crate::disk::AppendFile;
use crate::error::BlobError;
use crate::store::Shared;

const MAGIC: &[u8; 8] = b"TALLYPRT";
const VERSION: u16 = 1;
const HEADER: usize = 8 + 2 + 32 + 8 + 32 + 32;
const DIGEST: u64 = 32;

/// Both files, open at their ends.
#[derive(Debug)]
pub(crate) struct PartialFiles {
    pub(crate) data: Box<dyn AppendFile>,
    pub(crate) data_path: PathBuf,
    log: Box<dyn AppendFile>,
    log_path: PathBuf,
}

/// What a restart found.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) descriptor: Descriptor,
    pub(crate) hasher: ChunkHasher,
    pub(crate) next: u64,
}

/// Bytes on disk of a fetch with this many whole chunks.
pub(crate) fn partial_length(descriptor: Descriptor, chunks: u64) -> u64 {
    let bytes = (chunks * CHUNK_BYTES as u64).min(descriptor.size);
    bytes + chunks * DIGEST + HEADER as u64
}

fn header(descriptor: Descriptor) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&VERSION.to_be_bytes());
    bytes.extend_from_slice(descriptor.digest.as_bytes());
    bytes.extend_from_slice(&descriptor.size.to_be_bytes());
    bytes.extend_from_slice(descriptor.root.as_bytes());
    let check = Sha256::digest(&bytes);
    bytes.extend_from_slice(&check);
    bytes
}

/// The descriptor of a header that is whole and of this blob.
fn parse(bytes: &[u8], digest: BlobDigest) -> Option<Descriptor> {
    let size = u64::from_be_bytes(*bytes.get(42..)?.first_chunk()?);
    let root = ChunkRoot::new(*bytes.get(50..)?.first_chunk()?);
    let descriptor = Descriptor { digest, size, root };
    (header(descriptor) == bytes).then_some(descriptor)
}

impl PartialFiles {
    /// Makes both files.
    pub(crate) fn create(shared: &Arc<Shared>, descriptor: Descriptor) -> Result<Self, BlobError> {
        let (data_path, log_path) = paths(shared, descriptor.digest);
        let mut log = shared.disk.create(&log_path).map_err(BlobError::io(&log_path))?;
        log.append(&header(descriptor)).map_err(BlobError::io(&log_path))?;
        let data = shared.disk.create(&data_path).map_err(BlobError::io(&data_path))?;
        Ok(Self { data, data_path, log, log_path })
    }

    /// Keeps one verified chunk. The bytes first: a digest without bytes is noticed.
    pub(crate) fn keep(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        self.data.append(bytes).map_err(BlobError::io(&self.data_path))?;
        fail::fail_point!("blobs.chunk.written");
        self.log.append(&chunk_digest(bytes)).map_err(BlobError::io(&self.log_path))
    }

    /// Opens both files behind the chunks that are whole, or nothing where none of it is of use.
    pub(crate) fn recover(
        shared: &Arc<Shared>,
        digest: BlobDigest,
    ) -> Result<Option<(Self, Recovered)>, BlobError> {
        let Some(recovered) = inspect(shared, digest)? else { return Ok(None) };
        let (data_path, log_path) = paths(shared, digest);
        let size = recovered.hasher.size();
        let log_end = HEADER as u64 + recovered.next * DIGEST;
        let data = shared.disk.extend(&data_path, size).map_err(BlobError::io(&data_path))?;
        let log = shared.disk.extend(&log_path, log_end).map_err(BlobError::io(&log_path))?;
        Ok(Some((Self { data, data_path, log, log_path }, recovered)))
    }
}

fn paths(shared: &Arc<Shared>, digest: BlobDigest) -> (PathBuf, PathBuf) {
    (shared.layout.partial_data(digest), shared.layout.partial_log(digest))
}

/// Compares the chunks with the log, in order, up to the first that does not fit.
fn inspect(shared: &Arc<Shared>, digest: BlobDigest) -> Result<Option<Recovered>, BlobError> {
    let (data_path, log_path) = paths(shared, digest);
    let mut log = shared.disk.open(&log_path).map_err(BlobError::io(&log_path))?;
    let log_length = log.length().map_err(BlobError::io(&log_path))?;
    let mut start = [0; HEADER];
    if log_length < HEADER as u64 {
        return Ok(None);
    }
    log.read_at(0, &mut start).map_err(BlobError::io(&log_path))?;
    let Some(descriptor) = parse(&start, digest) else { return Ok(None) };
    let mut data = shared.disk.open(&data_path).map_err(BlobError::io(&data_path))?;
    let data_length = data.length().map_err(BlobError::io(&data_path))?;
    let logged = ((log_length - HEADER as u64) / DIGEST).min(chunks_of(descriptor.size));
    let (mut hasher, mut next) = (ChunkHasher::default(), 0);
    let mut buffer = Vec::new();
    while next < logged {
        buffer.resize(chunk_length(descriptor.size, next), 0);
        if hasher.size() + buffer.len() as u64 > data_length {
            break;
        }
        let mut known = [0; 32];
        log.read_at(HEADER as u64 + next * DIGEST, &mut known).map_err(BlobError::io(&log_path))?;
        data.read_at(hasher.size(), &mut buffer).map_err(BlobError::io(&data_path))?;
        if chunk_digest(&buffer) != known {
            break;
        }
        hasher.update(&buffer);
        next += 1;
    }
    Ok(Some(Recovered { descriptor, hasher, next }))
}
