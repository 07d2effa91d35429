//! The records of an agent and their keys.
//!
//! A key is `worker/`, the job, a letter and the rest: `s` and a digest for a specification, `a`
//! and an assignment for what was accepted (J1), `o` and an assignment for its output (J2), `c`
//! and an attempt for a claim that is going to be signed, `e` for the end of the job.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tallystick_ports::{Batch, Entry};
use tallystick_protocol::commitment::{Opening, Pledge, TaskAssignment};
use tallystick_protocol::ledger::{Failure, Role};
use tallystick_types::{
    BeaconRound, BlobDigest, Canonical, JobId, OutputRoot, ReceiptClaim, Salt, Seat, SliceRange,
    SpecificationDigest, Usage, WallTime,
};

const PREFIX: &[u8] = b"worker/";
const SPECIFICATION: u8 = b's';
const ACCEPTED: u8 = b'a';
const OUTPUT: u8 = b'o';
const CLAIM: u8 = b'c';
const END: u8 = b'e';

/// J1: an assignment that was taken on, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Accepted {
    pub(crate) assignment: TaskAssignment,
    pub(crate) coordinator: Seat,
    pub(crate) role: Role,
    pub(crate) slices: SliceRange,
    pub(crate) specification: SpecificationDigest,
    pub(crate) at: WallTime,
    pub(crate) deadline: WallTime,
    pub(crate) end: Option<TaskEnd>,
    /// It was opened, or cancelled after its commitment: nothing more is expected of it.
    pub(crate) closed: bool,
}

/// How an assignment ended without a commitment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TaskEnd {
    pub(crate) failure: Failure,
    pub(crate) detail: String,
    pub(crate) at: WallTime,
}

/// J2: what an assignment led to. Its pledge follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Output {
    pub(crate) root: OutputRoot,
    pub(crate) blob: BlobDigest,
    pub(crate) bytes: u64,
    pub(crate) usage: Usage,
    pub(crate) job_slices: u64,
    pub(crate) salt: Salt,
    pub(crate) round: BeaconRound,
}

/// A claim that this node signs, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attesting {
    pub(crate) claim: ReceiptClaim,
    pub(crate) coordinator: Seat,
    /// The coordinator has the signature.
    pub(crate) judged: bool,
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    Specification(JobId, SpecificationDigest, Vec<u8>),
    Accepted(Accepted),
    Output(TaskAssignment, Output),
    Claim(Attesting),
    End(JobId, WallTime),
}

/// The store holds something that no agent writes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {key:02x?} of the worker's journal cannot be read; restore it from a copy")]
pub struct JournalError {
    /// The key of the record.
    pub key: Vec<u8>,
}

impl Output {
    pub(crate) const fn opening(&self) -> Opening {
        Opening { output_root: self.root, salt: self.salt }
    }

    pub(crate) fn pledge(&self, assignment: TaskAssignment) -> Pledge {
        let commitment = self.opening().commitment(&assignment);
        Pledge { assignment, commitment, round: self.round }
    }
}

/// What every key of an agent begins with.
pub(crate) const fn prefix() -> &'static [u8] {
    PREFIX
}

impl Record {
    pub(crate) fn put(&self, batch: &mut Batch) {
        batch.put(self.key(), self.value());
    }

    pub(crate) fn delete(&self, batch: &mut Batch) {
        batch.delete(self.key());
    }

    fn key(&self) -> Vec<u8> {
        match self {
            Self::Specification(job, digest, _) => key(*job, SPECIFICATION, digest.as_bytes()),
            Self::Accepted(accepted) => {
                let assignment = &accepted.assignment;
                key(assignment.job, ACCEPTED, &assignment.to_bytes())
            }
            Self::Output(assignment, _) => key(assignment.job, OUTPUT, &assignment.to_bytes()),
            Self::Claim(attesting) => {
                key(attesting.claim.job, CLAIM, &[attesting.claim.attempt.get()])
            }
            Self::End(job, _) => key(*job, END, &[]),
        }
    }

    fn value(&self) -> Vec<u8> {
        let written = match self {
            Self::Specification(_, _, bytes) => return bytes.clone(),
            Self::Accepted(accepted) => postcard::to_stdvec(accepted),
            Self::Output(_, output) => postcard::to_stdvec(output),
            Self::Claim(attesting) => postcard::to_stdvec(attesting),
            Self::End(_, at) => postcard::to_stdvec(at),
        };
        written.expect("every record is written")
    }

    /// Reads an entry of the store.
    pub(crate) fn read((key, value): &Entry) -> Result<Self, JournalError> {
        Self::parse(key, value).ok_or_else(|| JournalError { key: key.clone() })
    }

    fn parse(key: &[u8], value: &[u8]) -> Option<Self> {
        let (job, rest) = key.strip_prefix(PREFIX)?.split_first_chunk::<32>()?;
        let (job, (letter, rest)) = (JobId::new(*job), rest.split_first()?);
        let record = match *letter {
            SPECIFICATION => {
                let digest = SpecificationDigest::new(rest.try_into().ok()?);
                Self::Specification(job, digest, value.to_vec())
            }
            ACCEPTED => Self::Accepted(whole(value)?),
            OUTPUT => Self::Output(TaskAssignment::from_bytes(rest).ok()?, whole(value)?),
            CLAIM => Self::Claim(whole(value)?),
            END => Self::End(job, whole(value)?),
            _ => return None,
        };
        (record.key() == key).then_some(record)
    }
}

fn key(job: JobId, letter: u8, rest: &[u8]) -> Vec<u8> {
    [PREFIX, job.as_bytes(), &[letter], rest].concat()
}

fn whole<T: DeserializeOwned>(value: &[u8]) -> Option<T> {
    let (read, rest) = postcard::take_from_bytes(value).ok()?;
    rest.is_empty().then_some(read)
}
