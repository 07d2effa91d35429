//! Sizes that are known before anything is read.
//!
//! Give the message limits to `max_decoding_message_size` of the generated servers and clients: a
//! longer message is then refused by its length prefix, without reading it.

/// Most bytes of an [`AgentMessage`](crate::worker::v1::AgentMessage).
pub const AGENT_MESSAGE_BYTES: usize = 256 * 1_024;

/// Most bytes of a [`CoordinatorMessage`](crate::worker::v1::CoordinatorMessage). The largest one
/// asks for an attestation.
pub const COORDINATOR_MESSAGE_BYTES: usize = 4 * 1_024 * 1_024;

/// Most bytes of a request of a client: a specification and what goes with it.
pub const CLIENT_REQUEST_BYTES: usize = SPECIFICATION_BYTES + 4 * 1_024;

/// Most bytes of an answer to a client. The largest one lists jobs.
pub const CLIENT_RESPONSE_BYTES: usize = 2 * 1_024 * 1_024;

/// Most bytes of a message that a blob service gets.
pub const BLOBS_REQUEST_BYTES: usize = PUT_DATA_BYTES + 1_024;

/// Most bytes of a message that a blob service sends.
pub const BLOBS_RESPONSE_BYTES: usize = 128 * 1_024;

/// Most bytes of a canonical specification. What is larger goes as a blob that it names.
pub const SPECIFICATION_BYTES: usize = 1_024 * 1_024;

/// Most bytes of a canonical receipt, signed or not.
pub const RECEIPT_BYTES: usize = 4 * 1_024;

/// Most bytes of an explanation.
pub const WHY_BYTES: usize = 1_024 * 1_024;

/// Most bytes of a sentence.
pub const SENTENCE_BYTES: usize = 1_024;

/// Most bytes of the name and version of a program.
pub const SOFTWARE_BYTES: usize = 128;

/// Most bytes of a short name, and of a pairing code.
pub const LABEL_BYTES: usize = 64;

/// Most bytes of a list's cursor.
pub const CURSOR_BYTES: usize = 64;

/// Most bytes of one message of an upload.
pub const PUT_DATA_BYTES: usize = 1_024 * 1_024;

/// Most bytes of a chunk of a blob.
pub const CHUNK_BYTES: usize = 64 * 1_024;

/// Most entries of a page.
pub const PAGE_ENTRIES: u32 = 256;

/// Entries of a page for a request that names no number.
pub const USUAL_PAGE_ENTRIES: u32 = 64;

/// Most tasks of a job.
pub const TASKS: u32 = 1 << 16;

/// Most tasks in one message that asks for an attestation.
pub const ATTEST_TASKS: usize = 512;
