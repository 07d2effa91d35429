//! `tally` as its callers see it: words, exit codes, files, and a coordinator on loopback.

#[path = "../../../sdk/tests/it/coordinator.rs"]
mod coordinator;
mod program;
#[path = "../../../sdk/tests/it/sample.rs"]
mod sample;
#[path = "../../../sdk/tests/it/store.rs"]
mod store;
mod surface;
mod work;
