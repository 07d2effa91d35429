//! What is due and what is under way. Pure: views, times and outcomes come in, wishes go out.

use std::collections::BTreeMap;

use alloy_primitives::{B256, Bytes, U256};
use alloy_sol_types::SolCall;
use serde::{Deserialize, Serialize};
use tallystick_abi::contracts::IJobManager;
use tallystick_chain::outbox::{Guard, Intent, IntentKey};
use tallystick_chain::view::{HouseView, JobView};
use tallystick_planted::{Bug, planted};
use tallystick_ports::{Batch, Store, StoreError};
use tallystick_types::{Attempt, ChainTime, JobId, JobState, Seconds, WallTime};

use crate::config::SettlementConfig;
use crate::due::{Action, Due};

#[cfg(test)]
pub(crate) mod tests;

/// Begins every key of the store.
const PREFIX: &[u8] = b"settlement/wish/";
/// First byte of every value; a later layout takes the next number.
const VERSION: u8 = 1;
/// Gas of a batch besides its calls.
const BATCH_GAS: u64 = 100_000;
/// The longest wait after calls without effect, in seconds.
const LONGEST_WAIT: u64 = 86_400;

/// One thing to be done to one job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Subject {
    /// The job.
    pub job: JobId,
    /// Its attempt.
    pub attempt: Attempt,
    /// What is to be done.
    pub action: Action,
}

/// What is to be kept, and then to be handed to the outbox.
#[derive(Debug, Default)]
pub struct Plan {
    /// To be kept first: after a crash the same wishes are handed in again.
    pub batch: Batch,
    /// To be handed in then.
    pub intents: Vec<Intent>,
}

/// What a settler knows of its own doing.
#[derive(Debug)]
pub struct Desk {
    config: SettlementConfig,
    wishes: BTreeMap<IntentKey, Wish>,
    tries: BTreeMap<Subject, Tries>,
}

/// A wish that is not over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Wish {
    subjects: Vec<Subject>,
    intent: Intent,
}

/// How often something was tried.
#[derive(Clone, Copy, Debug, Default)]
struct Tries {
    begun: u32,
    not_before: WallTime,
}

/// Why what was kept cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Written by a newer program, or damaged.
    #[error("the settler's notes cannot be read; run the newer program, or delete their folder")]
    Damaged,
}

impl Desk {
    /// Reads what an earlier run left.
    pub fn load(config: SettlementConfig, store: &dyn Store) -> Result<Self, DeskError> {
        let mut desk = Self { config, wishes: BTreeMap::new(), tries: BTreeMap::new() };
        for (_, bytes) in store.scan(PREFIX)? {
            let wish: Wish = match bytes.split_first() {
                Some((&VERSION, rest)) => {
                    postcard::from_bytes(rest).map_err(|_| DeskError::Damaged)?
                }
                _ => return Err(DeskError::Damaged),
            };
            for subject in &wish.subjects {
                desk.tries.entry(*subject).or_default().begun = 1;
            }
            desk.wishes.insert(wish.intent.key, wish);
        }
        Ok(desk)
    }

    /// The wishes that are not over, to be handed in again after a start.
    pub fn intents(&self) -> impl Iterator<Item = &Intent> {
        self.wishes.values().map(|wish| &wish.intent)
    }

    /// How many jobs are waiting for the chain.
    pub fn under_way(&self) -> usize {
        self.wishes.values().map(|wish| wish.subjects.len()).sum()
    }

    /// A wish is over. Where the job still is as it was, it is tried again after a while.
    pub fn ended(&mut self, key: IntentKey, wall: WallTime) -> Batch {
        let mut batch = Batch::default();
        let Some(wish) = self.wishes.remove(&key) else { return batch };
        batch.delete(key_of(key));
        for subject in wish.subjects {
            let tries = self.tries.entry(subject).or_default();
            let doubled = 2_u64.saturating_pow(tries.begun.saturating_sub(1));
            let wait = self.config.retry_after.get().saturating_mul(doubled).min(LONGEST_WAIT);
            tries.not_before = wall.after(Seconds::new(wait));
        }
        batch
    }

    /// What the view asks for, at a moment of the chain and one of this machine.
    pub fn step(&mut self, view: &HouseView, now: ChainTime, wall: WallTime) -> Plan {
        self.forget(view);
        let due = self.due(view, now, wall);
        let mut plan = Plan::default();
        for group in groups(due, &self.config) {
            let wish = self.wish(&group, wall);
            let bytes = postcard::to_extend(&wish, vec![VERSION]);
            plan.batch.put(key_of(wish.intent.key), bytes.expect("a wish has no odd form"));
            plan.intents.push(wish.intent.clone());
            self.wishes.insert(wish.intent.key, wish);
        }
        plan
    }

