//! Nouns, then verbs.

mod blob;
mod devnet;
mod escrow;
mod house;
mod job;
mod key;
mod node;
mod settle;
mod stake;
mod trust;

use clap::Subcommand;

use crate::configuration::Flags;
use crate::failure::{Failure, Stopped};
use crate::output::Output;
use crate::session::Session;

/// The nouns.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Client(Client),
    /// Machines of the network, and this one among them.
    #[command(subcommand)]
    Node(node::Command),
    /// A whole network on this machine, to try things on.
    #[command(subcommand)]
    Devnet(devnet::Command),
}

/// What works on a network that runs elsewhere.
#[derive(Debug, Subcommand)]
pub(crate) enum Client {
    /// Work: order it, follow it, fetch its result.
    #[command(subcommand)]
    Job(job::Command),
    /// Bytes under their address.
    #[command(subcommand)]
    Blob(blob::Command),
    /// Money in the house.
    #[command(subcommand)]
    Escrow(escrow::Command),
    /// Stake behind a machine.
    #[command(subcommand)]
    Stake(stake::Command),
    /// Keys, encrypted on the disk.
    #[command(subcommand)]
    Key(key::Command),
    /// Which network this is.
    #[command(subcommand)]
    Network(house::Network),
    /// Pairings: which machines may see private work.
    #[command(subcommand)]
    Trust(trust::Command),
    /// Settlement on the chain.
    #[command(subcommand)]
    Settle(settle::Command),
    /// Checks a receipt without any network.
    Verify(house::Verify),
    /// Looks for what is wrong with settings, connections and, with --node, a machine.
    Doctor(house::Doctor),
    /// Prints the completions of a shell.
    Completions(house::Completions),
    /// The settings.
    #[command(subcommand)]
    Config(house::Config),
}

impl Command {
    pub(crate) async fn run(self, flags: Flags, output: &Output) -> Result<(), Failure> {
        match self {
            Self::Client(command) => {
                attended(flags, async |session| command.run(session, output).await).await
            }
            Self::Node(node::Command::Registry(command)) => {
                attended(flags, async |session| command.run(session, output).await).await
            }
            // These have settings of their own, and hear signals themselves.
            Self::Node(node::Command::Host(command)) => command.run(&flags, output).await,
            Self::Devnet(command) => command.run(&flags),
        }
    }
}

/// Works with the settings of a client, until it is done or somebody presses Ctrl-C.
async fn attended(
    flags: Flags,
    work: impl AsyncFnOnce(&Session) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let session = Session::new(flags)?;
    tokio::select! {
        outcome = Box::pin(work(&session)) => outcome,
        stopped = tokio::signal::ctrl_c() => {
            stopped?;
            Err(Failure::failed(Stopped))
        }
    }
}

impl Client {
    async fn run(self, session: &Session, output: &Output) -> Result<(), Failure> {
        match self {
            Self::Job(command) => Box::pin(command.run(session, output)).await,
            Self::Blob(command) => command.run(session, output).await,
            Self::Escrow(command) => command.run(session, output).await,
            Self::Stake(command) => command.run(session, output).await,
            Self::Key(command) => command.run(session, output),
            Self::Network(command) => command.run(session, output).await,
            Self::Trust(command) => command.run(session, output).await,
            Self::Settle(command) => command.run(session, output).await,
            Self::Verify(command) => command.run(output),
            Self::Doctor(command) => command.run(session, output).await,
            Self::Completions(command) => command.run(output),
            Self::Config(command) => command.run(session, output),
        }
    }
}
