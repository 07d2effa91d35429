//! Check 5: everything that has a name has a page.

use super::code::{self, Language, occurrences};
use super::finding::Finding;
use super::listing::Listing;

/// Folders of `contracts/` that hold no deployed contract.
const NO_CONTRACTS: &[&str] = &["base", "interfaces", "libraries", "types"];

/// The line that makes a README the front page of a crate.
const FRONT_PAGE: &str = "#![doc = include_str!(\"../README.md\")]";

/// Every crate has a README and shows it as its front page.
pub(crate) fn crate_pages(listing: &Listing) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, _) in listing.crates() {
        let readme = format!("crates/{name}/README.md");
        if !listing.contains(&readme) {
            let what = "a crate without a front page";
            findings.push(Finding::error(&readme, 1, what, "a README that says what it is for"));
        }
        let roots = ["lib.rs", "main.rs"].map(|file| format!("crates/{name}/src/{file}"));
        let root = roots.iter().find_map(|path| Some((path, listing.text(path)?)));
        if let Some((path, text)) = root
            && !text.contains(FRONT_PAGE)
        {
            findings.push(Finding::error(path, 1, "a crate that hides its README", FRONT_PAGE));
        }
    }
    findings
}

/// Every contract has a page; one with storage of its own has an interface and a layout probe.
///
/// A contract without storage of its own is put together from library parts, which bring theirs.
pub(crate) fn contract_pages(listing: &Listing) -> Vec<Finding> {
    let probes: Vec<String> =
        listing.below("test/", ".sol").iter().map(|(_, text)| (*text).to_owned()).collect();
    let mut findings = Vec::new();
    for (path, name) in contracts(listing) {
        let page = format!("docs/contracts/{name}.md");
        if !listing.contains(&page) {
            findings.push(Finding::error(path, 1, "a contract without a page", page));
        }
        let storage = path.replace(".sol", "Storage.sol");
        if !listing.contains(&storage) {
            continue;
        }
        let interface = format!("contracts/interfaces/I{name}.sol");
        if !listing.contains(&interface) {
            findings.push(Finding::error(path, 1, "a contract without an interface", interface));
        }
        let probe = format!("contract {name}LayoutProbe");
        let probed = probes.iter().any(|text| !occurrences(text, &probe).is_empty());
        if !probed {
            let instead = format!("`{probe}` below test/");
            findings.push(Finding::error(&storage, 1, "a layout without a probe", instead));
        }
    }
    findings
}

/// Path and name of every deployable contract: the one called after its file.
fn contracts(listing: &Listing) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    for (path, text) in listing.below("contracts/", ".sol") {
        let Some((folder, file)) = path.trim_start_matches("contracts/").rsplit_once('/') else {
            continue;
        };
        if NO_CONTRACTS.iter().any(|other| folder.split('/').next() == Some(*other)) {
            continue;
        }
        let name = file.trim_end_matches(".sol");
        let masked = code::mask(text, Language::Solidity);
        let declaration = format!("contract {name}");
        let deployable = occurrences(&masked, &declaration)
            .iter()
            .any(|&at| !masked[..at].trim_end().ends_with("abstract"));
        if deployable {
            found.push((path, name));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_without_readme_or_front_page_is_found() {
        let listing =
            Listing::of(&[("crates/a/Cargo.toml", ""), ("crates/a/src/lib.rs", "//! A.\n")]);
        assert_eq!(crate_pages(&listing).len(), 2);
        let listing = Listing::of(&[
            ("crates/a/Cargo.toml", ""),
            ("crates/a/README.md", ""),
            ("crates/a/src/main.rs", FRONT_PAGE),
        ]);
        assert_eq!(crate_pages(&listing), []);
    }

    #[test]
    fn a_contract_needs_page_interface_and_probe() {
        let contract = ("contracts/job/JobManager.sol", "contract JobManager is A {}");
        let storage = ("contracts/job/JobManagerStorage.sol", "abstract contract B {}");
        assert_eq!(contract_pages(&Listing::of(&[contract, storage])).len(), 3);
        let listing = Listing::of(&[
            contract,
            storage,
            ("docs/contracts/JobManager.md", ""),
            ("contracts/interfaces/IJobManager.sol", ""),
            ("test/upgrade/Layouts.sol", "contract JobManagerLayoutProbe {}"),
        ]);
        assert_eq!(contract_pages(&listing), []);
    }

    #[test]
    fn a_contract_without_storage_needs_no_probe_and_bases_need_nothing() {
        let listing = Listing::of(&[
            ("contracts/token/TallyToken.sol", "contract TallyToken {}"),
            ("contracts/base/Pause.sol", "contract Pause {}"),
            ("contracts/job/Parts.sol", "abstract contract Parts {}"),
        ]);
        let findings = contract_pages(&listing);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].to_string().contains("docs/contracts/TallyToken.md"));
    }
}
