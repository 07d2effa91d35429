//! What is asked of the ledger: the terms of one job as far as they rule how it is worked on.

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};
use tallystick_types::{
    Amount, Attempt, Attestations, Privacy, Seconds, SliceRange, SpecificationDigest, Trust,
    Verification,
};

use crate::split::{self, SplitError};

/// A job as a coordinator takes it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobRequest {
    /// Who pays, and whose pairings count where the job is private.
    pub client: Address,
    /// Digest of program, input and limits.
    pub specification: SpecificationDigest,
    /// The attempt of the job: the fencing token of the coordinator's lease.
    pub attempt: Attempt,
    /// Slices of the input, at least 1.
    pub slices: u64,
    /// Slices per task, at least 1.
    pub slices_per_task: u64,
    /// Declared complexity of one slice, in work units; zero where it is not known.
    pub work_units_per_slice: u64,
    /// How results are checked.
    pub verification: Verification,
    /// Who may execute.
    pub trust: Trust,
    /// Nodes that are to execute each task, 1 to 16.
    pub replicas: u8,
    /// Equal results that verify a task, more than half of the replicas.
    pub quorum: u8,
    /// Whether only paired nodes may see it.
    pub privacy: Privacy,
    /// What happens while no node is free.
    pub queueing: Queueing,
    /// What the client is charged for all of it, in base units of the job's token.
    pub price: Amount,
    /// Time limits and counts.
    pub limits: Limits,
}

/// What happens to a task that found no node for [`Limits::no_node`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Queueing {
    /// It waits, with its reason, until a node comes or the job's time is up; where no node could
    /// ever fit, the job ends.
    Queue,
    /// The job ends.
    FailFast,
}

/// Time limits and counts of one job. All limits run on the coordinator's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// From dispatch to acknowledgement.
    pub acknowledgement: Seconds,
    /// From acknowledgement to commitment, at least.
    pub execution: Seconds,
    /// The same, at most, however complex the work is declared and slow the node measured.
    pub longest_execution: Seconds,
    /// From a primary's commitment to the randomness of the round that it named.
    pub seed: Seconds,
    /// From the draw of secondaries to the last commitment.
    pub verification: Seconds,
    /// From the first request to open commitments to the last opening.
    pub reveal: Seconds,
    /// From the last verified task to the last attestation.
    pub attestation: Seconds,
    /// Between two searches for a node.
    pub retry: Seconds,
    /// From the first search without success to queueing or failing.
    pub no_node: Seconds,
    /// From the last task that moved to the end of a job with dead letters: the time to retry them.
    pub dead_letter: Seconds,
    /// From submission to the end of all work.
    pub job: Seconds,
    /// Tries at one task until it is a dead letter.
    pub deliveries: u16,
}

/// What is wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The slices make no tasks.
    #[error("the input cannot be parted into tasks")]
    Split(#[source] SplitError),
    /// The number of replicas is out of range.
    #[error("{given} replicas are not 1 to {}", Attestations::MOST)]
    Replicas {
        /// What was given.
        given: u8,
    },
    /// The quorum is no majority, or more than the replicas.
    #[error("a quorum of {quorum} among {replicas} replicas is no majority of them; raise it")]
    Quorum {
        /// The quorum.
        quorum: u8,
        /// The replicas.
        replicas: u8,
    },
    /// A limit of zero would end the job before it began; attempts count from 1.
    #[error("{field} is 0; give at least 1")]
    ZeroLimit {
        /// Which.
        field: &'static str,
    },
    /// A private job of a client that paired with too few nodes.
    #[error("a private job with {replicas} replicas needs as many paired nodes, not {paired}")]
    NotPaired {
        /// Nodes asked for.
        replicas: u8,
        /// Nodes paired.
        paired: usize,
    },
}

impl Limits {
    /// Limits for short tasks: 30 s each.
    pub const fn for_tasks() -> Self {
        Self {
            acknowledgement: Seconds::new(5),
            execution: Seconds::new(30),
            longest_execution: Seconds::new(3_600),
            seed: Seconds::new(60),
            verification: Seconds::new(120),
            reveal: Seconds::new(15),
            attestation: Seconds::new(60),
            retry: Seconds::new(2),
            no_node: Seconds::new(30),
            dead_letter: Seconds::new(600),
            job: Seconds::new(3_600),
            deliveries: 5,
        }
    }

    /// Limits for inference: 60 s each.
    pub const fn for_inference() -> Self {
        Self { execution: Seconds::new(60), ..Self::for_tasks() }
    }

    fn zero(&self) -> Option<&'static str> {
        let durations = [
            ("acknowledgement", self.acknowledgement),
            ("execution", self.execution),
            ("longest_execution", self.longest_execution),
            ("seed", self.seed),
            ("verification", self.verification),
            ("reveal", self.reveal),
            ("attestation", self.attestation),
            ("retry", self.retry),
            ("no_node", self.no_node),
            ("dead_letter", self.dead_letter),
            ("job", self.job),
        ];
        let zero = durations.into_iter().find(|(_, limit)| limit.get() == 0);
        zero.map(|(field, _)| field).or_else(|| (self.deliveries == 0).then_some("deliveries"))
    }
}

impl JobRequest {
    /// The ranges of slices that the tasks get, or what is wrong with the request.
    pub fn tasks(&self) -> Result<Vec<SliceRange>, RequestError> {
        let (replicas, quorum) = (self.replicas, self.quorum);
        if replicas == 0 || usize::from(replicas) > Attestations::MOST {
            return Err(RequestError::Replicas { given: replicas });
        }
        if quorum > replicas || u16::from(quorum).saturating_mul(2) <= u16::from(replicas) {
            return Err(RequestError::Quorum { quorum, replicas });
        }
        if self.attempt.get() == 0 {
            return Err(RequestError::ZeroLimit { field: "attempt" });
        }
        if let Some(field) = self.limits.zero() {
            return Err(RequestError::ZeroLimit { field });
        }
        split::tasks(self.slices, self.slices_per_task).map_err(RequestError::Split)
    }

    /// Equal results that are needed among so many: the quorum, and a majority of all.
    pub fn needed(&self, results: usize) -> usize {
        let among = results.max(usize::from(self.replicas));
        (among / 2).saturating_add(1).max(usize::from(self.quorum))
    }

    /// The time a node of a speed gets for so many slices: four times what it would need, within
    /// the limits. The speed is in work units per second, zero where it is not known.
    pub fn execution_limit(&self, slices: u64, speed: u64) -> Seconds {
        let units = self.work_units_per_slice.saturating_mul(slices).saturating_mul(4);
        let expected = units.checked_div(speed).unwrap_or(0);
        let (least, most) = (self.limits.execution.get(), self.limits.longest_execution.get());
        Seconds::new(expected.max(least).min(most.max(least)))
    }
}
