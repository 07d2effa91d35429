//! Faults of every kind, and the client that works through them.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use alloy_primitives::Address;
use clap::Args;
use tallystick_devnet::chaos::{self, LoadPlan, Settings};
use tallystick_types::ChainId;
use tokio::signal::unix::{SignalKind, signal};

use super::Failure;
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
            folder: self.folder.canonicalize()?.join("network"),
            program: std::env::current_exe()?,
            // A number that no other program on this machine uses now.
            chain: ChainId::new(31_337_000_000_000 + u64::from(std::process::id())),
        };
        let mut terminated = signal(SignalKind::terminate())?;
        let mut interrupted = signal(SignalKind::interrupt())?;
        let report = tokio::select! {
            report = chaos::run(&settings, &tell) => report?,
            _ = terminated.recv() => return Err("stopped".into()),
            _ = interrupted.recv() => return Err("stopped".into()),
        };
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
}

impl Load {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let Self { folder, account, chain, coordinator, endpoint, seed } = self;
        let chain = ChainId::new(chain);
        chaos::load(&LoadPlan { folder, account, chain, coordinator, endpoint, seed }).await
    }
}
