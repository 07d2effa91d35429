use super::*;
use proptest::prelude::*;

fn specification(input: Input) -> Specification {
    Specification {
        version: 1,
        work: Work::Wasm {
            program: ProgramDigest::new([1; 32]),
            arguments: vec!["--deep".to_owned()],
            environment: vec![("LANG".to_owned(), "C".to_owned())],
            units: 1_000_000,
            memory_bytes: 1 << 24,
            output_bytes: 1 << 20,
        },
        engine: EngineProfile::new("tallystick.wasm.1").unwrap(),
        input,
        slices_per_task: 2,
        work_units_per_slice: 10,
        policy: Policy::Auto,
        privacy: Privacy::Public,
        queueing: Queueing::Queue,
        limits: Limits::for_tasks(),
    }
}

fn lines() -> Input {
    let splitter = Splitter::Lines { per_slice: 1 };
    Input::Blob { digest: InputDigest::new([2; 32]), size: 6, splitter }
}

#[test]
fn a_specification_is_read_as_it_was_written_and_named_by_its_bytes() {
    let written = specification(lines());
    let bytes = written.to_bytes();
    assert_eq!(Specification::from_bytes(&bytes).unwrap(), written);
    assert_eq!(written.digest().as_bytes(), &<[u8; 32]>::from(Sha256::digest(&bytes)));
}

#[test]
fn the_same_words_in_another_form_are_refused() {
    let bytes = specification(lines()).to_bytes();
    let spaced = [bytes.as_slice(), b"\n"].concat();
    assert!(matches!(Specification::from_bytes(&spaced), Err(SpecificationError::NotCanonical)));
    let text = String::from_utf8(bytes).unwrap();
    let newer = text.replace("\"version\":1", "\"version\":2");
    assert!(matches!(
        Specification::from_bytes(newer.as_bytes()),
        Err(SpecificationError::UnknownVersion { given: 2 })
    ));
    let more = text.replacen('{', "{\"colour\":1,", 1);
    assert!(matches!(
        Specification::from_bytes(more.as_bytes()),
        Err(SpecificationError::Unreadable { .. })
    ));
    assert!(matches!(
        Specification::from_bytes(&vec![b' '; MOST_BYTES + 1]),
        Err(SpecificationError::TooLong { .. })
    ));
}

#[test]
fn lines_need_their_blob_and_exactly_that_one() {
    let input = lines();
    assert!(matches!(input.slices(None), Err(SpecificationError::BlobNeeded { .. })));
    assert!(matches!(
        input.slices(Some(b"a\n")),
        Err(SpecificationError::OtherSize { stated: 6, found: 2 })
    ));
    assert_eq!(input.slices(Some(b"a\nb\nc\n")).unwrap().len(), 3);
}

#[test]
fn tiles_are_lines_of_text_and_cover_the_picture() {
    let input = Input::Tiles { width: 5, height: 2, across: 3, down: 2 };
    let texts = ["0 0 3 2\n", "3 0 2 2\n"].map(|text| Slice::Text(text.to_owned()));
    assert_eq!(input.slices(None).unwrap(), texts);
    assert!(specification(input).blobs().len() == 1);
}

#[test]
fn slices_are_counted_as_they_are_listed_and_millions_of_tiles_without_a_list() {
    let blob = InputBlob { digest: InputDigest::new([1; 32]), size: 1 };
    let tiles = Input::Tiles { width: 5, height: 3, across: 3, down: 2 };
    for (input, at_hand) in
        [(lines(), Some(&b"a\nb\nc\n"[..])), (Input::Blobs(vec![blob; 4]), None), (tiles, None)]
    {
        let listed = input.slices(at_hand).unwrap().len();
        assert_eq!(input.count(at_hand).unwrap(), u64::try_from(listed).unwrap());
    }
    assert!(matches!(lines().count(None), Err(SpecificationError::BlobNeeded { .. })));
    let many = |width| Input::Tiles { width, height: 4_096, across: 1, down: 1 };
    assert_eq!(many(4_096).count(None).unwrap(), MOST_SLICES);
    assert!(matches!(many(4_097).count(None), Err(SpecificationError::Split(_))));
}

#[test]
fn inputs_that_differ_have_different_digests() {
    let blob = |byte| InputBlob { digest: InputDigest::new([byte; 32]), size: 1 };
    let digests = [
        Input::Blobs(vec![blob(1), blob(2)]).digest(),
        Input::Blobs(vec![blob(2), blob(1)]).digest(),
        Input::Blobs(vec![blob(1)]).digest(),
        Input::Tiles { width: 1, height: 2, across: 1, down: 1 }.digest(),
        Input::Tiles { width: 2, height: 1, across: 1, down: 1 }.digest(),
    ];
    for (place, digest) in digests.iter().enumerate() {
        assert!(!digests[..place].contains(digest));
    }
    assert_eq!(lines().digest(), InputDigest::new([2; 32]));
}

#[test]
fn every_slice_of_every_job_has_randomness_of_its_own() {
    let seeds = [
        slice_seed(JobId::new([1; 32]), 0),
        slice_seed(JobId::new([1; 32]), 1),
        slice_seed(JobId::new([2; 32]), 0),
    ];
    assert!(seeds[0] != seeds[1] && seeds[0] != seeds[2] && seeds[1] != seeds[2]);
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_fail_otherwise_than_by_an_error(bytes: Vec<u8>) {
        prop_assert!(Specification::from_bytes(&bytes).is_err());
    }
}
