#![doc = include_str!("../README.md")]

pub mod canonical;
pub mod configuration;
pub mod corpus;
pub mod deployment;
pub mod endpoint;
pub mod house_event;
pub mod json;
pub mod keystore;
pub mod receipt;
pub mod revert;
pub mod specification;
pub mod split;
pub mod stored_journal;
pub mod stored_notes;
pub mod wasm_bytes;
pub mod wasm_modules;
pub mod wire_blobs;
pub mod wire_client;
pub mod wire_worker;
pub mod words;

mod message;
#[cfg(test)]
mod tests;

pub use corpus::Seed;

/// What reads one input. It returns for every input; a panic is a finding.
pub type Target = fn(&[u8]);

/// Every target by the name of its binary and of its folder in `corpus`.
pub const TARGETS: [(&str, Target); 19] = [
    ("canonical", canonical::read),
    ("configuration", configuration::read),
    ("deployment", deployment::read),
    ("endpoint", endpoint::read),
    ("house_event", house_event::read),
    ("json", json::read),
    ("keystore", keystore::read),
    ("receipt", receipt::read),
    ("revert", revert::read),
    ("specification", specification::read),
    ("split", split::read),
    ("stored_journal", stored_journal::read),
    ("stored_notes", stored_notes::read),
    ("wasm_bytes", wasm_bytes::read),
    ("wasm_modules", wasm_modules::read),
    ("wire_blobs", wire_blobs::read),
    ("wire_client", wire_client::read),
    ("wire_worker", wire_worker::read),
    ("words", words::read),
];

/// Gives the bytes behind the first one to the reader that the first one names. Inputs of all
/// kinds so share one corpus.
fn one_of(readers: &[Target], bytes: &[u8]) {
    let Some((&kind, body)) = bytes.split_first() else { return };
    if let Some(reader) = readers.get(usize::from(kind)) {
        reader(body);
    }
}
