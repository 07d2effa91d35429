//! The SDK against quotes that lie, receipts that are forged, and a coordinator on loopback.
#![expect(clippy::unwrap_used, reason = "what tests prepare must not fail silently")]
#![expect(clippy::panic, reason = "a test that finds what cannot be ends there")]

mod coordinator;
mod network;
mod offer;
mod output;
mod sample;
mod store;
mod tls;
mod verify;
