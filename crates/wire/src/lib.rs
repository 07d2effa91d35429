#![doc = include_str!("../README.md")]

pub mod authentication;
pub mod blobs;
mod bounded;
pub mod client;
mod declare;
mod error;
mod field;
pub mod limits;
#[cfg(any(test, feature = "test-utils"))]
#[expect(clippy::unwrap_used, reason = "only tests draw samples")]
pub mod sample;
#[cfg(test)]
mod tests;
pub mod version;
pub mod worker;

pub use bounded::{
    Bytes, Cursor, Label, List, ReceiptBytes, Sentence, Software, Specification, Text,
};
pub use error::{Expected, Found, MalformedError};
pub use field::Wire;

/// The schema as an encoded `FileDescriptorSet`, for server reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
