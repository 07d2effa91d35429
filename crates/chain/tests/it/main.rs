//! The crate against a real local chain.

#![expect(clippy::unwrap_used, reason = "a test fails where something is missing")]

mod anvil;
mod ingest;
