//! `cargo xtask tidy`: the rules of the house that neither compiler nor formatter knows.
//!
//! In: the files that git tracks or would track, and the dependency trees of the pure crates.
//! Out: one line per finding. Every check is a pure function of a [`Listing`].

mod code;
mod finding;
mod house;
mod layers;
mod listing;
mod names;
mod orphans;
mod pages;
mod sizes;
mod text;
mod trees;

use std::io::{self, Write};

use finding::{Finding, Severity};
use listing::{Listing, ListingError};

/// Every check that needs nothing but the listing.
const CHECKS: &[fn(&Listing) -> Vec<Finding>] = &[
    house::top_level,
    layers::dependencies,
    layers::package_names,
    layers::pure_sources,
    names::banned_calls,
    names::banned_words,
    orphans::broken_links,
    orphans::rust_files,
    orphans::solidity_files,
    orphans::vectors,
    pages::contract_pages,
    pages::crate_pages,
    sizes::files,
    sizes::solidity_functions,
    text::layout,
    text::open_points,
    trees::branches,
];

/// Why `tidy` could not look.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TidyError {
    #[error("the tree could not be listed: {source}")]
    Listing {
        #[from]
        source: ListingError,
    },
    #[error("the findings could not be written: {source}")]
    Write {
        #[from]
        source: io::Error,
    },
}

/// Prints every finding to `output`. True when none of them is an error.
pub(crate) fn run(output: &mut impl Write) -> Result<bool, TidyError> {
    let listing = Listing::of_repository()?;
    let mut findings: Vec<Finding> = CHECKS.iter().flat_map(|check| check(&listing)).collect();
    for package in layers::PURE {
        if let Some(tree) = listing.dependency_tree(package)? {
            findings.extend(layers::pure_dependencies(package, &tree));
        }
    }
    findings.sort();
    for finding in &findings {
        writeln!(output, "{finding}")?;
    }
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    let files = listing.files().len();
    let warnings = findings.len().saturating_sub(errors);
    writeln!(output, "tidy: {files} files, {errors} findings, {warnings} warnings")?;
    Ok(errors == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_tree_has_no_findings() {
        let listing = Listing::of(&[]);
        assert!(CHECKS.iter().all(|check| check(&listing).is_empty()));
    }
}
