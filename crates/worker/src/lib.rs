#![doc = include_str!("../README.md")]

pub mod agent;
mod execute;
mod translate;
