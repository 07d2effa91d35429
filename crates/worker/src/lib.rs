#![doc = include_str!("../README.md")]

pub mod agent;
mod benchmark;
mod carry;
mod config;
mod execute;
mod link;
pub mod shell;
mod status;
mod translate;
mod worker;

pub use config::{Times, WorkerConfig};
pub use link::LinkError;
pub use status::WorkerStatus;
pub use translate::TurnError;
pub use worker::{Ports, SetupError, Worker, WorkerError};
