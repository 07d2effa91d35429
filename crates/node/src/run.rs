//! A node from its start to its end.

use std::future::Future;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

use crate::config::{Config, ConfigError, LogSettings};
use crate::doors::Doors;
use crate::error::NodeError;
use crate::observe::{self, Observed};
use crate::roles;
use crate::tasks::{Stage, Tasks};

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
    });
    let stop_observing = tasks.stop(Stage::Door);
    tasks.spawn("observe", Stage::Door, observe::serve(listener, seen, stop_observing));
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

/// Ready when the system or a person asks the process to end.
pub async fn signals() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let terminated = async {
            match signal(SignalKind::terminate()) {
                Ok(mut terminated) => terminated.recv().await,
                // Then a person's word is all there is.
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = interrupted => {}
            _ = terminated => {}
        }
    }
    #[cfg(not(unix))]
    let _asked = interrupted.await;
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
