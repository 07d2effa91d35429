//! Who gets a task, through the public interface only.
#![expect(clippy::unwrap_used, reason = "what tests prepare must not fail silently")]

mod churn;
mod decision;
mod draw;
mod filter;
mod formula;
mod policy;
mod prospect;
mod sample;
mod score;
