//! The door to the chain against a real one.
#![expect(clippy::panic, clippy::unwrap_used, reason = "what tests prepare must not fail silently")]

mod anvil;
mod outbox;
