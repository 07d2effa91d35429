//! The public face of the crate, against the records of what compiles.
#![expect(clippy::unwrap_used, reason = "what tests prepare must not fail silently")]

mod deployment;
mod drift;
mod revert;
mod signatures;
