//! What is to be done: the program, its input, how it is cut and how far a run may go.
//!
//! A specification is JSON in one canonical form: the fields in the order of the types below,
//! nothing left out, no spaces. Its digest is SHA-256 of these bytes, so the specification is found
//! in any store of blobs under the digest that the chain has of it.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tallystick_types::{
    BlobDigest, EngineProfile, InputDigest, JobId, Policy, Privacy, ProgramDigest,
    SpecificationDigest,
};

use crate::ledger::{Limits, Queueing};
use crate::split::{self, ByteRange, MOST_SLICES, SplitError, Splitter};

#[cfg(test)]
mod tests;

/// The most bytes of a specification.
pub const MOST_BYTES: usize = 1 << 20;

/// What a client wants done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Specification {
    /// Version of this form, 1.
    pub version: u16,
    /// What runs.
    pub work: Work,
    /// The engine with the settings that shape results.
    pub engine: EngineProfile,
    /// What it reads.
    pub input: Input,
    /// Slices that one task covers, at least 1.
    pub slices_per_task: u64,
    /// Declared complexity of one slice in work units; zero where it is not known.
    pub work_units_per_slice: u64,
    /// How nodes are chosen.
    pub policy: Policy,
    /// Whether only paired nodes may see it.
    pub privacy: Privacy,
    /// What happens while no node is free.
    pub queueing: Queueing,
    /// Time limits and counts.
    pub limits: Limits,
}

/// What runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Work {
    /// A WASI command, once per slice: the slice is its standard input, its standard output the
    /// slice's output.
    Wasm {
        /// The module.
        program: ProgramDigest,
        /// Arguments after the name of the program.
        arguments: Vec<String>,
        /// Environment, in this order.
        environment: Vec<(String, String)>,
        /// Most metered units of one slice.
        units: u64,
        /// Most memory of one run, in bytes.
        memory_bytes: u64,
        /// Most output of one slice, in bytes.
        output_bytes: u64,
    },
}

/// What the work reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Input {
    /// One blob, cut into slices.
    Blob {
        /// Its digest.
        digest: InputDigest,
        /// Its size in bytes.
        size: u64,
        /// How it is cut.
        splitter: Splitter,
    },
    /// Several blobs; each is one slice.
    Blobs(Vec<InputBlob>),
    /// A picture that is computed; each tile is one slice. The run reads `x y width height` and a
    /// newline, in pixels.
    Tiles {
        /// Columns of the picture.
        width: u32,
        /// Rows of the picture.
        height: u32,
        /// Columns of a tile.
        across: u32,
        /// Rows of a tile.
        down: u32,
    },
}

/// One of several blobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputBlob {
    /// Its digest.
    pub digest: InputDigest,
    /// Its size in bytes, at least 1.
    pub size: u64,
}

/// Where the bytes of one slice are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slice {
    /// A run of bytes of a blob.
    Bytes {
        /// The blob.
        blob: BlobDigest,
        /// The run.
        range: ByteRange,
    },
    /// These bytes themselves.
    Text(String),
}

/// Why bytes are no specification, or one that nobody can work on.
#[derive(Debug, thiserror::Error)]
pub enum SpecificationError {
    /// Too long to be read.
    #[error("the specification has {given} bytes, at most {MOST_BYTES} are read")]
    TooLong {
        /// What was given.
        given: usize,
    },
    /// No JSON of this form.
    #[error("the specification cannot be read: {reason}")]
    Unreadable {
        /// What is wrong and where.
        reason: String,
    },
    /// A version that this program does not know.
    #[error("version {given} of the specification is not known, 1 is; update this program")]
    UnknownVersion {
        /// What was given.
        given: u16,
    },
    /// The same words in another form, which would have another digest.
    #[error("the specification is not in its canonical form; let the client encode it")]
    NotCanonical,
    /// The input cannot be cut.
    #[error("the input cannot be cut into slices")]
    Split(#[from] SplitError),
    /// The blob at hand is not the one that is meant.
    #[error("the input has {found} bytes, the specification says {stated}")]
    OtherSize {
        /// In the specification.
        stated: u64,
        /// At hand.
        found: u64,
    },
    /// A blob is needed to know the slices.
    #[error("the input blob {blob} is needed to cut it into lines; upload it first")]
    BlobNeeded {
        /// The blob.
        blob: BlobDigest,
    },
}

impl Specification {
    /// The one version there is.
    pub const VERSION: u16 = 1;

    /// The canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("every specification is JSON")
    }

    /// Reads canonical bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SpecificationError> {
        if bytes.len() > MOST_BYTES {
            return Err(SpecificationError::TooLong { given: bytes.len() });
        }
        let read: Self = serde_json::from_slice(bytes)
            .map_err(|error| SpecificationError::Unreadable { reason: error.to_string() })?;
        if read.version != Self::VERSION {
            return Err(SpecificationError::UnknownVersion { given: read.version });
        }
        if read.to_bytes() != bytes {
            return Err(SpecificationError::NotCanonical);
        }
        Ok(read)
    }

    /// What the chain has of it, and its address as a blob.
    pub fn digest(&self) -> SpecificationDigest {
        SpecificationDigest::new(Sha256::digest(self.to_bytes()).into())
    }

    /// The program.
    pub const fn program(&self) -> ProgramDigest {
        match &self.work {
            Work::Wasm { program, .. } => *program,
        }
    }

    /// Every blob that a node needs before it can work: the program, then the inputs.
    pub fn blobs(&self) -> Vec<BlobDigest> {
        let mut blobs = vec![BlobDigest::from(self.program())];
        blobs.extend(self.input.blobs());
        blobs
    }
}

