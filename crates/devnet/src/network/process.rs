//! Processes of nodes.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::{NetworkError, files};
use crate::lie::Lie;

/// In the environment of all processes of a network, and of their children: its folder.
pub const MARK: &str = "TALLYSTICK_NETWORK";

/// Starts the process of a node; its log goes on where it ended.
pub(super) fn run(
    program: &Path,
    home: &Path,
    lie: Option<Lie>,
    behind: &[OsString],
) -> Result<Child, NetworkError> {
    let log = home.join("node.log");
    let output = File::options().create(true).append(true).open(&log);
    let output = output.map_err(|source| files(&log, source))?;
    let mut command = match behind {
        [] => Command::new(program),
        [first, others @ ..] => {
            let mut command = Command::new(first);
            command.args(others).arg(program);
            command
        }
    };
    command.arg("node").arg("--config").arg(home.join("node.toml"));
    command.env(MARK, home.parent().unwrap_or(home));
    if let Some(lie) = lie {
        command.arg("--lie").arg(lie.name());
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(output);
    command.spawn().map_err(|source| files(program, source))
}

/// Sends a signal to a child that was not waited for, so that its number is its own.
pub(super) fn signal(name: &str, process: u32) -> io::Result<bool> {
    let mut kill = Command::new("kill");
    kill.arg(name).arg(process.to_string()).stderr(Stdio::null());
    Ok(kill.status()?.success())
}
