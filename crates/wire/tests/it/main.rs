//! The crate as its users see it.
#![expect(clippy::unwrap_used, reason = "what tests prepare must not fail silently")]

mod calls;
mod recorded;
mod schema;
