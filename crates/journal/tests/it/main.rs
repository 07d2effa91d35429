//! The journal from outside: what survives, what is refused.

mod crash;
mod house;
mod log;
mod model;
mod open;
mod shelf;
mod tables;
