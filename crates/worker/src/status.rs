//! How a worker is.

use std::sync::Arc;

use tallystick_types::Seat;

use crate::link::LinkError;

/// How a worker is, for health checks.
#[derive(Clone, Debug, Default)]
pub struct WorkerStatus {
    /// The coordinator of the open session, or nothing.
    pub connected: Option<Seat>,
    /// Tasks that take a place.
    pub running: usize,
    /// Why the last session ended or did not come about.
    pub last_error: Option<Arc<LinkError>>,
}
