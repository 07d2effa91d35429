//! Files and words of people: configurations, records, keys, programs.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use alloy_primitives::{Address, hex, keccak256};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use tallystick_abi::Deployment;
use tallystick_chain::keys::{KeystoreError, Keystores, Password};
use tallystick_node::{Config, Role};

use super::{Seed, of_kind};
use crate::house_event::house;
use crate::keystore::PASSWORD;

/// The configuration of all roles, one of a file with settings on top, and one that is refused.
pub(super) fn configuration() -> Vec<Seed> {
    let roles = BTreeSet::from([Role::Coordinator, Role::Worker, Role::Settler, Role::Archive]);
    let mut config = Config { roles, ..Config::default() };
    config.keys.account = Address::repeat_byte(1);
    config.keys.password_file = PathBuf::from("/run/password");
    config.settler.least_tip.insert(Address::repeat_byte(2), "1000".to_owned());
    let whole = toml::to_string(&config).expect("a default is TOML");
    let account = format!("keys.account={}", Address::repeat_byte(1));
    let file = "roles = [\"archive\"]\n[chain]\nid = 1";
    let settings = [file, "chain.endpoints=[\"http://a\"]", "data=/d", &account].join("\0");
    let refused = "roles = [\"settler\"]\n[chain]\nagreement = 2\nsafe_depth = 9\n";
    [("whole", whole.as_str()), ("settings", settings.as_str()), ("refused", refused)]
        .map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()))
        .to_vec()
}

/// A record, one of another chain and one that is not complete.
pub(super) fn deployment() -> Vec<Seed> {
    let mut record = house();
    let json = |record: &Deployment| serde_json::to_vec_pretty(record).expect("a record is JSON");
    let whole = json(&record);
    record.contracts.pop_last();
    let incomplete = json(&record);
    record.chain_id = tallystick_types::ChainId::new(1);
    let other = json(&record);
    vec![
        ("whole".to_owned(), whole),
        ("incomplete".to_owned(), incomplete),
        ("other-chain".to_owned(), other),
    ]
}

/// One key that opens at little cost, and files that ask for gigabytes and hours.
pub(super) fn keystore() -> Vec<Seed> {
    let scrypt = |n: u32, r: u32, p: u32| {
        let (length, salt) = (32, "00");
        serde_json::json!({ "dklen": length, "n": n, "r": r, "p": p, "salt": salt })
    };
    let rounds = serde_json::json!(
        { "dklen": 32, "c": u32::MAX, "prf": "hmac-sha256", "salt": "00" }
    );
    let file = |kdfparams| key_file("scrypt", Address::repeat_byte(1), kdfparams, "00");
    vec![
        ("cheap".to_owned(), cheap_key()),
        ("memory".to_owned(), file(scrypt(1 << 30, 8, 1))),
        ("time".to_owned(), file(scrypt(1 << 18, 8, 1 << 20))),
        ("rounds".to_owned(), file(rounds)),
        ("small".to_owned(), file(scrypt(2, 1, 1))),
    ]
}

fn key_file(kind: &str, address: Address, derivation: serde_json::Value, check: &str) -> Vec<u8> {
    let file = serde_json::json!({
        "address": address,
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": { "iv": "0b".repeat(16) },
            "ciphertext": "0a".repeat(32),
            "kdf": kind,
            "kdfparams": derivation,
            "mac": check,
        },
        "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
        "version": 3,
    });
    serde_json::to_vec_pretty(&file).expect("a file of a key is JSON")
}

/// A key whose password is stretched once. Any ciphertext is some key: which one, says whoever
/// opens it under another name.
fn cheap_key() -> Vec<u8> {
    let once = serde_json::json!({ "dklen": 32, "c": 1, "prf": "hmac-sha256", "salt": "0c" });
    let mut mac = Hmac::<Sha256>::new_from_slice(PASSWORD.as_bytes()).expect("any length is a key");
    // The first block of PBKDF2 is that of the salt and the number 1.
    mac.update(&[0x0c, 0, 0, 0, 1]);
    let derived = mac.finalize().into_bytes();
    let (_, second_half) = derived.split_at(16);
    let check = hex::encode(keccak256([second_half, &[0x0a; 32]].concat()));
    let folder = tempfile::tempdir().expect("a folder can be made");
    let guess = Address::repeat_byte(1);
    let write = |address| key_file("pbkdf2", address, once.clone(), &check);
    fs::write(folder.path().join("key.json"), write(guess)).expect("the folder takes a file");
    let password = Password::new(PASSWORD.to_owned());
    match Keystores::at(folder.path()).unlock(guess, &password) {
        Err(KeystoreError::OtherKey { actual, .. }) => write(actual),
        _ => write(guess),
    }
}

/// One cut of each kind, in the order of the target's readers.
pub(super) fn split() -> Vec<Seed> {
    let numbers = |numbers: &[u64]| -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
    };
    vec![
        of_kind(0, "lines", [&numbers(&[2])[..], b"a\nbb\n\nccc"].concat()),
        of_kind(1, "bytes", [&numbers(&[3])[..], b"0123456789"].concat()),
        of_kind(2, "records", [&numbers(&[2, 2])[..], b"0123456789"].concat()),
        of_kind(3, "runs", numbers(&[1_000, 7])),
        of_kind(4, "runs-of-records", numbers(&[1_000, 10, 3])),
        of_kind(5, "tiles", [640_u32, 480, 64, 50].map(u32::to_le_bytes).concat()),
        of_kind(6, "tasks", numbers(&[1_000, 33])),
    ]
}

/// The guests of the sandbox's tests and the smallest example.
pub(super) fn wasm_bytes() -> Vec<Seed> {
    let root: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", ".."].iter().collect();
    let mut seeds = Vec::new();
    for entry in files(&root.join("crates/sandbox/tests/guests")) {
        let text = fs::read(&entry).expect("a guest is a file");
        if let (Ok(module), Some(name)) = (wat::parse_bytes(&text), entry.file_stem()) {
            seeds.push((name.to_string_lossy().into_owned(), module.into_owned()));
        }
    }
    let example = fs::read(root.join("examples/primes/primes.wasm"));
    seeds.push(("example-primes".to_owned(), example.expect("the example is compiled")));
    seeds
}

fn files(folder: &std::path::Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is part of the repository");
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    files
}

/// Bytes that look random; each input is another module.
pub(super) fn wasm_modules() -> Vec<Seed> {
    (0_u8..8)
        .map(|number| {
            let block = |place: u8| Sha256::digest([number, place]).to_vec();
            (format!("random-{number}"), (0_u8..64).flat_map(block).collect())
        })
        .collect()
}

/// Words of every kind, in the order of the target's readers.
pub(super) fn words() -> Vec<Seed> {
    let name = |bytes: usize| format!("0x{}", "ab".repeat(bytes));
    vec![
        of_kind(0, "zero", "0"),
        of_kind(0, "amount", "340282366920938463463374607431768211455"),
        of_kind(1, "job", name(32)),
        of_kind(2, "signature", name(65)),
        of_kind(3, "digest", name(32)),
        of_kind(3, "capitals", name(32).to_uppercase()),
        of_kind(4, "engine", "wasm-48/nan-canonical"),
        of_kind(5, "lines", "lines:10"),
        of_kind(5, "records", "records:16:4"),
        of_kind(5, "tiles", "640x480/64x64"),
        of_kind(6, "identity", name(32)),
    ]
}
