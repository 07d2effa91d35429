//! Where sessions run: in a set that is stopped with the coordinator.

use std::future::Future;
use std::pin::{Pin, pin};

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::desk::Stopped;

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Starts futures in the set. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Spawner(mpsc::Sender<Work>);

/// The set.
#[derive(Debug)]
pub(crate) struct Spawned(mpsc::Receiver<Work>);

pub(crate) fn spawner() -> (Spawner, Spawned) {
    let (sender, receiver) = mpsc::channel(16);
    (Spawner(sender), Spawned(receiver))
}

impl Spawner {
    pub(crate) async fn spawn(
        &self,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), Stopped> {
        self.0.send(Box::pin(work)).await.map_err(|_| Stopped)
    }
}

impl Spawned {
    /// Runs what is handed in until `stop` is ready, then drops it.
    pub(crate) async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        let mut running = JoinSet::new();
        loop {
            tokio::select! {
                () = &mut stop => return,
                work = self.0.recv() => match work {
                    Some(work) => drop(running.spawn(work)),
                    None => return,
                },
                Some(_ended) = running.join_next(), if !running.is_empty() => {}
            }
        }
    }
}
