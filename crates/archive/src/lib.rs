#![doc = include_str!("../README.md")]

mod check;
mod collector;
mod shelves;

pub use check::{Refusal, check};
pub use collector::{CollectError, Collector, CollectorConfig, CollectorStatus};
pub use shelves::{Archive, ArchiveError, Kept, Number};