    /// Results that are to be paid first, then jobs whose time is over; the oldest first.
    fn due(&self, view: &HouseView, now: ChainTime, wall: WallTime) -> Vec<Due> {
        let states = [JobState::Proposed, JobState::Challenged, JobState::Assigned, JobState::Open];
        let lapsed = |state| view.jobs_in(state).take_while(move |job| job.deadline <= now);
        let jobs = states.into_iter().flat_map(lapsed);
        let due = jobs.filter_map(|job| Due::of(&self.config, job, now, self.settled_in_vain(job)));
        due.filter(|due| self.is_free(subject(due), wall)).collect()
    }

    /// Settlements of the present result without effect.
    fn settled_in_vain(&self, job: &JobView) -> u32 {
        let subject = Subject { job: job.id, attempt: job.attempt, action: Action::Settle };
        self.tries.get(&subject).map_or(0, |tries| tries.begun)
    }

    /// Whether nothing is under way for a job, and nothing failed a moment ago.
    fn is_free(&self, subject: Subject, wall: WallTime) -> bool {
        let same = |other: &Subject| (other.job, other.attempt) == (subject.job, subject.attempt);
        let busy = self.wishes.values().any(|wish| wish.subjects.iter().any(same));
        let tries = self.tries.iter().filter(|(other, _)| same(other));
        (!busy || planted(Bug::SettlesTwice))
            && tries.map(|(_, tries)| tries.not_before).max().is_none_or(|until| until <= wall)
    }

    /// Forgets tries at attempts that are over.
    fn forget(&mut self, view: &HouseView) {
        self.tries.retain(|subject, _| {
            view.job(subject.job)
                .is_some_and(|job| job.attempt == subject.attempt && !job.state.is_final())
        });
    }

    fn wish(&mut self, group: &[Due], wall: WallTime) -> Wish {
        let subjects: Vec<Subject> = group.iter().map(subject).collect();
        let mut name = Vec::new();
        for subject in &subjects {
            let tries = self.tries.entry(*subject).or_default();
            tries.begun = tries.begun.saturating_add(1);
            name.extend_from_slice(subject.job.as_bytes());
            name.push(subject.attempt.get());
            name.extend_from_slice(subject.action.name().as_bytes());
            name.extend_from_slice(&tries.begun.to_be_bytes());
        }
        let domain = self.config.domain;
        let key = |function| IntentKey::of(domain.chain, domain.job_manager, function, &name);
        let several = Intent {
            key: key("batch"),
            to: domain.job_manager,
            data: batch_call(group),
            value: U256::ZERO,
            deadline: Some(wall.after(self.config.batch_stands)),
            max_fee_per_gas: self.config.max_fee_per_gas,
            least_gas: group.iter().fold(BATCH_GAS, |sum, due| sum.saturating_add(due.gas)),
            guard: None,
            purpose: format!("move {} jobs", group.len()),
        };
        let intent = match group {
            [due] => Intent {
                key: key(due.action.name()),
                data: due.data.clone(),
                deadline: None,
                least_gas: 0,
                guard: Some(self.guard(due)),
                purpose: format!("{} job {}", due.action.name(), due.job),
                ..several
            },
            _ => several,
        };
        Wish { subjects, intent }
    }

    /// The job left the state in which it waits, whoever moved it.
    fn guard(&self, due: &Due) -> Guard {
        let states = [
            JobState::None,
            JobState::Open,
            JobState::Assigned,
            JobState::Proposed,
            JobState::Challenged,
            JobState::Settled,
            JobState::Refunded,
            JobState::Closed,
        ];
        let others = states.into_iter().filter(|state| *state != due.state);
        Guard {
            to: self.config.domain.job_manager,
            data: IJobManager::statusOfCall { id: due.job.into() }.abi_encode().into(),
            mask: B256::repeat_byte(0xff),
            done: others.map(|state| B256::from(U256::from(state.code()))).collect(),
        }
    }
}

/// What fits into one transaction, in the order in which it is due.
fn groups(due: Vec<Due>, config: &SettlementConfig) -> Vec<Vec<Due>> {
    let mut groups: Vec<Vec<Due>> = Vec::new();
    let mut gas = 0_u64;
    for due in due {
        let full = gas.saturating_add(due.gas) > config.batch_gas;
        match groups.last_mut().filter(|group| !full && group.len() < config.batch_calls) {
            Some(group) => {
                gas = gas.saturating_add(due.gas);
                group.push(due);
            }
            None => {
                gas = BATCH_GAS.saturating_add(due.gas);
                groups.push(vec![due]);
            }
        }
    }
    groups
}

fn batch_call(group: &[Due]) -> Bytes {
    let calls = group.iter().map(|due| due.data.clone()).collect();
    IJobManager::batchCall { calls }.abi_encode().into()
}

const fn subject(due: &Due) -> Subject {
    Subject { job: due.job, attempt: due.attempt, action: due.action }
}

fn key_of(key: IntentKey) -> Vec<u8> {
    [PREFIX, key.as_bytes()].concat()
}
