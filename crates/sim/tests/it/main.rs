//! The chain of the simulation against its users and against a real one.
#![expect(clippy::panic, clippy::unwrap_used, reason = "what tests prepare must not fail silently")]

mod anvil;
mod conformance;
mod disk;
mod following;
mod ground;
mod job;
mod logs;
mod speed;
mod world;
