#![doc = include_str!("../README.md")]

mod clock;
pub mod config;
#[cfg(feature = "failpoints")]
mod crash;
mod doors;
mod error;
mod executor;
mod facts;
mod keys;
mod observe;
mod preflight;
mod resume;
mod roles;
mod room;
mod run;
mod server;
mod tasks;
mod tls;

pub use clock::SystemClock;
pub use config::{Config, ConfigError, Override, Role};
#[cfg(feature = "failpoints")]
pub use crash::arm_crash_points;
pub use error::NodeError;
pub use executor::{COMPILE_COMMAND, WasmExecutor, compiler_main};
pub use facts::HouseFacts;
pub use keys::NodeKeys;
pub use preflight::{Check, preflight};
pub use resume::resume;
pub use room::{RoomError, make_room};
pub use run::{init_logs, run, run_until_signalled, signals};
pub use server::{Serving, serve};
pub use tasks::{Stage, TaskError, Tasks};
pub use tls::CertificateError;
