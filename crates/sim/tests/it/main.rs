//! The chain of the simulation against its users and against a real one.

mod anvil;
mod conformance;
mod following;
mod ground;
mod job;
mod speed;
