//! What Foundry compiled, below `out/`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use alloy_primitives::Bytes;
use serde_json::Value;

/// Why a contract's bytecode cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// It was not compiled.
    #[error("{path} cannot be read; run `forge build` in the repository")]
    Absent {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not what Foundry writes.
    #[error("{path} has no {part}; run `forge build --force` in the repository")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is missing.
        part: &'static str,
    },
}

/// The compiled contracts of the repository.
#[derive(Clone, Debug)]
pub(super) struct Artifacts {
    repository: PathBuf,
}

impl Artifacts {
    pub(super) fn new() -> Self {
        Self { repository: Path::new(env!("CARGO_MANIFEST_DIR")).join("../..") }
    }

    /// A file of the repository, as scripts read it.
    pub(super) fn file(&self, path: &str) -> Result<String, ArtifactError> {
        let path = self.repository.join(path);
        fs::read_to_string(&path).map_err(|source| ArtifactError::Absent { path, source })
    }

    /// The code that creates a contract, without arguments.
    pub(super) fn creation(&self, contract: &str) -> Result<Bytes, ArtifactError> {
        self.code(&format!("{contract}.sol"), contract, "/bytecode/object")
    }

    /// The code of a contract that is there.
    pub(super) fn runtime(&self, file: &str, contract: &str) -> Result<Bytes, ArtifactError> {
        self.code(file, contract, "/deployedBytecode/object")
    }

    fn code(&self, file: &str, contract: &str, part: &'static str) -> Result<Bytes, ArtifactError> {
        let folder = self.repository.join("out").join(file);
        // What was compiled for tests as well has the name of the profile in that of the file.
        let profiled = folder.join(format!("{contract}.default.json"));
        let plain = folder.join(format!("{contract}.json"));
        let path = if profiled.exists() { profiled } else { plain };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(source) => return Err(ArtifactError::Absent { path, source }),
        };
        let artifact: Option<Value> = serde_json::from_str(&text).ok();
        let object = artifact.as_ref().and_then(|artifact| artifact.pointer(part)?.as_str());
        let code = object.and_then(|object| object.parse().ok());
        code.ok_or(ArtifactError::Damaged { path, part })
    }
}
