//! Files that a command writes and that `--check` compares with what it would write.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

/// A file as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// Path from the top of the repository.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// Why records could not be written or compared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    #[error("{path} could not be written: {source}")]
    Write { path: PathBuf, source: io::Error },
    #[error("{path} could not be read: {source}")]
    Read { path: PathBuf, source: io::Error },
    #[error("the report could not be written: {source}")]
    Report {
        #[from]
        source: io::Error,
    },
}

impl Record {
    /// A file of indented JSON.
    pub(crate) fn json(path: impl Into<PathBuf>, value: &impl Serialize) -> Self {
        let json = serde_json::to_string_pretty(value).expect("the value has only keys of text");
        Self { path: path.into(), text: format!("{json}\n") }
    }

    /// What the file holds now, or nothing where there is none.
    pub(crate) fn present(&self, root: &Path) -> Result<Option<String>, RecordError> {
        let path = root.join(&self.path);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(RecordError::Read { path, source }),
        }
    }
}

/// Writes what differs and says so.
pub(crate) fn write(
    root: &Path,
    records: &[Record],
    report: &mut impl Write,
) -> Result<(), RecordError> {
    for record in records {
        if record.present(root)?.as_ref() == Some(&record.text) {
            continue;
        }
        let path = root.join(&record.path);
        let folder = path.parent().unwrap_or(root);
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&path, &record.text))
            .map_err(|source| RecordError::Write { path, source })?;
        writeln!(report, "wrote {}", record.path.display())?;
    }
    Ok(())
}

/// Says what differs. True when nothing does.
pub(crate) fn check(
    root: &Path,
    command: &str,
    records: &[Record],
    report: &mut impl Write,
) -> Result<bool, RecordError> {
    let mut fresh = true;
    for record in records {
        let what = match record.present(root)? {
            None => "is missing",
            Some(text) if text != record.text => "is stale",
            Some(_) => continue,
        };
        fresh = false;
        writeln!(report, "{}:1: {what}, run `cargo xtask {command}`", record.path.display())?;
    }
    Ok(fresh)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_and_a_stale_file_are_named_and_mended() {
        let root = tempfile::tempdir().unwrap();
        let record = Record::json("deployments/abi/A.json", &[1]);
        let records = std::slice::from_ref(&record);
        let mut report = Vec::new();
        assert!(!check(root.path(), "abi", records, &mut report).unwrap());
        write(root.path(), records, &mut report).unwrap();
        assert!(check(root.path(), "abi", records, &mut report).unwrap());
        fs::write(root.path().join(&record.path), "[2]\n").unwrap();
        assert!(!check(root.path(), "abi", records, &mut report).unwrap());
        let report = String::from_utf8(report).unwrap();
        assert_eq!(
            report,
            "deployments/abi/A.json:1: is missing, run `cargo xtask abi`\n\
             wrote deployments/abi/A.json\n\
             deployments/abi/A.json:1: is stale, run `cargo xtask abi`\n"
        );
    }
}
