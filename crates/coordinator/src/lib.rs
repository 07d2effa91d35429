#![doc = include_str!("../README.md")]

mod chores;
mod coordinator;
mod desk;
mod feed;
mod hands;
mod hear;
mod limit;
pub mod machine;
mod news;
mod orders;
mod outlook;
mod price;
#[cfg(test)]
mod scene;
mod serve;
mod sessions;
mod shared;
pub mod shell;
mod spawn;
mod watch;

pub use coordinator::{
    Coordinator, CoordinatorError, CoordinatorParts, CoordinatorServices, Needs,
};
pub use price::PriceList;
pub use shared::CoordinatorConfig;
