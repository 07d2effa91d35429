//! The program in an environment of its own.

use std::path::Path;

use assert_cmd::Command;
use assert_cmd::assert::Assert;
use tempfile::TempDir;

/// A home folder that no other test and no person uses.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Runs the program with these arguments.
    pub(crate) fn tally(&self, arguments: &[&str]) -> Assert {
        self.command(arguments).assert()
    }

    /// The program with nothing of this machine's environment but what is set here.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tally"));
        command.env_clear().env("HOME", self.path()).args(arguments);
        command
    }
}

/// Standard output as text.
pub(crate) fn stdout(outcome: &Assert) -> String {
    String::from_utf8(outcome.get_output().stdout.clone()).unwrap()
}

/// Standard error as text.
pub(crate) fn stderr(outcome: &Assert) -> String {
    String::from_utf8(outcome.get_output().stderr.clone()).unwrap()
}

/// Standard output as the one JSON object that it must be.
pub(crate) fn json(outcome: &Assert) -> serde_json::Value {
    serde_json::from_str(&stdout(outcome)).unwrap()
}
