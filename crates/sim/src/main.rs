//! The simulator as a program.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use tallystick_sim::planted::{Hunt, named};
use tallystick_sim::sweep::{Sweep, SweepError};
use tallystick_sim::world::Mode;

/// A simulation makes and drops small things all the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs the network in a simulation, one seed after the other: real cores, real contracts, and
/// everything that can go wrong in between.
#[derive(Debug, Parser)]
#[command(name = "tallystick-sim", version)]
struct Arguments {
    /// How many seeds.
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    first: u64,
    /// How many seeds run at a time.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Only runs in which things go wrong to the end.
    #[arg(long, conflicts_with = "liveness")]
    safety: bool,
    /// Only runs in which all is well in the end and everything has to end.
    #[arg(long)]
    liveness: bool,
    /// Stop after so many seconds; what ran until then counts.
    #[arg(long)]
    seconds: Option<u64>,
    /// Do not fail where a situation never occurred.
    #[arg(long)]
    any_situations: bool,
    /// Only this seed.
    #[arg(long)]
    seed: Option<u64>,
    /// Tell everything that happens.
    #[arg(long, requires = "seed")]
    trace: bool,
    /// Plant a deliberate bug, by name, and look for the first seed that notices it. `all` looks
    /// for each, `recorded` begins with the seeds that are known, `names` lists them.
    #[arg(long, value_name = "BUG", conflicts_with_all = ["seed", "safety", "liveness"])]
    planted: Option<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(word) = &arguments.planted {
        return hunt(word, &arguments, &mut std::io::stdout(), &mut std::io::stderr());
    }
    let modes = match (arguments.safety, arguments.liveness) {
        (true, _) => vec![Mode::Safety],
        (_, true) => vec![Mode::Liveness],
        _ => vec![Mode::Safety, Mode::Liveness],
    };
    let sweep = Sweep {
        first: arguments.seed.unwrap_or(arguments.first),
        seeds: if arguments.seed.is_some() { 1 } else { arguments.seeds },
        jobs: arguments.jobs.max(1),
        modes,
        seconds: arguments.seconds,
        demands_situations: !arguments.any_situations && arguments.seed.is_none(),
        traced: arguments.trace,
    };
    let (mut output, mut progress) = (std::io::stdout(), std::io::stderr());
    match sweep.run(&mut output, &mut progress) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // Where not even this can be written, the exit code says it.
            let _unheard = writeln!(progress, "tallystick-sim: {error}");
            match error {
                SweepError::Write(_) | SweepError::Genesis(_) => ExitCode::from(2),
            }
        }
    }
}

/// Looks for deliberate bugs.
fn hunt(
    word: &str,
    arguments: &Arguments,
    output: &mut impl Write,
    progress: &mut impl Write,
) -> ExitCode {
    let hunt = Hunt {
        first: arguments.first,
        seeds: arguments.seeds,
        jobs: arguments.jobs.max(1),
        recorded: word == "recorded",
    };
    let found = named(word).and_then(|bugs| {
        if word == "names" {
            for bug in &bugs {
                writeln!(output, "{:<20} {}", bug.name(), bug.sentence())?;
            }
            return Ok(true);
        }
        hunt.run(&bugs, output)
    });
    match found {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _unheard = writeln!(progress, "tallystick-sim: {error}");
            ExitCode::from(2)
        }
    }
}
