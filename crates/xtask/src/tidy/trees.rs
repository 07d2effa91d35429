//! Check 7: a tree of branches and the tests beside it name the same functions.

use std::collections::BTreeSet;

use super::code::{self, Language, is_word};
use super::finding::Finding;
use super::listing::Listing;

/// Compares every `.tree` with the `.t.sol` of the same stem.
pub(crate) fn branches(listing: &Listing) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, tree) in listing.below("test/", ".tree") {
        let tests = path.replace(".tree", ".t.sol");
        let Some(text) = listing.text(&tests) else {
            findings.push(Finding::error(path, 1, "a tree without tests", tests));
            continue;
        };
        let (leaves, functions) = (leaves(tree), functions(text));
        for missing in leaves.difference(&functions) {
            let what = format!("a branch without its test `{missing}`");
            findings.push(Finding::error(path, 1, what, "a test function of that name"));
        }
        for missing in functions.difference(&leaves) {
            let what = format!("a test `{missing}` without a branch");
            findings.push(Finding::error(&tests, 1, what, format!("a leaf in {path}")));
        }
    }
    findings
}

/// The test functions that the lines of a tree end with.
fn leaves(tree: &str) -> BTreeSet<&str> {
    tree.lines()
        .filter_map(|line| line.split_whitespace().next_back())
        .filter(|word| word.starts_with("test"))
        .collect()
}

/// The test functions of a Solidity file.
fn functions(text: &str) -> BTreeSet<&str> {
    let masked = code::mask(text, Language::Solidity);
    masked
        .match_indices("function ")
        .map(|(at, word)| &text[at + word.len()..])
        .filter_map(|rest| rest.split(|c| !is_word(c)).next())
        .filter(|name| name.starts_with("test"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TESTS: &str = "contract T {\n// function test_Old() — gone\n\
                         function test_Pays() public {}\nfunction test_Refunds() public {}\n}";

    #[test]
    fn a_branch_without_test_and_a_test_without_branch_are_found() {
        let tree = "settle\n├── given it is late: test_Late\n└── given it is done: test_Pays\n";
        let listing = Listing::of(&[("test/settle.tree", tree), ("test/settle.t.sol", TESTS)]);
        let found: Vec<String> = branches(&listing).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("test_Late"));
        assert!(found[1].contains("test_Refunds"));
    }

    #[test]
    fn equal_sets_pass_and_a_tree_alone_does_not() {
        let tree = "settle\n├── test_Refunds\n└── test_Pays\n";
        let listing = Listing::of(&[("test/settle.tree", tree), ("test/settle.t.sol", TESTS)]);
        assert_eq!(branches(&listing), []);
        assert_eq!(branches(&Listing::of(&[("test/settle.tree", tree)])).len(), 1);
    }
}
