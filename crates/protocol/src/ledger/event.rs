//! What can happen. Events are totally ordered and in the journal before they are applied.
//!
//! The door that makes an event has checked what can be checked without the ledger: signatures fit
//! the seat, the client's signature fits an order or a cancellation, the chain's facts have the
//! finality they claim.

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};
use tallystick_types::{
    Attempt, Attestation, BeaconRound, IdentitySignature, JobId, Ppm, ReceiptClaim, Seat, Seed,
    TaskIndex, WallTime,
};

use super::node::NodeProfile;
use super::reason::Failure;
use super::request::JobRequest;
use crate::commitment::{Opening, Pledge, TaskAssignment};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// Time passed. A moment before the last one changes nothing.
    Tick {
        /// The coordinator's clock.
        now: WallTime,
    },
    /// A coordinator takes a job on.
    JobSubmitted {
        /// The job.
        job: JobId,
        /// Its terms.
        request: Box<JobRequest>,
        /// The nodes that the chain shows in its attempt, none where no chain rules who works.
        nodes: Vec<Seat>,
    },
    /// The chain shows the nodes of an attempt that this coordinator holds. A later attempt than
    /// the present one takes its place: verified parts stay, everything else begins anew, and a
    /// result that was complete is signed anew.
    Enlisted {
        /// The job.
        job: JobId,
        /// The attempt.
        attempt: Attempt,
        /// All nodes of the attempt.
        nodes: Vec<Seat>,
    },
    /// The client cancels.
    JobCancelled {
        /// The job.
        job: JobId,
    },
    /// Somebody sends a dead letter out again.
    TaskRetried {
        /// The job.
        job: JobId,
        /// The task.
        task: TaskIndex,
    },
    /// A closed job is in the archive and may be forgotten here.
    JobArchived {
        /// The job.
        job: JobId,
    },
    /// A node joined, or joined again.
    NodeJoined {
        /// The node.
        seat: Seat,
        /// What it says of itself.
        profile: NodeProfile,
    },
    /// A node lives.
    NodeHeartbeat {
        /// The node.
        seat: Seat,
        /// Its load.
        load: Ppm,
    },
    /// A node takes no new work.
    NodeDraining {
        /// The node.
        seat: Seat,
    },
    /// A node's connection ended.
    NodeLeft {
        /// The node.
        seat: Seat,
    },
    /// A node passed the tests that end a quarantine.
    NodeReinstated {
        /// The node.
        seat: Seat,
    },
    /// A client trusts a node with its private jobs.
    Paired {
        /// The client.
        client: Address,
        /// The node.
        seat: Seat,
    },
    /// A client trusts a node no longer.
    Unpaired {
        /// The client.
        client: Address,
        /// The node.
        seat: Seat,
    },
    /// A node acknowledges an assignment.
    Acknowledged {
        /// For which assignment.
        assignment: TaskAssignment,
    },
    /// A node says how far it is.
    Progressed {
        /// For which assignment.
        assignment: TaskAssignment,
        /// Share of the work that is done.
        done: Ppm,
    },
    /// A node commits to its output.
    Committed {
        /// What it signed.
        pledge: Pledge,
        /// Its signature.
        signature: IdentitySignature,
    },
    /// A node opens its commitment.
    Revealed {
        /// For which assignment.
        assignment: TaskAssignment,
        /// What the commitment hid.
        opening: Opening,
    },
    /// A node gives up.
    Failed {
        /// For which assignment.
        assignment: TaskAssignment,
        /// Why.
        failure: Failure,
    },
    /// The randomness of a round is known and final.
    SeedKnown {
        /// The round.
        round: BeaconRound,
        /// Its randomness.
        seed: Seed,
    },
    /// A node signs the claim of a job.
    Attested {
        /// What it signed.
        claim: ReceiptClaim,
        /// Its signature.
        attestation: Attestation,
    },
    /// The chain says something of a job.
    ChainObserved {
        /// The job.
        job: JobId,
        /// What.
        fact: ChainFact,
        /// How sure that is.
        finality: Finality,
    },
    /// The chain took back what it said of a job and what was not final.
    ChainRolledBack {
        /// The job.
        job: JobId,
    },
}

/// What the chain can say of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ChainFact {
    /// This coordinator holds the lease of an attempt.
    LeaseHeld {
        /// The attempt.
        attempt: Attempt,
    },
    /// The lease of an attempt ended or went to another coordinator.
    LeaseLost {
        /// The attempt that ended.
        attempt: Attempt,
    },
    /// A result of an attempt was proposed.
    Proposed {
        /// The attempt.
        attempt: Attempt,
    },
    /// The job is paid.
    Settled,
    /// The money went back.
    Refunded,
}

/// How sure a fact of the chain is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finality {
    /// In a block that may still go.
    Seen,
    /// In a block that is unlikely to go.
    Safe,
    /// Never goes. Only this ends or settles anything.
    Final,
}
