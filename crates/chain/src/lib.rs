#![doc = include_str!("../README.md")]

pub mod endpoint;
pub mod follow;
pub mod ingest;
pub mod keys;
pub mod outbox;
pub mod view;
