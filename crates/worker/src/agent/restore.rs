//! Going on from what the store has.

use std::sync::Arc;

use tallystick_ports::{Entry, Store, StoreError};
use tallystick_protocol::specification::Specification;
use tallystick_types::{Seat, WallTime};

use super::held::{HeldTask, TaskState};
use super::journal::{self, Record};
use super::{Agent, AgentConfig, JournalError, Moment, NodeSecret};

/// Why an agent does not start.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A record cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl Agent {
    /// An agent that goes on from a store, which may be empty.
    pub fn restore(
        config: AgentConfig,
        seat: Seat,
        secret: NodeSecret,
        store: &dyn Store,
    ) -> Result<Self, RestoreError> {
        let moment = Moment { now: WallTime::new(0), head: None };
        let mut agent = Self {
            config,
            seat,
            secret,
            moment,
            session: None,
            drained: false,
            stopping: false,
            left: false,
            jobs: std::collections::BTreeMap::new(),
            fetching: std::collections::BTreeSet::new(),
            review_at: WallTime::new(0),
            effects: Vec::new(),
        };
        let entries = store.scan(journal::prefix())?;
        // A specification comes before the tasks that name it, and a task before its output.
        let rank = |record: &Record| match record {
            Record::Specification(..) => 0,
            Record::Accepted(_) => 1,
            Record::Output(..) | Record::Claim(_) | Record::End(..) => 2,
        };
        let read = |entry: &Entry| Ok((Record::read(entry)?, entry.0.clone()));
        let mut records = entries.iter().map(read).collect::<Result<Vec<_>, JournalError>>()?;
        records.sort_by_key(|(record, _)| rank(record));
        for (record, key) in records {
            agent.put_back(record).ok_or(JournalError { key })?;
        }
        Ok(agent)
    }

    /// Puts one record in its place; nothing where it has none.
    fn put_back(&mut self, record: Record) -> Option<()> {
        match record {
            Record::Specification(job, digest, bytes) => {
                let specification = Arc::new(Specification::from_bytes(&bytes).ok()?);
                let job = self.jobs.entry(job).or_default();
                job.specifications.insert(digest, specification);
            }
            Record::Accepted(accepted) => {
                let job = self.jobs.get_mut(&accepted.assignment.job)?;
                let specification = Arc::clone(job.specifications.get(&accepted.specification)?);
                let (assignment, end) = (accepted.assignment, accepted.end.clone());
                let mut task = HeldTask::new(accepted, specification);
                task.restored = true;
                if let Some(end) = end {
                    task.state = TaskState::Ended(end);
                }
                job.tasks.insert(assignment, task);
            }
            Record::Output(assignment, output) => {
                let task = self.jobs.get_mut(&assignment.job)?.tasks.get_mut(&assignment)?;
                if task.state.is_live() {
                    task.state = TaskState::Committed { output, signature: None };
                }
            }
            Record::Claim(attesting) => {
                let job = self.jobs.get_mut(&attesting.claim.job)?;
                job.claims.insert(attesting.claim.attempt, attesting);
            }
            Record::End(job, at) => self.jobs.get_mut(&job)?.over_since = Some(at),
        }
        Some(())
    }
}
