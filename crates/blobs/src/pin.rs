//! Pins: why a blob is kept, and until when.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use tallystick_types::{Canonical, EncodingError, JobId, Reader, WallTime, Writer};

/// Most pins of one blob.
pub const MOST_PINS: usize = 1_024;

const MAGIC: [u8; 8] = *b"TALLYPIN";
const VERSION: u16 = 1;
const JOB: u8 = 1;
const OPERATOR: u8 = 2;
/// Stands on disk for a pin without end.
const FOR_EVER: u64 = u64::MAX;

/// Why a blob is kept. One reason holds one pin of a blob; pinning again moves its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PinReason {
    /// A job needs it as program, input or output.
    Job(JobId),
    /// The operator of this machine asked for it.
    Operator,
}

/// A reason and an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin {
    /// Why.
    pub reason: PinReason,
    /// First moment at which the pin no longer holds; without one it holds until it is removed.
    pub until: Option<WallTime>,
}

/// The pins of one blob.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PinSet {
    pins: BTreeMap<PinReason, Option<WallTime>>,
    /// The record on disk could not be read. Nobody knows who needs the blob, so it is kept.
    pub(crate) unreadable: bool,
}

impl PinSet {
    pub(crate) fn unreadable() -> Self {
        Self { pins: BTreeMap::new(), unreadable: true }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pins.is_empty() && !self.unreadable
    }

    pub(crate) fn count(&self) -> usize {
        self.pins.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Pin> + '_ {
        self.pins.iter().map(|(reason, until)| Pin { reason: *reason, until: *until })
    }

    /// Adds a pin or moves its end; whether there was room.
    pub(crate) fn insert(&mut self, pin: Pin) -> bool {
        if self.pins.len() >= MOST_PINS && !self.pins.contains_key(&pin.reason) {
            return false;
        }
        self.pins.insert(pin.reason, pin.until);
        true
    }

    pub(crate) fn remove(&mut self, reason: PinReason) -> bool {
        self.pins.remove(&reason).is_some()
    }

    /// Drops the pins whose end has come; how many.
    pub(crate) fn expire(&mut self, now: WallTime) -> usize {
        let before = self.pins.len();
        self.pins.retain(|_, until| until.is_none_or(|until| now < until));
        before - self.pins.len()
    }

    /// The bytes of the record, with their check.
    pub(crate) fn to_record(&self) -> Vec<u8> {
        let mut bytes = self.to_bytes();
        let check = Sha256::digest(&bytes);
        bytes.extend_from_slice(&check);
        bytes
    }

    /// Reads a record; one that is damaged or unknown keeps the blob.
    pub(crate) fn of_record(record: &[u8]) -> Self {
        let whole = record.split_last_chunk::<32>().and_then(|(bytes, check)| {
            let found: [u8; 32] = Sha256::digest(bytes).into();
            (found == *check).then_some(bytes)
        });
        whole.and_then(|bytes| Self::from_bytes(bytes).ok()).unwrap_or_else(Self::unreadable)
    }
}

impl Canonical for PinSet {
    fn encode(&self, writer: &mut Writer) {
        writer.raw(&MAGIC);
        writer.u16(VERSION);
        writer.u16(u16::try_from(self.pins.len()).unwrap_or(u16::MAX));
        for (reason, until) in &self.pins {
            match reason {
                PinReason::Job(job) => {
                    writer.byte(JOB);
                    writer.raw(job.as_bytes());
                }
                PinReason::Operator => writer.byte(OPERATOR),
            }
            writer.u64(until.map_or(FOR_EVER, WallTime::get));
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, EncodingError> {
        if reader.raw()? != MAGIC {
            return Err(EncodingError::WrongKind);
        }
        match reader.u16()? {
            VERSION => {}
            version => return Err(EncodingError::UnknownVersion { version }),
        }
        let mut set = Self::default();
        for _ in 0..reader.u16()? {
            let reason = match reader.byte()? {
                JOB => PinReason::Job(JobId::new(reader.raw()?)),
                OPERATOR => PinReason::Operator,
                _ => return Err(EncodingError::Invalid { field: "reason" }),
            };
            let until = Some(reader.u64()?).filter(|until| *until != FOR_EVER);
            set.pins.insert(reason, until.map(WallTime::new));
        }
        Ok(set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> PinSet {
        let mut set = PinSet::default();
        let until = Some(WallTime::new(9));
        assert!(set.insert(Pin { reason: PinReason::Job(JobId::new([7; 32])), until }));
        assert!(set.insert(Pin { reason: PinReason::Operator, until: None }));
        set
    }

    #[test]
    fn a_record_reads_as_what_was_written() {
        assert_eq!(PinSet::of_record(&sample().to_record()), sample());
    }

    #[test]
    fn a_damaged_record_keeps_the_blob() {
        let record = sample().to_record();
        for bit in 0..record.len() * 8 {
            let mut other = record.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(PinSet::of_record(&other).unreadable);
        }
        assert!(!PinSet::of_record(&[]).is_empty());
    }

    #[test]
    fn the_end_of_a_pin_is_already_too_late() {
        let mut set = sample();
        assert_eq!(set.expire(WallTime::new(8)), 0);
        assert_eq!(set.expire(WallTime::new(9)), 1);
        assert_eq!(set.count(), 1);
        assert!(set.remove(PinReason::Operator));
        assert!(set.is_empty());
    }

    #[test]
    fn a_blob_has_a_limit_of_pins() {
        let mut set = PinSet::default();
        for number in 0..=MOST_PINS {
            let mut id = [0; 32];
            id[..8].copy_from_slice(&number.to_be_bytes());
            let pin = Pin { reason: PinReason::Job(JobId::new(id)), until: None };
            assert_eq!(set.insert(pin), number < MOST_PINS);
        }
    }
}
