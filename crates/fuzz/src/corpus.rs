//! What the fuzzer begins with: inputs of every target, from the encoders of the crates.
//!
//! `corpus/<target>/` holds them as files; a test compares. What a run finds lies elsewhere, below
//! `target/fuzz`.

mod chain;
mod files;
mod work;

use std::fs;
use std::io;
use std::path::PathBuf;

/// An input and the name of its file.
pub type Seed = (String, Vec<u8>);

/// Every target with its inputs.
pub fn corpus() -> Vec<(&'static str, Vec<Seed>)> {
    vec![
        ("canonical", work::canonical()),
        ("configuration", files::configuration()),
        ("deployment", files::deployment()),
        ("endpoint", chain::endpoint()),
        ("house_event", chain::house_event()),
        ("json", work::json()),
        ("keystore", files::keystore()),
        ("receipt", work::receipt()),
        ("revert", chain::revert()),
        ("specification", work::specification()),
        ("split", files::split()),
        ("stored_journal", work::stored_journal()),
        ("stored_notes", chain::stored_notes()),
        ("wasm_bytes", files::wasm_bytes()),
        ("wasm_modules", files::wasm_modules()),
        ("wire_blobs", crate::wire_blobs::seeds()),
        ("wire_client", crate::wire_client::seeds()),
        ("wire_worker", crate::wire_worker::seeds()),
        ("words", files::words()),
    ]
}

/// Writes all inputs to their folders.
///
/// # Errors
///
/// What the disk says.
pub fn write() -> io::Result<()> {
    for (target, seeds) in corpus() {
        let folder = folder(target);
        fs::create_dir_all(&folder)?;
        for (name, bytes) in seeds {
            fs::write(folder.join(name), bytes)?;
        }
    }
    Ok(())
}

/// Where the inputs of a target lie.
pub fn folder(target: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "corpus", target].iter().collect()
}

/// An input that begins with the number of its kind.
fn of_kind(kind: u8, name: &str, bytes: impl AsRef<[u8]>) -> Seed {
    (name.to_owned(), [&[kind][..], bytes.as_ref()].concat())
}
