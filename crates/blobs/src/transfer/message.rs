//! What fetcher and server say to each other.

use alloy_primitives::B256;
use tallystick_types::{BlobDigest, ChunkRoot};

/// Most chunks of one request: 64 MiB. A server refuses more.
pub const MOST_CHUNKS: u32 = 1_024;

/// Asks for chunks of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The blob.
    pub digest: BlobDigest,
    /// Number of the first chunk, from 0.
    pub first: u64,
    /// Most chunks to send, 1 to [`MOST_CHUNKS`]. The answer ends with the blob where it has
    /// fewer.
    pub count: u32,
}

/// What a blob is: enough to verify each of its chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// The address.
    pub digest: BlobDigest,
    /// Bytes of the blob.
    pub size: u64,
    /// Root of the tree over its chunks.
    pub root: ChunkRoot,
}

/// A chunk and the path from it to the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvedChunk {
    /// Number of the chunk, from 0.
    pub index: u64,
    /// Its bytes, at most [`crate::CHUNK_BYTES`]. The transport refuses longer ones unread.
    pub bytes: Vec<u8>,
    /// Siblings from the leaf to the root, at most 24.
    pub proof: Vec<B256>,
}

/// Why a server sends nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The blob is not there, or no longer.
    #[error("the blob is not there; ask another node")]
    Missing,
    /// The blob has no such chunk.
    #[error("the blob has {chunks} chunks; ask for one of them")]
    NoSuchChunk {
        /// How many it has.
        chunks: u64,
    },
    /// The number of chunks is 0 or too large.
    #[error("1 to {most} chunks can be asked for at once")]
    Count {
        /// The most.
        most: u32,
    },
    /// The server cannot now.
    #[error("the node cannot serve now; ask again later")]
    Unavailable,
}

/// One message of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The first message: what the blob is.
    Descriptor(Descriptor),
    /// The next chunk.
    Chunk(ProvedChunk),
    /// Everything was sent.
    End,
    /// Nothing is sent, or nothing more.
    Refused(Refusal),
}
