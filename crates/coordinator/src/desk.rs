//! Owns the machine and the journal: one input after the other, each on the disk before anything
//! follows from it.
//!
//! **In:** inputs, and questions about the machine. **Out:** wishes, in the order of their inputs.
//! **A crash** loses nothing that was acknowledged: the last snapshot and the inputs after it make
//! the same machine, and what it still wants done is read off its state.

mod keeper;
mod rows;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;

use tallystick_journal::{Journal, JournalError, Reader, RuleError, Step};
use tallystick_ports::Clock;
use tallystick_protocol::ledger::{Refusal, Settings};
use tallystick_scheduler::SchedulingParameters;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

pub use keeper::{Batch, Keeper, Log};

use crate::machine::{Input, Machine, Wish};

/// Inputs that wait.
const INBOX: usize = 1_024;
/// Inputs that share one write.
const SHARED: usize = 128;

/// The way in. Cheap to clone; holds no state.
#[derive(Clone, Debug)]
pub(crate) struct DeskHandle {
    inbox: mpsc::Sender<Request>,
}

/// The machine with its journal.
#[derive(Debug)]
pub(crate) struct Desk {
    keeper: Keeper<Journal>,
    clock: Arc<dyn Clock>,
    inbox: mpsc::Receiver<Request>,
    wishes: mpsc::Sender<Vec<Wish>>,
    /// Wishes that nobody had time for yet, the oldest first. The desk never waits for whoever
    /// fulfils them, because they ask the desk.
    pending: VecDeque<Vec<Wish>>,
}

/// The desk ended, because the process stops or the disk failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the coordinator stops; ask again later or ask another one")]
pub(crate) struct Stopped;

type Question = Box<dyn FnOnce(&Machine, &Reader) + Send>;
type Look = Box<dyn FnOnce(&Machine) -> Vec<Input> + Send>;

/// Changes rows by their rules; gives the inputs that follow, and what to say once all is kept.
type Change = Box<dyn FnOnce(&mut Step<'_>) -> Result<With<Say>, JournalError> + Send>;
type Say = Box<dyn FnOnce() + Send>;
/// What a change brings, with the inputs that follow.
type With<T> = (T, Vec<Input>);

enum Request {
    Input(Box<Input>, Option<oneshot::Sender<Option<Refusal>>>),
    Question(Question),
    Look(Look),
    Change(Change),
    Stop,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Input(..) => "Input",
            Self::Question(_) => "Question",
            Self::Look(_) => "Look",
            Self::Change(_) => "Change",
            Self::Stop => "Stop",
        })
    }
}

impl DeskHandle {
    /// Hands in an input. Returns when it is in the queue.
    pub(crate) async fn tell(&self, input: Input) -> Result<(), Stopped> {
        self.inbox.send(Request::Input(Box::new(input), None)).await.map_err(|_| Stopped)
    }

    /// Hands in an input and returns when it is on the disk, with what the ledger says against it.
    pub(crate) async fn apply(&self, input: Input) -> Result<Option<Refusal>, Stopped> {
        let (reply, answer) = oneshot::channel();
        let request = Request::Input(Box::new(input), Some(reply));
        self.inbox.send(request).await.map_err(|_| Stopped)?;
        answer.await.map_err(|_| Stopped)
    }

    /// Asks about the machine as it is after all inputs before the question; these are on the
    /// disk.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Machine, &Reader) -> T + Send + 'static,
    ) -> Result<T, Stopped> {
        let (reply, answer) = oneshot::channel();
        let asked: Question = Box::new(move |machine, reader| {
            // Whoever asked may be gone.
            let _gone = reply.send(question(machine, reader));
        });
        self.inbox.send(Request::Question(asked)).await.map_err(|_| Stopped)?;
        answer.await.map_err(|_| Stopped)
    }

    /// Changes rows by their rules, together with the inputs that follow from the change: all of it
    /// is on the disk when this returns, or nothing where a rule refuses.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Step<'_>) -> Result<With<T>, JournalError> + Send + 'static,
    ) -> Result<Result<T, RuleError>, Stopped> {
        let (reply, answer) = oneshot::channel();
        let asked: Change = Box::new(move |step| match change(step) {
            // Whoever asked may be gone, here and below.
            Ok((value, inputs)) => {
                let say: Say = Box::new(move || drop(reply.send(Ok(value))));
                Ok((say, inputs))
            }
            Err(JournalError::Rule(rule)) => {
                drop(reply.send(Err(rule.clone())));
                Err(rule.into())
            }
            Err(error) => Err(error),
        });
        self.inbox.send(Request::Change(asked)).await.map_err(|_| Stopped)?;
        answer.await.map_err(|_| Stopped)
    }

    /// Lets the state decide which inputs follow, without anything coming in between.
    pub(crate) async fn look(
        &self,
        look: impl FnOnce(&Machine) -> Vec<Input> + Send + 'static,
    ) -> Result<(), Stopped> {
        self.inbox.send(Request::Look(Box::new(look))).await.map_err(|_| Stopped)
    }
}

