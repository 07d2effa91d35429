//! The sandbox from outside: a corpus on two engines, random modules, the cache, cancellation.

mod cache;
mod corpus;
mod guests;
mod random;
mod speed;
