//! Values of the journal, as a disk may have damaged them.

use tallystick_coordinator::machine::{Input, Machine, MachineState};
use tallystick_journal::{
    DeadLetter, Family, JobRecord, Network, PairingId, ReceiptRecord, Stored, TrustPairing,
};

/// Kinds of values, by the first byte of an input.
const READERS: [crate::Target; 8] = [
    stored::<JobRecord>,
    stored::<ReceiptRecord>,
    stored::<TrustPairing>,
    stored::<DeadLetter>,
    stored::<PairingId>,
    stored::<Network>,
    stored::<Input>,
    snapshot,
];

/// Reads one input: the kind of value in one byte, then the stored bytes.
pub fn read(bytes: &[u8]) {
    crate::one_of(&READERS, bytes);
}

/// The bytes of what was read mean the same, also after a second way.
fn stored<T: Stored>(bytes: &[u8]) {
    match tallystick_journal::decode::<T>(Family::Events, bytes) {
        Ok(value) => {
            let written = tallystick_journal::encode(&value).expect("what was stored is stored");
            let again = tallystick_journal::decode::<T>(Family::Events, &written);
            let again = again.expect("what was written is read");
            assert_eq!(tallystick_journal::encode(&again).ok(), Some(written));
        }
        Err(refusal) => assert!(!refusal.to_string().is_empty()),
    }
}

/// A coordinator goes on from any state that is read.
fn snapshot(bytes: &[u8]) {
    stored::<MachineState>(bytes);
    if let Ok(state) = tallystick_journal::decode::<MachineState>(Family::Snapshots, bytes) {
        let restored = Machine::restore(state).state();
        tallystick_journal::encode(&restored).expect("what was restored is stored");
    }
}