impl Input {
    /// The blobs it consists of.
    pub fn blobs(&self) -> Vec<BlobDigest> {
        match self {
            Self::Blob { digest, .. } => vec![BlobDigest::from(*digest)],
            Self::Blobs(blobs) => blobs.iter().map(|blob| BlobDigest::from(blob.digest)).collect(),
            Self::Tiles { .. } => Vec::new(),
        }
    }

    /// What a receipt names as input: the blob itself, or SHA-256 over the canonical form of the
    /// list or picture.
    pub fn digest(&self) -> InputDigest {
        match self {
            Self::Blob { digest, .. } => *digest,
            Self::Blobs(_) | Self::Tiles { .. } => {
                let bytes = serde_json::to_vec(self).expect("every input is JSON");
                InputDigest::new(Sha256::digest(bytes).into())
            }
        }
    }

    /// Bytes that are read in all; zero for pictures.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Blob { size, .. } => *size,
            Self::Blobs(blobs) => blobs.iter().fold(0, |sum, blob| blob.size.saturating_add(sum)),
            Self::Tiles { .. } => 0,
        }
    }

    /// How many slices there are, as [`Self::slices`] would give them. A picture of a few bytes
    /// can have millions, so whoever was sent one counts before listing.
    pub fn count(&self, blob: Option<&[u8]>) -> Result<u64, SpecificationError> {
        match self {
            Self::Tiles { width, height, across, down } => {
                Ok(split::count_tiles(*width, *height, *across, *down)?)
            }
            Self::Blob { digest, size, splitter } => {
                let ranges = ranges(BlobDigest::from(*digest), *size, splitter, blob)?;
                Ok(u64::try_from(ranges.len()).expect("a length in memory fits 64 bits"))
            }
            Self::Blobs(blobs) => {
                let lengths: Vec<u64> = blobs.iter().map(|blob| blob.size).collect();
                Ok(split::blobs(&lengths)?)
            }
        }
    }

    /// The slices in their order. Only an input that is cut into lines has to be at hand.
    pub fn slices(&self, blob: Option<&[u8]>) -> Result<Vec<Slice>, SpecificationError> {
        match self {
            Self::Blob { digest, size, splitter } => {
                let address = BlobDigest::from(*digest);
                let ranges = ranges(address, *size, splitter, blob)?;
                let slice = |range| Slice::Bytes { blob: address, range };
                Ok(ranges.into_iter().map(slice).collect())
            }
            Self::Blobs(blobs) => {
                let lengths: Vec<u64> = blobs.iter().map(|blob| blob.size).collect();
                split::blobs(&lengths)?;
                let whole = |blob: &InputBlob| Slice::Bytes {
                    blob: BlobDigest::from(blob.digest),
                    range: ByteRange { start: 0, length: blob.size },
                };
                Ok(blobs.iter().map(whole).collect())
            }
            Self::Tiles { width, height, across, down } => {
                let tiles = split::tiles(*width, *height, *across, *down)?;
                let line = |tile: split::Tile| {
                    Slice::Text(format!("{} {} {} {}\n", tile.x, tile.y, tile.width, tile.height))
                };
                Ok(tiles.into_iter().map(line).collect())
            }
        }
    }
}

/// The runs of bytes of a blob.
fn ranges(
    address: BlobDigest,
    size: u64,
    splitter: &Splitter,
    blob: Option<&[u8]>,
) -> Result<Vec<ByteRange>, SpecificationError> {
    if let Some(bytes) = blob {
        let found = u64::try_from(bytes.len()).expect("a length in memory fits 64 bits");
        if found != size {
            return Err(SpecificationError::OtherSize { stated: size, found });
        }
    }
    match *splitter {
        Splitter::Lines { .. } => {
            let bytes = blob.ok_or(SpecificationError::BlobNeeded { blob: address })?;
            Ok(splitter.split(bytes)?)
        }
        Splitter::Bytes { per_slice } => Ok(split::runs(size, per_slice)?),
        Splitter::Records { length, per_slice } => Ok(split::records(size, length, per_slice)?),
    }
}

/// Where the randomness of a slice comes from: SHA-256 over `TALLYSLC`, the job and the slice's
/// number as 8 bytes, big-endian. Equal for all replicas, different for every slice.
pub fn slice_seed(job: JobId, slice: u64) -> [u8; 32] {
    debug_assert!(slice < MOST_SLICES, "a slice of no job");
    let mut hasher = Sha256::new();
    hasher.update(b"TALLYSLC");
    hasher.update(job.as_bytes());
    hasher.update(slice.to_be_bytes());
    hasher.finalize().into()
}
