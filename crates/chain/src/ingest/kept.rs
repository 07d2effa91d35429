//! What survives a crash: one batch per step moves all of it.
//!
//! | key | value |
//! |---|---|
//! | `ingest/position` | chain, cursor, epoch, final and safe block, last number, strange logs |
//! | `ingest/header/<height>` | hash, parent, time, of the last blocks |
//! | `ingest/out/<number>` | a delivery |
//!
//! Numbers in keys are eight bytes, big-endian. Undoing a block is to forget its header and to
//! deliver a rollback, so no record of the inverse is needed.

use std::collections::BTreeMap;

use alloy_primitives::B256;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tallystick_planted::{Bug, planted};
use tallystick_ports::{Batch, Store, StoreError};
use tallystick_types::ChainId;

use super::check::Block;
use super::{BlockPlace, Delivery, EventKey, Observed, RawLog, Seq};

const POSITION: &[u8] = b"ingest/position";
const HEADERS: &[u8] = b"ingest/header/";
const OUT: &[u8] = b"ingest/out/";

/// First byte of every value.
const VERSION: u8 = 1;

/// A height and the hash there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// Height.
    pub number: u64,
    /// Hash.
    pub hash: B256,
}

/// Why what was kept cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// It was written by a newer program, or is damaged.
    #[error("a record of ingest cannot be read; use the program that wrote it, or a fresh folder")]
    Damaged,
    /// It belongs to another chain.
    #[error("what is kept is of chain {kept}, not of chain {asked}; use another folder")]
    OtherChain {
        /// The chain of what is kept.
        kept: ChainId,
        /// The chain that was asked for.
        asked: ChainId,
    },
    /// The storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Everything but headers and deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    pub(super) chain: ChainId,
    pub(super) cursor: Place,
    pub(super) epoch: u64,
    /// The last final block.
    pub(super) last: Place,
    pub(super) safe: u64,
    pub(super) seq: Seq,
    pub(super) strange: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct KeptHeader {
    hash: B256,
    parent: B256,
    time: tallystick_types::ChainTime,
}

/// A block with what our contracts logged in it.
#[derive(Clone, Debug)]
pub(super) struct Filled {
    pub(super) block: Block,
    pub(super) logs: Vec<RawLog>,
    /// Logs that nobody understands; they are counted, not delivered.
    pub(super) strange: u64,
}

/// What is kept, as far as it is held in memory. Each change returns the batch that keeps it, and
/// nothing else may be done until that batch is on the disk.
#[derive(Debug)]
pub(super) struct Kept {
    chain: ChainId,
    window: u64,
    /// Nothing before the first block was agreed.
    position: Option<Position>,
    headers: BTreeMap<u64, B256>,
}

impl Kept {
    pub(super) fn load(store: &dyn Store, chain: ChainId, window: u64) -> Result<Self, KeptError> {
        let position: Option<Position> =
            store.get(POSITION)?.map(|bytes| decode(&bytes)).transpose()?;
        if let Some(position) = position
            && position.chain != chain
        {
            return Err(KeptError::OtherChain { kept: position.chain, asked: chain });
        }
        let mut headers = BTreeMap::new();
        for (key, value) in store.scan(HEADERS)? {
            let number = key.strip_prefix(HEADERS).and_then(|bytes| bytes.try_into().ok());
            let number = u64::from_be_bytes(number.ok_or(KeptError::Damaged)?);
            headers.insert(number, decode::<KeptHeader>(&value)?.hash);
        }
        Ok(Self { chain, window, position, headers })
    }

    pub(super) const fn position(&self) -> Option<&Position> {
        self.position.as_ref()
    }

    /// Hash of a block that was read, where it is still kept.
    pub(super) fn hash_at(&self, number: u64) -> Option<B256> {
        let last = self.position.as_ref().map(|position| position.last);
        let last = last.filter(|last| last.number == number).map(|last| last.hash);
        last.or_else(|| self.headers.get(&number).copied())
    }

    /// The first block.
    pub(super) fn begin(&mut self, block: &Block) -> Batch {
        let place = block.place();
        let mut position = Position {
            chain: self.chain,
            cursor: place,
            epoch: 0,
            last: place,
            safe: place.number,
            seq: Seq(0),
            strange: 0,
        };
        let mut batch = Batch::default();
        self.put_header(&mut batch, block);
        self.finish(batch, &mut position)
    }

    /// The next blocks in order; there may be gaps between them only below the last final block.
    pub(super) fn extend(&mut self, filled: &[Filled]) -> Batch {
        let mut batch = Batch::default();
        let Some(mut position) = self.position else { return batch };
        for Filled { block, logs, strange } in filled {
            for log in logs {
                let seq = position.next_seq();
                let observed = self.observed(seq, block, log.clone());
                put_delivery(&mut batch, seq, &Delivery::Event(observed));
            }
            position.strange = position.strange.saturating_add(*strange);
            position.cursor = block.place();
            self.put_header(&mut batch, block);
        }
        self.finish(batch, &mut position)
    }

