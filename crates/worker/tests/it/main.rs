//! The worker against a coordinator that a test plays, over loopback.
#![expect(clippy::unwrap_used, reason = "what tests prepare must not fail silently")]
#![expect(clippy::panic, reason = "a test that finds what cannot be ends there")]

mod coordinator;
mod house;
mod session;
mod tls;
