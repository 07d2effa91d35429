//! Fulfils wishes: talks to nodes, fills the outbox, brings randomness, joins outputs.
//!
//! **In:** wishes, in their order. **Out:** inputs. What is under way is in [`Chores`].

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tallystick_chain::outbox::Intent;
use tallystick_ports::blocking;
use tallystick_types::JobId;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::chores::{Awaited, Chore, Chores, checked, joined};
use crate::machine::{Input, OutputPart, Wish};
use crate::shared::Shared;

/// How often outputs are looked for and time is noted.
const LOOK: Duration = Duration::from_millis(100);
/// After how many looks evidence that the chain did not act on is handed in again.
const REPORT_LOOKS: u64 = 50;

/// Fulfils wishes.
#[derive(Debug)]
pub(crate) struct Hands {
    shared: Shared,
    wishes: mpsc::Receiver<Vec<Wish>>,
    chores: Chores,
    tasks: JoinSet<()>,
    looks: u64,
}

impl Hands {
    pub(crate) fn new(shared: Shared, wishes: mpsc::Receiver<Vec<Wish>>) -> Self {
        let chores = Chores::new(shared.outbox.watch().borrow().newest_outcome);
        Self { shared, wishes, chores, tasks: JoinSet::new(), looks: 0 }
    }

    /// Works until `stop` is ready or nobody wishes any more.
    pub(crate) async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = &mut stop => return,
                wishes = self.wishes.recv() => match wishes {
                    Some(wishes) => for wish in wishes { self.fulfil(wish).await },
                    None => return,
                },
                _ = looks.tick() => self.look().await,
                Some(_done) = self.tasks.join_next(), if !self.tasks.is_empty() => {}
            }
        }
    }

    async fn fulfil(&mut self, wish: Wish) {
        if let Some((job, task, seat)) = Chores::asks_for(&wish) {
            let slices = self.shared.desk.ask(move |machine, _| Chores::slices(machine, job, task));
            if let Ok(Some(slices)) = slices.await {
                self.chores.expect(Awaited { job, task, seat, slices });
            }
        }
        fail::fail_point!("hands.wish.before");
        match self.chores.fulfil(wish, &self.shared.outlook(), &self.shared.outbox) {
            Some(Chore::Say(seat, bodies)) => {
                self.shared.sessions.tell(seat, bodies);
                fail::fail_point!("hands.node.told");
            }
            Some(Chore::HandIn(intent)) => self.hand_in(*intent).await,
            Some(Chore::Join(job, parts)) => self.join(job, parts),
            Some(Chore::Tell(job, kinds)) => {
                for kind in kinds {
                    self.shared.feed.tell(job, self.shared.clock.now(), kind);
                }
            }
            None => {}
        }
    }

    async fn hand_in(&self, intent: Intent) {
        fail::fail_point!("hands.intent.before");
        if let Err(error) = self.shared.outbox.enqueue(intent).await {
            tracing::warn!(%error, "outbox.enqueue.failed");
        }
        fail::fail_point!("hands.intent.kept");
    }

    fn join(&mut self, job: JobId, parts: Vec<OutputPart>) {
        let shared = self.shared.clone();
        self.tasks.spawn(async move {
            let blobs = shared.blobs.clone();
            let joined = blocking::run(move || joined(&blobs, &parts)).await;
            if let Ok(Some((output, bytes))) = joined {
                fail::fail_point!("hands.output.joined");
                // The desk is gone only when everything stops.
                let _stopped = shared.desk.tell(Input::OutputJoined { job, output, bytes }).await;
            }
        });
    }

    /// What has to be looked at now and then.
    async fn look(&mut self) {
        self.looks = self.looks.wrapping_add(1);
        // An empty look makes the desk note the time.
        let _stopped = self.shared.desk.look(|_| Vec::new()).await;
        for input in self.chores.seeds(&self.shared.house) {
            fail::fail_point!("hands.seed.read");
            let _stopped = self.shared.desk.tell(input).await;
        }
        self.take_outputs().await;
        for input in self.chores.outcomes(&self.shared.outbox).unwrap_or_default() {
            let _stopped = self.shared.desk.tell(input).await;
        }
        if self.looks.is_multiple_of(REPORT_LOOKS) {
            for intent in self.chores.reports(&self.shared.outlook()) {
                self.hand_in(intent).await;
            }
        }
    }

    /// Outputs that came in are compared with what was committed to.
    async fn take_outputs(&mut self) {
        for awaited in self.chores.awaited() {
            let said = self.shared.desk.ask(move |machine, _| Chores::described(machine, awaited));
            let Ok(Some(described)) = said.await else {
                self.chores.give_up(awaited);
                continue;
            };
            if !self.shared.blobs.has(described.1.blob) {
                continue;
            }
            self.chores.give_up(awaited);
            let shared = self.shared.clone();
            self.tasks.spawn(async move {
                let (blobs, slices) = (shared.blobs.clone(), awaited.slices);
                let good = blocking::run(move || checked(&blobs, slices, described));
                if let Ok(Some(output)) = good.await {
                    fail::fail_point!("hands.output.checked");
                    let Awaited { job, task, .. } = awaited;
                    let output_root = described.0;
                    let input = Input::OutputStored { job, task, output_root, output };
                    let _stopped = shared.desk.tell(input).await;
                }
            });
        }
    }
}

#[cfg(test)]
mod tests;
