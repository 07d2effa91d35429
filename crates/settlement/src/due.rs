//! Which call a job waits for.

use alloy_primitives::Bytes;
use serde::{Deserialize, Serialize};
use tallystick_chain::view::{CallError, JobView};
use tallystick_planted::{Bug, planted};
use tallystick_types::{Attempt, ChainTime, Funding, JobId, JobState};

use crate::config::SettlementConfig;

/// Gas that a call of a batch needs at most, without its nodes: the word, the accounts of client,
/// coordinator, treasury and settler, the second hop of rare calls.
const CALL_GAS: u64 = 150_000;
/// The same for each node: its account and its lock.
const NODE_GAS: u64 = 45_000;
/// The same where the client's money is pulled.
const PULL_GAS: u64 = 150_000;

/// What is done to a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Action {
    /// `settle`: its result stands and is paid.
    Settle,
    /// `advance`: the time of its state is over.
    Advance,
}

/// A job that a call would move on now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The job.
    pub job: JobId,
    /// Its attempt.
    pub attempt: Attempt,
    /// The state in which it is.
    pub state: JobState,
    /// What to do.
    pub action: Action,
    /// The call.
    pub data: Bytes,
    /// Gas that the call needs at most.
    pub gas: u64,
}

impl Action {
    /// The contract's name of it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Settle => "settle",
            Self::Advance => "advance",
        }
    }
}

impl Due {
    /// What a job waits for at a moment of the chain; nothing where no call would move it, or none
    /// is wanted. `failed`: settlements of this attempt without effect.
    pub fn of(
        config: &SettlementConfig,
        job: &JobView,
        now: ChainTime,
        failed: u32,
    ) -> Option<Self> {
        // Acting at the deadline is not too early.
        if now < job.deadline || !is_worth(config, job) {
            return None;
        }
        if planted(Bug::NeverAdvances) && job.state != JobState::Proposed {
            return None;
        }
        let (action, data) = match job.state {
            JobState::Proposed => proposed(config, job, failed)?,
            JobState::Open | JobState::Assigned | JobState::Challenged => {
                (Action::Advance, Some(job).filter(|_| config.advance_lapsed)?.advance_call().ok()?)
            }
            JobState::None | JobState::Settled | JobState::Refunded | JobState::Closed => {
                return None;
            }
        };
        let (id, attempt, state, gas) = (job.id, job.attempt, job.state, gas(job));
        Some(Self { job: id, attempt, state, action, data, gas })
    }
}

/// A result that stands is settled. Where convictions broke its quorum, or its money cannot be
/// pulled, only `advance` moves it.
fn proposed(config: &SettlementConfig, job: &JobView, failed: u32) -> Option<(Action, Bytes)> {
    if failed >= config.settle_tries {
        return Some((Action::Advance, job.advance_call().ok()?));
    }
    match job.settle_call() {
        Ok(call) => Some((Action::Settle, call)),
        Err(CallError::NoQuorum { .. }) => Some((Action::Advance, job.advance_call().ok()?)),
        Err(_) => None,
    }
}

fn is_worth(config: &SettlementConfig, job: &JobView) -> bool {
    let terms = &job.order.terms;
    config.least_tip.get(&terms.token).is_none_or(|least| terms.price.tip() >= *least)
}

fn gas(job: &JobView) -> u64 {
    let nodes = job.assignment.as_ref().map_or(0, |assignment| assignment.nodes.len());
    let pull = match job.order.terms.rules.funding {
        Funding::PullAtSettlement => PULL_GAS,
        Funding::Balance | Funding::Allowance => 0,
    };
    // At most 16 nodes: it cannot overflow.
    CALL_GAS.saturating_add(pull).saturating_add(NODE_GAS.saturating_mul(nodes as u64))
}
