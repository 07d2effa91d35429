//! Carrying blobs between nodes, in chunks that are verified before they are kept.
//!
//! The transport is somebody else's: it carries a [`Request`] one way and [`Part`]s the other.
//!
//! ```text
//! fetcher                              server
//!   Request{digest, first, count} ───▶
//!                                 ◀─── Descriptor{digest, size, root}
//!                                 ◀─── Chunk{first, bytes, proof} … one per chunk, in order
//!                                 ◀─── End            (or Refused, in place of everything)
//! ```
//!
//! An address is SHA-256 of the whole, which no part can be compared with. The first descriptor
//! that is accepted therefore binds the fetch: every chunk is compared with its root, and the
//! whole with the address at the end. A false descriptor costs at most one transfer and names
//! the node that announced it, not the nodes that sent chunks.

mod download;
mod fetch;
mod message;
mod partial;
mod serve;
mod wire;

pub use download::{Download, DownloadError, Progress};
pub use fetch::{Blame, Fetch, FetchError, SenderFault, Step};
pub use message::{Descriptor, MOST_CHUNKS, Part, ProvedChunk, Refusal, Request};
pub use serve::{Answer, Serving};
