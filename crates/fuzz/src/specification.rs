//! Specifications, which clients write and everybody else reads.

use tallystick_protocol::specification::{Input, MOST_BYTES, Specification};

/// Slices beyond which a list of them is not made here, so that the fuzzer stays quick.
const MOST_LISTED: u64 = 1 << 12;

/// Reads one input, the JSON of a specification. Nothing but its canonical bytes is taken, and the
/// number of slices is known without a list of them.
pub fn read(bytes: &[u8]) {
    let specification = match Specification::from_bytes(bytes) {
        Ok(specification) => specification,
        Err(refusal) => return assert!(!refusal.to_string().is_empty()),
    };
    assert!(bytes.len() <= MOST_BYTES);
    assert_eq!(specification.to_bytes(), bytes, "a specification has two encodings");
    let inputs = specification.input.blobs().len();
    assert_eq!(specification.blobs().len(), inputs.saturating_add(1));
    let at_hand = match &specification.input {
        Input::Blob { size, .. } if *size <= MOST_LISTED => {
            let line = b"one line of many\n".iter().copied().cycle();
            Some(line.take(usize::try_from(*size).unwrap_or_default()).collect::<Vec<u8>>())
        }
        Input::Blob { .. } | Input::Blobs(_) | Input::Tiles { .. } => None,
    };
    match specification.input.count(at_hand.as_deref()) {
        Ok(count) if count <= MOST_LISTED => {
            let slices = specification.input.slices(at_hand.as_deref());
            let slices = slices.expect("what was counted is listed");
            assert_eq!(u64::try_from(slices.len()).ok(), Some(count));
        }
        Ok(_) => {}
        Err(refusal) => assert!(!refusal.to_string().is_empty()),
    }
}
