//! What can go wrong with a journal, and what to do about it.

use std::path::PathBuf;

use tallystick_ports::{DiskFull, StoreError};
use tallystick_types::{JobId, WallTime};

use crate::log::EventNumber;
use crate::open::Network;
use crate::records::PairingId;

/// Why the journal cannot answer or keep something.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another process has the journal open.
    #[error("{path} is in use by another process; stop it, or give this one a folder of its own")]
    Locked {
        /// Folder of the journal.
        path: PathBuf,
    },
    /// A newer program wrote the journal.
    #[error(
        "{path} has format {found}, this program knows {known}; run the newer program, \
         or restore a backup from before the upgrade"
    )]
    NewerFormat {
        /// Folder of the journal.
        path: PathBuf,
        /// Format of the journal.
        found: u32,
        /// Newest format that this program knows.
        known: u32,
    },
    /// The journal belongs to another chain or another deployment.
    #[error(
        "{path} belongs to {found}, this program was started for {wanted}; \
         give each network a folder of its own"
    )]
    WrongNetwork {
        /// Folder of the journal.
        path: PathBuf,
        /// Whose the journal is.
        found: Network,
        /// What was asked for.
        wanted: Network,
    },
    /// A value has a version that this program cannot read.
    #[error("a {what} has version {found}, this program reads up to {known}")]
    UnknownVersion {
        /// Kind of value.
        what: &'static str,
        /// Version of the value.
        found: u8,
        /// Newest version that this program reads.
        known: u8,
    },
    /// Bytes are not what they should be.
    #[error("{family} holds a damaged entry ({detail}); restore a backup, or rescan the chain")]
    Damaged {
        /// Where.
        family: &'static str,
        /// What is wrong.
        detail: String,
    },
    /// Events are missing between two that are there.
    #[error("event {missing} is missing from the journal; restore a backup, or rescan the chain")]
    Gap {
        /// The first that is missing.
        missing: EventNumber,
    },
    /// The disk is full, or a file reached the limit of the process. Nothing of the step was kept.
    #[error("no space is left for {path}; free some and start again, nothing was lost")]
    NoSpace {
        /// Folder of the journal.
        path: PathBuf,
        /// For whoever ends the process.
        #[source]
        source: DiskFull,
    },
    /// A step breaks a rule of the tables. Nothing of it was kept.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// The storage engine refused.
    #[error("the storage engine refused: {0}")]
    Engine(#[source] rocksdb::Error),
    /// The store that the journal lies in failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Which rule of the tables a step would break.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// The table is written by calls that check its rules.
    #[error("the table {family} has rules; write it by the calls that check them")]
    HasRules {
        /// The table.
        family: &'static str,
    },
    /// A receipt names a job that is not there.
    #[error("there is no job {job} that the receipt could belong to; keep the job first")]
    NoSuchJob {
        /// The job.
        job: JobId,
    },
    /// A job is finished without a moment, or has a moment and is not finished.
    #[error("job {job}: exactly a job that is over has a moment of completion")]
    Completion {
        /// The job.
        job: JobId,
    },
    /// A pairing code is in use.
    #[error("pairing code {code} is taken; draw another")]
    CodeTaken {
        /// The code.
        code: String,
    },
    /// A pairing has the id of another.
    #[error("pairing {id} exists already")]
    PairingExists {
        /// The id.
        id: PairingId,
    },
    /// No pairing has this code.
    #[error("no pairing has the code {code}; ask the client for a new one")]
    UnknownCode {
        /// The code.
        code: String,
    },
    /// The code was used already.
    #[error("pairing code {code} was claimed already; ask the client for a new one")]
    Claimed {
        /// The code.
        code: String,
    },
    /// The code is too old.
    #[error("pairing code {code} expired at {expired_at}; ask the client for a new one")]
    Expired {
        /// The code.
        code: String,
        /// When it did.
        expired_at: WallTime,
    },
}
