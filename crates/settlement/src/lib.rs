#![doc = include_str!("../README.md")]

mod config;
mod desk;
mod due;
mod settler;

pub use config::{ConfigError, SettlementConfig};
pub use desk::{Desk, DeskError, Plan, Subject};
pub use due::{Action, Due};
pub use settler::{Parts, SettlementError, Settler, SettlerStatus};
