//! Deaths at named points.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use tallystick_devnet::chaos::{self, Sweep};

use super::{Failure, until_stopped, unused_chain};
use crate::tell;

#[derive(Debug, Args)]
pub(crate) struct Crashes {
    /// A process dies when it passes a point for the first time, and for each further time up to
    /// this one.
    #[arg(long, default_value_t = 1)]
    hits: u64,
    /// Every role dies at the points that several roles pass.
    #[arg(long)]
    every_role: bool,
    /// Only points whose names contain this.
    #[arg(long, value_name = "PART")]
    only: Option<String>,
    /// Processes also die, or are refused by the disk and the network, in these system calls: the
    /// first, the step and the last one. Needs strace.
    #[arg(long, num_args = 3, value_names = ["FIRST", "STEP", "LAST"])]
    strikes: Option<Vec<u64>>,
    /// After so many minutes nothing new begins.
    #[arg(long)]
    minutes: Option<u64>,
    /// What came of strikes is added to this file, and what is in it is not done again.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Where everything is kept; emptied first.
    #[arg(long, default_value = "target/crashes", value_name = "FOLDER")]
    folder: PathBuf,
}

impl Crashes {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        if self.hits > 0 && !cfg!(feature = "failpoints") {
            return Err("nothing dies by itself here; build with --features failpoints".into());
        }
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder)?;
        }
        fs::create_dir_all(&self.folder)?;
        let sweep = Sweep {
            hits: self.hits,
            every_role: self.every_role,
            only: self.only,
            strikes: self.strikes.as_deref().and_then(|numbers| match numbers {
                [first, step, last] => Some((*first, *step, *last)),
                _ => None,
            }),
            minutes: self.minutes,
            record: self.record,
            folder: self.folder.canonicalize()?.join("network"),
            program: std::env::current_exe()?,
            chain: unused_chain(),
        };
        let swept = until_stopped(chaos::sweep(&sweep, &tell)).await??;
        write!(io::stdout(), "{swept}")?;
        if swept.findings.is_empty() {
            return Ok(());
        }
        Err(format!("all logs are in {}", sweep.folder.display()).into())
    }
}
