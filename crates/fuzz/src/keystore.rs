//! Encrypted keys as other programs write them.

use std::fs;
use std::sync::LazyLock;

use tallystick_chain::keys::{EvmSigner, Keystores, Password};
use tempfile::TempDir;

/// The password of the keys in the corpus.
pub const PASSWORD: &str = "right";

/// Work that a file may ask for to be opened here: what lies between that and the limit of a key
/// is allowed, and would take the fuzzer a second each.
const MOST_WORK: f64 = 65_536.0;

/// Work from which on a file must be refused, so that it is opened here again.
const REFUSED_WORK: f64 = 16_777_216.0;

static FOLDER: LazyLock<TempDir> =
    LazyLock::new(|| tempfile::tempdir().expect("a folder for keys can be made"));

/// Reads one input, a file of a key. It is opened with the right password of the corpus: within
/// the time and memory that one key may cost, whatever the file asks for.
pub fn read(bytes: &[u8]) {
    let keys = Keystores::at(FOLDER.path());
    fs::write(FOLDER.path().join("key.json"), bytes).expect("the folder takes a file");
    let listed = keys.list().expect("the folder can be listed");
    assert!(listed.len() <= 1);
    let work = work(bytes);
    if work > MOST_WORK && work < REFUSED_WORK {
        return;
    }
    for address in listed.into_iter().filter_map(|listed| listed.address) {
        match keys.unlock(address, &Password::new(PASSWORD.to_owned())) {
            Ok(key) => assert_eq!(key.address(), address),
            Err(refusal) => assert!(!refusal.to_string().is_empty()),
        }
    }
}

/// What a file seems to ask for: rounds of PBKDF2, or blocks that scrypt mixes.
fn work(bytes: &[u8]) -> f64 {
    let file: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
    let number = |name: &str| file["crypto"]["kdfparams"][name].as_f64();
    let blocks: f64 = ["n", "r", "p"].into_iter().filter_map(number).product();
    number("c").unwrap_or(0.0).max(blocks)
}
