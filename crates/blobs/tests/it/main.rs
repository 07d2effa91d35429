//! The store through its public interface: on a real disk, and on one that fails on purpose.
#![expect(clippy::unwrap_used, reason = "what tests prepare must not fail silently")]
#![expect(clippy::panic, reason = "a test that finds what cannot be ends there")]

mod adversary;
mod collection;
mod crash;
mod damage;
mod download;
mod faulty_disk;
mod full_disk;
mod model;
mod put_get;
mod sample;
mod threads;
