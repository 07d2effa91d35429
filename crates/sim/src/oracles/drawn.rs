//! Who was drawn for each task, and whether those among them who lie could agree on a lie.

use std::collections::{BTreeMap, BTreeSet};

use tallystick_types::{JobId, Seat, TaskIndex};

use super::Oracles;
use crate::lies::Character;

/// The nodes of each task, over all of its tries.
pub(super) type Drawn = BTreeMap<JobId, BTreeMap<TaskIndex, BTreeSet<Seat>>>;

impl Oracles {
    /// A node is told to do a task.
    pub fn drawn(&mut self, job: JobId, task: TaskIndex, seat: Seat) {
        self.drawn.entry(job).or_default().entry(task).or_default().insert(seat);
    }

    /// Whether the nodes that were drawn for a task can have agreed on a wrong output.
    pub(super) fn may_be_wrong(&self, job: JobId, task: TaskIndex) -> bool {
        let drawn = self.drawn.get(&job).and_then(|tasks| tasks.get(&task));
        let mut agree: BTreeMap<Option<u8>, usize> = BTreeMap::new();
        for seat in drawn.into_iter().flatten() {
            match self.liars.get(seat) {
                Some(Character::WrongOutput { group }) => {
                    *agree.entry(Some(*group)).or_default() += 1;
                }
                // Whoever errs agrees with nobody.
                Some(Character::Errs) => *agree.entry(None).or_default() = 1,
                Some(_) | None => {}
            }
        }
        let replicas = self.history.replicas(job).unwrap_or(1);
        let needed = usize::from(replicas / 2) + 1;
        agree.values().any(|count| *count >= needed)
    }

    /// Whether any task of a job may be wrong.
    pub(super) fn any_may_be_wrong(&self, job: JobId) -> bool {
        let tasks = self.drawn.get(&job).into_iter().flat_map(BTreeMap::keys);
        tasks.into_iter().any(|task| self.may_be_wrong(job, *task))
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::Address;
    use tallystick_types::NodeId;

    use super::*;

    const JOB: JobId = JobId::new([1; 32]);

    fn seat(node: u64) -> Seat {
        Seat { node: NodeId::new(node), signer: Address::ZERO }
    }

    #[test]
    fn a_lie_counts_only_where_enough_who_tell_it_were_drawn() {
        let mut oracles = Oracles::default();
        oracles.liars.insert(seat(1), Character::WrongOutput { group: 4 });
        oracles.liars.insert(seat(2), Character::TwoClaims);
        let (here, there) = (TaskIndex::new(0), TaskIndex::new(1));
        oracles.drawn(JOB, here, seat(1));
        oracles.drawn(JOB, there, seat(2));
        // Nothing is known of the job, so that one node might be enough.
        assert!(oracles.may_be_wrong(JOB, here) && !oracles.may_be_wrong(JOB, there));
        assert!(oracles.any_may_be_wrong(JOB));
        assert!(!oracles.any_may_be_wrong(JobId::new([2; 32])));
    }
}
