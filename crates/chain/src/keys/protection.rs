//! The memory of what a key signed, so that it never signs two answers to one question.
//!
//! Whoever holds the key signs through [`SigningProtection::sign_once`] and in no other way. The
//! first digest for a [`Slot`] wins for ever: asked again for it, the stored signature comes back
//! byte for byte; any other digest is refused. A restart, or a second execution with another
//! result, therefore cannot make a node contradict itself.

mod exchange;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use alloy_primitives::{Address, B256};
use serde::{Deserialize, Serialize};
use tallystick_planted::{Bug, planted};
use tallystick_ports::{Batch, Store, StoreError};
use tallystick_types::{
    Attempt, ChainId, EvmSignature, IdentitySignature, JobId, TaskAttempt, TaskIndex,
};

pub use exchange::{Exchange, ExchangeError, ExchangedMark, ExchangedSignature};

/// Begins every key of the store; the bytes behind it say what the entry is.
const PREFIX: &[u8] = b"protection/";
/// The layout of the store; a later one takes the next number.
const FORMAT: u8 = 1;

/// The question that a signature answers. One answer per slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Slot {
    /// The chain.
    pub chain: ChainId,
    /// The contract that would punish a second answer.
    pub contract: Address,
    /// The job.
    pub job: JobId,
    /// The attempt of the job.
    pub attempt: Attempt,
    /// In which duty the node answers.
    pub role: Role,
    /// What it says.
    pub kind: Kind,
}

/// In which duty a node signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It executed first.
    Primary,
    /// It checked.
    Secondary,
    /// It assigned the job.
    Coordinator,
    /// It judges a dispute.
    Juror,
}

/// What a node says by a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// That it has a result, without showing it.
    Commit,
    /// The result that it committed to.
    Reveal,
    /// That a result is right.
    Attest,
    /// A receipt.
    Receipt,
    /// That it has the result of one try at one task, without showing it.
    Pledge {
        /// The task.
        task: TaskIndex,
        /// The try at it.
        task_attempt: TaskAttempt,
    },
}

/// A signature of fixed length that can be kept.
pub trait Signature: Copy + Eq + fmt::Debug {
    /// Its bytes.
    fn to_bytes(&self) -> Vec<u8>;
    /// The signature with these bytes, or nothing where there are more or fewer.
    fn of_bytes(bytes: &[u8]) -> Option<Self>;
}

macro_rules! signature {
    ($name:ident) => {
        impl Signature for $name {
            fn to_bytes(&self) -> Vec<u8> {
                self.as_bytes().to_vec()
            }

            fn of_bytes(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self::new)
            }
        }
    };
}

signature!(EvmSignature);
signature!(IdentitySignature);

/// Whether a key may have signed before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// The key was made a moment ago.
    NewKey,
    /// The key is known, for example to the registry of nodes.
    KnownKey,
}

/// What a key signed. One per store, shared by all that sign with the key.
#[derive(Debug)]
pub struct SigningProtection {
    store: Arc<dyn Store>,
    /// Held from the look into the store until the signature is on the disk.
    turn: Mutex<()>,
}

/// What is kept of one slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Signed {
    digest: B256,
    signature: Vec<u8>,
}

/// Why the memory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProtectionError {
    /// The key has a past and the memory has none.
    #[error(
        "the record of what this key signed is missing; restore it, or wait longer than the \
         longest lease and initialise a new one"
    )]
    Missing,
    /// There is one already.
    #[error("there is a record of signatures already; open it instead")]
    Exists,
    /// Written by another program.
    #[error("the record of signatures is of format {found}, this program knows {FORMAT}; update")]
    Format {
        /// The format found.
        found: u8,
    },
    /// The storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a signature was not given.
