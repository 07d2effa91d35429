#![doc = include_str!("../README.md")]

mod amounts;
mod commands;
mod configuration;
mod failure;
mod keys;
mod output;
mod progress;
mod records;
mod session;
mod terminal;
mod words;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::commands::Command;
use crate::configuration::Flags;
use crate::output::Output;
use crate::session::Session;

/// A compute network that settles on a chain: order work, get proof, run nodes.
///
/// Exit codes: 0 done, 1 failed, 2 used wrongly, 3 refused by the network, 4 no connection,
/// 5 verification failed.
#[derive(Debug, Parser)]
#[command(name = "tally", version, about, max_term_width = 100, subcommand_required = true)]
struct Arguments {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    // Before anything touches TLS: with two providers among the dependencies none is the default.
    // It is the first in this process, so it cannot be there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments = Arguments::parse();
    let output = Output::new(arguments.flags.json);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(run(arguments, &output)),
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            terminal::tell_failure(&failure);
            failure.code()
        }
    }
}

async fn run(arguments: Arguments, output: &Output) -> Result<(), failure::Failure> {
    let session = Session::new(arguments.flags)?;
    tokio::select! {
        outcome = Box::pin(arguments.command.run(&session, output)) => outcome,
        stopped = tokio::signal::ctrl_c() => {
            stopped?;
            Err(failure::Failure::failed(failure::Stopped))
        }
    }
}

/// The surface, for completions and tests.
fn surface() -> clap::Command {
    Arguments::command()
}
