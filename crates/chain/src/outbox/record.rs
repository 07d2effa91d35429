//! How a lane lies in the store.

use alloy_primitives::{Address, B256, Bytes, U256};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tallystick_ports::{Batch, Store, StoreError};
use tallystick_types::{ChainId, WallTime};

use super::fees::Offer;
use super::intent::{Guard, Intent, IntentKey, Outcome, Seq};

/// First byte of every value. Version 1 has wishes without the gas that they need at least; all
/// else is the same.
const VERSION: u8 = 2;

/// Why stored bytes cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Written by a newer program.
    #[error("the outbox is of format {found}, this program knows {VERSION}; run the newer program")]
    Newer {
        /// The format found.
        found: u8,
    },
    /// The bytes are no record.
    #[error("an entry of the outbox is damaged; restore the store from its disk, not a backup")]
    Damaged,
    /// The entries contradict each other.
    #[error(
        "the outbox has nonce {nonce} without its wish or beyond its count; do not send by hand"
    )]
    Torn {
        /// The nonce.
        nonce: u64,
    },
}

/// What a lane counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// The nonce of the next transaction; nothing before the first look at the chain.
    pub(crate) next: Option<u64>,
    /// Wishes that arrived so far.
    pub(crate) arrivals: u64,
    /// Outcomes so far.
    pub(crate) outcomes: u64,
    /// A nonce that somebody else used.
    pub(crate) foreign: Option<u64>,
    /// Whether the operator wants to go on from the chain's count nevertheless.
    pub(crate) adopting: bool,
}

/// A wish that is not over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WishRecord {
    pub(crate) intent: Intent,
    /// Its place in the order of arrival.
    pub(crate) arrival: u64,
    /// How often it was in a final block without effect.
    pub(crate) failures: u32,
}

/// A nonce that is not final. It exists only together with signed bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NonceRecord {
    pub(crate) intent: IntentKey,
    /// From the first to the best priced; never empty.
    pub(crate) variants: Vec<Variant>,
    pub(crate) included: Option<Inclusion>,
}

/// One signed transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Variant {
    pub(crate) raw: Bytes,
    pub(crate) tx: B256,
    pub(crate) offer: Offer,
    pub(crate) gas: u64,
    pub(crate) at: WallTime,
    /// The chain's head when it was signed.
    pub(crate) head: u64,
    /// Whether it does nothing but use up the nonce.
    pub(crate) cancels: bool,
}

/// Where the chain has a nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Inclusion {
    pub(crate) tx: B256,
    pub(crate) block: u64,
    pub(crate) block_hash: B256,
}

impl NonceRecord {
    pub(crate) fn newest(&self) -> &Variant {
        self.variants.last().expect("a nonce exists only together with signed bytes")
    }
}

/// The keys of one lane: one account on one chain.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    prefix: Vec<u8>,
}

impl Table {
    pub(crate) fn of(chain: ChainId, account: Address) -> Self {
        let mut prefix = b"outbox/".to_vec();
        prefix.extend_from_slice(&chain.get().to_be_bytes());
        prefix.extend_from_slice(account.as_slice());
        Self { prefix }
    }

    fn key(&self, kind: u8, rest: &[u8]) -> Vec<u8> {
        let mut key = self.prefix.clone();
        key.push(kind);
        key.extend_from_slice(rest);
        key
    }

    fn header_key(&self) -> Vec<u8> {
        self.key(b'h', &[])
    }

    fn wish_key(&self, key: &IntentKey) -> Vec<u8> {
        self.key(b'i', key.as_bytes())
    }

    fn ended_key(&self, key: &IntentKey) -> Vec<u8> {
        self.key(b'e', key.as_bytes())
    }

    fn nonce_key(&self, nonce: u64) -> Vec<u8> {
        self.key(b'n', &nonce.to_be_bytes())
    }

    fn outcome_key(&self, seq: Seq) -> Vec<u8> {
        self.key(b'o', &seq.0.to_be_bytes())
    }

    pub(crate) fn put_header(&self, batch: &mut Batch, header: &Header) {
        batch.put(self.header_key(), encode(header));
    }

    pub(crate) fn put_wish(&self, batch: &mut Batch, wish: &WishRecord) {
        batch.put(self.wish_key(&wish.intent.key), encode(wish));
    }

    pub(crate) fn put_nonce(&self, batch: &mut Batch, nonce: u64, record: &NonceRecord) {
        batch.put(self.nonce_key(nonce), encode(record));
    }

