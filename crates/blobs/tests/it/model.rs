//! Any sequence of calls against a model that keeps everything in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use tallystick_blobs::{BlobError, BlobReader, BlobStore, Pin, PinReason};
use tallystick_types::{BlobDigest, JobId, WallTime};

use crate::faulty_disk::FaultyDisk;
use crate::sample::{QUOTA, address, bytes, on};

const SIZES: [usize; 5] = [0, 1, 900, 65_536, 70_000];

#[derive(Clone, Debug)]
enum Call {
    Put(usize),
    Get(usize),
    Delete(usize),
    Open(usize),
    CloseOldest,
    Pin(usize, u8, u64),
    Unpin(usize, u8),
    Collect(u64),
    Restart,
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let blob = 0..SIZES.len();
    let call = prop_oneof![
        4 => blob.clone().prop_map(Call::Put),
        2 => blob.clone().prop_map(Call::Get),
        2 => blob.clone().prop_map(Call::Delete),
        1 => blob.clone().prop_map(Call::Open),
        1 => Just(Call::CloseOldest),
        1 => (blob.clone(), 0_u8..2, 0_u64..80).prop_map(|(a, b, c)| Call::Pin(a, b, c)),
        1 => (blob, 0_u8..2).prop_map(|(a, b)| Call::Unpin(a, b)),
        2 => (0_u64..140_000).prop_map(Call::Collect),
        1 => Just(Call::Restart),
    ];
    prop::collection::vec(call, 1..50)
}

/// What must be there.
#[derive(Debug, Default)]
struct Model {
    /// Number of a blob, and when it was stored and last used.
    blobs: BTreeMap<usize, (u64, u64)>,
    pins: BTreeMap<usize, BTreeMap<u8, u64>>,
    open: Vec<usize>,
    clock: u64,
}

impl Model {
    fn bytes(&self) -> u64 {
        self.blobs.keys().map(|number| on_disk(*number)).sum()
    }

    fn is_pinned(&self, number: usize) -> bool {
        self.pins.get(&number).is_some_and(|pins| !pins.is_empty())
    }

    fn touch(&mut self, number: usize) {
        if let Some((_, used)) = self.blobs.get_mut(&number) {
            *used = self.clock;
        }
    }

    /// The blobs that a collection must take, in order.
    fn collect(&mut self, now: u64, target: u64) -> Vec<BlobDigest> {
        self.pins.values_mut().for_each(|pins| pins.retain(|_, until| now < *until));
        let mut order: Vec<_> = self.blobs.iter().map(|(number, at)| (at.1, *number)).collect();
        order.sort_unstable();
        let mut gone = Vec::new();
        for (_, number) in order {
            if self.bytes() > target && !self.is_pinned(number) && !self.open.contains(&number) {
                self.blobs.remove(&number);
                gone.push(digest(number));
            }
        }
        gone
    }
}

fn content(number: usize) -> Vec<u8> {
    bytes(SIZES[number], number as u64)
}

fn digest(number: usize) -> BlobDigest {
    address(&content(number))
}

fn on_disk(number: usize) -> u64 {
    let size = SIZES[number] as u64;
    size + 32 * size.div_ceil(65_536).max(1) + 82
}

fn reason(number: u8) -> PinReason {
    PinReason::Job(JobId::new([number; 32]))
}

struct Run {
    disk: Arc<FaultyDisk>,
    store: Option<BlobStore>,
    readers: Vec<BlobReader>,
    model: Model,
}

impl Run {
    fn step(&mut self, call: &Call) {
        self.model.clock += 1;
        let now = self.model.clock;
        let store = self.store.clone().expect("a store is open between two calls");
        match *call {
            Call::Put(number) => {
                let existed = self.model.blobs.contains_key(&number);
                assert_eq!(store.put(&content(number)).unwrap().existed, existed);
                self.model.blobs.entry(number).or_insert((now, now)).1 = now;
            }
            Call::Get(number) => match store.get(digest(number)) {
                Ok(got) => {
                    assert!(self.model.blobs.contains_key(&number) && got == content(number));
                    self.model.touch(number);
                }
                Err(_) => assert!(!self.model.blobs.contains_key(&number)),
            },
            Call::Delete(number) => self.delete(&store, number),
            Call::Open(number) => {
                if let Ok(reader) = store.reader(digest(number)) {
                    self.readers.push(reader);
                    self.model.open.push(number);
                    self.model.touch(number);
                }
            }
            Call::CloseOldest => {
                if !self.readers.is_empty() {
                    let mut reader = self.readers.remove(0);
                    let number = self.model.open.remove(0);
                    let size = reader.size();
                    assert_eq!(reader.range(0, size).unwrap(), content(number));
                }
            }
            Call::Pin(number, job, until) => {
                let until_time = Some(WallTime::new(until));
                let pin = Pin { reason: reason(job), until: until_time };
                store.pin(digest(number), pin).unwrap();
                self.model.pins.entry(number).or_default().insert(job, until);
            }
            Call::Unpin(number, job) => {
                let expected = self.model.pins.entry(number).or_default().remove(&job).is_some();
                assert_eq!(store.unpin(digest(number), reason(job)).unwrap(), expected);
            }
            Call::Collect(target) => {
                let done = store.collect(WallTime::new(now), target).unwrap();
                assert_eq!(done.blobs, self.model.collect(now, target));
            }
            Call::Restart => self.restart(),
        }
    }

    fn delete(&mut self, store: &BlobStore, number: usize) {
        let result = store.delete(digest(number));
        if !self.model.blobs.contains_key(&number) {
            assert!(matches!(result, Err(BlobError::Missing { .. })));
        } else if self.model.is_pinned(number) {
            assert!(matches!(result, Err(BlobError::Pinned { .. })));
        } else if self.model.open.contains(&number) {
            assert!(matches!(result, Err(BlobError::InUse { .. })));
        } else {
            result.unwrap();
            self.model.blobs.remove(&number);
        }
    }

    /// The order of storing becomes the order of use.
    fn restart(&mut self) {
        self.readers.clear();
        self.model.open.clear();
        self.store = None;
        self.store = Some(on(&self.disk, QUOTA).0);
        self.model.blobs.values_mut().for_each(|(stored, used)| *used = *stored);
    }

    fn check(&self) {
        let store = self.store.as_ref().expect("a store is open between two calls");
        let mut expected: Vec<_> = self.model.blobs.keys().map(|number| digest(*number)).collect();
        expected.sort_unstable();
        assert_eq!(store.list(), expected);
        let figures = store.statistics();
        assert_eq!(figures.stored_bytes, self.model.bytes());
        assert_eq!(figures.free_bytes, QUOTA - self.model.bytes());
        assert_eq!(self.disk.used_below("/store/blobs"), self.model.bytes());
        let pinned = self.model.pins.values().filter(|pins| !pins.is_empty()).count();
        assert_eq!(figures.pinned, pinned as u64);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn any_sequence_of_calls_does_what_the_model_does(calls in calls()) {
        let disk = Arc::new(FaultyDisk::default());
        let store = Some(on(&disk, QUOTA).0);
        let mut run = Run { disk, store, readers: Vec::new(), model: Model::default() };
        for call in &calls {
            run.step(call);
            run.check();
        }
    }
}
