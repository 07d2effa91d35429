//! The contracts on a real chain, through the public face of the Rust crates.
#![expect(clippy::unwrap_used, reason = "what tests prepare must not fail silently")]

mod bad_input;
mod chaos;
mod deployment;
mod front;
mod house;
mod job;
mod network;
mod private;
mod refusals;
mod resume;
mod view;
