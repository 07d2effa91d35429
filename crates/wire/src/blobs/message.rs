//! How blobs travel.

use alloy_primitives::B256;
use tallystick_types::{BlobDigest, ChunkRoot};

use super::v1;
use crate::bounded::{Bytes, List};
use crate::declare::{bodies, message};
use crate::error::{Expected, Found, MalformedError};
use crate::field::Wire;
use crate::limits::{CHUNK_BYTES, PUT_DATA_BYTES};

bodies! {
    /// What it brings.
    PutPartBody = v1::put_part::Body {
        /// The first message.
        Header(PutHeader),
        /// The next bytes, at most 1048576 of them.
        Data(Bytes<PUT_DATA_BYTES>),
    }
}

message! {
    /// One message of an upload.
    PutPart {
        /// What it brings.
        body: PutPartBody,
    }
}

message! {
    /// What is going to be stored.
    PutHeader {
        /// SHA-256 of the bytes, 32 bytes; absent where the sender does not know it yet.
        digest: Option<BlobDigest>,
        /// How many bytes follow, exactly.
        size: u64,
    }
}

message! {
    /// A blob is stored and survives a crash.
    Stored {
        /// What it is.
        descriptor: Descriptor,
        /// Whether it was here before.
        existed: bool,
    }
}

message! {
    /// Asks for chunks of a blob.
    GetRequest {
        /// The blob, 32 bytes.
        digest: BlobDigest,
        /// Number of the first chunk, from 0.
        first: u64,
        /// Most chunks to send, 1 to 1024. The answer ends with the blob where it has fewer.
        count: u32,
    }
}

bodies! {
    /// What it brings.
    PartBody = v1::part::Body {
        /// The first message: what the blob is.
        Descriptor(Descriptor),
        /// The next chunk.
        Chunk(ProvedChunk),
        /// Everything was sent.
        End(End),
        /// Nothing is sent, or nothing more.
        Refused(Refused),
    }
}

message! {
    /// One message of an answer.
    Part {
        /// What it brings.
        body: PartBody,
    }
}

message! {
    /// What a blob is: enough to verify each of its chunks.
    Descriptor {
        /// The address, 32 bytes.
        digest: BlobDigest,
        /// Bytes of the blob.
        size: u64,
        /// Root of the tree over its chunks, 32 bytes.
        root: ChunkRoot,
    }
}

message! {
    /// A chunk and the path from it to the root.
    ProvedChunk {
        /// Number of the chunk, from 0.
        index: u64,
        /// Its bytes, at most 65536.
        bytes: Bytes<CHUNK_BYTES>,
        /// Siblings from the leaf to the root, 32 bytes each, at most 24.
        proof: List<B256, 24>,
    }
}

message! {
    /// Everything was sent.
    End {}
}

bodies! {
    /// The reason.
    Refusal = v1::refused::Reason {
        /// The blob is not there, or no longer; ask another node.
        Missing(Missing),
        /// The blob has no such chunk.
        NoSuchChunk(NoSuchChunk),
        /// The number of chunks that was asked for is 0 or too large.
        Count(Count),
        /// The server cannot now; ask again later.
        Unavailable(Unavailable),
    }
}

message! {
    /// Why nothing is sent, or nothing more.
    Refused {
        /// The reason.
        reason: Refusal,
    }
}

message! {
    /// The blob is not there, or no longer.
    Missing {}
}

message! {
    /// The blob has no such chunk.
    NoSuchChunk {
        /// How many it has.
        chunks: u64,
    }
}

message! {
    /// The number of chunks that was asked for is 0 or too large.
    Count {
        /// The most.
        most: u32,
    }
}

message! {
    /// The server cannot now.
    Unavailable {}
}

message! {
    /// Asks which blobs are here.
    HasRequest {
        /// The blobs, 32 bytes each, at most 1024.
        digests: List<BlobDigest, 1024>,
    }
}

message! {
    /// Says which blobs are here.
    HasResponse {
        /// The descriptors of those that are, in the order of the request.
        present: List<Descriptor, 1024>,
    }
}
