//! A node from its start to its end.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tallystick_types::Seconds;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tracing_subscriber::EnvFilter;

use crate::config::{Config, ConfigError, LogSettings};
use crate::doors::Doors;
use crate::error::NodeError;
use crate::observe::{self, Observed, PipelineTimes};
use crate::roles;
use crate::tasks::{Stage, Tasks};

/// Exit code of a process that did not wait for its node: that of one that a signal ended.
const AT_ONCE: i32 = 130;

/// Runs a node until `stop` is ready or a task ends by itself, and then stops it in order.
pub async fn run(config: Config, stop: impl Future<Output = ()>) -> Result<(), NodeError> {
    config.check()?;
    let address = config.observe;
    let drain = Duration::from_secs(config.drain_seconds);
    let listener = TcpListener::bind(address).await;
    let listener = listener.map_err(|source| NodeError::Listen { address, source })?;
    let mut tasks = Tasks::default();
    let doors = Doors::open(config, &mut tasks)?;
    let (observed, seen) = watch::channel(Observed {
        house: doors.house.clone(),
        outbox: doors.keys.as_ref().map(|keys| keys.outbox.clone()),
        running: tasks.running(),
        started: Vec::new(),
        settler: None,
        worker: None,
        archive: None,
        collector: None,
        blobs: doors.blobs.clone(),
        me: None,
        times: PipelineTimes {
            chain: Seconds::new(doors.config.late.chain_seconds),
            money: Seconds::new(doors.config.late.money_seconds),
        },
    });
    let stop_observing = tasks.stop(Stage::Door);
    let clock = Arc::clone(&doors.clock);
    tasks.spawn("observe", Stage::Door, observe::serve(listener, seen, clock, stop_observing));
    tracing::info!(%address, roles = ?doors.config.roles, "node.run.started");

    let mut stop = std::pin::pin!(stop);
    let begun = tasks.until(async {
        tokio::select! {
            () = &mut stop => false,
            () = doors.caught_up() => true,
        }
    });
    let begun = match begun.await {
        Ok(true) => roles::start(&doors, &mut tasks, &observed).await,
        Ok(false) => return Ok(tasks.run(async {}, drain).await?),
        Err(error) => Err(error.into()),
    };
    if let Err(error) = begun {
        // The reason is what failed first; what stops badly behind it is in the log.
        let _later = tasks.run(async {}, drain).await;
        return Err(error);
    }
    tracing::info!("node.run.working");
    Ok(tasks.run(stop, drain).await?)
}

/// Runs a node until the system or a person asks the process to end. Who asks a second time does
/// not want to wait: the process ends where it is, and goes on from its stores after the next
/// start.
pub async fn run_until_signalled(config: Config) -> Result<(), NodeError> {
    until_signalled(|asked| Box::pin(run(config, async { drop(asked.await) }))).await
}

/// Runs something that ends when it is asked; ends the process where somebody asks again.
async fn until_signalled<F: Future>(node: impl FnOnce(oneshot::Receiver<()>) -> F) -> F::Output {
    let mut signals = Signals::listen();
    let (ask, asked) = oneshot::channel();
    let twice = async {
        signals.next().await;
        // The node may have ended by itself at this moment.
        let _ended = ask.send(());
        signals.next().await;
    };
    tokio::select! {
        ended = node(asked) => ended,
        () = twice => std::process::exit(AT_ONCE),
    }
}

/// Ready when the system or a person asks the process to end.
pub async fn signals() {
    Signals::listen().next().await;
}

/// What the system and people ask of the process from now on.
#[cfg(unix)]
struct Signals([Option<tokio::signal::unix::Signal>; 2]);

#[cfg(unix)]
impl Signals {
    fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        // Where one cannot be heard the other is all there is.
        Self([SignalKind::interrupt(), SignalKind::terminate()].map(|kind| signal(kind).ok()))
    }

    async fn next(&mut self) {
        let [interrupted, terminated] = &mut self.0;
        let heard = async |signal: &mut Option<tokio::signal::unix::Signal>| match signal {
            Some(signal) => drop(signal.recv().await),
            None => std::future::pending().await,
        };
        tokio::select! {
            () = heard(interrupted) => {}
            () = heard(terminated) => {}
        }
    }
}

/// What people ask of the process.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> Self {
        Self
    }

    async fn next(&mut self) {
        let _asked = tokio::signal::ctrl_c().await;
    }
}

/// Sends the log of this process to standard error. Called once, by the hosting program.
pub fn init_logs(settings: &LogSettings) -> Result<(), ConfigError> {
    let filter = EnvFilter::try_new(&settings.filter).map_err(|_| ConfigError::Value {
        name: "log.filter",
        given: settings.filter.clone(),
        remedy: "write a level, or room=level, with commas between",
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // An error means that the host set up a log of its own: that one stands.
    let _own = if settings.json { builder.json().try_init() } else { builder.try_init() };
    Ok(())
}

#[cfg(test)]
mod tests;