    pub(crate) fn delete_nonce(&self, batch: &mut Batch, nonce: u64) {
        batch.delete(self.nonce_key(nonce));
    }

    /// Keeps an outcome; a final one takes the place of the wish.
    pub(crate) fn put_outcome(&self, batch: &mut Batch, seq: Seq, outcome: &Outcome) {
        batch.put(self.outcome_key(seq), encode(outcome));
        if outcome.result.is_final() {
            batch.delete(self.wish_key(&outcome.key));
            batch.put(self.ended_key(&outcome.key), encode(&seq));
        }
    }

    pub(crate) fn header(&self, store: &dyn Store) -> Result<Header, RecordError> {
        store.get(&self.header_key())?.map_or(Ok(Header::default()), |bytes| decode(&bytes))
    }

    pub(crate) fn wishes(&self, store: &dyn Store) -> Result<Vec<WishRecord>, RecordError> {
        store.scan(&self.key(b'i', &[]))?.iter().map(|(_, bytes)| decode_wish(bytes)).collect()
    }

    pub(crate) fn nonces(&self, store: &dyn Store) -> Result<Vec<(u64, NonceRecord)>, RecordError> {
        let read = |(key, bytes): &(Vec<u8>, Vec<u8>)| {
            let (_, nonce) = key.split_last_chunk::<8>().ok_or(RecordError::Damaged)?;
            let record: NonceRecord = decode(bytes)?;
            if record.variants.is_empty() {
                return Err(RecordError::Damaged);
            }
            Ok((u64::from_be_bytes(*nonce), record))
        };
        store.scan(&self.key(b'n', &[]))?.iter().map(read).collect()
    }

    /// The outcome of a wish that is over.
    pub(crate) fn ended(
        &self,
        store: &dyn Store,
        key: &IntentKey,
    ) -> Result<Option<Outcome>, RecordError> {
        let Some(seq) = store.get(&self.ended_key(key))? else { return Ok(None) };
        self.outcome(store, decode(&seq)?)
    }

    pub(crate) fn outcome(
        &self,
        store: &dyn Store,
        seq: Seq,
    ) -> Result<Option<Outcome>, RecordError> {
        store.get(&self.outcome_key(seq))?.map(|bytes| decode(&bytes)).transpose()
    }
}

fn encode(value: &impl Serialize) -> Vec<u8> {
    postcard::to_extend(value, vec![VERSION]).expect("records have no form that cannot be encoded")
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, RecordError> {
    match bytes.split_first() {
        Some((&(1 | VERSION), rest)) => whole(rest),
        Some((&found, _)) if found > VERSION => Err(RecordError::Newer { found }),
        _ => Err(RecordError::Damaged),
    }
}

/// A wish of any version.
fn decode_wish(bytes: &[u8]) -> Result<WishRecord, RecordError> {
    match bytes.split_first() {
        Some((1, rest)) => match whole::<WishOfVersion1>(rest) {
            Ok(older) => Ok(older.into()),
            // Some programs wrote the later layout under the earlier number.
            Err(_) => whole(rest),
        },
        _ => decode(bytes),
    }
}

/// A value that takes all of the bytes: what is left over belongs to another layout.
fn whole<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, RecordError> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        Ok(_) | Err(_) => Err(RecordError::Damaged),
    }
}

/// [`WishRecord`] as version 1 has it.
#[derive(Deserialize)]
#[cfg_attr(test, derive(Serialize))]
struct WishOfVersion1 {
    intent: IntentOfVersion1,
    arrival: u64,
    failures: u32,
}

/// [`Intent`] as version 1 has it.
#[derive(Deserialize)]
#[cfg_attr(test, derive(Serialize))]
struct IntentOfVersion1 {
    key: IntentKey,
    to: Address,
    data: Bytes,
    value: U256,
    deadline: Option<WallTime>,
    max_fee_per_gas: u128,
    guard: Option<Guard>,
    purpose: String,
}

impl From<WishOfVersion1> for WishRecord {
    fn from(older: WishOfVersion1) -> Self {
        let WishOfVersion1 { intent: it, arrival, failures } = older;
        let intent = Intent {
            key: it.key,
            to: it.to,
            data: it.data,
            value: it.value,
            deadline: it.deadline,
            max_fee_per_gas: it.max_fee_per_gas,
            least_gas: 0,
            guard: it.guard,
            purpose: it.purpose,
        };
        Self { intent, arrival, failures }
    }
}

#[cfg(test)]
mod tests;
