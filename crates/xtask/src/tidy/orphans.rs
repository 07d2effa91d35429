//! Check 9: files nobody imports, and links that lead nowhere.

use std::collections::BTreeSet;

use super::code::{self, Language, line_of, occurrences};
use super::finding::Finding;
use super::listing::Listing;

/// Cargo finds these by itself.
const CARGO_ROOTS: &[&str] = &["/src/bin/", "/examples/", "/benches/", "/fuzz_targets/"];

/// Rust files that no `mod` names.
pub(crate) fn rust_files(listing: &Listing) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, _) in listing.below("crates/", ".rs") {
        let Some((folder, file)) = path.rsplit_once('/') else { continue };
        let is_root = ["lib.rs", "main.rs", "build.rs"].contains(&file)
            || folder.ends_with("/tests")
            || CARGO_ROOTS.iter().any(|part| path.contains(part));
        if is_root {
            continue;
        }
        let (module, folder) = match file {
            "mod.rs" => folder.rsplit_once('/').map_or((folder, ""), |(up, name)| (name, up)),
            _ => (file.trim_end_matches(".rs"), folder),
        };
        let parents = [
            format!("{folder}/lib.rs"),
            format!("{folder}/main.rs"),
            format!("{folder}/mod.rs"),
            format!("{folder}.rs"),
        ];
        let named = parents.iter().filter_map(|parent| listing.text(parent)).any(|text| {
            let masked = code::mask(text, Language::Rust);
            !occurrences(&masked, &format!("mod {module}")).is_empty()
        });
        if !named {
            let instead = format!("`mod {module};` in its parent, or remove it");
            findings.push(Finding::error(path, 1, "a file that no module names", instead));
        }
    }
    findings
}

/// Solidity files that are neither tests nor scripts, that nothing imports, and whose artifact
/// nothing creates by its quoted name.
pub(crate) fn solidity_files(listing: &Listing) -> Vec<Finding> {
    let files = listing.below("", ".sol");
    let imported: BTreeSet<String> =
        files.iter().flat_map(|(path, text)| imports(path, text)).collect();
    files
        .iter()
        .map(|(path, _)| *path)
        .filter(|path| !path.ends_with(".t.sol") && !path.ends_with(".s.sol"))
        .filter(|path| !imported.contains(*path) && !declares_probe(listing, path))
        .filter(|path| !files.iter().any(|(_, text)| text.contains(&quoted_name(path))))
        .map(|path| Finding::error(path, 1, "a file that nothing imports", "a test, or remove it"))
        .collect()
}

/// Shared vectors that no source names.
pub(crate) fn vectors(listing: &Listing) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, _) in listing.below("test/vectors/", ".json") {
        let name = path.rsplit('/').next().unwrap_or(path);
        let stem = name.trim_end_matches(".json");
        let read = listing.files().iter().any(|(other, text)| {
            let source = [".rs", ".sol", ".ts", ".py"].iter().any(|end| other.ends_with(end));
            source && !occurrences(text, stem).is_empty()
        });
        if !read {
            findings.push(Finding::error(path, 1, "a vector that no test reads", "a test"));
        }
    }
    findings
}

/// Relative links of Markdown pages that lead to no file or folder.
pub(crate) fn broken_links(listing: &Listing) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in listing.below("", ".md") {
        for (at, _) in text.match_indices("](") {
            let target = text[at + 2..].split([')', '#', ' ']).next().unwrap_or_default();
            let outside = target.is_empty() || target.contains("://") || target.contains("mailto:");
            if outside || listing.contains(&resolved(path, target)) {
                continue;
            }
            let what = format!("a link to `{target}`, which is not there");
            let line = line_of(text, at);
            findings.push(Finding::error(path, line, what, "a page that exists"));
        }
    }
    findings
}

/// The name of an artifact as a deployment script writes it: `"JobManager"`.
fn quoted_name(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or(path);
    format!("\"{}\"", file.trim_end_matches(".sol"))
}

/// A layout is compiled to be read and imported by nothing.
fn declares_probe(listing: &Listing, path: &str) -> bool {
    path.starts_with("test/")
        && listing.text(path).is_some_and(|text| text.contains("Layout internal probe"))
}

/// Paths in the tree that a Solidity file imports.
fn imports(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for statement in text.split("import").skip(1) {
        let Some((statement, _)) = statement.split_once(';') else { continue };
        let mut parts = statement.rsplit(['"', '\'']);
        if let (Some(_), Some(target)) = (parts.next(), parts.next()) {
            let near = target.starts_with('.');
            found.push(if near { resolved(path, target) } else { target.to_owned() });
        }
    }
    found
}

/// The path that `target` means when it stands in the file at `from`.
fn resolved(from: &str, target: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rust_file_without_module_is_found() {
        let listing = Listing::of(&[
            ("crates/a/src/lib.rs", "mod b;\n// mod lost;\n"),
            ("crates/a/src/b.rs", "mod c;\n"),
            ("crates/a/src/b/c.rs", ""),
            ("crates/a/src/lost.rs", ""),
            ("crates/a/tests/it/main.rs", "mod d;\n"),
            ("crates/a/tests/it/d.rs", ""),
            ("crates/a/tests/flow.rs", ""),
            ("crates/a/src/bin/tool.rs", ""),
        ]);
        let findings = rust_files(&listing);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].to_string().starts_with("crates/a/src/lost.rs:1: "));
    }

    #[test]
    fn a_contract_that_nothing_imports_is_found() {
        let test =
            "import {A} from \"../contracts/a/A.sol\";\nimport {\n  B\n} from 'contracts/B.sol';";
        let listing = Listing::of(&[
            ("contracts/a/A.sol", ""),
            ("contracts/B.sol", ""),
            ("contracts/Created.sol", ""),
            ("contracts/Lost.sol", ""),
            ("script/Deploy.s.sol", "_create(\"Created\", arguments);"),
            ("test/A.t.sol", test),
            ("test/upgrade/Layouts.sol", "contract ALayout { Layout internal probe; }"),
        ]);
        let findings = solidity_files(&listing);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].to_string().starts_with("contracts/Lost.sol:1: "));
    }

    #[test]
    fn a_vector_that_no_test_reads_is_found() {
        let listing = Listing::of(&[
            ("test/vectors/read.json", ""),
            ("test/vectors/unread.json", ""),
            ("test/A.t.sol", "vm.readFile(\"test/vectors/read.json\")"),
        ]);
        assert_eq!(vectors(&listing).len(), 1);
    }

    #[test]
    fn a_link_that_leads_nowhere_is_found() {
        let page = "[a](flows/job.md#top) [b](../crates) [c](https://a.example) [d](gone.md)\n";
        let listing = Listing::of(&[
            ("docs/README.md", page),
            ("docs/flows/job.md", ""),
            ("crates/a/Cargo.toml", ""),
        ]);
        let findings = broken_links(&listing);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].to_string().contains("gone.md"));
    }
}
