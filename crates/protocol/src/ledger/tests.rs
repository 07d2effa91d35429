//! The ledger by itself: every arrow of the task machine, every refusal, and any order of events.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    reason = "a test that overflows fails, and names only what it looks for"
)]

mod arrows;
mod chain;
mod claims;
mod enlisted;
mod privacy;
mod proof;
mod property;
mod refusals;
mod watchdog;
mod world;
