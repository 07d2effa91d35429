use std::fs;

use super::*;
use tallystick_protocol::split::SplitError;

const MODULE: &[u8] = b"\0asm\x01\0\0\0";

fn draft(input: InputSource) -> Draft {
    Draft::new(Source::Bytes(MODULE.to_vec()), input)
}

fn lines(count: usize) -> InputSource {
    InputSource::Bytes("line\n".repeat(count).into_bytes())
}

#[test]
fn a_file_becomes_slices_of_lines_and_everything_is_uploaded() {
    let mut draft = draft(lines(10));
    draft.split = Some("lines:4".parse().unwrap());
    draft.arguments = vec!["--loud".into()];
    let prepared = draft.prepare().unwrap();
    assert_eq!((prepared.slices, prepared.tasks), (3, 3));
    let read = Specification::from_bytes(&prepared.bytes).unwrap();
    assert_eq!(read, prepared.specification);
    let mut expected = read.blobs();
    expected.push(read.digest().into());
    let needed: Vec<_> = prepared.needed.iter().map(|needed| needed.digest).collect();
    assert_eq!(needed, expected);
}

#[test]
fn limits_are_sane_unless_they_are_set() {
    let Work::Wasm { units, memory_bytes, output_bytes, .. } =
        draft(lines(1)).prepare().unwrap().specification.work;
    assert_eq!((units, memory_bytes, output_bytes), (10_000_000_000, 256 << 20, 16 << 20));
}

#[test]
fn tasks_are_four_to_sixty_four_where_there_are_slices_enough() {
    for (slices, tasks) in [(1, 1), (3, 3), (16, 4), (100, 10), (1_000, 31), (100_000, 64)] {
        let made = slices_to_tasks(slices);
        assert!(made.abs_diff(tasks) <= 1, "{slices} slices made {made} tasks");
    }
    for slices in 4..5_000 {
        let tasks = slices_to_tasks(slices);
        assert!((3..=64).contains(&tasks), "{slices} slices made {tasks} tasks");
    }
}

fn slices_to_tasks(slices: u64) -> u64 {
    slices.div_ceil(per_task(slices))
}

#[test]
fn a_folder_is_one_blob_per_file_in_the_order_of_names() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("b.txt", "two"), ("a.txt", "one"), (".hidden", "no")] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    fs::create_dir(folder.path().join("inner")).unwrap();
    let prepared = draft(InputSource::Folder(folder.path().to_owned())).prepare().unwrap();
    assert_eq!(prepared.names, ["a.txt", "b.txt"]);
    let Input::Blobs(blobs) = &prepared.specification.input else { panic!("not blobs") };
    let one = Source::Bytes(b"one".to_vec()).needed().unwrap();
    assert_eq!(blobs[0].digest.as_bytes(), one.digest.as_bytes());
    assert_eq!(prepared.slices, 2);
}

#[test]
fn folders_without_usable_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let input = || draft(InputSource::Folder(folder.path().to_owned()));
    assert!(matches!(input().prepare(), Err(DraftError::NoFiles { .. })));
    fs::write(folder.path().join("empty"), "").unwrap();
    assert!(matches!(input().prepare(), Err(DraftError::EmptyFile { .. })));
    let missing = draft(InputSource::File(folder.path().join("missing"))).prepare();
    assert!(matches!(missing, Err(DraftError::Read { .. })));
}

#[test]
fn a_picture_needs_no_upload_but_program_and_specification() {
    let grid = "100x50/64x64".parse().unwrap();
    let prepared = draft(InputSource::Tiles(grid)).prepare().unwrap();
    assert_eq!((prepared.slices, prepared.needed.len()), (2, 2));
}

#[test]
fn words_name_splits_and_pictures() {
    let records = Splitter::Records { length: 8, per_slice: 2 };
    assert_eq!("records:8:2".parse(), Ok(Split::Cut(records)));
    assert_eq!("bytes:5".parse(), Ok(Split::Cut(Splitter::Bytes { per_slice: 5 })));
    assert_eq!("files".parse(), Ok(Split::Files));
    for wrong in ["", "lines", "lines:0", "lines:-1", "lines:+1", "records:8", "files:1"] {
        assert!(wrong.parse::<Split>().is_err(), "{wrong}");
    }
    for wrong in ["640x480", "640x480/0x64", "640/64", "axb/1x1", "1x1/1x1/1x1"] {
        assert!(wrong.parse::<TileGrid>().is_err(), "{wrong}");
    }
}

#[test]
fn what_cannot_be_worked_on_is_refused_before_anything_is_sent() {
    let mut no_module = draft(lines(1));
    no_module.program = Source::Bytes(b"#!/bin/sh".to_vec());
    assert!(matches!(no_module.prepare(), Err(DraftError::NotWasm)));
    let mut no_units = draft(lines(1));
    no_units.units = 0;
    assert!(matches!(no_units.prepare(), Err(DraftError::Zero { field: "units" })));
    let mut files = draft(lines(1));
    files.split = Some(Split::Files);
    assert!(matches!(files.prepare(), Err(DraftError::FilesOfOne)));
    let mut cut = draft(InputSource::Tiles("8x8/4x4".parse().unwrap()));
    cut.split = Some("lines:1".parse().unwrap());
    assert!(matches!(cut.prepare(), Err(DraftError::SplitOfMany)));
    let mut broken = draft(InputSource::Bytes(vec![0; 9]));
    broken.split = Some("records:4:1".parse().unwrap());
    assert!(matches!(broken.prepare(), Err(DraftError::Input(_))));
    let mut many = draft(InputSource::Bytes(vec![0; 70_000]));
    many.split = Some("bytes:1".parse().unwrap());
    many.slices_per_task = NonZeroU64::new(1);
    let refused = many.prepare();
    assert!(matches!(refused, Err(DraftError::Tasks(SplitError::TooManyTasks { .. }))));
}