    /// Forgets all blocks above one.
    pub(super) fn rewind(&mut self, to: Place) -> Batch {
        let mut batch = Batch::default();
        let Some(mut position) = self.position else { return batch };
        for (number, _) in self.headers.split_off(&to.number.saturating_add(1)) {
            batch.delete(header_key(number));
        }
        position.cursor = to;
        position.epoch = position.epoch.saturating_add(1);
        position.safe = position.safe.min(to.number);
        let seq = position.next_seq();
        let rollback = Delivery::Rollback { to: to.number, epoch: position.epoch };
        if !planted(Bug::ForgetsRollback) {
            put_delivery(&mut batch, seq, &rollback);
        }
        self.finish(batch, &mut position)
    }

    /// Raises the levels; nothing where neither rises.
    pub(super) fn raise(&mut self, safe: Option<Place>, last: Option<Place>) -> Option<Batch> {
        let mut position = self.position?;
        if let Some(last) = last.filter(|last| last.number > position.last.number) {
            position.last = last;
        }
        let safe = safe.map_or(0, |safe| safe.number);
        position.safe = position.safe.max(safe).max(position.last.number);
        if Some(position) == self.position {
            return None;
        }
        let seq = position.next_seq();
        let mut batch = Batch::default();
        let levels = Delivery::Levels { safe: position.safe, last: position.last.number };
        put_delivery(&mut batch, seq, &levels);
        Some(self.finish(batch, &mut position))
    }

    fn finish(&mut self, mut batch: Batch, position: &mut Position) -> Batch {
        let lowest = position.cursor.number.saturating_sub(self.window);
        let kept = self.headers.split_off(&lowest);
        for (number, _) in std::mem::replace(&mut self.headers, kept) {
            batch.delete(header_key(number));
        }
        batch.put(POSITION, encode(position));
        self.position = Some(*position);
        batch
    }

    fn put_header(&mut self, batch: &mut Batch, block: &Block) {
        let kept = KeptHeader { hash: block.hash, parent: block.parent, time: block.time };
        batch.put(header_key(block.number), encode(&kept));
        self.headers.insert(block.number, block.hash);
    }

    const fn observed(&self, seq: Seq, block: &Block, log: RawLog) -> Observed {
        let key = EventKey { chain: self.chain, block: block.hash, tx: log.tx, index: log.index };
        let block = BlockPlace { number: block.number, hash: block.hash, time: block.time };
        Observed { seq, key, block, log }
    }
}

impl Position {
    const fn next_seq(&mut self) -> Seq {
        self.seq = Seq(self.seq.0.saturating_add(1));
        self.seq
    }
}

/// The deliveries after one, at most so many.
pub(super) fn deliveries(
    store: &dyn Store,
    after: Seq,
    most: usize,
) -> Result<Vec<(Seq, Delivery)>, KeptError> {
    let mut found = Vec::new();
    for seq in (after.0.saturating_add(1)..).take(most) {
        let Some(bytes) = store.get(&out_key(Seq(seq)))? else { break };
        found.push((Seq(seq), decode(&bytes)?));
    }
    Ok(found)
}

/// Place of a block that was read, where its header is still kept.
pub(super) fn block(store: &dyn Store, number: u64) -> Result<Option<BlockPlace>, KeptError> {
    let Some(bytes) = store.get(&header_key(number))? else { return Ok(None) };
    let kept: KeptHeader = decode(&bytes)?;
    Ok(Some(BlockPlace { number, hash: kept.hash, time: kept.time }))
}

/// Keeps a block that a test made.
#[cfg(feature = "test-utils")]
pub(super) fn put_place(batch: &mut Batch, block: BlockPlace) {
    let BlockPlace { number, hash, time } = block;
    batch.put(header_key(number), encode(&KeptHeader { hash, parent: B256::ZERO, time }));
}

fn put_delivery(batch: &mut Batch, seq: Seq, delivery: &Delivery) {
    batch.put(out_key(seq), encode(delivery));
}

fn header_key(number: u64) -> Vec<u8> {
    [HEADERS, &number.to_be_bytes()].concat()
}

fn out_key(seq: Seq) -> Vec<u8> {
    [OUT, &seq.0.to_be_bytes()].concat()
}

fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_extend(value, vec![VERSION]).expect("memory takes all of these values")
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, KeptError> {
    match bytes.split_first() {
        Some((&VERSION, rest)) => postcard::from_bytes(rest).map_err(|_| KeptError::Damaged),
        _ => Err(KeptError::Damaged),
    }
}
