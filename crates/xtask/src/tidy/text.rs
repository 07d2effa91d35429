//! Check 8: how a line looks.

use super::code::occurrences;
use super::finding::Finding;
use super::listing::Listing;

const COLUMNS: usize = 100;

/// Endings of sources whose lines are measured. Prose and data wrap where their editor wants.
const MEASURED: &[&str] = &["js", "mjs", "proto", "py", "rs", "sh", "sol", "toml", "ts"];

/// Files that a tool writes.
const GENERATED: &[&str] = &["Cargo.lock", "package-lock.json"];

/// Inputs of the fuzzer: any bytes, some of which happen to be text.
const INPUTS: &str = "crates/fuzz/corpus/";

/// Parts of a line that cannot be broken: addresses, hashes, namespaces, import paths.
const UNBREAKABLE: &[&str] = &["://", "keccak256(abi.encode(uint256(keccak256(", "} from \""];

/// Tabs, trailing space, long lines, a last line without an end.
pub(crate) fn layout(listing: &Listing) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in listing.files() {
        if GENERATED.contains(&path) || path.ends_with(".json") || path.starts_with(INPUTS) {
            continue;
        }
        let measured = is_measured(path);
        for (number, line) in (1..).zip(text.split('\n')) {
            if line.contains('\t') {
                findings.push(Finding::error(path, number, "a tab", "spaces"));
            }
            if line.ends_with(char::is_whitespace) {
                findings.push(Finding::error(path, number, "trailing space", "none"));
            }
            let columns = line.chars().count();
            if measured && columns > COLUMNS && !unbreakable(line) {
                let what = format!("a line of {columns} columns");
                findings.push(Finding::error(path, number, what, format!("at most {COLUMNS}")));
            }
        }
        if !text.is_empty() && !text.ends_with('\n') {
            let last = text.lines().count();
            findings.push(Finding::error(path, last, "a last line without an end", "a newline"));
        }
    }
    findings
}

/// Open points carry the number of an issue, and what must not merge does not.
pub(crate) fn open_points(listing: &Listing) -> Vec<Finding> {
    // Written in two parts, so that this file does not find itself.
    let (open, broken) = (concat!("TO", "DO"), concat!("FIX", "ME"));
    let mut findings = Vec::new();
    for (path, text) in listing.files() {
        for (number, line) in (1..).zip(text.lines()) {
            for at in occurrences(line, open) {
                if !has_issue(&line[at + open.len()..]) && !line[..at].ends_with('`') {
                    let what = format!("a {open} without an issue");
                    findings.push(Finding::error(path, number, what, format!("{open}(#12): …")));
                }
            }
            let loose = occurrences(line, broken).into_iter().any(|at| !line[..at].ends_with('`'));
            if loose {
                let what = format!("a {broken}");
                findings.push(Finding::error(path, number, what, "the fix"));
            }
        }
    }
    findings
}

/// Scripts have no ending; sources have one of the list.
fn is_measured(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rsplit_once('.') {
        Some((_, ending)) => MEASURED.contains(&ending),
        None => path.starts_with("script/") || path.starts_with(".ci/"),
    }
}

fn unbreakable(line: &str) -> bool {
    UNBREAKABLE.iter().any(|part| line.contains(part)) || line.split("0x").skip(1).any(is_hash)
}

fn is_hash(text: &str) -> bool {
    text.chars().take_while(char::is_ascii_hexdigit).count() >= 40
}

fn has_issue(after: &str) -> bool {
    after
        .strip_prefix("(#")
        .and_then(|rest| rest.split_once(')'))
        .is_some_and(|(number, _)| !number.is_empty() && number.chars().all(|c| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        let listing = Listing::of(&[(path, text)]);
        let mut findings = layout(&listing);
        findings.extend(open_points(&listing));
        findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn tabs_trailing_space_and_missing_ends_are_found_in_any_text() {
        for text in ["\ta\n", "a \n", "a\r\n", "a"] {
            assert_eq!(found("docs/a.md", text).len(), 1, "{text:?}");
        }
        assert_eq!(found("docs/a.md", "a\n"), [""; 0]);
    }

    #[test]
    fn inputs_of_the_fuzzer_are_any_bytes() {
        let bytes = "a\tb ";
        assert_eq!(layout(&Listing::of(&[("crates/fuzz/corpus/words/a", bytes)])), []);
        assert_eq!(layout(&Listing::of(&[("crates/fuzz/src/a.rs", bytes)])).len(), 3);
    }

    #[test]
    fn long_lines_are_found_in_sources_and_scripts_but_not_in_prose() {
        let line = format!("{}\n", "a".repeat(101));
        for path in ["crates/a/src/lib.rs", "script/test", ".ci/run", "contracts/A.sol"] {
            assert_eq!(found(path, &line).len(), 1, "{path}");
        }
        for path in ["docs/a.md", "test/vectors/a.json", "Cargo.lock", ".gitignore"] {
            assert_eq!(found(path, &line), [""; 0], "{path}");
        }
    }

    #[test]
    fn addresses_and_hashes_may_be_long() {
        let link = format!("// https://{}\n", "a".repeat(100));
        let hash = format!("{} = 0x{};\n", "a".repeat(60), "ab".repeat(32));
        assert_eq!(found("contracts/A.sol", &link), [""; 0]);
        assert_eq!(found("contracts/A.sol", &hash), [""; 0]);
    }

    #[test]
    fn open_points_need_an_issue() {
        let word = concat!("TO", "DO");
        assert_eq!(found("a.rs", &format!("// {word}: later\n")).len(), 1);
        assert_eq!(found("a.rs", &format!("// {word}(#x): later\n")).len(), 1);
        assert_eq!(found("a.rs", &format!("// {word}(#12): later\n")), [""; 0]);
        assert_eq!(found("a.md", &format!("A `{word}` is refused.\n")), [""; 0]);
        assert_eq!(found("a.rs", concat!("// FIX", "ME\n")).len(), 1);
    }
}
