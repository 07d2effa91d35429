//! A coordinator in a small world.

mod chain;
mod nodes;
mod path;
mod private;
mod property;
mod terms;
mod world;
