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

/// A compute network that settles on a chain: order work, get proof, run nodes.
///
/// Exit codes: 0 done, 1 failed, 2 used wrongly, 3 refused by the network, 4 no connection,
/// 5 verification failed. A node that runs has its own: 78 configuration, 77 keys, 75 in use, not
/// writable or a full disk.
#[derive(Debug, Parser)]
#[command(name = "tally", version, about, max_term_width = 100, subcommand_required = true)]
struct Arguments {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    command: Command,
}

#[cfg(all(feature = "failpoints", not(debug_assertions)))]
compile_error!("points at which a process dies are for tests; build without `failpoints`");

fn main() -> ExitCode {
    #[cfg(feature = "failpoints")]
    tallystick_node::arm_crash_points();
    // A node runs its own program to compile what strangers wrote, and that does nothing else.
    if std::env::args_os().nth(1).is_some_and(|word| word == tallystick_node::COMPILE_COMMAND) {
        return tallystick_node::compiler_main();
    }
    // For clients that name no provider: without one each of them panics.
    tallystick_tls::install_provider();
    let arguments = Arguments::parse();
    let output = Output::new(arguments.flags.json);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(arguments.command.run(arguments.flags, &output)),
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

/// The surface, for completions and tests.
fn surface() -> clap::Command {
    Arguments::command()
}
