#![doc = include_str!("../README.md")]

mod address;
mod anvil;
mod chain;
pub mod chaos;
pub mod demo;
mod deploy;
mod desktop;
mod dice;
mod ground;
pub mod lie;
pub mod machines;
pub mod network;
pub mod proxy;
pub mod relay;
mod tools;

pub use anvil::{Anvil, AnvilError};
pub use chain::{CallError, Chain};
pub use deploy::{DeployError, Deployer, confirm};
pub use dice::Dice;
pub use ground::{Ground, TLY};
pub use tools::{Tool, ToolError, repository};
