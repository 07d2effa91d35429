//! Canonical encodings: a value has one sequence of bytes, and nothing else is read as it.

use std::fmt::Debug;

use alloy_primitives::U256;
use tallystick_protocol::commitment::{Pledge, TaskAssignment};
use tallystick_protocol::output::TaskOutput;
use tallystick_types::{
    Attestation, Attestations, Canonical, JobId, JobParameters, JobPrice, JobRules, Receipt, Seat,
    SignedReceipt, SliceRange,
};

/// Kinds of values, by the first byte of an input.
const READERS: [crate::Target; 10] = [
    canonical::<Receipt>,
    canonical::<SignedReceipt>,
    canonical::<Pledge>,
    canonical::<TaskAssignment>,
    canonical::<Attestations>,
    canonical::<Attestation>,
    task_output,
    rules,
    parameters,
    words,
];

/// Reads one input: the kind of value in one byte, then its bytes.
pub fn read(bytes: &[u8]) {
    crate::one_of(&READERS, bytes);
}

fn canonical<T: Canonical + PartialEq + Debug>(bytes: &[u8]) {
    match T::from_bytes(bytes) {
        Ok(value) => assert_eq!(value.to_bytes(), bytes, "{value:?} has two encodings"),
        Err(refusal) => assert!(!refusal.to_string().is_empty()),
    }
}

/// The first byte is the number of slices.
fn task_output(bytes: &[u8]) {
    let Some((&count, body)) = bytes.split_first() else { return };
    let slices = SliceRange { first: u64::MAX - u64::from(count), count: u64::from(count) };
    let Ok(output) = TaskOutput::read(slices, body) else { return };
    assert_eq!(output.to_bytes(), body, "{output:?} has two encodings");
    assert_eq!(output.outputs().len(), usize::from(count));
    // A task without slices makes no tree.
    let Ok(root) = output.root() else { return assert_eq!(count, 0) };
    assert_eq!(TaskOutput::from_bytes(slices, body, root), Ok(output));
}

fn word(bytes: &[u8]) -> Option<U256> {
    bytes.try_into().ok().map(U256::from_be_bytes::<32>)
}

/// Rules as the contracts pack them.
fn rules(bytes: &[u8]) {
    let Some(word) = word(bytes) else { return };
    if let Ok(rules) = JobRules::unpack(word) {
        assert_eq!(rules.pack(), word, "{rules:?} has two words");
    }
}

/// Parameters as the contracts pack them.
fn parameters(bytes: &[u8]) {
    let Some(word) = word(bytes) else { return };
    if let Ok(parameters) = JobParameters::unpack(word) {
        assert_eq!(parameters.pack(), Ok(word), "{parameters:?} has two words");
    }
}

/// A price, a seat and a job's id as the contracts pack them.
fn words(bytes: &[u8]) {
    let Some(word) = word(bytes) else { return };
    assert_eq!(JobPrice::unpack(word).pack(), word);
    if let Ok(seat) = Seat::unpack(word) {
        assert_eq!(seat.pack(), word, "{seat:?} has two words");
    }
    let job = JobId::new(word.to_be_bytes());
    assert!(job.sequence().get() < 1 << 24 && job.slot() < 1 << 80);
}
