#![doc = include_str!("../README.md")]

pub mod cast;
pub mod chain;
pub mod disk;
pub mod event;
pub mod executor;
pub mod fault;
pub mod kernel;
pub mod lies;
pub mod network;
pub mod oracles;
pub mod outside;
pub mod planted;
pub mod process;
pub mod random;
pub mod rpc;
pub mod situations;
pub mod sweep;
pub mod tally;
mod watcher;
pub mod world;
