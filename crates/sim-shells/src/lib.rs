#![doc = include_str!("../README.md")]

mod carrier;
mod cast;
mod customer;
mod files;
mod library;
mod machine;
mod node;
mod rpc;
mod socket;
mod storm;
mod trace;
mod world;

pub use trace::Trace;
pub use world::{Course, Outcome, WorldError, simulate};
