//! The crate against a real local chain.

mod anvil;
mod ingest;
