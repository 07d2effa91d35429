//! Slices joined are the input, none is empty, and sizes without meaning are refused.

#![expect(clippy::arithmetic_side_effects, reason = "a test that overflows fails")]

use super::*;
use proptest::prelude::*;

fn joined(input: &[u8], ranges: &[ByteRange]) -> Vec<u8> {
    let place = |number: u64| usize::try_from(number).unwrap();
    ranges
        .iter()
        .flat_map(|range| input[place(range.start)..place(range.start + range.length)].to_vec())
        .collect()
}

#[test]
fn an_empty_input_has_no_slices() {
    for splitter in [
        Splitter::Lines { per_slice: 1 },
        Splitter::Bytes { per_slice: 1 },
        Splitter::Records { length: 4, per_slice: 1 },
    ] {
        assert_eq!(splitter.split(b""), Err(SplitError::Empty), "{splitter:?}");
    }
    assert_eq!(tiles(0, 5, 1, 1), Err(SplitError::Empty));
    assert_eq!(blobs(&[]), Err(SplitError::Empty));
    assert_eq!(blobs(&[3, 0]), Err(SplitError::Empty));
    assert_eq!(tasks(0, 1), Err(SplitError::Empty));
}

#[test]
fn a_size_of_zero_is_refused() {
    for splitter in [
        Splitter::Lines { per_slice: 0 },
        Splitter::Bytes { per_slice: 0 },
        Splitter::Records { length: 0, per_slice: 1 },
        Splitter::Records { length: 1, per_slice: 0 },
    ] {
        let refused = splitter.split(b"abc");
        assert!(matches!(refused, Err(SplitError::Zero { .. })), "{splitter:?}");
    }
    assert!(matches!(tiles(5, 5, 0, 1), Err(SplitError::Zero { .. })));
    assert!(matches!(tasks(5, 0), Err(SplitError::Zero { .. })));
}

#[test]
fn a_huge_input_is_refused_before_anything_is_allocated() {
    let given = u64::MAX;
    assert_eq!(runs(given, 1), Err(SplitError::TooManySlices { given }));
    assert!(matches!(tiles(u32::MAX, u32::MAX, 1, 1), Err(SplitError::TooManySlices { .. })));
    assert_eq!(tasks(MOST_SLICES, 1), Err(SplitError::TooManyTasks { given: MOST_SLICES }));
    assert!(matches!(tasks(MOST_SLICES + 1, 1 << 20), Err(SplitError::TooManySlices { .. })));
    let (length, records_per_slice) = (1 << 40, 1 << 40);
    let refused = records(1 << 40, length, records_per_slice);
    assert_eq!(refused, Err(SplitError::TooLarge { records: records_per_slice, length }));
    let whole = runs(u64::MAX, u64::MAX).unwrap();
    assert_eq!(whole, [ByteRange { start: 0, length: u64::MAX }]);
}

#[test]
fn a_line_keeps_its_newline_and_the_last_needs_none() {
    let ranges = Splitter::Lines { per_slice: 2 }.split(b"a\n\nbc\nd").unwrap();
    assert_eq!(ranges, [ByteRange { start: 0, length: 3 }, ByteRange { start: 3, length: 4 }]);
}

#[test]
fn an_input_that_ends_inside_a_record_is_refused() {
    let refused = Splitter::Records { length: 4, per_slice: 2 }.split(&[0; 10]);
    assert_eq!(refused, Err(SplitError::BrokenRecord { length: 4, rest: 2 }));
}

#[test]
fn blobs_are_slices_one_by_one() {
    assert_eq!(blobs(&[1, 7, 3]), Ok(3));
}

proptest! {
    #[test]
    fn slices_joined_are_the_input_and_none_is_empty(
        input in prop::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 1..300),
        per_slice in 1_u64..40, length in 1_u64..8,
    ) {
        let splitters = [
            Splitter::Lines { per_slice },
            Splitter::Bytes { per_slice },
            Splitter::Records { length, per_slice },
        ];
        for splitter in splitters {
            match splitter.split(&input) {
                Ok(ranges) => {
                    prop_assert_eq!(joined(&input, &ranges), input.clone());
                    prop_assert!(ranges.iter().all(|range| range.length > 0));
                }
                Err(error) => {
                    let broken = matches!(error, SplitError::BrokenRecord { .. });
                    prop_assert!(broken, "{error}");
                }
            }
        }
    }

    #[test]
    fn every_slice_but_the_last_ends_with_its_last_line(
        input in prop::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 1..300),
        per_slice in 1_u64..9,
    ) {
        let ranges = Splitter::Lines { per_slice }.split(&input).unwrap();
        let (_, inner) = ranges.split_last().unwrap();
        for range in inner {
            let bytes = joined(&input, &[*range]);
            let newlines = bytes.iter().filter(|byte| **byte == b'\n').count();
            prop_assert_eq!(u64::try_from(newlines).unwrap(), per_slice);
            prop_assert_eq!(bytes.last(), Some(&b'\n'));
        }
    }

    #[test]
    fn records_are_never_cut(count in 1_u64..200, length in 1_u64..9, per_slice in 1_u64..9) {
        for range in records(count * length, length, per_slice).unwrap() {
            prop_assert_eq!((range.start % length, range.length % length), (0, 0));
        }
    }

    #[test]
    fn tiles_cover_every_pixel_once(
        width in 1_u32..60, height in 1_u32..60, across in 1_u32..25, down in 1_u32..25,
    ) {
        let mut seen = vec![0; (width * height) as usize];
        for tile in tiles(width, height, across, down).unwrap() {
            prop_assert!(tile.width > 0 && tile.height > 0);
            for y in tile.y..tile.y + tile.height {
                for x in tile.x..tile.x + tile.width {
                    seen[(y * width + x) as usize] += 1;
                }
            }
        }
        prop_assert!(seen.iter().all(|times| *times == 1));
    }

    #[test]
    fn tasks_are_contiguous_and_cover_all_slices(slices in 1_u64..5_000, per_task in 1_u64..99) {
        let mut next = 0;
        for range in tasks(slices, per_task).unwrap() {
            prop_assert_eq!(range.first, next);
            prop_assert!(range.count > 0 && range.count <= per_task);
            next += range.count;
        }
        prop_assert_eq!(next, slices);
    }
}
