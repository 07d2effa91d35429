#![doc = include_str!("../README.md")]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::float_arithmetic,
    clippy::wildcard_enum_match_arm
)]

pub mod admission;
pub mod claim;
pub mod commitment;
pub mod ledger;
pub mod output;
pub mod specification;
pub mod split;
