//! Where bytes come from, and how words name a split or a picture.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sha2::{Digest, Sha256};
use tallystick_protocol::specification::Input;
use tallystick_protocol::split::Splitter;
use tallystick_types::BlobDigest;

use super::{DraftError, Needed};

const READ_BYTES: usize = 1 << 16;

/// Bytes in a file or in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file; it must not change until it is uploaded.
    File(PathBuf),
    /// Bytes at hand.
    Bytes(Vec<u8>),
}

/// How an input is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// One file becomes several slices.
    Cut(Splitter),
    /// Every file of a folder is a slice.
    Files,
}

/// A picture that is computed in tiles, written `WIDTHxHEIGHT/ACROSSxDOWN`, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TileGrid {
    /// Columns of the picture.
    pub width: u32,
    /// Rows of the picture.
    pub height: u32,
    /// Columns of a tile.
    pub across: u32,
    /// Rows of a tile.
    pub down: u32,
}

/// Why a text names no split or picture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SplitTextError {
    /// No split.
    #[error("{given:?} is no split; give lines:N, bytes:N, records:LENGTH:N or files")]
    Split {
        /// What was given.
        given: String,
    },
    /// No picture.
    #[error("{given:?} is no picture; give WIDTHxHEIGHT/ACROSSxDOWN such as 640x480/64x64")]
    Tiles {
        /// What was given.
        given: String,
    },
}

impl Source {
    /// Opens the bytes for reading.
    pub(crate) fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        match self {
            Self::File(path) => Ok(Box::new(File::open(path)?)),
            Self::Bytes(bytes) => Ok(Box::new(bytes.as_slice())),
        }
    }

    /// All bytes.
    pub(crate) fn read(&self) -> Result<Vec<u8>, DraftError> {
        match self {
            Self::File(path) => fs::read(path).map_err(|source| self.unread(source)),
            Self::Bytes(bytes) => Ok(bytes.clone()),
        }
    }

    /// The first bytes, or nothing where there are fewer.
    pub(crate) fn first_bytes<const COUNT: usize>(
        &self,
    ) -> Result<Option<[u8; COUNT]>, DraftError> {
        let mut first = [0; COUNT];
        let mut bytes = self.open().map_err(|source| self.unread(source))?;
        match bytes.read_exact(&mut first) {
            Ok(()) => Ok(Some(first)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(source) => Err(self.unread(source)),
        }
    }

    /// Address and size, found by reading everything once.
    ///
    /// # Errors
    ///
    /// [`DraftError::Read`].
    pub fn needed(&self) -> Result<Needed, DraftError> {
        let mut bytes = self.open().map_err(|source| self.unread(source))?;
        let (mut hasher, mut size, mut buffer) = (Sha256::new(), 0_u64, vec![0; READ_BYTES]);
        loop {
            match bytes.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    hasher.update(&buffer[..count]);
                    size += u64::try_from(count).expect("a length in memory fits 64 bits");
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(self.unread(source)),
            }
        }
        let digest = BlobDigest::new(hasher.finalize().into());
        Ok(Needed { digest, size, source: self.clone() })
    }

    fn unread(&self, source: io::Error) -> DraftError {
        let path = match self {
            Self::File(path) => path.clone(),
            Self::Bytes(_) => PathBuf::new(),
        };
        DraftError::Read { path, source }
    }
}

/// The files directly in a folder, in the order of their names. Names that begin with a dot are
/// left out, as `ls` does.
pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>, DraftError> {
    let unread = |source| DraftError::Read { path: folder.to_owned(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unread)? {
        let entry = entry.map_err(unread)?;
        let path = entry.path();
        if !entry.file_name().as_encoded_bytes().starts_with(b".") && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

impl TileGrid {
    /// The input that this picture is.
    pub const fn input(&self) -> Input {
        let Self { width, height, across, down } = *self;
        Input::Tiles { width, height, across, down }
    }
}

impl FromStr for Split {
    type Err = SplitTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.split(':').collect();
        let splitter = match parts.as_slice() {
            ["files"] => return Ok(Self::Files),
            ["lines", count] => number(count).map(|per_slice| Splitter::Lines { per_slice }),
            ["bytes", count] => number(count).map(|per_slice| Splitter::Bytes { per_slice }),
            ["records", length, count] => number(length)
                .zip(number(count))
                .map(|(length, per_slice)| Splitter::Records { length, per_slice }),
            _ => None,
        };
        splitter.map(Self::Cut).ok_or_else(|| SplitTextError::Split { given: text.to_owned() })
    }
}

impl FromStr for TileGrid {
    type Err = SplitTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (picture, tile) = text.split_once('/')?;
            let (width, height) = picture.split_once('x')?;
            let (across, down) = tile.split_once('x')?;
            Some(Self {
                width: number(width)?,
                height: number(height)?,
                across: number(across)?,
                down: number(down)?,
            })
        };
        read().ok_or_else(|| SplitTextError::Tiles { given: text.to_owned() })
    }
}

/// A number from 1 on, in decimal digits.
fn number<N: FromStr + PartialEq + From<u8>>(text: &str) -> Option<N> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|number| *number != N::from(0))
}
