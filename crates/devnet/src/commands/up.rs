//! A network to play with.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use tallystick_devnet::demo;
use tallystick_devnet::network::{Network, NetworkFile, Plan};
use tokio::signal::unix::{SignalKind, signal};

use super::Failure;
use crate::tell;

/// Where a network keeps everything, unless told otherwise.
const FOLDER: &str = "target/devnet";

#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Where it keeps everything; emptied first.
    #[arg(long, default_value = FOLDER, value_name = "FOLDER")]
    folder: PathBuf,
    /// Adds the two workers that lie.
    #[arg(long)]
    liars: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Down {
    /// Where it keeps everything.
    #[arg(long, default_value = FOLDER, value_name = "FOLDER")]
    folder: PathBuf,
}

impl Up {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let mut plan = plan(self.folder)?;
        if !self.liars {
            plan.workers.retain(|worker| worker.lie.is_none());
        }
        let mut terminated = signal(SignalKind::terminate())?;
        let mut interrupted = signal(SignalKind::interrupt())?;
        let say = |line: &str| tell(&format!("devnet: {line}"));
        let network = tokio::select! {
            network = Network::start(&plan, &say) => network?,
            _ = terminated.recv() => return Ok(()),
            _ = interrupted.recv() => return Ok(()),
        };
        show(&network)?;
        tokio::select! {
            _ = terminated.recv() => {}
            _ = interrupted.recv() => {}
        }
        say("stopping");
        drop(network);
        Ok(())
    }
}

impl Down {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let path = self.folder.join("network.json");
        let text = fs::read_to_string(&path)
            .map_err(|_| format!("no network runs in {}", self.folder.display()))?;
        let file: NetworkFile = serde_json::from_str(&text)?;
        let stopped = std::process::Command::new("kill")
            .arg("-TERM")
            .arg(file.process.to_string())
            .status()?;
        if !stopped.success() {
            return Err(
                format!("process {} is gone; remove {}", file.process, path.display()).into()
            );
        }
        while path.exists() {
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        tell("devnet: stopped");
        Ok(())
    }
}

/// The usual network in an empty folder.
pub(super) fn plan(folder: PathBuf) -> Result<Plan, Failure> {
    if folder.join("network.json").exists() {
        let words = "a network runs there, or ended without a word; end it with \
                     `tallystick-devnet down`, or remove the folder";
        return Err(format!("{}: {words}", folder.display()).into());
    }
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    Ok(demo::plan(folder.canonicalize()?, std::env::current_exe()?))
}

/// What people need to play with it.
pub(super) fn show(network: &Network) -> io::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "chain         {}", network.url())?;
    for coordinator in &network.coordinators {
        writeln!(output, "coordinator   {coordinator}")?;
    }
    for member in &network.members {
        let (name, node, observe) = (&member.name, member.seat.node, member.observe);
        writeln!(output, "{name:<14}node {node}, http://{observe}/metrics")?;
    }
    let (config, password) = (network.client_file(), network.password_file());
    writeln!(output, "\nexport TALLY_PASSWORD_FILE={}", password.display())?;
    writeln!(
        output,
        "target/debug/tally --config {} job run examples/mandelbrot/mandelbrot.wasm \\\n  \
         --tiles 960x540/120x135 --args 960 --args 540 --args=-0.75 --args 0 --args 3.0 --args 500 \
         \\\n  --replicas 3 --output target/picture",
        config.display()
    )?;
    output.flush()
}
