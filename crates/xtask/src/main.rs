#![doc = include_str!("../README.md")]

mod abi;
mod contracts;
mod layout;
mod record;
mod root;
mod tidy;
mod vectors;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

/// House keeping of this repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// One variant per command; each lives in a module of the same name.
#[derive(Debug, Subcommand)]
enum Command {
    /// Writes deployments/abi: the interfaces of the contracts as they compile.
    Abi(Check),
    /// Writes deployments/layout: where contracts keep their state. Refuses changes that do not
    /// append.
    Layout(Layout),
    /// Checks layers, sizes, names, pages and stray files.
    Tidy,
    /// Writes test/vectors: examples that every language checks.
    Vectors(Check),
}

#[derive(Debug, Args)]
struct Check {
    /// Writes nothing; exits with 1 where a file is missing or stale.
    #[arg(long)]
    check: bool,
}

#[derive(Debug, Args)]
struct Layout {
    /// Writes nothing; exits with 1 where a field moved, went away or changed its type.
    #[arg(long, conflicts_with = "anew")]
    check: bool,
    /// Forgets what was recorded. Only right while nothing is live.
    #[arg(long)]
    anew: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut output = io::stdout().lock();
    match run(arguments.command, &mut output) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            // Nothing is left to do when standard error is closed as well.
            let _ = writeln!(io::stderr(), "error: {message}");
            ExitCode::from(2)
        }
    }
}

/// True when nothing is left to do.
fn run(command: Command, output: &mut impl Write) -> Result<bool, String> {
    let root = root::folder();
    match command {
        Command::Abi(Check { check }) => {
            abi::run(&root, check, output).map_err(|error| error.to_string())
        }
        Command::Layout(Layout { check, anew }) => {
            layout::run(&root, check, anew, output).map_err(|error| error.to_string())
        }
        Command::Tidy => tidy::run(output).map_err(|error| error.to_string()),
        Command::Vectors(Check { check }) => {
            vectors::run(&root, check, output).map_err(|error| error.to_string())
        }
    }
}
