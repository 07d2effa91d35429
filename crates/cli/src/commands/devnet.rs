//! `tally devnet`: the program beside this one that runs a whole network.

use std::env;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process;

use clap::Subcommand;

use crate::configuration::Flags;
use crate::failure::Failure;

/// The file name of that program.
const PROGRAM: &str = "tallystick-devnet";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Starts a whole network and runs until Ctrl-C.
    Up {
        /// Adds the workers that lie.
        #[arg(long)]
        liars: bool,
        /// Where it keeps everything; emptied first. target/devnet unless named.
        #[arg(long, value_name = "FOLDER")]
        folder: Option<PathBuf>,
    },
    /// Ends a network that runs in another terminal.
    Down {
        /// Where it keeps everything. target/devnet unless named.
        #[arg(long, value_name = "FOLDER")]
        folder: Option<PathBuf>,
    },
    /// Shows real work being done, verified and paid, and liars being caught.
    Demo,
}

/// Why the program does not run.
#[derive(Debug, thiserror::Error)]
enum DevnetError {
    #[error("{} is missing; build it with `cargo build -p tallystick-devnet`", path.display())]
    Missing { path: PathBuf },
    #[error("{} cannot be run; look at its permissions", path.display())]
    Run {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl Command {
    /// Becomes that program, which then has this one's terminal, signals and exit code. Returns
    /// only if it cannot.
    pub(crate) fn run(self, flags: &Flags) -> Result<(), Failure> {
        if *flags != Flags::default() {
            return Err(Failure::misused(
                "a local network makes its own settings; leave these flags out",
            ));
        }
        let path = env::current_exe()?.with_file_name(PROGRAM);
        if !path.exists() {
            return Err(Failure::failed(DevnetError::Missing { path }));
        }
        let source = process::Command::new(&path).args(self.arguments()).exec();
        Err(Failure::failed(DevnetError::Run { path, source }))
    }

    fn arguments(self) -> Vec<OsString> {
        let (verb, liars, folder) = match self {
            Self::Up { liars, folder } => ("up", liars, folder),
            Self::Down { folder } => ("down", false, folder),
            Self::Demo => ("demo", false, None),
        };
        let mut arguments = vec![OsString::from(verb)];
        arguments.extend(liars.then(|| "--liars".into()));
        arguments.extend(folder.into_iter().flat_map(|folder| ["--folder".into(), folder.into()]));
        arguments
    }
}
