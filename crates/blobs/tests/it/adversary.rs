//! Senders that lie, and the fetch that does not believe them.

use std::io::Read;

use proptest::prelude::*;
use tallystick_blobs::transfer::{
    Blame, Descriptor, Fetch, FetchError, MOST_CHUNKS, Part, ProvedChunk, Refusal, Request,
    SenderFault, Step,
};
use tallystick_blobs::{
    BlobStore, CHUNK_BYTES, ChunkHasher, ChunkTree, Hashed, chunk_digest, chunk_leaf,
};
use tallystick_types::merkle::MerkleTree;
use tallystick_types::{BlobDigest, ChunkRoot};

use crate::sample::{QUOTA, address, bytes, local};

const CHUNKS: u64 = 5;
const SIZE: usize = 4 * CHUNK_BYTES + 1_000;

/// The messages of an honest answer for all chunks.
fn honest(content: &[u8]) -> Vec<Part> {
    let (store, _folder) = local(QUOTA);
    let digest = store.put(content).unwrap().digest;
    answer(&store, Request { digest, first: 0, count: MOST_CHUNKS })
}

fn answer(store: &BlobStore, request: Request) -> Vec<Part> {
    let mut serving = store.serve(request.digest).unwrap();
    serving.answer(request).map(Result::unwrap).collect()
}

/// Gives all messages to a fresh fetch: the verified bytes, and the first error.
fn fetched(digest: BlobDigest, parts: Vec<Part>) -> (Vec<u8>, Option<FetchError>) {
    let mut fetch = Fetch::new(digest, QUOTA);
    fetch.request(MOST_CHUNKS).unwrap();
    let mut verified = Vec::new();
    for part in parts {
        match fetch.accept(part) {
            Ok(Step::Chunk { bytes, .. }) => verified.extend(bytes),
            Ok(Step::Described(_) | Step::Confirmed | Step::Answered) => {}
            Err(error) => return (verified, Some(error)),
        }
    }
    (verified, fetch.finish().and_then(Result::err))
}

/// The fault of an answer that somebody changed; the bytes before it must be those of the blob.
fn fault(change: impl FnOnce(&mut Vec<Part>)) -> SenderFault {
    let content = bytes(SIZE, 1);
    let mut parts = honest(&content);
    change(&mut parts);
    let (verified, error) = fetched(address(&content), parts);
    assert!(content.starts_with(&verified));
    let error = error.expect("the answer was changed");
    assert_eq!(error.blame(), Blame::Sender);
    match error {
        FetchError::Fault(fault) => fault,
        other => panic!("{other}"),
    }
}

