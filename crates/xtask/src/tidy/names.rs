//! Check 4: words that name nothing, calls that have a better place.

use super::code::{self, Language, is_word, line_of};
use super::finding::Finding;
use super::listing::Listing;

/// Words that say where a thing was put, not what it is.
const WORDS: &[&str] =
    &["common", "core", "helper", "helpers", "misc", "util", "utils", "utilities", "v2"];

/// A call that is banned below a folder, in files with an ending.
struct Ban {
    folder: &'static str,
    ending: &'static str,
    call: &'static str,
    instead: &'static str,
}

const BANS: &[Ban] = &[
    // On a rollup the block number moves in steps and neither hash nor prevrandao is random.
    Ban::contracts("block.number", "seconds: `block.timestamp`"),
    Ban::contracts("block.prevrandao", "a beacon round named in advance"),
    Ban::contracts("block.difficulty", "a beacon round named in advance"),
    Ban::contracts("prevrandao()", "a beacon round named in advance"),
    Ban::contracts("blockhash", "a beacon round named in advance"),
    Ban::contracts("tx.origin", "`msg.sender`"),
    Ban::contracts("selfdestruct", "a state without exit from it"),
    Ban::contracts("console", "an event"),
    Ban::contracts("console2", "an event"),
    Ban { folder: "", ending: ".sol", call: "vm.skip", instead: "a test that runs" },
    Ban { folder: "", ending: ".rs", call: "#[allow", instead: "`#[expect(…, reason = …)]`" },
    Ban { folder: "", ending: ".rs", call: "#![allow", instead: "`#![expect(…, reason = …)]`" },
    Ban { folder: "", ending: ".rs", call: "#[ignore]", instead: "a test that runs" },
];

impl Ban {
    const fn contracts(call: &'static str, instead: &'static str) -> Self {
        Self { folder: "contracts/", ending: ".sol", call, instead }
    }
}

/// Refuses paths with a word that names nothing.
pub(crate) fn banned_words(listing: &Listing) -> Vec<Finding> {
    let mut findings = Vec::new();
    for path in listing.paths() {
        for word in words(path) {
            if WORDS.contains(&word.as_str()) {
                let what = format!("the word `{word}` in a path");
                findings.push(Finding::error(path, 1, what, "the name of what is in it"));
            }
        }
    }
    findings
}

/// Refuses calls that have a better place. Comments and strings may name them.
pub(crate) fn banned_calls(listing: &Listing) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in listing.files() {
        let Some(language) = Language::of(path) else { continue };
        let masked = code::mask(text, language);
        for ban in BANS {
            if !path.starts_with(ban.folder) || !path.ends_with(ban.ending) {
                continue;
            }
            for (at, _) in masked.match_indices(ban.call) {
                let before = masked[..at].ends_with(is_word);
                let after = masked[at + ban.call.len()..].starts_with(is_word);
                if !before && !after {
                    let what = format!("`{}`", ban.call);
                    findings.push(Finding::error(path, line_of(&masked, at), what, ban.instead));
                }
            }
        }
    }
    findings
}

/// The words of a path in lower case: `crates/JobManager.sol` gives crates, job, manager, sol.
fn words(path: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut previous = '/';
    for character in path.chars() {
        let begins = character.is_uppercase() && !previous.is_uppercase();
        if !character.is_alphanumeric() || begins {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| character.is_alphanumeric()) {
            word.extend(character.to_lowercase());
        }
        previous = character;
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn banned_words_are_found_in_every_spelling() {
        for path in ["a/utils/b.rs", "a/job_helper.rs", "JobManagerV2.sol", "core/a", "MiscThings"]
        {
            assert_eq!(banned_words(&Listing::of(&[(path, "")])).len(), 1, "{path}");
        }
    }

    #[test]
    fn longer_words_are_not_banned() {
        for path in ["contracts/scoreboard.sol", "a/uncommon.rs", "hardcore-v20.md"] {
            assert_eq!(banned_words(&Listing::of(&[(path, "")])), [], "{path}");
        }
    }

    #[test]
    fn a_contract_that_reads_the_block_number_is_found() {
        let text = "// block.number\nuint a = block.number;\nuint b = block.prevrandao;\n\
                    bytes32 c = blockhash(a);\nuint blockhashes;\n";
        let findings = banned_calls(&Listing::of(&[("contracts/a/A.sol", text)]));
        let places: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert_eq!(findings.len(), 3, "{places:?}");
        assert!(places[0].starts_with("contracts/a/A.sol:2: `block.number`, use seconds"));
        assert_eq!(banned_calls(&Listing::of(&[("test/A.t.sol", text)])), []);
    }

    #[test]
    fn silenced_lints_and_skipped_tests_are_found() {
        let rust = "#[allow(dead_code)]\n#[ignore]\nfn f() {}\n";
        assert_eq!(banned_calls(&Listing::of(&[("crates/a/src/lib.rs", rust)])).len(), 2);
        let solidity = "vm.skip(true);\n";
        assert_eq!(banned_calls(&Listing::of(&[("test/A.t.sol", solidity)])).len(), 1);
    }
}
