//! The messages of `tallystick.worker.v1`.

/// Messages and service stubs as generated from the schema.
#[expect(clippy::allow_attributes_without_reason, reason = "generated")]
pub mod v1 {
    tonic::include_proto!("tallystick.worker.v1");
}
