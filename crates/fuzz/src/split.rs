//! How inputs are cut into slices, and slices into tasks.

use tallystick_protocol::split::{ByteRange, MOST_SLICES, MOST_TASKS, Splitter, Tile};
use tallystick_protocol::split::{count_tiles, records, runs, tasks, tiles};

/// Slices beyond which a cut of one input is only counted, so that the fuzzer stays quick.
const MOST_LOOKED_AT: u64 = 1 << 12;

/// Kinds of cuts, by the first byte of an input.
const READERS: [crate::Target; 7] =
    [lines, bytes_of, records_at_hand, runs_of, records_of, tiles_of, tasks_of];

/// Reads one input: the kind of cut in one byte, its numbers in eight bytes each (four for
/// pixels), little-endian, then what is cut.
pub fn read(bytes: &[u8]) {
    crate::one_of(&READERS, bytes);
}

/// Numbers at the front of an input, and the rest.
fn numbers<const COUNT: usize>(mut bytes: &[u8]) -> Option<([u64; COUNT], &[u8])> {
    let mut numbers = [0; COUNT];
    for number in &mut numbers {
        let (taken, rest) = bytes.split_first_chunk()?;
        (*number, bytes) = (u64::from_le_bytes(*taken), rest);
    }
    Some((numbers, bytes))
}

fn lines(bytes: &[u8]) {
    let Some(([per_slice], input)) = numbers(bytes) else { return };
    at_hand(Splitter::Lines { per_slice }, input);
}

fn bytes_of(bytes: &[u8]) {
    let Some(([per_slice], input)) = numbers(bytes) else { return };
    at_hand(Splitter::Bytes { per_slice }, input);
}

fn records_at_hand(bytes: &[u8]) {
    let Some(([length, per_slice], input)) = numbers(bytes) else { return };
    at_hand(Splitter::Records { length, per_slice }, input);
}

fn runs_of(bytes: &[u8]) {
    let Some(([total, per_slice], _)) = numbers(bytes) else { return };
    if total.checked_div(per_slice).is_none_or(|count| count < MOST_LOOKED_AT) {
        covered(runs(total, per_slice).ok(), total);
    }
}

fn records_of(bytes: &[u8]) {
    let Some(([total, length, per_slice], _)) = numbers(bytes) else { return };
    let slice = length.saturating_mul(per_slice);
    if total.checked_div(slice).is_none_or(|count| count < MOST_LOOKED_AT) {
        covered(records(total, length, per_slice).ok(), total);
    }
}

fn tasks_of(bytes: &[u8]) {
    let Some(([slices, per_task], _)) = numbers(bytes) else { return };
    ranges(slices, per_task);
}

/// Tiles are within the picture, do not overlap, and cover it.
fn tiles_of(bytes: &[u8]) {
    let Some(([sizes, steps], _)) = numbers(bytes) else { return };
    let halves = |both: u64| {
        let [a, b, c, d, rest @ ..] = both.to_le_bytes();
        (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes(rest))
    };
    let ((width, height), (across, down)) = (halves(sizes), halves(steps));
    let count = count_tiles(width, height, across, down);
    if count.is_ok_and(|count| count > MOST_LOOKED_AT) {
        return;
    }
    let tiles = tiles(width, height, across, down);
    assert_eq!(tiles.as_ref().map(|tiles| tiles.len() as u64), count.as_ref().copied());
    let Ok(tiles) = tiles else { return };
    picture((width, height), (across, down), &tiles);
}

fn at_hand(splitter: Splitter, input: &[u8]) {
    let Ok(slices) = splitter.split(input) else { return };
    let total = u64::try_from(input.len()).expect("a length in memory fits 64 bits");
    if let Splitter::Lines { per_slice } = splitter {
        for slice in &slices {
            let end = usize::try_from(slice.start + slice.length).expect("it is in memory");
            let start = usize::try_from(slice.start).expect("it is in memory");
            let lines = input[start..end].split_inclusive(|byte| *byte == b'\n').count();
            assert!(lines as u64 <= per_slice && (end == input.len() || input[end - 1] == b'\n'));
        }
    }
    covered(Some(slices), total);
}

/// Slices follow each other without gap or overlap, none is empty, and together they are all.
fn covered(slices: Option<Vec<ByteRange>>, total: u64) {
    let Some(slices) = slices else { return };
    assert!((1..=MOST_SLICES).contains(&(slices.len() as u64)));
    let end = slices.iter().fold(0_u64, |end, slice| {
        assert!(slice.start == end && slice.length > 0, "{slice:?} after {end}");
        end.checked_add(slice.length).expect("slices end within the input")
    });
    assert_eq!(end, total);
}

fn picture((width, height): (u32, u32), (across, down): (u32, u32), tiles: &[Tile]) {
    let area = |tile: &Tile| u64::from(tile.width) * u64::from(tile.height);
    let all = tiles.iter().fold(0_u64, |sum, tile| sum + area(tile));
    assert_eq!(all, u64::from(width) * u64::from(height));
    let mut previous: Option<&Tile> = None;
    for tile in tiles {
        assert!(tile.width > 0 && tile.width <= across && tile.height > 0 && tile.height <= down);
        assert!(u64::from(tile.x) + u64::from(tile.width) <= u64::from(width));
        assert!(u64::from(tile.y) + u64::from(tile.height) <= u64::from(height));
        assert!(tile.x.is_multiple_of(across) && tile.y.is_multiple_of(down));
        // Places on one grid that only rise are all different.
        assert!(previous.is_none_or(|before| (before.y, before.x) < (tile.y, tile.x)));
        previous = Some(tile);
    }
}

/// Tasks cover the slices of a job, each once.
fn ranges(slices: u64, per_task: u64) {
    let Ok(tasks) = tasks(slices, per_task) else { return };
    assert!((1..=MOST_TASKS).contains(&(tasks.len() as u64)));
    let end = tasks.iter().fold(0_u64, |end, task| {
        assert!(task.first == end && task.count > 0 && task.count <= per_task);
        end.checked_add(task.count).expect("tasks end within the job")
    });
    assert_eq!(end, slices);
}