#[derive(Debug, thiserror::Error)]
pub enum SignOnceError<E> {
    /// Another answer was signed already. Never to be overcome.
    #[error("{stored} is signed here, not {asked}; look for a second copy of this node")]
    Conflict {
        /// What was signed.
        stored: B256,
        /// What was asked for.
        asked: B256,
    },
    /// The attempt is older than what is remembered of the job.
    #[error("nothing is signed for attempt {asked}: only those from {least} on are remembered")]
    Forgotten {
        /// The attempt.
        asked: Attempt,
        /// The first attempt that is remembered.
        least: Attempt,
    },
    /// What is stored is no signature of this kind.
    #[error("the stored signature has {length} bytes; ask with the kind of key that signed it")]
    OtherKind {
        /// Its length.
        length: usize,
    },
    /// The entry cannot be read.
    #[error(
        "an entry of the record of signatures is damaged; stop the node and restore the record"
    )]
    Damaged,
    /// The key does not sign.
    #[error("the key does not sign")]
    Key(#[source] E),
    /// The storage failed; no signature was given.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SigningProtection {
    /// Opens the memory. Where there is none, a new key gets one; a known key is refused, since its
    /// memory was lost.
    pub fn open(store: Arc<dyn Store>, history: History) -> Result<Self, ProtectionError> {
        match (store.get(&format_key())?.as_deref(), history) {
            (Some([FORMAT]), _) => Ok(Self { store, turn: Mutex::new(()) }),
            (Some(found), _) => {
                let found = found.first().copied().unwrap_or_default();
                Err(ProtectionError::Format { found })
            }
            (None, History::NewKey) => Self::initialise(store),
            (None, History::KnownKey) => Err(ProtectionError::Missing),
        }
    }

    /// Begins an empty memory. For a known key only after its longest lease is over, and only by
    /// the explicit word of its operator.
    pub fn initialise(store: Arc<dyn Store>) -> Result<Self, ProtectionError> {
        if store.get(&format_key())?.is_some() {
            return Err(ProtectionError::Exists);
        }
        let mut batch = Batch::default();
        batch.put(format_key(), [FORMAT]);
        store.commit(batch)?;
        Ok(Self { store, turn: Mutex::new(()) })
    }

    /// Gives the one signature of a slot: makes it and keeps it, or returns the kept one. When it
    /// returns a signature, the disk has it.
    pub fn sign_once<S: Signature, E>(
        &self,
        slot: &Slot,
        digest: B256,
        sign: impl FnOnce() -> Result<S, E>,
    ) -> Result<S, SignOnceError<E>> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stored) = self.store.get(&slot_key(slot))? {
            let stored: Signed =
                postcard::from_bytes(&stored).map_err(|_| SignOnceError::Damaged)?;
            if stored.digest != digest {
                return Err(SignOnceError::Conflict { stored: stored.digest, asked: digest });
            }
            let length = stored.signature.len();
            return S::of_bytes(&stored.signature).ok_or(SignOnceError::OtherKind { length });
        }
        let least = self.least_attempt(slot)?;
        if slot.attempt < least {
            return Err(SignOnceError::Forgotten { asked: slot.attempt, least });
        }
        fail::fail_point!("protection.signature.before");
        let signature = sign().map_err(SignOnceError::Key)?;
        fail::fail_point!("protection.signature.made");
        let signed = Signed { digest, signature: signature.to_bytes() };
        let mut batch = Batch::default();
        batch.put(slot_key(slot), encode(&signed));
        if !planted(Bug::ProtectsUnsynced) {
            self.store.commit(batch)?;
        }
        fail::fail_point!("protection.signature.kept");
        Ok(signature)
    }

    /// Forgets what was signed for a job before an attempt, and signs nothing more for it.
    pub fn forget_before(&self, slot: &Slot, least: Attempt) -> Result<(), ProtectionError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let known: Option<Attempt> = self.mark(slot)?;
        let least = known.map_or(least, |known| known.max(least));
        let mut batch = Batch::default();
        batch.put(mark_key(slot), [least.get()]);
        let job = job_key(b's', slot);
        for (key, _) in self.store.scan(&job)? {
            if key.get(job.len()).is_some_and(|attempt| *attempt < least.get()) {
                batch.delete(key);
            }
        }
        Ok(self.store.commit(batch)?)
    }

    fn least_attempt(&self, slot: &Slot) -> Result<Attempt, StoreError> {
        Ok(self.mark(slot)?.unwrap_or_default())
    }

    fn mark(&self, slot: &Slot) -> Result<Option<Attempt>, StoreError> {
        let mark = self.store.get(&mark_key(slot))?;
        Ok(mark.and_then(|mark| mark.first().copied()).map(Attempt::new))
    }
}

fn format_key() -> Vec<u8> {
    [PREFIX, b"f"].concat()
}

/// The part of a key that all slots of a job share.
fn job_key(kind: u8, slot: &Slot) -> Vec<u8> {
    let mut key = PREFIX.to_vec();
    key.push(kind);
    key.extend_from_slice(&slot.chain.get().to_be_bytes());
    key.extend_from_slice(slot.contract.as_slice());
    key.extend_from_slice(slot.job.as_bytes());
    key
}

fn mark_key(slot: &Slot) -> Vec<u8> {
    job_key(b'm', slot)
}

fn slot_key(slot: &Slot) -> Vec<u8> {
    let mut key = job_key(b's', slot);
    key.push(slot.attempt.get());
    key.push(match slot.role {
        Role::Primary => 1,
        Role::Secondary => 2,
        Role::Coordinator => 3,
        Role::Juror => 4,
    });
    match slot.kind {
        Kind::Commit => key.push(1),
        Kind::Reveal => key.push(2),
        Kind::Attest => key.push(3),
        Kind::Receipt => key.push(4),
        Kind::Pledge { task, task_attempt } => {
            key.push(5);
            key.extend_from_slice(&task.get().to_be_bytes());
            key.extend_from_slice(&task_attempt.get().to_be_bytes());
        }
    }
    key
}

fn encode(signed: &Signed) -> Vec<u8> {
    postcard::to_allocvec(signed).expect("a digest and bytes have no form that cannot be encoded")
}
