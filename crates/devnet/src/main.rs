//! The command line of the local chain.

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use alloy::signers::local::PrivateKeySigner;
use clap::{Args, Parser, Subcommand};
use tallystick_abi::Deployment;
use tallystick_abi::deployment::record_path;
use tallystick_devnet::{Anvil, Deployer, repository};
use tallystick_types::ChainId;
use tokio::signal::unix::{SignalKind, signal};

/// A key that every Anvil funds and everybody knows.
const LOCAL_KEY: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

/// A local chain with the deployed contracts.
#[derive(Debug, Parser)]
#[command(name = "tallystick-devnet", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts Anvil, deploys the contracts, prints where they are, and runs until Ctrl-C.
    Deploy(Deploy),
}

#[derive(Debug, Args)]
struct Deploy {
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

#[tokio::main]
async fn main() -> ExitCode {
    let Command::Deploy(arguments) = Arguments::parse().command;
    match deploy(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut message = format!("error: {error}");
            let mut cause = error.source();
            while let Some(inner) = cause {
                message = format!("{message}\n  because: {inner}");
                cause = inner.source();
            }
            progress(&message);
            ExitCode::FAILURE
        }
    }
}

async fn deploy(arguments: &Deploy) -> Result<(), Box<dyn Error>> {
    let repository = repository();
    // Registered first, so that no moment is left in which a signal would orphan Anvil.
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    let chain = ChainId::new(arguments.chain_id);
    progress("starting Anvil");
    let anvil = Anvil::start(&repository, chain)?;
    progress(&format!("deploying to {}", anvil.url()));
    let deployer = Deployer {
        repository,
        url: anvil.url(),
        chain,
        parameters: arguments.parameters.clone(),
        key: LOCAL_KEY.parse::<PrivateKeySigner>()?,
        sender: None,
    };
    let deployment = tokio::select! {
        deployment = deployer.deploy() => deployment?,
        _ = terminated.recv() => return Ok(()),
        _ = interrupted.recv() => return Ok(()),
    };
    show(&mut io::stdout().lock(), arguments.json, &anvil.url(), &deployer.records(), &deployment)?;
    if !arguments.once {
        progress("running; Ctrl-C stops the chain");
        tokio::select! {
            _ = terminated.recv() => {}
            _ = interrupted.recv() => {}
        }
    }
    Ok(())
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

/// One line for whoever watches.
fn progress(message: &str) {
    // Nobody watches where standard error is closed.
    let _ = writeln!(io::stderr(), "devnet: {message}");
}
