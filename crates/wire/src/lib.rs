#![doc = include_str!("../README.md")]

pub mod blobs;
pub mod client;
pub mod worker;

/// The schema as an encoded `FileDescriptorSet`, for server reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
