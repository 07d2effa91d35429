//! Why something ended or waits. Every close has one of these reasons, and each prints as a
//! sentence for `why`.

use serde::{Deserialize, Serialize};
use tallystick_types::{Attempt, TaskIndex};

/// Declares an enum whose members print as given.
macro_rules! reasons {
    (
        $(#[$doc:meta])* $name:ident {
            $($(#[$member_doc:meta])* $member:ident => $text:literal,)+
        }
    ) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
            thiserror::Error,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$member_doc])* #[error($text)] $member,)+
        }
    };
}

reasons! {
    /// Why no node was found for a task.
    NoNode {
        /// Nobody is connected.
        NoneOnline => "no node is connected",
        /// Those that may work have no free place.
        AllBusy => "every node that fits is busy",
        /// Those that are left failed this task or work on it already.
        AllExcluded => "every free node failed this task or works on it already",
        /// The job is private and no paired node is connected.
        NonePaired => "no node with which the client paired is connected",
        /// No connected node has what the job demands, busy or not.
        NoneFits => "no connected node has what the job demands",
        /// The selector named a node that is not eligible.
        NotEligible => "the node that was selected is not eligible",
    }
}

impl NoNode {
    /// Whether waiting does not help unless another node joins.
    pub const fn is_impossible(self) -> bool {
        matches!(self, Self::NoneFits)
    }
}

reasons! {
    /// Why a node says that its work failed.
    Failure {
        /// It has no place for the task.
        Refused => "the node refused the task",
        /// It stops.
        Draining => "the node is draining",
        /// The input could not be fetched or did not match its digest.
        InputUnavailable => "the input is missing or does not match its digest",
        /// The program is outside the profile.
        ProgramRefused => "the program is outside the profile",
        /// The metered work is used up.
        OutOfFuel => "the program used up its metered work",
        /// The memory limit was reached.
        OutOfMemory => "the program reached its memory limit",
        /// The node's own time limit was reached.
        TimedOut => "the program reached the time limit of the node",
        /// The output is larger than allowed.
        OutputTooLarge => "the output is larger than allowed",
        /// The program trapped.
        Trap => "the program trapped",
        /// A fault of the node itself.
        Internal => "the node has a fault of its own",
    }
}

reasons! {
    /// Why a node is out of a try at a task.
    ReplicaEnd {
        /// No acknowledgement in time.
        NotAcknowledged => "the node did not acknowledge in time",
        /// No commitment in time.
        TimedOut => "the node did not commit in time",
        /// It left, or its lease ran out.
        Offline => "the node went offline",
        /// It committed and did not open in time.
        RevealWithheld => "the node did not open its commitment in time",
        /// It signed two things for one try.
        Equivocated => "the node signed two different commitments",
        /// The client took its pairing back.
        Unpaired => "the client took the pairing back",
        /// It said so.
        Failed => "the node reported a failure",
        /// The try ended for another reason.
        Released => "the try ended",
    }
}

/// Why a try at a task ended without a verified result.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    thiserror::Error,
)]
#[serde(rename_all = "snake_case")]
pub enum TryEnd {
    /// The primary is out.
    #[error("primary: {0}")]
    Primary(ReplicaEnd),
    /// The primary reported a failure.
    #[error("primary: {0}")]
    Failed(Failure),
    /// The randomness of the round that the primary named did not come in time.
    #[error("the randomness that the primary's commitment named did not come in time")]
    SeedMissing,
    /// Too few commitments or openings came in time.
    #[error("too few nodes committed and opened in time")]
    NoQuorum,
    /// The results differ, and more replicas did not decide it.
    #[error("the results differ and more replicas did not decide it")]
    NoAgreement,
    /// The primary named a round whose randomness was known already.
    #[error("the primary's commitment named a round whose randomness was known already")]
    RoundKnown,
    /// The job has a new attempt on the chain.
    #[error("the job has a new attempt")]
    LeaseMoved,
    /// The job was closed.
    #[error("the job was closed")]
    JobClosed,
}

/// Why a job is closed.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    thiserror::Error,
)]
#[serde(rename_all = "snake_case")]
pub enum CloseReason {
    /// Every task is verified and the receipt is made.
    #[error("every task is verified and the receipt is made")]
    Completed,
    /// The client cancelled it.
    #[error("the client cancelled it")]
    Cancelled,
    /// No node was found for a task.
    #[error("task {task}: {reason}")]
    NoNode {
        /// The task.
        task: TaskIndex,
        /// Why.
        reason: NoNode,
    },
    /// A task is a dead letter and nobody retried it in time.
    #[error("task {task} used up its tries and nobody retried it")]
    DeadLetter {
        /// The first such task.
        task: TaskIndex,
    },
    /// The time for all of the work is over.
    #[error("the time for the job is over")]
    TimedOut,
    /// The nodes that agreed did not sign the claim in time.
    #[error("{signed} of {needed} needed attestations came in time")]
    NotAttested {
        /// How many signed.
        signed: u8,
        /// How many were needed.
        needed: u8,
    },
    /// Final on the chain: another coordinator holds the lease.
    #[error("the lease of attempt {attempt} is lost")]
    LeaseLost {
        /// The attempt that ended.
        attempt: Attempt,
    },
    /// Final on the chain: somebody settled it.
    #[error("the job is settled on the chain")]
    SettledOnChain,
    /// Final on the chain: the money went back.
    #[error("the job is refunded on the chain")]
    RefundedOnChain,
}

impl CloseReason {
    /// Whether the chain ended the job, so that there is nothing to tell it.
    pub const fn is_by_chain(self) -> bool {
        matches!(self, Self::LeaseLost { .. } | Self::SettledOnChain | Self::RefundedOnChain)
    }
}
