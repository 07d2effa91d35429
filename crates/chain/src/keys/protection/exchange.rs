//! What a key signed, as a file that another machine can take over.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use alloy_primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};
use tallystick_ports::{Batch, StoreError};
use tallystick_types::{Attempt, ChainId, JobId, TaskAttempt, TaskIndex};

use super::{Kind, PREFIX, Role, Signed, SigningProtection, Slot, encode, mark_key, slot_key};

/// The version of the file that this program writes and reads.
const VERSION: u32 = 1;

/// Everything that a key signed, in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// The version of this form.
    pub version: u32,
    /// What was signed.
    pub signatures: Vec<ExchangedSignature>,
    /// What was forgotten.
    pub forgotten: Vec<ExchangedMark>,
}

/// One signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExchangedSignature {
    /// The question.
    pub slot: Slot,
    /// What was signed.
    pub digest: B256,
    /// The signature.
    pub signature: Bytes,
}

/// Of one job, what is no longer remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExchangedMark {
    /// The chain.
    pub chain: ChainId,
    /// The contract.
    pub contract: Address,
    /// The job.
    pub job: JobId,
    /// The first attempt that is remembered.
    pub least: Attempt,
}

/// Why a file is not taken over. Nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// Written by another program.
    #[error("the file is of version {found}, this program reads {VERSION}")]
    Version {
        /// The version found.
        found: u32,
    },
    /// The file contradicts what is remembered: the key signed twice.
    #[error("the key signed both {theirs} and {ours} for one slot; stop using it")]
    Conflict {
        /// What the file says was signed.
        theirs: B256,
        /// What is remembered.
        ours: B256,
    },
    /// An entry of the record cannot be read.
    #[error(
        "an entry of the record of signatures is damaged; stop the node and restore the record"
    )]
    Damaged,
    /// The storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SigningProtection {
    /// Everything that is remembered, for another machine. Stop this one first.
    pub fn export(&self) -> Result<Exchange, ExchangeError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut signatures = Vec::new();
        for (key, value) in self.store.scan(&[PREFIX, b"s"].concat())? {
            let slot = slot_of(&key).ok_or(ExchangeError::Damaged)?;
            let Signed { digest, signature } = read(&value)?;
            signatures.push(ExchangedSignature { slot, digest, signature: signature.into() });
        }
        let mut forgotten = Vec::new();
        for (key, value) in self.store.scan(&[PREFIX, b"m"].concat())? {
            let (chain, contract, job, _) = job_of(&key).ok_or(ExchangeError::Damaged)?;
            let least = Attempt::new(*value.first().ok_or(ExchangeError::Damaged)?);
            forgotten.push(ExchangedMark { chain, contract, job, least });
        }
        Ok(Exchange { version: VERSION, signatures, forgotten })
    }

    /// Remembers what another machine signed with the same key, in addition to what is remembered.
    /// All of it is taken over or nothing.
    pub fn import(&self, exchange: &Exchange) -> Result<(), ExchangeError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if exchange.version != VERSION {
            return Err(ExchangeError::Version { found: exchange.version });
        }
        let (mut batch, mut taken) = (Batch::default(), BTreeMap::new());
        for each in &exchange.signatures {
            let key = slot_key(&each.slot);
            let stored = self.store.get(&key)?.map(|value| read(&value)).transpose()?;
            let known = stored.map(|stored| stored.digest).or(taken.get(&key).copied());
            match known {
                Some(ours) if ours != each.digest => {
                    return Err(ExchangeError::Conflict { theirs: each.digest, ours });
                }
                // The signature that was given away here stays the one that is given away.
                Some(_) => {}
                None => {
                    let signature = each.signature.to_vec();
                    batch.put(key.clone(), encode(&Signed { digest: each.digest, signature }));
                    taken.insert(key, each.digest);
                }
            }
        }
        for mark in &exchange.forgotten {
            let ExchangedMark { chain, contract, job, least } = *mark;
            let (role, kind) = (Role::Primary, Kind::Commit);
            let slot = Slot { chain, contract, job, attempt: least, role, kind };
            if self.least_attempt(&slot)? < least {
                batch.put(mark_key(&slot), [least.get()]);
            }
        }
        Ok(self.store.commit(batch)?)
    }
}

fn read(value: &[u8]) -> Result<Signed, ExchangeError> {
    postcard::from_bytes(value).map_err(|_| ExchangeError::Damaged)
}

fn job_of(key: &[u8]) -> Option<(ChainId, Address, JobId, &[u8])> {
    let rest = key.get(PREFIX.len().checked_add(1)?..)?;
    let (chain, rest) = rest.split_first_chunk()?;
    let (contract, rest) = rest.split_first_chunk::<20>()?;
    let (job, rest) = rest.split_first_chunk()?;
    let chain = ChainId::new(u64::from_be_bytes(*chain));
    Some((chain, Address::from(*contract), JobId::new(*job), rest))
}

fn slot_of(key: &[u8]) -> Option<Slot> {
    let (chain, contract, job, rest) = job_of(key)?;
    let [attempt, role, kind, rest @ ..] = rest else { return None };
    let roles = [Role::Primary, Role::Secondary, Role::Coordinator, Role::Juror];
    let kind = match (kind, rest) {
        (1, []) => Kind::Commit,
        (2, []) => Kind::Reveal,
        (3, []) => Kind::Attest,
        (4, []) => Kind::Receipt,
        (5, rest) => {
            let (task, rest) = rest.split_first_chunk()?;
            let task = TaskIndex::new(u32::from_be_bytes(*task));
            let task_attempt = TaskAttempt::new(u16::from_be_bytes(rest.try_into().ok()?));
            Kind::Pledge { task, task_attempt }
        }
        _ => return None,
    };
    let role = *roles.get(usize::from(role.checked_sub(1)?))?;
    Some(Slot { chain, contract, job, attempt: Attempt::new(*attempt), role, kind })
}
