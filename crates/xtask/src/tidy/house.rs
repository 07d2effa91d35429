//! Check 11: the top of the repository holds what the house has a room for.

use std::collections::BTreeSet;

use super::finding::Finding;
use super::listing::Listing;

/// Everything that may lie at the top.
const ENTRIES: &[&str] = &[
    ".cargo",
    ".ci",
    ".config",
    ".gitattributes",
    ".gitignore",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "clippy.toml",
    "contracts",
    "crates",
    "deployments",
    "docs",
    "examples",
    "foundry.toml",
    "package-lock.json",
    "package.json",
    "rustfmt.toml",
    "script",
    "sdk",
    "test",
];

/// Refuses an entry that is not on the list.
pub(crate) fn top_level(listing: &Listing) -> Vec<Finding> {
    let present: BTreeSet<&str> =
        listing.paths().filter_map(|path| path.split('/').next()).collect();
    present
        .into_iter()
        .filter(|entry| !ENTRIES.contains(entry))
        .map(|entry| {
            let what = "a top-level entry that is not on the list of the house";
            Finding::error(entry, 1, what, "the folder it belongs to, or add it to the list")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_at_the_top_is_found() {
        let listing = Listing::of(&[("notes.txt", ""), ("README.md", ""), ("src/a.rs", "")]);
        let findings = top_level(&listing);
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert!(findings[0].to_string().starts_with("notes.txt:1: "));
    }
}
