#![doc = include_str!("../README.md")]

use std::sync::atomic::{AtomicUsize, Ordering};

macro_rules! bugs {
    ($($(#[doc = $sentence:literal])+ $bug:ident = $name:literal,)+) => {
        /// A mistake that is made where a process is told to.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Bug {
            $($(#[doc = $sentence])+ $bug,)+
        }

        impl Bug {
            /// All of them, by where they are.
            pub const ALL: &[Self] = &[$(Self::$bug,)+];

            /// What it is called on a command line.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$bug => $name,)+
                }
            }

            /// What goes wrong, for people.
            pub const fn sentence(self) -> &'static str {
                match self {
                    $(Self::$bug => concat!($($sentence),+).trim_ascii(),)+
                }
            }
        }
    };
}

bugs! {
    /// Ingest takes the block below for the parent whatever the header says.
    TrustsParents = "trusts-parents",
    /// Ingest forgets to tell that blocks were taken back.
    ForgetsRollback = "forgets-rollback",
    /// Ingest believes an endpoint that a block has no logs of ours.
    BelievesNoLogs = "believes-no-logs",
    /// Ingest goes on to the next block where nobody could prove the logs of one.
    SkipsUnreadBlock = "skips-unread-block",
    /// Ingest takes for final what a single endpoint calls final.
    FinalByOne = "final-by-one",
    /// Ingest takes safe blocks for final ones.
    SafeIsFinal = "safe-is-final",
    /// Ingest agrees with a single endpoint.
    AgreesWithOne = "agrees-with-one",
    /// The view keeps the events of the first block that was taken back.
    KeepsUndoneBlock = "keeps-undone-block",
    /// The view closes over safe blocks as if they were final.
    ClosesEarly = "closes-early",
    /// The view counts the nodes that join an attempt twice.
    EnlistsTwice = "enlists-twice",

    /// The outbox keeps the next nonce in memory only.
    NonceInMemory = "nonce-in-memory",
    /// The outbox gives the next wish the nonce of the last one.
    ReusesNonce = "reuses-nonce",
    /// The outbox sends a transaction that it did not write down.
    SendsUnrecorded = "sends-unrecorded",
    /// The outbox does not write down a transaction that replaces another.
    ReplacesUnrecorded = "replaces-unrecorded",
    /// The outbox takes one confirmation for the end.
    OneConfirmation = "one-confirmation",
    /// The outbox overlooks that a block with its transaction was taken back.
    OverlooksReorg = "overlooks-reorg",
    /// The outbox sends every transaction once.
    NeverResends = "never-resends",
    /// The outbox gives up a wish at its deadline though its transaction is out.
    GivesUpSent = "gives-up-sent",

    /// The keeper lets wishes follow from inputs that it did not write down.
    SkipsJournal = "skips-journal",
    /// The keeper goes on where the disk refused a write.
    IgnoresDisk = "ignores-disk",
    /// The ledger takes messages of earlier tries and attempts for those of the present one.
    NoFencing = "no-fencing",
    /// The ledger takes any opening, committed to or not.
    OpensUnbound = "opens-unbound",
    /// The chain's last block draws the secondaries, final or not.
    DrawsUnsettled = "draws-unsettled",
    /// The ledger takes one result less than a majority.
    MajorityLessOne = "majority-less-one",
    /// The ledger counts the result of the primary twice.
    CountsTwice = "counts-twice",
    /// The ledger draws a node again that has the task already.
    DrawsTwice = "draws-twice",
    /// The ledger calls a node a liar that was too slow.
    AccusesSlow = "accuses-slow",
    /// The ledger lets an outvoted liar go on.
    SparesOutvoted = "spares-outvoted",
    /// The ledger lets two claims of one node pass.
    SparesTwoClaims = "spares-two-claims",
    /// The ledger makes a receipt of one signature less than needed.
    SignaturesLessOne = "signatures-less-one",
    /// The ledger asks for less than the price.
    Undercharges = "undercharges",
    /// The coordinator lets its leases lapse.
    LetsLapse = "lets-lapse",
    /// The coordinator wishes for nothing again after a restart.
    ForgetsWishes = "forgets-wishes",
    /// The coordinator keeps evidence of lies in memory only.
    EvidenceInMemory = "evidence-in-memory",
    /// The coordinator takes a job again that its client cancelled.
    RetakesCancelled = "retakes-cancelled",
    /// The coordinator gives the same wish another key at every block.
    KeyPerBlock = "key-per-block",
    /// The coordinator ends work on the last word of the chain, final or not.
    SeenIsFinal = "seen-is-final",
    /// The coordinator believes in a proposal whose attempt was taken back.
    BelievesUndone = "believes-undone",
    /// The coordinator makes another receipt for every node that it asks.
    RedatesReceipts = "redates-receipts",

    /// The worker signs commitments and receipts without looking at what it signed before.
    SignsUnprotected = "signs-unprotected",
    /// The worker goes on where the disk refused to take down a signature.
    IgnoresRecord = "ignores-record",
    /// The signing protection gives signatures out that are not on the disk.
    ProtectsUnsynced = "protects-unsynced",
    /// The agent keeps its output in memory only.
    OutputInMemory = "output-in-memory",
    /// The agent keeps what it took on in memory only.
    WorkInMemory = "work-in-memory",
    /// The agent opens with another salt than it committed with.
    OpensOther = "opens-other",
    /// The agent opens as soon as it committed.
    OpensUnasked = "opens-unasked",
    /// The agent uploads an output once, whether it arrived or not.
    UploadsOnce = "uploads-once",

    /// The settler never enforces a deadline.
    NeverAdvances = "never-advances",
    /// The settler wishes again for what is under way, under another key.
    SettlesTwice = "settles-twice",

    /// The blob store acknowledges bytes that are not synced.
    BlobUnsynced = "blob-unsynced",
    /// The blob store acknowledges a name that is not synced.
    NameUnsynced = "name-unsynced",
}

