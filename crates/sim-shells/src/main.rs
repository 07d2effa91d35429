//! One simulation of the shells as a program: a process for each seed.

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use clap::Parser;
use mad_turmoil::rand::set_rng;
use mad_turmoil::time::SimClocksGuard;
use rand::SeedableRng;
use rand::rngs::StdRng;
use tallystick_sim_shells::{Course, Outcome, Trace, simulate};

/// Runs the shells of the network in a simulation: their connections, clock, randomness and disks
/// are simulated, and one seed is one course of events.
#[derive(Clone, Debug, Parser)]
#[command(name = "tallystick-sim-shells", version)]
struct Arguments {
    /// The seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Nothing goes wrong.
    #[arg(long)]
    fair: bool,
    /// The disk of this machine, such as coordinator-0, worker-1, settler or archive, says that it
    /// synced what it did not. The run fails if the faults of the seed show it.
    #[arg(long, value_name = "MACHINE")]
    lying_disk: Option<String>,
    /// Writes everything that happens to this file.
    #[arg(long)]
    trace: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Maps take their keys when a thread makes its first one: this thread may have one, so the
    // simulation has another.
    set_rng(StdRng::seed_from_u64(arguments.seed));
    let ran = thread::spawn(move || run(&arguments).map_err(|error| error.to_string())).join();
    match ran {
        Ok(Ok(true)) => ExitCode::SUCCESS,
        Ok(Ok(false)) => ExitCode::FAILURE,
        Ok(Err(error)) => {
            // Where not even this can be written, the exit code says it.
            let _unheard = writeln!(io::stderr(), "tallystick-sim-shells: {error}");
            ExitCode::from(2)
        }
        Err(_) => ExitCode::from(101),
    }
}

/// True where everything held.
fn run(arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
    let trace = Trace::new(arguments.trace.as_deref())?;
    let clocks = SimClocksGuard::init();
    let Arguments { seed, fair, lying_disk, .. } = arguments.clone();
    let outcome = simulate(Course { seed, fair, lying_disk }, &trace)?;
    drop(clocks);
    trace.finish()?;
    report(arguments.seed, &outcome, &trace)?;
    Ok(outcome.failure.is_none())
}

fn report(seed: u64, outcome: &Outcome, trace: &Trace) -> io::Result<()> {
    let (lines, hash) = trace.sum();
    let mut to = io::stdout().lock();
    let (settled, refunded) = outcome.ended;
    writeln!(
        to,
        "seed {seed}: {settled} settled, {refunded} refunded, {} fetched, {} s, {lines} lines, \
         {hash}",
        outcome.fetched,
        outcome.passed / 1_000,
    )?;
    for (name, count) in outcome.census.iter().chain(&outcome.checks) {
        writeln!(to, "  {count:>8} {name}")?;
    }
    match &outcome.failure {
        Some(failure) => writeln!(to, "  FAILED {failure}"),
        None => Ok(()),
    }
}
