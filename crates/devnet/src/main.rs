//! The command line of the local network.

mod commands;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use commands::Command;
use tallystick_node::NodeError;

/// A local chain with the deployed contracts, and a local network on it.
#[derive(Debug, Parser)]
#[command(name = "tallystick-devnet", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    #[cfg(feature = "failpoints")]
    tallystick_node::arm_crash_points();
    let Arguments { command } = Arguments::parse();
    match command.run() {
        Ok(code) => code,
        Err(error) => {
            tell(&describe(error.as_ref()));
            let node = error.downcast_ref::<NodeError>();
            node.map_or(ExitCode::FAILURE, |error| ExitCode::from(error.exit_code()))
        }
    }
}

/// An error with everything that led to it.
fn describe(error: &dyn Error) -> String {
    let mut message = format!("error: {error}");
    let mut cause = error.source();
    while let Some(inner) = cause {
        message = format!("{message}\n  because: {inner}");
        cause = inner.source();
    }
    message
}

/// One line for whoever watches.
fn tell(message: &str) {
    // Nobody watches where standard error is closed.
    let _ = writeln!(io::stderr(), "{message}");
}
