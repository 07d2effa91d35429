//! `tally` as its callers see it: words, exit codes, files, and a coordinator on loopback.
#![expect(clippy::unwrap_used, reason = "what tests prepare must not fail silently")]
#![expect(clippy::panic, reason = "a test that finds what cannot be ends there")]

#[path = "../../../sdk/tests/it/coordinator.rs"]
mod coordinator;
mod host;
mod program;
#[path = "../../../sdk/tests/it/sample.rs"]
mod sample;
#[path = "../../../sdk/tests/it/store.rs"]
mod store;
mod surface;
mod work;
