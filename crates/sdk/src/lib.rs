#![doc = include_str!("../README.md")]

pub mod blob;
pub mod chain;
pub mod client;
pub mod order;
pub mod output;
pub mod picture;
pub mod specify;
pub mod verify;
pub mod watch;

pub use client::{CallError, Client, ClientConfig, ConnectError};
pub use tallystick_wire::{Cursor, client as messages};
