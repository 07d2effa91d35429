//! How an input becomes slices, and slices become tasks.
//!
//! Pure arithmetic over lengths and bytes: a splitter names the places of the slices and copies
//! nothing. Slices of bytes follow each other without gap, so joined they are the input; tiles
//! cover every pixel of their picture once.

use serde::{Deserialize, Serialize};
use tallystick_types::SliceRange;

#[cfg(test)]
mod tests;

/// The most slices of one job: as many as a Merkle tree has leaves.
pub const MOST_SLICES: u64 = 1 << 24;

/// The most tasks of one job.
pub const MOST_TASKS: u64 = 1 << 16;

/// How an input is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Splitter {
    /// Whole lines, each with its newline; so many per slice. The last line needs no newline.
    Lines {
        /// Lines per slice, at least 1.
        per_slice: u64,
    },
    /// Runs of bytes.
    Bytes {
        /// Bytes per slice, at least 1; the last slice may be shorter.
        per_slice: u64,
    },
    /// Records of one fixed length.
    Records {
        /// Bytes per record, at least 1; the input is a multiple of it.
        length: u64,
        /// Records per slice, at least 1.
        per_slice: u64,
    },
}

/// A run of bytes of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ByteRange {
    /// Place of the first byte.
    pub start: u64,
    /// How many bytes, at least 1.
    pub length: u64,
}

/// A rectangle of a picture, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tile {
    /// Column of the left edge.
    pub x: u32,
    /// Row of the upper edge.
    pub y: u32,
    /// Columns, at least 1.
    pub width: u32,
    /// Rows, at least 1.
    pub height: u32,
}

/// Why an input cannot be split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// There is nothing to split.
    #[error("the input is empty; a job needs at least one byte, blob or pixel")]
    Empty,
    /// A size of zero was asked for.
    #[error("{field} is 0; give at least 1")]
    Zero {
        /// Which size.
        field: &'static str,
    },
    /// Too many slices.
    #[error("{given} slices are more than the {MOST_SLICES} of a job; make slices larger")]
    TooManySlices {
        /// At least so many would be needed.
        given: u64,
    },
    /// Too many tasks.
    #[error("{given} tasks are more than the {MOST_TASKS} of a job; give tasks more slices")]
    TooManyTasks {
        /// How many would be needed.
        given: u64,
    },
    /// The input ends inside a record.
    #[error("the input ends {rest} bytes into a record of {length}; pad it or give another length")]
    BrokenRecord {
        /// Bytes per record.
        length: u64,
        /// Bytes after the last whole record.
        rest: u64,
    },
    /// A size in bytes does not fit 64 bits.
    #[error("{records} records of {length} bytes are no size; make slices smaller")]
    TooLarge {
        /// Records per slice.
        records: u64,
        /// Bytes per record.
        length: u64,
    },
}

impl Splitter {
    /// The slices of an input that is at hand, in order.
    pub fn split(&self, input: &[u8]) -> Result<Vec<ByteRange>, SplitError> {
        let total = u64::try_from(input.len()).expect("a length in memory fits 64 bits");
        match *self {
            Self::Lines { per_slice } => lines(input, per_slice),
            Self::Bytes { per_slice } => runs(total, per_slice),
            Self::Records { length, per_slice } => records(total, length, per_slice),
        }
    }
}

/// Slices of equal length over so many bytes; the last may be shorter.
pub fn runs(total: u64, per_slice: u64) -> Result<Vec<ByteRange>, SplitError> {
    let count = slices(total, per_slice)?;
    let mut ranges = Vec::new();
    for number in 0..count {
        let start = number.saturating_mul(per_slice);
        ranges.push(ByteRange { start, length: per_slice.min(total.saturating_sub(start)) });
    }
    Ok(ranges)
}

/// Slices of whole records over so many bytes.
pub fn records(total: u64, length: u64, per_slice: u64) -> Result<Vec<ByteRange>, SplitError> {
    if per_slice == 0 {
        return Err(SplitError::Zero { field: "per_slice" });
    }
    let rest = total.checked_rem(length).ok_or(SplitError::Zero { field: "length" })?;
    if rest != 0 {
        return Err(SplitError::BrokenRecord { length, rest });
    }
    let too_large = SplitError::TooLarge { records: per_slice, length };
    runs(total, length.checked_mul(per_slice).ok_or(too_large)?)
}

