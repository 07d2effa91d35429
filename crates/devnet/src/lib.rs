#![doc = include_str!("../README.md")]

mod anvil;
mod chain;
mod deploy;
pub mod lie;
mod tools;

pub use anvil::{Anvil, AnvilError};
pub use chain::{CallError, Chain};
pub use deploy::{DeployError, Deployer, confirm};
pub use tools::{Tool, ToolError, repository};
