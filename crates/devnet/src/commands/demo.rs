//! The demonstration.

use std::path::PathBuf;

use clap::Args;
use tallystick_devnet::demo;
use tallystick_devnet::network::Network;
use tokio::signal::unix::{SignalKind, signal};

use super::{Failure, up};
use crate::tell;

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Where results and receipts go.
    #[arg(long, default_value = "target/demo", value_name = "FOLDER")]
    output: PathBuf,
    /// Keeps the network running afterwards, until Ctrl-C.
    #[arg(long)]
    stay: bool,
}

impl Demo {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let plan = up::plan(PathBuf::from("target/devnet"))?;
        let tally = std::env::current_exe()?.with_file_name("tally");
        if !tally.exists() {
            return Err(format!("{} is missing; run script/demo", tally.display()).into());
        }
        let mut terminated = signal(SignalKind::terminate())?;
        let mut interrupted = signal(SignalKind::interrupt())?;
        let network = tokio::select! {
            network = Network::start(&plan, &tell) => network?,
            _ = terminated.recv() => return Ok(()),
            _ = interrupted.recv() => return Ok(()),
        };
        let network = tokio::select! {
            network = demo::run(network, (tally, self.output), &tell) => network?,
            _ = terminated.recv() => return Ok(()),
            _ = interrupted.recv() => return Ok(()),
        };
        if self.stay {
            up::show(&network)?;
            tokio::select! {
                _ = terminated.recv() => {}
                _ = interrupted.recv() => {}
            }
        }
        Ok(())
    }
}