fn lines(input: &[u8], per_slice: u64) -> Result<Vec<ByteRange>, SplitError> {
    if per_slice == 0 {
        return Err(SplitError::Zero { field: "per_slice" });
    }
    if input.is_empty() {
        return Err(SplitError::Empty);
    }
    let mut ranges = Vec::new();
    let (mut start, mut end, mut held) = (0_u64, 0_u64, 0_u64);
    for line in input.split_inclusive(|byte| *byte == b'\n') {
        let length = u64::try_from(line.len()).expect("a length in memory fits 64 bits");
        (end, held) = (end.saturating_add(length), held.saturating_add(1));
        if held == per_slice {
            push(&mut ranges, start, end)?;
            (start, held) = (end, 0);
        }
    }
    if held > 0 {
        push(&mut ranges, start, end)?;
    }
    Ok(ranges)
}

fn push(ranges: &mut Vec<ByteRange>, start: u64, end: u64) -> Result<(), SplitError> {
    let count = u64::try_from(ranges.len()).expect("a length in memory fits 64 bits");
    if count >= MOST_SLICES {
        return Err(SplitError::TooManySlices { given: count.saturating_add(1) });
    }
    ranges.push(ByteRange { start, length: end.saturating_sub(start) });
    Ok(())
}

/// Tiles of a picture, row by row; those at the right and lower edge may be smaller.
pub fn tiles(width: u32, height: u32, across: u32, down: u32) -> Result<Vec<Tile>, SplitError> {
    let (columns, rows) = grid(width, height, across, down)?;
    let mut tiles = Vec::new();
    for row in 0..rows {
        for column in 0..columns {
            let (x, y) = (column.saturating_mul(across), row.saturating_mul(down));
            tiles.push(Tile {
                x,
                y,
                width: across.min(width.saturating_sub(x)),
                height: down.min(height.saturating_sub(y)),
            });
        }
    }
    Ok(tiles)
}

/// How many tiles a picture has, without a list of them.
pub fn count_tiles(width: u32, height: u32, across: u32, down: u32) -> Result<u64, SplitError> {
    let (columns, rows) = grid(width, height, across, down)?;
    Ok(u64::from(columns).saturating_mul(u64::from(rows)))
}

/// Columns and rows of tiles.
fn grid(width: u32, height: u32, across: u32, down: u32) -> Result<(u32, u32), SplitError> {
    if width == 0 || height == 0 {
        return Err(SplitError::Empty);
    }
    if across == 0 || down == 0 {
        return Err(SplitError::Zero { field: "tile" });
    }
    let (columns, rows) = (width.div_ceil(across), height.div_ceil(down));
    let given = u64::from(columns).saturating_mul(u64::from(rows));
    if given > MOST_SLICES {
        return Err(SplitError::TooManySlices { given });
    }
    Ok((columns, rows))
}

/// How many slices a list of blobs makes: one blob is one slice, and no blob is empty.
pub fn blobs(lengths: &[u64]) -> Result<u64, SplitError> {
    if lengths.is_empty() || lengths.contains(&0) {
        return Err(SplitError::Empty);
    }
    slices(u64::try_from(lengths.len()).expect("a length in memory fits 64 bits"), 1)
}

/// The tasks of a job: contiguous ranges of its slices, the last one perhaps shorter.
pub fn tasks(slices: u64, per_task: u64) -> Result<Vec<SliceRange>, SplitError> {
    if slices == 0 {
        return Err(SplitError::Empty);
    }
    if per_task == 0 {
        return Err(SplitError::Zero { field: "per_task" });
    }
    if slices > MOST_SLICES {
        return Err(SplitError::TooManySlices { given: slices });
    }
    let count = slices.div_ceil(per_task);
    if count > MOST_TASKS {
        return Err(SplitError::TooManyTasks { given: count });
    }
    let range = |number: u64| {
        let first = number.saturating_mul(per_task);
        SliceRange { first, count: per_task.min(slices.saturating_sub(first)) }
    };
    Ok((0..count).map(range).collect())
}

/// How many slices a total makes.
fn slices(total: u64, per_slice: u64) -> Result<u64, SplitError> {
    if per_slice == 0 {
        return Err(SplitError::Zero { field: "per_slice" });
    }
    match total.div_ceil(per_slice) {
        0 => Err(SplitError::Empty),
        given if given > MOST_SLICES => Err(SplitError::TooManySlices { given }),
        count => Ok(count),
    }
}
