#![doc = include_str!("../README.md")]

mod coordinator;
mod desk;
mod feed;
mod hands;
mod limit;
pub mod machine;
mod news;
mod orders;
mod price;
#[cfg(test)]
mod scene;
mod serve;
mod sessions;
mod shared;
mod spawn;
mod watch;

pub use coordinator::{Coordinator, CoordinatorError, CoordinatorParts, CoordinatorServices};
pub use price::PriceList;
pub use shared::CoordinatorConfig;
