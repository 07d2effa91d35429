//! Check 3: what is too long has two names.

use super::code::{self, Language, line_of, occurrences};
use super::finding::Finding;
use super::listing::Listing;

const FUNCTION_LINES: usize = 70;
const CONTRACT_LINES: usize = 500;
const FILE_LINES_WARNED: usize = 600;
const FILE_LINES: usize = 800;

const FUNCTION_WORDS: &[&str] = &["function", "constructor", "modifier", "receive", "fallback"];

/// Lengths of Rust files, contract files and Solidity tests.
pub(crate) fn files(listing: &Listing) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in listing.files() {
        if Language::of(path).is_none() {
            continue;
        }
        let lines = text.lines().count();
        let contract = path.starts_with("contracts/");
        let (warned, stop) = if contract {
            (CONTRACT_LINES, CONTRACT_LINES)
        } else {
            (FILE_LINES_WARNED, FILE_LINES)
        };
        let finding = |limit: usize| {
            let what = format!("{lines} lines where {limit} are allowed");
            Finding::error(path, limit + 1, what, "two files with two names")
        };
        if lines > stop {
            findings.push(finding(stop));
        } else if lines > warned {
            findings.push(finding(warned).into_warning());
        }
    }
    findings
}

/// Lengths of Solidity functions, counted like clippy: lines of code between the braces.
pub(crate) fn solidity_functions(listing: &Listing) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in listing.below("", ".sol") {
        let masked = code::mask(text, Language::Solidity);
        for start in FUNCTION_WORDS.iter().flat_map(|word| occurrences(&masked, word)) {
            let lines = body_lines(&masked[start..]);
            if lines > FUNCTION_LINES {
                let what =
                    format!("a function of {lines} lines where {FUNCTION_LINES} are allowed");
                let line = line_of(&masked, start);
                findings.push(Finding::error(path, line, what, "two functions with two names"));
            }
        }
    }
    findings
}

/// Lines of code in the first braces after a declaration; 0 for a declaration without a body.
fn body_lines(code: &str) -> usize {
    let Some(open) = code.find(['{', ';']).filter(|&at| code[at..].starts_with('{')) else {
        return 0;
    };
    let mut depth = 0_usize;
    for (at, character) in code.char_indices().skip_while(|(at, _)| *at < open) {
        match character {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth == 0 {
            return code[open + 1..at].lines().filter(|line| !line.trim().is_empty()).count();
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::super::finding::Severity;
    use super::*;

    fn function(lines: usize) -> String {
        let body = "        a = 1;\n\n        // { a comment\n".repeat(lines);
        format!("contract C {{\n    function f() external {{\n{body}    }}\n}}\n")
    }

    #[test]
    fn a_long_function_is_found_and_comments_do_not_count() {
        let (good, bad) = (function(70), function(71));
        let listing = Listing::of(&[("contracts/a/A.sol", &good), ("test/B.t.sol", &bad)]);
        let findings = solidity_functions(&listing);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].to_string().starts_with("test/B.t.sol:2: a function of 71 lines"));
    }

    #[test]
    fn a_declaration_without_body_has_no_length() {
        let text = format!("interface I {{ function f() external; }}\n{}", "uint a;\n".repeat(90));
        assert_eq!(solidity_functions(&Listing::of(&[("contracts/I.sol", &text)])), []);
    }

    #[test]
    fn files_are_measured_by_their_kind() {
        let text = "a\n".repeat(601);
        let long = "a\n".repeat(801);
        let listing = Listing::of(&[
            ("contracts/a/A.sol", &text),
            ("crates/a/src/warned.rs", &text),
            ("crates/a/src/stopped.rs", &long),
            ("docs/a.md", &long),
        ]);
        let findings = files(&listing);
        let severities: Vec<_> = findings.iter().map(|finding| finding.severity).collect();
        assert_eq!(severities, [Severity::Error, Severity::Error, Severity::Warning]);
    }
}
