//! Faults of every kind, and the client that works through them.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use alloy_primitives::Address;
use clap::Args;
use tallystick_devnet::chaos::{self, LoadPlan, Settings};
use tallystick_types::ChainId;

use super::{Failure, until_stopped, unused_chain};
use crate::tell;

#[derive(Debug, Args)]
pub(crate) struct Chaos {
    /// Decides which faults happen and when.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Faults happen for so many minutes at least.
    #[arg(long, default_value_t = 0)]
    minutes: u64,
    /// So many processes are killed at least.
    #[arg(long, default_value_t = 12)]
    kills: u64,
    /// Also kills processes, and fails their disk, inside of system calls; needs strace.
    #[arg(long)]
    strike: bool,
    /// In place of all other faults, each process lives on a machine of its own, a network
    /// namespace, and cables are pulled and routes cut so often; needs root.
    #[arg(long, value_name = "CUTS")]
    namespaces: Option<u64>,
    /// In place of all faults, watches from outside that nothing leaves a node which its disk does
    /// not have, until so many jobs are paid; needs strace.
    #[arg(long, value_name = "JOBS")]
    watch: Option<u64>,
    /// Where everything is kept; emptied first.
    #[arg(long, default_value = "target/chaos", value_name = "FOLDER")]
    folder: PathBuf,
}

impl Chaos {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder)?;
        }
        fs::create_dir_all(&self.folder)?;
        let settings = Settings {
            seed: self.seed,
            minutes: self.minutes,
            kills: self.kills,
            strike: self.strike,
            watched_jobs: self.watch,
            partitions: self.namespaces,
            folder: self.folder.canonicalize()?.join("network"),
            program: std::env::current_exe()?,
            chain: unused_chain(),
        };
        let report = until_stopped(chaos::run(&settings, &tell)).await??;
        write!(io::stdout(), "{report}")?;
        if report.findings.is_empty() {
            return Ok(());
        }
        let (seed, minutes) = (report.seed, report.seconds / 60);
        let folder = settings.folder.display();
        Err(format!("seed {seed} failed within {minutes} minutes; all logs are in {folder}").into())
    }
}

#[derive(Debug, Args)]
pub(crate) struct Load {
    /// The folder of the network.
    #[arg(long)]
    folder: PathBuf,
    /// The client's account.
    #[arg(long)]
    account: Address,
    /// The chain.
    #[arg(long)]
    chain: u64,
    /// A coordinator.
    #[arg(long)]
    coordinator: String,
    /// An endpoint of the chain.
    #[arg(long)]
    endpoint: String,
    /// Decides what is asked for.
    #[arg(long)]
    seed: u64,
    /// Work is as small as possible and comes quickly.
    #[arg(long)]
    small: bool,
    /// Certificates of authorities that are believed beside the public ones.
    #[arg(long)]
    authorities: Option<PathBuf>,
}

impl Load {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let Self { folder, account, chain, coordinator, endpoint, seed, small, authorities } = self;
        let chain = ChainId::new(chain);
        let plan =
            LoadPlan { folder, account, chain, coordinator, endpoint, seed, small, authorities };
        chaos::load(&plan).await
    }
}
