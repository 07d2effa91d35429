//! The messages of `tallystick.blobs.v1`: [`v1`] as they travel, here as they are checked.

mod message;

/// Messages and service stubs as generated from the schema.
#[expect(clippy::allow_attributes_without_reason, clippy::too_many_lines, reason = "generated")]
pub mod v1 {
    tonic::include_proto!("tallystick.blobs.v1");
}

pub use message::{
    Count, Descriptor, End, GetRequest, HasRequest, HasResponse, Missing, NoSuchChunk, Part,
    PartBody, ProvedChunk, PutHeader, PutPart, PutPartBody, Refusal, Refused, Stored, Unavailable,
};
