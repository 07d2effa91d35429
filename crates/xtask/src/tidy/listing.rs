//! The tree as the checks see it: paths and texts, nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Why the tree could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListingError {
    #[error("`{program}` could not be started: {source}")]
    Start { program: &'static str, source: io::Error },
    #[error("`{program}` failed: {message}")]
    Failed { program: &'static str, message: String },
    #[error("{path} could not be read: {source}")]
    Read { path: PathBuf, source: io::Error },
}

/// The files of a tree, by path from its root with `/` between the parts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listing {
    /// None for a file that is not UTF-8.
    files: BTreeMap<String, Option<String>>,
    root: PathBuf,
}

impl Listing {
    /// A tree made by hand.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let files = files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), Some((*text).to_owned())))
            .collect();
        Self { files, root: PathBuf::new() }
    }

    /// What git tracks or would track in the repository around the current folder.
    pub(crate) fn of_repository() -> Result<Self, ListingError> {
        let root = PathBuf::from(output("git", &["rev-parse", "--show-toplevel"], None)?.trim());
        Self::of_folder(&root)
    }

    /// What git tracks or would track below `root`, which is the top of a repository.
    pub(crate) fn of_folder(root: &Path) -> Result<Self, ListingError> {
        let flags = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        let names = output("git", &flags, Some(root))?;
        let mut files = BTreeMap::new();
        for name in names.split('\0').filter(|name| !name.is_empty()) {
            let path = root.join(name);
            // A tracked file that is deleted in the tree, or a link to a folder, holds no text.
            if !path.is_file() {
                continue;
            }
            let bytes = fs::read(&path).map_err(|source| ListingError::Read { path, source })?;
            files.insert(name.to_owned(), String::from_utf8(bytes).ok());
        }
        Ok(Self { files, root: root.to_owned() })
    }

    /// Every path.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// Every file of text with its path.
    pub(crate) fn files(&self) -> Vec<(&str, &str)> {
        self.files
            .iter()
            .filter_map(|(path, text)| Some((path.as_str(), text.as_deref()?)))
            .collect()
    }

    /// Files of text whose path starts with `folder` and ends with `ending`.
    pub(crate) fn below(&self, folder: &str, ending: &str) -> Vec<(&str, &str)> {
        let mut files = self.files();
        files.retain(|(path, _)| path.starts_with(folder) && path.ends_with(ending));
        files
    }

    /// The text of one file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path)?.as_deref()
    }

    /// Whether the path is a file or a folder here.
    pub(crate) fn contains(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        self.files.contains_key(path) || self.paths().any(|other| other.starts_with(&folder))
    }

    /// Folders below `crates/` that hold a manifest, by name.
    pub(crate) fn crates(&self) -> Vec<(&str, &str)> {
        self.files()
            .into_iter()
            .filter_map(|(path, text)| {
                let name = path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml")?;
                (!name.contains('/')).then_some((name, text))
            })
            .collect()
    }

    /// One line per package that the crate is built from, or None when there is no such crate.
    pub(crate) fn dependency_tree(&self, name: &str) -> Result<Option<String>, ListingError> {
        if !self.crates().iter().any(|(other, _)| *other == name) {
            return Ok(None);
        }
        let package = format!("tallystick-{name}");
        let flags = ["tree", "--locked", "--edges=normal", "--prefix=none", "--package", &package];
        output("cargo", &flags, Some(&self.root)).map(Some)
    }
}

/// Runs a program to its end and hands back what it printed.
fn output(
    program: &'static str,
    flags: &[&str],
    folder: Option<&Path>,
) -> Result<String, ListingError> {
    let mut command = Command::new(program);
    command.args(flags);
    if let Some(folder) = folder {
        command.current_dir(folder);
    }
    let done = command.output().map_err(|source| ListingError::Start { program, source })?;
    if done.status.success() {
        Ok(String::from_utf8_lossy(&done.stdout).into_owned())
    } else {
        let message = String::from_utf8_lossy(&done.stderr).trim().to_owned();
        Err(ListingError::Failed { program, message })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn untracked_files_are_listed_and_ignored_ones_are_not() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        output("git", &["init", "--quiet"], Some(folder.path())).expect("git is installed");
        for (name, text) in [(".gitignore", "/ignored\n"), ("seen", "a"), ("ignored", "b")] {
            fs::write(folder.path().join(name), text).expect("the folder is writable");
        }
        fs::write(folder.path().join("binary"), [0xff_u8, 0xfe]).expect("the folder is writable");
        let listing = Listing::of_folder(folder.path()).expect("git is installed");
        assert_eq!(listing.paths().collect::<Vec<_>>(), [".gitignore", "binary", "seen"]);
        assert_eq!(listing.files().len(), 2);
    }

    #[test]
    fn a_failing_program_is_an_error_with_its_words() {
        let error = output("git", &["no-such-command"], None).expect_err("git refuses");
        assert!(error.to_string().contains("no-such-command"), "{error}");
    }

    #[test]
    fn folders_count_as_present() {
        let listing = Listing::of(&[("docs/flows/job.md", "")]);
        assert!(listing.contains("docs/flows"));
        assert!(!listing.contains("docs/flow"));
    }
}
