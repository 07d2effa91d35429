#![doc = include_str!("../README.md")]

mod engine;
mod error;
mod key;
mod log;
mod open;
mod records;
mod rules;
mod shelf;
mod step;
mod table;

pub use error::{JournalError, RuleError};
pub use key::Key;
pub use log::{EventNumber, Events, Snapshot};
pub use open::{FORMAT, Journal, Network, Reader};
pub use records::{
    DeadLetter, DeadLetterKey, JobRecord, JobStatus, PairingClaimed, PairingId, ReceiptKey,
    ReceiptRecord, TrustPairing,
};
pub use shelf::Shelf;
pub use step::Step;
pub use table::{Family, Stored, Table, decode, encode};
