//! The crate against a real local chain.
#![expect(clippy::panic, clippy::unwrap_used, reason = "what tests prepare must not fail silently")]

mod anvil;
mod ingest;
mod outbox;