impl DeskHandle {
    /// Ends the desk after everything that was handed in before.
    pub(crate) async fn stop(&self) {
        // It may have ended by itself.
        let _ended = self.inbox.send(Request::Stop).await;
    }
}

impl Desk {
    /// Reads the journal. The wishes that come first are those that a crash may have lost.
    pub(crate) fn open(
        journal: Journal,
        rules: (Settings, SchedulingParameters),
        clock: Arc<dyn Clock>,
        wishes: mpsc::Sender<Vec<Wish>>,
    ) -> Result<(Self, DeskHandle), JournalError> {
        let keeper = Keeper::open(journal, rules)?;
        let (sender, inbox) = mpsc::channel(INBOX);
        let pending = VecDeque::new();
        let desk = Self { keeper, clock, inbox, wishes, pending };
        Ok((desk, DeskHandle { inbox: sender }))
    }

    /// Works until it is stopped or the disk fails. Blocks on the disk: drive it on a thread of its
    /// own.
    pub(crate) async fn run(mut self) -> Result<(), JournalError> {
        self.pending.push_back(self.keeper.machine().outstanding());
        if !self.hand_over() {
            return Ok(());
        }
        let mut requests = Vec::new();
        while self.inbox.recv_many(&mut requests, SHARED).await > 0 {
            if !self.serve(std::mem::take(&mut requests))? {
                break;
            }
        }
        self.keeper.snapshot(self.clock.now())
    }

    /// Serves requests in their order, with one write for all inputs between two questions; false
    /// when that was all.
    fn serve(&mut self, requests: Vec<Request>) -> Result<bool, JournalError> {
        let mut round = Round::default();
        self.keeper.note_time(self.clock.now(), &mut round.batch);
        for request in requests {
            match request {
                Request::Input(input, reply) => {
                    let refusal = self.keeper.apply(*input, &mut round.batch);
                    round.replies.extend(reply.map(|reply| (reply, refusal)));
                }
                Request::Question(question) => {
                    let more = self.keep(std::mem::take(&mut round))?;
                    round.last = !more;
                    question(self.keeper.machine(), &self.keeper.log().reader());
                }
                Request::Look(look) => {
                    for input in look(self.keeper.machine()) {
                        self.keeper.apply(input, &mut round.batch);
                    }
                }
                Request::Change(change) => {
                    let more = self.keep(std::mem::take(&mut round))?;
                    round.last = !(self.change(change)? && more);
                }
                Request::Stop => round.last = true,
            }
        }
        self.keep(round)
    }

    /// Writes what happened, then lets everything follow from it.
    fn keep(&mut self, round: Round) -> Result<bool, JournalError> {
        let wishes = self.keeper.keep(round.batch, self.clock.now())?;
        for (reply, refusal) in round.replies {
            // Whoever asked may be gone.
            let _gone = reply.send(refusal);
        }
        fail::fail_point!("desk.batch.told");
        Ok(self.follow(wishes) && !round.last)
    }

    /// Changes rows, unless a rule refuses. False when nobody fulfils wishes any more.
    fn change(&mut self, change: Change) -> Result<bool, JournalError> {
        let (say, wishes) = match self.keeper.change(self.clock.now(), change) {
            Ok(changed) => changed,
            Err(JournalError::Rule(_)) => return Ok(true),
            Err(error) => return Err(error),
        };
        fail::fail_point!("desk.change.kept");
        say();
        Ok(self.follow(wishes))
    }

    /// Hands over the wishes of inputs that are on the disk.
    fn follow(&mut self, wishes: Vec<Wish>) -> bool {
        if !wishes.is_empty() {
            self.pending.push_back(wishes);
        }
        self.hand_over()
    }

    /// Hands over as many wishes as there is room for; the rest goes with the next request, which
    /// comes within a moment. False when nobody fulfils wishes any more.
    fn hand_over(&mut self) -> bool {
        while let Some(wishes) = self.pending.pop_front() {
            match self.wishes.try_send(wishes) {
                Ok(()) => {}
                Err(TrySendError::Full(wishes)) => {
                    self.pending.push_front(wishes);
                    return true;
                }
                Err(TrySendError::Closed(_)) => return false,
            }
        }
        true
    }
}

/// What one write is for, and who waits for it.
#[derive(Default)]
struct Round {
    batch: Batch,
    replies: Vec<(oneshot::Sender<Option<Refusal>>, Option<Refusal>)>,
    /// Whether the desk ends after it.
    last: bool,
}
