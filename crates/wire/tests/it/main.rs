//! The crate as its users see it.

mod calls;
mod schema;
