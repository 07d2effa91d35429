//! Facts that a test states.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tallystick_types::{IdentityKey, JobId, Seat};

use super::{JobFact, JobFacts};

/// Says what it was told. Clones say the same.
#[derive(Clone, Debug, Default)]
pub struct MemoryFacts(Arc<Mutex<Told>>);

#[derive(Debug, Default)]
struct Told {
    jobs: BTreeMap<JobId, JobFact>,
    identities: BTreeMap<Seat, IdentityKey>,
    head: Option<u64>,
}

impl MemoryFacts {
    /// States a job, in place of what was said of it before.
    pub fn set_job(&self, job: JobId, fact: JobFact) {
        self.told().jobs.insert(job, fact);
    }

    /// States the identity key of a node.
    pub fn set_identity(&self, seat: Seat, key: IdentityKey) {
        self.told().identities.insert(seat, key);
    }

    /// States the newest block.
    pub fn set_head(&self, block: u64) {
        self.told().head = Some(block);
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl JobFacts for MemoryFacts {
    fn job(&self, job: JobId) -> Option<JobFact> {
        self.told().jobs.get(&job).cloned()
    }

    fn identity_of(&self, seat: Seat) -> Option<IdentityKey> {
        self.told().identities.get(&seat).copied()
    }

    fn head(&self) -> Option<u64> {
        self.told().head
    }
}
