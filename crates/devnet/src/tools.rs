//! The native binaries that npm pins.

use std::fs;
use std::path::{Path, PathBuf};

/// A program of the Solidity toolchain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// The local chain.
    Anvil,
    /// Compiler front, tests, scripts.
    Forge,
}

/// Why a program cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// It is not installed.
    #[error("{name} is not below {modules}; run script/bootstrap")]
    Missing {
        /// Its name.
        name: &'static str,
        /// Where it should be.
        modules: PathBuf,
    },
}

impl Tool {
    const fn name(self) -> &'static str {
        match self {
            Self::Anvil => "anvil",
            Self::Forge => "forge",
        }
    }

    /// Finds the native binary below the repository's `node_modules`.
    ///
    /// The launchers of npm are passed by: they answer 0 when the tool fails, and leave it running
    /// when they are killed.
    pub fn find(self, repository: &Path) -> Result<PathBuf, ToolError> {
        let modules = repository.join("node_modules");
        let name = self.name();
        // `.native` holds what the lock file does not carry for this platform.
        [modules.clone(), modules.join(".native/node_modules")]
            .iter()
            .find_map(|folder| native(&folder.join("@foundry-rs"), name))
            .ok_or(ToolError::Missing { name, modules })
    }
}

fn native(scope: &Path, name: &str) -> Option<PathBuf> {
    let prefix = format!("{name}-");
    let mut found: Vec<PathBuf> = fs::read_dir(scope)
        .ok()?
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix))
        .map(|entry| entry.path().join("bin").join(name))
        .filter(|path| path.is_file())
        .collect();
    found.sort_unstable();
    found.into_iter().next()
}

/// The repository that this program was built from.
pub fn repository() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).map_or(here.clone(), PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_tool_is_answered_with_what_to_run() {
        let empty = tempfile::tempdir().unwrap();
        let error = Tool::Anvil.find(empty.path()).unwrap_err().to_string();
        assert!(error.contains("anvil") && error.ends_with("run script/bootstrap"), "{error}");
    }

    #[test]
    fn the_binary_of_the_platform_package_is_found() {
        let root = tempfile::tempdir().unwrap();
        let bin = root.path().join("node_modules/@foundry-rs/forge-linux-amd64/bin");
        fs::create_dir_all(&bin).unwrap();
        fs::write(bin.join("forge"), "").unwrap();
        assert_eq!(Tool::Forge.find(root.path()).unwrap(), bin.join("forge"));
    }
}
