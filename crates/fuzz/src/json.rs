//! Values that travel or lie as JSON: what is read, is written and read again as the same value.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tallystick_chain::keys::protection::{Exchange, SigningProtection};
use tallystick_ports::MemoryStore;
use tallystick_protocol::claim::{SignedOpening, TaskProof};
use tallystick_protocol::commitment::{Opening, Pledge};
use tallystick_types::{
    ChainAnchor, JobOrder, JobParameters, JobTerms, Receipt, ReceiptClaim, SignedReceipt,
};

/// Kinds of values, by the first byte of an input.
const READERS: [crate::Target; 12] = [
    json::<JobOrder>,
    json::<JobTerms>,
    json::<JobParameters>,
    json::<ReceiptClaim>,
    json::<SignedReceipt>,
    json::<Receipt>,
    json::<TaskProof>,
    json::<SignedOpening>,
    json::<Pledge>,
    json::<Opening>,
    json::<ChainAnchor>,
    exchange,
];

/// Reads one input: the kind of value in one byte, then its JSON.
pub fn read(bytes: &[u8]) {
    crate::one_of(&READERS, bytes);
}

fn json<T: DeserializeOwned + Serialize + PartialEq + Debug>(bytes: &[u8]) {
    let Ok(value) = serde_json::from_slice::<T>(bytes) else { return };
    let written = serde_json::to_vec(&value).expect("what was JSON is JSON");
    let again = serde_json::from_slice::<T>(&written).expect("what was written is read");
    assert_eq!(again, value, "the value changed on its way");
}

/// What a key signed elsewhere. A memory that took it over tells of it and takes it again.
fn exchange(bytes: &[u8]) {
    json::<Exchange>(bytes);
    let Ok(exchange) = serde_json::from_slice::<Exchange>(bytes) else { return };
    let fresh = || SigningProtection::initialise(std::sync::Arc::new(MemoryStore::default()));
    let memory = fresh().expect("a new memory begins");
    if memory.import(&exchange).is_ok() {
        let told = memory.export().expect("what was taken over is told");
        memory.import(&told).expect("what it tells is no contradiction");
        let other = fresh().expect("a new memory begins");
        other.import(&told).expect("what one memory tells, another takes");
        assert_eq!(other.export().ok(), Some(told));
    }
}