/// The place of the bug in [`Bug::ALL`] and one; zero where all is right.
static PLANTED: AtomicUsize = AtomicUsize::new(0);

/// Whether this bug is in this process. Never without the feature.
#[cfg(not(feature = "planted"))]
#[must_use]
#[inline]
pub const fn planted(_: Bug) -> bool {
    false
}

/// Whether this bug is in this process.
#[cfg(feature = "planted")]
#[must_use]
#[inline]
pub fn planted(bug: Bug) -> bool {
    PLANTED.load(Ordering::Relaxed) == number(bug)
}

/// Puts one bug into this process, or takes it out. False where none is compiled in.
#[must_use]
pub fn plant(bug: Option<Bug>) -> bool {
    PLANTED.store(bug.map_or(0, number), Ordering::Relaxed);
    cfg!(feature = "planted")
}

const fn number(bug: Bug) -> usize {
    (bug as usize).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_bug_has_a_name_and_a_sentence_of_its_own() {
        let names: BTreeSet<&str> = Bug::ALL.iter().map(|bug| bug.name()).collect();
        let sentences: BTreeSet<&str> = Bug::ALL.iter().map(|bug| bug.sentence()).collect();
        assert_eq!((names.len(), sentences.len()), (Bug::ALL.len(), Bug::ALL.len()));
        let plain = |name: &&str| name.chars().all(|it| it == '-' || it.is_ascii_lowercase());
        assert!(names.iter().all(plain));
        assert!(sentences.iter().all(|words| words.ends_with('.') && !words.starts_with(' ')));
    }

    #[cfg(not(feature = "planted"))]
    #[test]
    fn without_the_feature_no_bug_is_in() {
        const IN: bool = planted(Bug::SkipsJournal);
        assert!(!IN && !plant(Some(Bug::SkipsJournal)));
        assert!(!Bug::ALL.iter().any(|bug| planted(*bug)));
    }

    #[cfg(feature = "planted")]
    #[test]
    fn one_bug_is_in_at_a_time() {
        for bug in Bug::ALL {
            assert!(plant(Some(*bug)));
            let all: Vec<&Bug> = Bug::ALL.iter().filter(|bug| planted(**bug)).collect();
            assert_eq!(all, [bug]);
        }
        assert!(plant(None));
        assert!(!Bug::ALL.iter().any(|bug| planted(*bug)));
    }
}
