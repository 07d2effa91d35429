//! A chain with the contracts.

use std::io::{self, Write};
use std::path::Path;

use alloy::signers::local::PrivateKeySigner;
use clap::Args;
use tallystick_abi::Deployment;
use tallystick_abi::deployment::record_path;
use tallystick_devnet::network::LOCAL_KEY;
use tallystick_devnet::{Anvil, Deployer, repository};
use tallystick_types::ChainId;
use tokio::signal::unix::{SignalKind, signal};

use super::Failure;
use crate::tell;

#[derive(Debug, Args)]
pub(crate) struct Deploy {
    /// Prints one JSON object instead of a table.
    #[arg(long)]
    json: bool,
    /// Ends after deploying instead of running until Ctrl-C.
    #[arg(long)]
    once: bool,
    /// Number of the chain.
    #[arg(long, default_value_t = 31_337)]
    chain_id: u64,
    /// A file of script/parameters, without its ending.
    #[arg(long, default_value = "local")]
    parameters: String,
}

impl Deploy {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let repository = repository();
        // Registered first, so that no moment is left in which a signal would orphan Anvil.
        let mut terminated = signal(SignalKind::terminate())?;
        let mut interrupted = signal(SignalKind::interrupt())?;
        let chain = ChainId::new(self.chain_id);
        tell("devnet: starting Anvil");
        let anvil = Anvil::start(&repository, chain)?;
        tell(&format!("devnet: deploying to {}", anvil.url()));
        let deployer = Deployer {
            repository,
            url: anvil.url(),
            chain,
            parameters: self.parameters.clone(),
            key: LOCAL_KEY.parse::<PrivateKeySigner>()?,
            sender: None,
        };
        let deployment = tokio::select! {
            deployment = deployer.deploy() => deployment?,
            _ = terminated.recv() => return Ok(()),
            _ = interrupted.recv() => return Ok(()),
        };
        let records = deployer.records();
        show(&mut io::stdout().lock(), self.json, &anvil.url(), &records, &deployment)?;
        if !self.once {
            tell("devnet: running; Ctrl-C stops the chain");
            tokio::select! {
                _ = terminated.recv() => {}
                _ = interrupted.recv() => {}
            }
        }
        Ok(())
    }
}

/// The result, for people or programs.
fn show(
    output: &mut impl Write,
    json: bool,
    url: &str,
    records: &Path,
    deployment: &Deployment,
) -> io::Result<()> {
    if json {
        let value = serde_json::json!({ "url": url, "deployment": deployment });
        return writeln!(output, "{value}");
    }
    writeln!(output, "chain     {} at {url}", deployment.chain_id)?;
    writeln!(output, "record    {}", record_path(records, deployment.chain_id).display())?;
    for (contract, deployed) in &deployment.contracts {
        writeln!(output, "{:<19}{}", format!("{contract:?}"), deployed.address)?;
    }
    output.flush()
}
