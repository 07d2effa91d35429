//! What was done to a simulation, what was checked in it, and what was seen.

use crate::oracles::Oracles;
use crate::situations::Situations;

/// The books of one simulation.
#[derive(Debug, Default)]
pub struct Tally {
    /// What was done to it.
    pub census: Census,
    /// What was seen.
    pub situations: Situations,
    /// What is checked.
    pub oracles: Oracles,
}

/// Faults that were injected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Losses of power.
    pub crashes: u64,
    /// Reorganisations.
    pub reorganisations: u64,
    /// Of these, more than ten blocks deep.
    pub deep_reorganisations: u64,
    /// Of these, beyond the headers that machines keep.
    pub beyond_window: u64,
    /// Of these, beyond a final block.
    pub broken_finality: u64,
    /// Pairs of processes that were cut off from each other.
    pub partitions: u64,
    /// Messages and letters that were lost.
    pub lost_messages: u64,
    /// Letters that came twice.
    pub doubled_messages: u64,
    /// Answers of endpoints that were lost, late or refused.
    pub lost_answers: u64,
    /// Answers of endpoints that were wrong.
    pub lies: u64,
    /// Commits that failed.
    pub disk_errors: u64,
    /// Writes of which a part remained.
    pub torn_writes: u64,
    /// Base fees that jumped.
    pub fee_spikes: u64,
    /// Processes that vanished for good.
    pub vanished: u64,
}

impl Census {
    /// Names and counts, in the order of the table.
    pub fn rows(&self) -> [(&'static str, u64); 14] {
        [
            ("losses of power", self.crashes),
            ("reorganisations", self.reorganisations),
            ("  deeper than 10 blocks", self.deep_reorganisations),
            ("  beyond the headers that are kept", self.beyond_window),
            ("  beyond a final block", self.broken_finality),
            ("partitions", self.partitions),
            ("messages lost", self.lost_messages),
            ("messages doubled", self.doubled_messages),
            ("answers of endpoints lost", self.lost_answers),
            ("lies of endpoints", self.lies),
            ("disk errors", self.disk_errors),
            ("torn writes", self.torn_writes),
            ("fee spikes", self.fee_spikes),
            ("processes that vanished", self.vanished),
        ]
    }

    /// Adds those of another simulation.
    pub const fn add(&mut self, other: &Self) {
        self.crashes += other.crashes;
        self.reorganisations += other.reorganisations;
        self.deep_reorganisations += other.deep_reorganisations;
        self.beyond_window += other.beyond_window;
        self.broken_finality += other.broken_finality;
        self.partitions += other.partitions;
        self.lost_messages += other.lost_messages;
        self.doubled_messages += other.doubled_messages;
        self.lost_answers += other.lost_answers;
        self.lies += other.lies;
        self.disk_errors += other.disk_errors;
        self.torn_writes += other.torn_writes;
        self.fee_spikes += other.fee_spikes;
        self.vanished += other.vanished;
    }
}
