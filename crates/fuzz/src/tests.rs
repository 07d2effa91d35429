//! The targets as ordinary tests: over the corpus, and over damaged copies of it.

use std::collections::BTreeSet;
use std::fs;

use crate::TARGETS;
use crate::corpus::{corpus, folder};

fn inputs(target: &str) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(folder(target)).unwrap();
    entries.map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect()
}

#[test]
fn every_target_reads_its_corpus_and_nothing() {
    for (name, read) in TARGETS {
        read(&[]);
        let inputs = inputs(name);
        assert!(!inputs.is_empty(), "{name}");
        inputs.iter().for_each(|input| read(input));
    }
}

#[test]
fn every_target_reads_damaged_inputs() {
    for (name, read) in TARGETS {
        // Each of these costs a derivation, a round over HTTP, or a whole module.
        let most = if ["endpoint", "keystore", "wasm_bytes"].contains(&name) { 2 } else { 24 };
        for input in inputs(name).iter().filter(|input| !input.is_empty()).take(40) {
            for number in 0..most {
                let place = (number * 7_919) % input.len();
                read(&input[..place]);
                let mut flipped = input.clone();
                flipped[place] ^= 1 << (number % 8);
                read(&flipped);
            }
        }
    }
}

#[test]
fn the_corpus_is_what_the_encoders_write() {
    let mut size = 0;
    for (target, seeds) in corpus() {
        let names: BTreeSet<String> = seeds.iter().map(|(name, _)| name.clone()).collect();
        assert_eq!(names.len(), seeds.len(), "{target}: two inputs have one name");
        for (name, bytes) in seeds {
            size += bytes.len();
            let found = fs::read(folder(target).join(&name)).ok();
            let again = "cargo run --package tallystick-fuzz --example seeds";
            assert!(found.as_ref() == Some(&bytes), "{target}/{name} is stale, run `{again}`");
        }
        let files = fs::read_dir(folder(target)).unwrap();
        let files: BTreeSet<String> =
            files.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        assert_eq!(files, names, "{target}: remove what no encoder writes");
    }
    assert!(size < 1 << 20, "{size} bytes are too many for a repository");
}

#[test]
fn every_target_has_a_corpus_and_a_binary() {
    let targets: BTreeSet<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    let with_corpus: BTreeSet<&str> = corpus().iter().map(|(name, _)| *name).collect();
    assert_eq!(with_corpus, targets);
    let manifest = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap();
    for target in targets {
        let path = format!("fuzz_targets/{target}.rs");
        assert!(manifest.contains(&format!("name = \"{target}\"\npath = \"{path}\"")), "{target}");
        let binary = folder("..").join(&path);
        let calls = format!("tallystick_fuzz::{target}::read(bytes)");
        assert!(fs::read_to_string(binary).unwrap().contains(&calls), "{path}");
    }
}