fn chunk(parts: &mut [Part], index: usize) -> &mut ProvedChunk {
    match &mut parts[index + 1] {
        Part::Chunk(chunk) => chunk,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_honest_answer_is_the_blob() {
    for size in [0, 1, CHUNK_BYTES, SIZE] {
        let content = bytes(size, 2);
        let (verified, error) = fetched(address(&content), honest(&content));
        assert_eq!((verified, error), (content, None));
    }
}

#[test]
fn wrong_bytes_and_wrong_proofs_are_the_fault_of_the_sender() {
    let wrong = |index| SenderFault::NotInTree { index };
    assert_eq!(fault(|parts| chunk(parts, 2).bytes[7] ^= 1), wrong(2));
    assert_eq!(fault(|parts| chunk(parts, 0).proof[1].0[3] ^= 1), wrong(0));
    assert_eq!(fault(|parts| chunk(parts, 1).proof.clear()), wrong(1));
    let long = |parts: &mut Vec<Part>| {
        let step = chunk(parts, 1).proof[0];
        chunk(parts, 1).proof.extend([step; 90]);
    };
    assert_eq!(fault(long), wrong(1));
    let swapped = fault(|parts| {
        let bytes = chunk(parts, 1).bytes.clone();
        let proof = chunk(parts, 1).proof.clone();
        let second = chunk(parts, 2);
        (second.bytes, second.proof) = (bytes, proof);
    });
    assert_eq!(swapped, wrong(2));
}

#[test]
fn too_many_messages_are_a_fault() {
    let again = |parts: &mut Vec<Part>| {
        let mut more = chunk(parts, 4).clone();
        more.index = CHUNKS;
        parts.insert(6, Part::Chunk(more));
    };
    assert_eq!(fault(again), SenderFault::Unrequested);
    assert_eq!(fault(|parts| parts.push(Part::End)), SenderFault::Unrequested);
    let second = |parts: &mut Vec<Part>| parts.insert(3, parts[0].clone());
    assert_eq!(fault(second), SenderFault::SecondDescriptor);
}

#[test]
fn an_endless_answer_ends_at_the_first_message_too_many() {
    let content = bytes(SIZE, 3);
    let mut parts = honest(&content);
    parts.pop();
    let endless = std::iter::repeat_with(|| parts[1].clone());
    let mut fetch = Fetch::new(address(&content), QUOTA);
    fetch.request(2).unwrap();
    let mut accepted = 0;
    for part in parts.iter().take(3).cloned().chain(endless) {
        match fetch.accept(part) {
            Ok(_) => accepted += 1,
            Err(error) => {
                assert_eq!(error, SenderFault::Unrequested.into());
                break;
            }
        }
    }
    assert_eq!((accepted, fetch.next_chunk()), (3, 2));
    assert_eq!(fetch.accept(Part::End), Err(SenderFault::Unrequested.into()));
}

#[test]
fn too_few_messages_are_a_fault() {
    let few = |received| SenderFault::TooFew { expected: CHUNKS, received };
    assert_eq!(fault(|parts| drop(parts.drain(3..6))), few(2));
    assert_eq!(fault(|parts| drop(parts.drain(1..6))), few(0));
    assert_eq!(fault(|parts| drop(parts.remove(0))), SenderFault::NoDescriptor);
    assert_eq!(fault(|parts| drop(parts.drain(0..6))), SenderFault::NoDescriptor);
}

#[test]
fn repeated_and_disordered_chunks_are_a_fault() {
    let disorder = |expected, actual| SenderFault::OutOfOrder { expected, actual };
    assert_eq!(fault(|parts| parts.insert(2, parts[1].clone())), disorder(1, 0));
    assert_eq!(fault(|parts| parts.swap(2, 4)), disorder(1, 3));
    assert_eq!(fault(|parts| drop(parts.remove(2))), disorder(1, 2));
    assert_eq!(fault(|parts| chunk(parts, 1).index = u64::MAX), disorder(1, u64::MAX));
}

#[test]
fn chunks_have_the_length_of_their_place() {
    let short = fault(|parts| chunk(parts, 4).bytes.truncate(999));
    assert_eq!(short, SenderFault::ChunkLength { index: 4, expected: 1_000, actual: 999 });
    let long = fault(|parts| chunk(parts, 0).bytes.push(0));
    let (expected, actual) = (CHUNK_BYTES, CHUNK_BYTES + 1);
    assert_eq!(long, SenderFault::ChunkLength { index: 0, expected, actual });
}

#[test]
fn an_answer_about_another_blob_is_a_fault() {
    let other = fault(|parts| *parts = honest(b"other"));
    assert_eq!(other, SenderFault::OtherBlob { actual: address(b"other") });
}

#[test]
fn a_root_that_the_caller_trusts_binds_the_first_sender() {
    let content = bytes(SIZE, 1);
    let parts = honest(&content);
    let Part::Descriptor(described) = parts[0] else { panic!("no descriptor") };
    let mut fetch = Fetch::new(described.digest, QUOTA).expecting(described.root);
    fetch.request(1).unwrap();
    assert_eq!(fetch.accept(parts[0].clone()), Ok(Step::Described(described)));
    let mut fetch = Fetch::new(described.digest, QUOTA).expecting(ChunkRoot::new([9; 32]));
    fetch.request(1).unwrap();
    let actual = described.root;
    assert_eq!(fetch.accept(parts[0].clone()), Err(SenderFault::OtherRoot { actual }.into()));
}

/// A sender that serves other bytes under a true tree of its own: every chunk has its proof.
fn forged(digest: BlobDigest, content: &[u8]) -> Vec<Part> {
    let mut parts = honest(content);
    if let Part::Descriptor(descriptor) = &mut parts[0] {
        descriptor.digest = digest;
    }
    parts
}

#[test]
fn a_false_descriptor_shows_at_the_end_and_blames_its_announcer() {
    let digest = address(&bytes(SIZE, 1));
    let forgery = bytes(SIZE, 2);
    let (_, error) = fetched(digest, forged(digest, &forgery));
    let error = error.unwrap();
    assert!(matches!(error, FetchError::FalseDescriptor { digest, .. }
        if digest == address(&forgery)));
    assert_eq!(error.blame(), Blame::Announcer);
}

#[test]
fn a_tree_with_two_chunks_in_one_place_is_a_false_descriptor() {
    let content = bytes(2 * CHUNK_BYTES, 1);
    let mut hasher = ChunkHasher::default();
    hasher.update(&content);
    let Hashed { digest, size, chunks } = hasher.finish();
    let evil = chunk_digest(&vec![0; CHUNK_BYTES]);
    let leaves: Vec<_> = [(0, &chunks[0]), (1, &chunks[1]), (1, &evil)]
        .map(|(index, chunk)| chunk_leaf(size, index, chunk))
        .into();
    let tree = MerkleTree::new(&leaves).unwrap();
    let root = tree.root().into();
    let proved = |index: u64| {
        Part::Chunk(ProvedChunk {
            index,
            bytes: content.chunks(CHUNK_BYTES).nth(index as usize).unwrap().to_vec(),
            proof: tree.proof(index as usize).unwrap(),
        })
    };
    let descriptor = Part::Descriptor(Descriptor { digest, size, root });
    let (verified, error) = fetched(digest, vec![descriptor, proved(0), proved(1), Part::End]);
    assert_eq!(verified, content);
    assert_eq!(error.unwrap().blame(), Blame::Announcer);
    assert_ne!(ChunkTree::new(size, &chunks).unwrap().root(), root);
}

#[test]
fn two_descriptors_of_one_blob_blame_nobody_yet() {
    let content = bytes(SIZE, 1);
    let (digest, parts) = (address(&content), honest(&content));
    let mut fetch = Fetch::new(digest, QUOTA);
    fetch.request(1).unwrap();
    fetch.accept(parts[0].clone()).unwrap();
    fetch.request(1).unwrap();
    let error = fetch.accept(forged(digest, &bytes(SIZE, 2))[0].clone()).unwrap_err();
    assert!(matches!(error, FetchError::Conflict { .. }));
    assert_eq!(error.blame(), Blame::Nobody);
    fetch.request(1).unwrap();
    assert_eq!(fetch.accept(parts[0].clone()), Ok(Step::Confirmed));
}

#[test]
fn an_announced_size_has_a_limit() {
    let content = bytes(1_000, 1);
    let digest = address(&content);
    let mut fetch = Fetch::new(digest, 999);
    fetch.request(1).unwrap();
    let error = fetch.accept(honest(&content)[0].clone()).unwrap_err();
    assert_eq!(error, FetchError::TooLarge { size: 1_000, limit: 999 });
    let Part::Descriptor(described) = honest(&content)[0] else { panic!("no descriptor") };
    let mut fetch = Fetch::new(digest, u64::MAX);
    fetch.request(1).unwrap();
    let huge = Part::Descriptor(Descriptor { size: u64::MAX, ..described });
    assert!(matches!(fetch.accept(huge), Err(FetchError::TooLarge { .. })));
}

#[test]
fn a_server_refuses_what_it_does_not_have() {
    let (store, _folder) = local(QUOTA);
    let digest = store.put(&bytes(SIZE, 1)).unwrap().digest;
    let refused = |first, count| answer(&store, Request { digest, first, count });
    let refusal = |refusal| vec![Part::Refused(refusal)];
    assert_eq!(refused(CHUNKS, 1), refusal(Refusal::NoSuchChunk { chunks: CHUNKS }));
    assert_eq!(refused(0, 0), refusal(Refusal::Count { most: MOST_CHUNKS }));
    assert_eq!(refused(0, MOST_CHUNKS + 1), refusal(Refusal::Count { most: MOST_CHUNKS }));
    let mut serving = store.serve(digest).unwrap();
    let other = Request { digest: address(b"other"), first: 0, count: 1 };
    let parts: Vec<_> = serving.answer(other).map(Result::unwrap).collect();
    assert_eq!(parts, refusal(Refusal::Missing));
    let (_, error) = fetched(digest, parts);
    assert_eq!(error.unwrap().blame(), Blame::Nobody);
    assert_eq!(refused(4, 9).len(), 3);
}

#[test]
fn a_server_whose_disk_rots_says_that_it_cannot() {
    let (store, folder) = local(QUOTA);
    let digest = store.put(&bytes(SIZE, 1)).unwrap().digest;
    let mut serving = store.serve(digest).unwrap();
    let path = crate::sample::blob_file(folder.path(), digest);
    let mut content = Vec::new();
    std::fs::File::open(&path).unwrap().read_to_end(&mut content).unwrap();
    content[CHUNK_BYTES] ^= 1;
    std::fs::write(&path, content).unwrap();
    let parts: Vec<_> = serving.answer(Request { digest, first: 0, count: 3 }).collect();
    assert!(parts[2].is_err());
    assert!(matches!(parts[3], Ok(Part::Refused(Refusal::Unavailable))));
    assert_eq!(parts.len(), 4);
    assert!(!store.has(digest));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn any_flipped_bit_of_an_answer_is_noticed(
        size in 1_usize..3 * CHUNK_BYTES, pick in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(), bit in 0_u8..8, which in 0..5,
    ) {
        let content = bytes(size, 5);
        let digest = address(&content);
        let mut parts = honest(&content);
        let last = parts.len() - 2;
        let picked = chunk(&mut parts, pick.index(last));
        match which {
            0 => {
                let at = place.index(picked.bytes.len());
                picked.bytes[at] ^= 1 << bit;
            }
            1 if !picked.proof.is_empty() => {
                let step = place.index(picked.proof.len());
                picked.proof[step].0[place.index(32)] ^= 1 << bit;
            }
            2 => picked.index ^= 1 << bit,
            _ => if let Part::Descriptor(descriptor) = &mut parts[0] {
                if which == 3 {
                    descriptor.size ^= 1 << bit;
                } else {
                    let mut root = *descriptor.root.as_bytes();
                    root[place.index(32)] ^= 1 << bit;
                    descriptor.root = ChunkRoot::new(root);
                }
            }
        }
        let (verified, error) = fetched(digest, parts);
        prop_assert!(error.is_some());
        prop_assert!(content.starts_with(&verified));
    }
}
