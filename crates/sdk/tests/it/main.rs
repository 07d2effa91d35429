//! The SDK against quotes that lie, receipts that are forged, and a coordinator on loopback.

mod coordinator;
mod network;
mod offer;
mod output;
mod sample;
mod store;
mod verify;
