//! The messages of `tallystick.blobs.v1`.

/// Messages and service stubs as generated from the schema.
#[expect(clippy::allow_attributes_without_reason, clippy::too_many_lines, reason = "generated")]
pub mod v1 {
    tonic::include_proto!("tallystick.blobs.v1");
}
