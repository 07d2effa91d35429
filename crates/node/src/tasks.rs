//! The tasks of a node: named, watched, stopped in order.

use std::collections::HashMap;
use std::error::Error;
use std::future::Future;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, timeout_at};

/// How long each stage behind the work has to close.
const CLOSING: Duration = Duration::from_secs(10);

/// When a task is stopped. Later ones serve earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Work that has to be finished, or handed back: a worker.
    Work,
    /// A role that work may need until it is done.
    Role,
    /// A door that roles need until they are done.
    Door,
}

/// Why a node stopped by itself.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// A task failed.
    #[error("{task} failed")]
    Failed {
        /// Its name.
        task: &'static str,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A task ended although nobody stopped it.
    #[error("{task} ended by itself; look into the log before it, and start again")]
    Ended {
        /// Its name.
        task: &'static str,
    },
    /// A task panicked.
    #[error("{task} broke down; this is a fault of the program, please report it")]
    Broken {
        /// Its name.
        task: &'static str,
        /// What the runtime says.
        #[source]
        source: JoinError,
    },
    /// A task had to be cut off.
    #[error("{task} was not done in time and was cut off; it goes on after the next start")]
    CutOff {
        /// Its name.
        task: &'static str,
    },
}

type Ended = Result<(), Box<dyn Error + Send + Sync>>;

/// The tasks of a node.
#[derive(Debug)]
pub struct Tasks {
    set: JoinSet<Ended>,
    names: HashMap<Id, (&'static str, Stage)>,
    stopped: watch::Sender<Option<Stage>>,
    running: watch::Sender<Vec<&'static str>>,
}

impl Default for Tasks {
    fn default() -> Self {
        let (stopped, _) = watch::channel(None);
        let (running, _) = watch::channel(Vec::new());
        Self { set: JoinSet::new(), names: HashMap::new(), stopped, running }
    }
}

impl Tasks {
    /// Ready when tasks of this stage are to stop.
    pub fn stop(&self, stage: Stage) -> impl Future<Output = ()> + Send + use<> {
        let mut stopped = self.stopped.subscribe();
        async move {
            // An error means that nobody is left who could stop us: the same.
            let _gone = stopped.wait_for(|now| now.is_some_and(|now| now >= stage)).await;
        }
    }

    /// Shows the names of what runs.
    pub fn running(&self) -> watch::Receiver<Vec<&'static str>> {
        self.running.subscribe()
    }

    /// Starts a task. It is to end when its stage stops, and not before.
    pub fn spawn<E>(
        &mut self,
        task: &'static str,
        stage: Stage,
        future: impl Future<Output = Result<(), E>> + Send + 'static,
    ) where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let handle = self.set.spawn(async move { future.await.map_err(Into::into) });
        self.names.insert(handle.id(), (task, stage));
        self.running.send_modify(|running| running.push(task));
        tracing::info!(task, "node.tasks.started");
    }

    /// Waits for something while nothing may end.
    pub async fn until<T>(&mut self, what: impl Future<Output = T>) -> Result<T, TaskError> {
        tokio::select! {
            what = what => Ok(what),
            Some((task, ended)) = self.next() => Err(match ended {
                Ok(()) => TaskError::Ended { task },
                Err(error) => error,
            }),
        }
    }

    /// Runs until `stop` is ready or a task ends, then stops all: work within `drain`, then roles,
    /// then doors.
    /// The error is the first one that came.
    pub async fn run(
        mut self,
        stop: impl Future<Output = ()>,
        drain: Duration,
    ) -> Result<(), TaskError> {
        let mut first = self.until(stop).await;
        for (stage, time) in [(Stage::Work, drain), (Stage::Role, CLOSING), (Stage::Door, CLOSING)]
        {
            tracing::info!(?stage, "node.tasks.stopping");
            self.stopped.send_replace(Some(stage));
            let closed = self.close(stage, time).await;
            first = first.and(closed);
        }
        self.set.shutdown().await;
        first
    }

    /// Waits for the tasks of a stage, and cuts off those that are not done in time.
    async fn close(&mut self, stage: Stage, time: Duration) -> Result<(), TaskError> {
        let end = Instant::now() + time;
        let mut first = Ok(());
        while let Some(task) = self.of(stage) {
            match timeout_at(end, self.next()).await {
                Ok(Some((_, ended))) => first = first.and(ended),
                Ok(None) => break,
                Err(_) => return first.and(Err(TaskError::CutOff { task })),
            }
        }
        first
    }

    /// The name of a task of this stage that runs.
    fn of(&self, stage: Stage) -> Option<&'static str> {
        self.names.values().find(|(_, of)| *of == stage).map(|(task, _)| *task)
    }

    /// The next task that ends.
    async fn next(&mut self) -> Option<(&'static str, Result<(), TaskError>)> {
        let joined = self.set.join_next_with_id().await?;
        let id = joined.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let (task, _) = self.names.remove(&id)?;
        self.running.send_modify(|running| running.retain(|name| *name != task));
        let ended = match joined {
            Ok((_, Ok(()))) => Ok(()),
            Ok((_, Err(source))) => Err(TaskError::Failed { task, source }),
            Err(source) => Err(TaskError::Broken { task, source }),
        };
        match &ended {
            Ok(()) => tracing::info!(task, "node.tasks.ended"),
            Err(error) => tracing::error!(task, error = causes(error), "node.tasks.ended"),
        }
        Some((task, ended))
    }
}

/// An error with its causes.
fn causes(error: &TaskError) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    causes.fold(error.to_string(), |words, cause| format!("{words}: {cause}"))
}

#[cfg(test)]
mod tests;
