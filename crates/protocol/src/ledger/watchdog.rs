//! What time does to a task.

use super::job::Head;
use super::reason::{ReplicaEnd, TryEnd};
use super::task::{Replica, Stage, Task, TaskState, Verifying};
use super::turn::Turn;

impl Task {
    /// Applies every limit that has passed.
    pub(super) fn expire(&mut self, head: &Head, turn: &mut Turn<'_>) {
        match self.state {
            TaskState::Pending { retry_at, .. } => {
                if turn.now >= retry_at {
                    self.search(head, turn);
                }
            }
            TaskState::Dispatched | TaskState::Running => {
                if let Some(why) = self.replicas.first().and_then(|primary| overdue(primary, turn))
                {
                    self.release(head, 0, why, turn);
                    self.end_try(head, TryEnd::Primary(why), turn);
                }
            }
            TaskState::Committed { seed_by, .. } => {
                if turn.now >= seed_by {
                    self.end_try(head, TryEnd::SeedMissing, turn);
                }
            }
            TaskState::Verifying(verifying) => self.expire_verifying(head, verifying, turn),
            TaskState::Verified { .. } | TaskState::DeadLetter { .. } | TaskState::Stopped => {}
        }
    }

    fn expire_verifying(&mut self, head: &Head, verifying: Verifying, turn: &mut Turn<'_>) {
        match verifying.reveal_by {
            Some(reveal_by) if turn.now >= reveal_by => self.end_openings(head, verifying, turn),
            Some(_) => {}
            None => {
                for place in 0..self.replicas.len() {
                    let silent = self.replicas.get(place).and_then(|one| overdue(one, turn));
                    if let Some(why) = silent {
                        self.release(head, place, why, turn);
                    }
                }
                self.advance(head, turn);
            }
        }
    }
}

/// Why a node's silence puts it out, if it does by now.
fn overdue(replica: &Replica, turn: &Turn<'_>) -> Option<ReplicaEnd> {
    replica.deadline().filter(|deadline| turn.now >= *deadline)?;
    match replica.stage {
        Stage::Asked { .. } => Some(ReplicaEnd::NotAcknowledged),
        Stage::Working { .. } => Some(ReplicaEnd::TimedOut),
        Stage::Committed { .. } | Stage::Revealed { .. } | Stage::Gone { .. } => None,
    }
}
