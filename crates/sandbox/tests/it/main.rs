//! The sandbox from outside: a corpus and the examples on two engines, random modules, the cache,
//! cancellation.

mod cache;
mod compiler;
mod corpus;
mod examples;
mod guests;
mod random;
mod speed;
