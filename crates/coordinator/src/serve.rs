//! The doors of a coordinator: nodes, clients.

pub(crate) mod clients;
pub(crate) mod workers;

use std::pin::Pin;

use tallystick_wire::MalformedError;
use tonic::Status;

use crate::desk::Stopped;

/// A stream of answers.
pub(crate) type Answers<T> = Pin<Box<dyn futures::Stream<Item = Result<T, Status>> + Send>>;

/// Reads a message, or says what is wrong with it.
pub(crate) fn checked<W, T: TryFrom<W, Error = MalformedError>>(wire: W) -> Result<T, Status> {
    T::try_from(wire).map_err(|error| Status::invalid_argument(error.to_string()))
}

pub(crate) fn stopped(stopped: Stopped) -> Status {
    Status::unavailable(stopped.to_string())
}
