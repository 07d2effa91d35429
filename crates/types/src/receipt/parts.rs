//! The parts of a receipt that are more than a number or digest.

use std::fmt;

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};

use crate::encoding::{Canonical, EncodingError, Reader, Writer};
use crate::id::{BlockHash, ChainId};
use crate::time::{ChainTime, Seconds};

/// Version of the receipt's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub enum ReceiptVersion {
    /// The first.
    One,
}

/// Name of an engine with the settings that shape results, for example `wasm-48/nan-canonical`.
///
/// 1 to 64 printable ASCII characters without space.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EngineProfile(String);

/// Why a text is no engine profile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineProfileError {
    /// Empty or too long.
    #[error("an engine profile has 1 to {} characters, not {given}", EngineProfile::LONGEST)]
    Length {
        /// Bytes that were given.
        given: usize,
    },
    /// A character that is not printable ASCII, or a space.
    #[error("an engine profile has printable ASCII characters only, without space")]
    Character,
}

/// A contiguous range of slices of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SliceRange {
    /// Index of the first slice (8 bytes).
    pub first: u64,
    /// How many (8 bytes).
    pub count: u64,
}

/// What the work used, in units that do not depend on the machine. No price or result follows from
/// what a machine counts by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// Work in units of the specification's declared complexity (8 bytes).
    pub work_units: u64,
    /// Running time that is paid by the second (8 bytes).
    pub running: Seconds,
    /// Memory that was reserved, in bytes (8 bytes).
    pub memory_bytes: u64,
    /// Input that was read, in bytes (8 bytes).
    pub bytes_in: u64,
    /// Output that was written, in bytes (8 bytes).
    pub bytes_out: u64,
}

/// Where on the chain a job lives, and a block that the issuer had seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainAnchor {
    /// The chain (8 bytes).
    pub chain: ChainId,
    /// The `JobManager`, whose domain the attestations are signed under (20 bytes).
    pub contract: Address,
    /// Number of the block in which the attempt was assigned (8 bytes).
    pub block: u64,
    /// Its hash (32 bytes).
    pub block_hash: BlockHash,
    /// Its time (8 bytes).
    pub block_time: ChainTime,
}

impl ReceiptVersion {
    /// The number.
    pub const fn get(self) -> u16 {
        match self {
            Self::One => 1,
        }
    }
}

impl TryFrom<u16> for ReceiptVersion {
    type Error = EncodingError;

    fn try_from(version: u16) -> Result<Self, Self::Error> {
        match version {
            1 => Ok(Self::One),
            version => Err(EncodingError::UnknownVersion { version }),
        }
    }
}

impl From<ReceiptVersion> for u16 {
    fn from(version: ReceiptVersion) -> Self {
        version.get()
    }
}

impl EngineProfile {
    /// The most characters.
    pub const LONGEST: u8 = 64;

    /// Checks a text.
    pub fn new(text: impl Into<String>) -> Result<Self, EngineProfileError> {
        let text = text.into();
        if text.is_empty() || text.len() > usize::from(Self::LONGEST) {
            return Err(EngineProfileError::Length { given: text.len() });
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(EngineProfileError::Character);
        }
        Ok(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EngineProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for EngineProfile {
    type Error = EngineProfileError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(text)
    }
}

impl From<EngineProfile> for String {
    fn from(profile: EngineProfile) -> Self {
        profile.0
    }
}

impl Canonical for ReceiptVersion {
    fn encode(&self, writer: &mut Writer) {
        writer.u16(self.get());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, EncodingError> {
        reader.u16()?.try_into()
    }
}

impl Canonical for EngineProfile {
    fn encode(&self, writer: &mut Writer) {
        writer.byte(u8::try_from(self.0.len()).expect("at most 64 characters"));
        writer.raw(self.0.as_bytes());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, EncodingError> {
        let invalid = EncodingError::Invalid { field: "engine" };
        let count = reader.byte()?;
        if count > Self::LONGEST {
            return Err(invalid);
        }
        let text = str::from_utf8(reader.text(count)?).map_err(|_| invalid)?;
        Self::new(text).map_err(|_| invalid)
    }
}

impl Canonical for SliceRange {
    fn encode(&self, writer: &mut Writer) {
        writer.u64(self.first);
        writer.u64(self.count);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, EncodingError> {
        Ok(Self { first: reader.u64()?, count: reader.u64()? })
    }
}

impl Canonical for Usage {
    fn encode(&self, writer: &mut Writer) {
        writer.u64(self.work_units);
        writer.u64(self.running.get());
        writer.u64(self.memory_bytes);
        writer.u64(self.bytes_in);
        writer.u64(self.bytes_out);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, EncodingError> {
        Ok(Self {
            work_units: reader.u64()?,
            running: Seconds::new(reader.u64()?),
            memory_bytes: reader.u64()?,
            bytes_in: reader.u64()?,
            bytes_out: reader.u64()?,
        })
    }
}

impl Canonical for ChainAnchor {
    fn encode(&self, writer: &mut Writer) {
        writer.u64(self.chain.get());
        writer.raw(self.contract.as_slice());
        writer.u64(self.block);
        writer.raw(self.block_hash.as_bytes());
        writer.u64(self.block_time.get());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, EncodingError> {
        Ok(Self {
            chain: ChainId::new(reader.u64()?),
            contract: reader.address()?,
            block: reader.u64()?,
            block_hash: BlockHash::new(reader.raw()?),
            block_time: ChainTime::new(reader.u64()?)
                .map_err(|_| EncodingError::Invalid { field: "block_time" })?,
        })
    }
}
