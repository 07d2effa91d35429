//! The ledger by itself: every arrow of the task machine, every refusal, and any order of events.

mod arrows;
mod chain;
mod claims;
mod privacy;
mod proof;
mod property;
mod refusals;
mod watchdog;
mod world;
