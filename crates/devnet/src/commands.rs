//! What can be done from the command line.

mod chaos;
mod crashes;
mod demo;
mod deploy;
mod node;
mod up;

use std::error::Error;
use std::future::Future;
use std::process::ExitCode;

use clap::Subcommand;
use tallystick_devnet::chaos::ONE_THREAD;
use tallystick_ports::blocking::stay_on_this_thread;
use tallystick_types::ChainId;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

/// Why a command ended early.
pub(crate) type Failure = Box<dyn Error>;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Starts Anvil, deploys the contracts, prints where they are, and runs until Ctrl-C.
    Deploy(deploy::Deploy),
    /// Starts a whole network and runs until Ctrl-C.
    Up(up::Up),
    /// Ends a network that runs in another terminal.
    Down(up::Down),
    /// Shows real work being done, verified and paid, and liars being caught.
    Demo(demo::Demo),
    /// Lets everything fail under a load of jobs, and reads the books afterwards.
    Chaos(chaos::Chaos),
    /// Lets each role die at each of its named points, and reads the books afterwards.
    Crashes(crashes::Crashes),
    /// Orders work without end, for `chaos`.
    #[command(hide = true)]
    Load(chaos::Load),
    /// Runs one node of a network.
    #[command(hide = true)]
    Node(node::Node),
    /// Compiles one program, for a node.
    #[command(name = tallystick_node::COMPILE_COMMAND, hide = true)]
    Compile,
}

impl Command {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        if matches!(self, Self::Compile) {
            return Ok(tallystick_node::compiler_main());
        }
        block_on(async {
            match self {
                Self::Deploy(command) => command.run().await,
                Self::Up(command) => command.run().await,
                Self::Down(command) => command.run(),
                Self::Demo(command) => command.run().await,
                Self::Chaos(command) => command.run().await,
                Self::Crashes(command) => command.run().await,
                Self::Load(command) => command.run().await,
                Self::Node(command) => command.run().await,
                Self::Compile => Ok(()),
            }
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

fn block_on(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let mut runtime = if std::env::var_os(ONE_THREAD).is_some() {
        stay_on_this_thread();
        Builder::new_current_thread()
    } else {
        Builder::new_multi_thread()
    };
    runtime.enable_all().build()?.block_on(work)
}

/// A number for a chain that no other program on this machine uses now.
fn unused_chain() -> ChainId {
    ChainId::new(31_337_000_000_000 + u64::from(std::process::id()))
}

/// Works until it is over or the program is asked to end.
async fn until_stopped<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    tokio::select! {
        done = work => Ok(done),
        _ = terminated.recv() => Err("stopped".into()),
        _ = interrupted.recv() => Err("stopped".into()),
    }
}
