//! What happens to a job.

use std::num::NonZeroU64;

use alloy_primitives::B256;
use tallystick_types::{
    BeaconRound, Commitment, JobId, OutputRoot, Ppm, ReceiptDigest, Seat, TaskAttempt, TaskIndex,
    WallTime,
};

use super::job::Finality;
use super::order::Access;
use super::shortage::Waiting;
use super::v1;
use crate::bounded::{List, Sentence};
use crate::declare::{bodies, members, message};
use crate::error::{Expected, Found, MalformedError};
use crate::field::Wire;

message! {
    /// Asks what happens to a job.
    WatchRequest {
        /// The job, 32 bytes.
        job: JobId,
        /// The events with a larger sequence; zero for all that are kept.
        after_sequence: u64,
        /// The client's right to read; needed where the job is private.
        access: Option<Access>,
    }
}

bodies! {
    /// What.
    EventKind = v1::job_event::Kind {
        /// The coordinator took the job.
        Accepted(Accepted),
        /// A task waits for a node.
        Queued(Queued),
        /// A task went to a node.
        Assigned(Assigned),
        /// A node took a task on.
        Acknowledged(Acknowledged),
        /// A node got further.
        Progress(Progress),
        /// A node committed to its output.
        Committed(Committed),
        /// Secondaries were drawn.
        Drawn(Drawn),
        /// A task has a verified result.
        Verified(Verified),
        /// A try ended and the task goes elsewhere.
        Reassigned(Reassigned),
        /// Results differ and one more replica was drawn.
        Escalated(Escalated),
        /// A node opened another output than the quorum.
        Outvoted(Outvoted),
        /// A node gets no more work until it passed tests.
        Quarantined(Quarantined),
        /// Evidence against a node was handed on.
        Evidence(EvidenceFound),
        /// A node signed the claim.
        Attested(Attested),
        /// The receipt is made.
        Receipt(ReceiptMade),
        /// The result is proposed on the chain.
        Proposed(Proposed),
        /// The job is paid.
        Settled(Settled),
        /// The money went back.
        Refunded(Refunded),
        /// All work is over.
        Closed(Closed),
        /// A task used up its tries.
        DeadLettered(DeadLettered),
        /// Nobody can begin with the job now.
        Waiting(Waiting),
    }
}

message! {
    /// One thing that happened to a job.
    JobEvent {
        /// When.
        at_ms: WallTime,
        /// Its place among the job's events, from 1, ascending; some may be missing.
        sequence: u64,
        /// What.
        kind: Option<EventKind>,
    }
}

message! {
    /// One node at one try at one task.
    TaskNode {
        /// Place of the task in its job, from 0.
        task: TaskIndex,
        /// Number of the try, at most 65535.
        task_attempt: TaskAttempt,
        /// The node.
        seat: Seat,
    }
}

message! {
    /// The coordinator took the job.
    Accepted {
        /// Its tasks.
        tasks: u32,
    }
}

message! {
    /// A task waits for a node.
    Queued {
        /// The task.
        task: TaskIndex,
        /// For what, as a sentence, at most 1024 bytes.
        reason: Sentence,
    }
}

message! {
    /// A task went to a node.
    Assigned {
        /// Which and where.
        at: TaskNode,
        /// Whether the node executes first; otherwise it was drawn to execute or check.
        primary: bool,
    }
}

message! {
    /// A node took a task on.
    Acknowledged {
        /// Which and where.
        at: TaskNode,
    }
}

message! {
    /// A node got further.
    Progress {
        /// Which and where.
        at: TaskNode,
        /// Share of the work that is done, in parts per million, at most 1000000.
        done_ppm: Ppm,
    }
}

message! {
    /// A node committed to its output.
    Committed {
        /// Which and where.
        at: TaskNode,
        /// The commitment, 32 bytes.
        commitment: Commitment,
        /// The beacon round that it named.
        round: BeaconRound,
    }
}

message! {
    /// Secondaries were drawn.
    Drawn {
        /// The task.
        task: TaskIndex,
        /// Number of the try, at most 65535.
        task_attempt: TaskAttempt,
        /// The round whose randomness drew them.
        round: BeaconRound,
        /// Who was drawn, at most 16.
        seats: List<Seat, 16>,
    }
}

message! {
    /// A task has a verified result.
    Verified {
        /// The task.
        task: TaskIndex,
        /// Its first slice.
        first_slice: u64,
        /// How many slices.
        slice_count: NonZeroU64,
        /// Merkle root over its outputs, 32 bytes.
        output_root: OutputRoot,
    }
}

message! {
    /// A try ended and the task goes elsewhere.
    Reassigned {
        /// The task.
        task: TaskIndex,
        /// Number of the try that ended, at most 65535.
        task_attempt: TaskAttempt,
        /// Why, as a sentence, at most 1024 bytes.
        reason: Sentence,
    }
}

message! {
    /// Results differ and one more replica was drawn.
    Escalated {
        /// The task.
        task: TaskIndex,
        /// Number of the try, at most 65535.
        task_attempt: TaskAttempt,
        /// How often this try escalated, from 1.
        number: u32,
    }
}

message! {
    /// A node opened another output than the quorum.
    Outvoted {
        /// Which and where.
        at: TaskNode,
    }
}

members! {
    /// What a node did.
    Offence {
        /// Opened another output than the quorum.
        Outvoted,
        /// Signed two different commitments for one assignment.
        TwoCommitments,
        /// Signed two claims with different outputs for one attempt.
        TwoClaims,
    }
}

message! {
    /// A node gets no more work until it passed tests.
    Quarantined {
        /// The node.
        seat: Seat,
        /// For what.
        offence: Offence,
    }
}

message! {
    /// Evidence against a node was handed on.
    EvidenceFound {
        /// The node.
        seat: Seat,
        /// Of what.
        offence: Offence,
    }
}

message! {
    /// A node signed the claim.
    Attested {
        /// The node.
        seat: Seat,
    }
}

message! {
    /// The receipt is made.
    ReceiptMade {
        /// SHA-256 of its canonical bytes, 32 bytes.
        digest: ReceiptDigest,
    }
}

message! {
    /// The result is proposed on the chain.
    Proposed {
        /// How sure that is.
        finality: Finality,
        /// Hash of the transaction, 32 bytes.
        transaction: B256,
    }
}

message! {
    /// The job is paid.
    Settled {
        /// How sure that is.
        finality: Finality,
        /// Hash of the transaction, 32 bytes.
        transaction: B256,
    }
}

message! {
    /// The money went back.
    Refunded {
        /// How sure that is.
        finality: Finality,
        /// Hash of the transaction, 32 bytes.
        transaction: B256,
    }
}

message! {
    /// All work is over.
    Closed {
        /// Why, as a sentence, at most 1024 bytes.
        reason: Sentence,
    }
}

message! {
    /// A task used up its tries.
    DeadLettered {
        /// The task.
        task: TaskIndex,
        /// Why the last try ended, as a sentence, at most 1024 bytes.
        reason: Sentence,
    }
}
