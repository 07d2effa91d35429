//! Jobs, their results and receipts.

use std::num::NonZeroU64;

use alloy_primitives::Address;
use tallystick_types::{
    Amount, BlobDigest, EvmSignature, JobId, OutputDigest, Seat, TaskIndex, WallTime,
};

use super::order::{Access, Page};
use super::shortage::Waiting;
use super::v1;
use crate::bounded::{Cursor, List, ReceiptBytes, Sentence, Text};
use crate::declare::{members, message};
use crate::error::{Expected, Found, MalformedError, require};
use crate::field::Wire;
use crate::limits::WHY_BYTES;

message! {
    /// Asks where a job stands.
    StatusRequest {
        /// The job, 32 bytes.
        job: JobId,
    }
}

members! {
    /// Where a job stands.
    Phase {
        /// This coordinator does not know the job.
        Unknown,
        /// The order is here, the chain does not know it yet.
        Pending,
        /// It is on the chain and not assigned.
        Open,
        /// Nodes are assigned and none works yet.
        Assigned,
        /// Tasks are worked on.
        Working,
        /// Every task is verified and nodes sign the claim.
        Attesting,
        /// The result is on the chain and waits for its challenge window.
        Proposed,
        /// The job is paid.
        Settled,
        /// The money went back.
        Refunded,
        /// The work is over without a result and the chain still has to end the job.
        Closed,
    }
}

members! {
    /// How sure the phase is.
    Finality {
        /// The chain has not said it, or in a block that may still go.
        Pending,
        /// In a block that is unlikely to go.
        Safe,
        /// Never goes.
        Final,
    }
}

message! {
    /// Where a job stands.
    JobStatus {
        /// The job, 32 bytes.
        job: JobId,
        /// Where it stands.
        phase: Phase,
        /// Its attempt, at most 255; zero before the first.
        attempt: u8,
        /// All its tasks.
        tasks_total: u32,
        /// Tasks with a verified result.
        tasks_verified: u32,
        /// Tasks that nodes work on.
        tasks_active: u32,
        /// Tasks whose tries are used up.
        tasks_dead: u32,
        /// When the order came.
        created_at_ms: WallTime,
        /// When anything changed last.
        updated_at_ms: WallTime,
        /// How sure the phase is.
        finality: Finality,
        /// Why all work is over, as a sentence, at most 1024 bytes; empty while it is not.
        close_reason: Sentence,
        /// Nodes that took part in this attempt, ascending, at most 256 of them.
        nodes: List<Seat, 256>,
        /// Agreed cost in base units of the token, 16 bytes; absent before nodes agreed.
        cost: Option<Amount>,
        /// Who pays, 20 bytes.
        client: Address,
        /// Token of payment, 20 bytes.
        token: Address,
        /// Whether only its client may read result, receipt, explanation and events.
        private: bool,
        /// What it waits for; absent while it does not, and from coordinators that do not say it.
        waiting: Option<Waiting>,
    }
}

message! {
    /// Asks where the output is.
    ResultRequest {
        /// The job, 32 bytes.
        job: JobId,
        /// The first task to answer with.
        first_task: TaskIndex,
        /// The client's right to read; needed where the job is private.
        access: Option<Access>,
    }
}

message! {
    /// The output of one task.
    ResultPart {
        /// Place of the task in its job, from 0.
        task: TaskIndex,
        /// Its first slice.
        first_slice: u64,
        /// How many slices.
        slice_count: NonZeroU64,
        /// Address of the blob, 32 bytes.
        blob: BlobDigest,
        /// Bytes of the blob.
        size: u64,
    }
}

message! {
    /// Where the output is.
    ResultResponse {
        /// SHA-256 of the whole output, 32 bytes; absent before every task is verified.
        output: Option<OutputDigest>,
        /// The parts that are verified, ascending by task, at most 4096 of them.
        parts: List<ResultPart, 4096>,
        /// The task to ask for next; absent at the end.
        next_task: Option<TaskIndex>,
    }
}

message! {
    /// Asks for a receipt.
    ReceiptRequest {
        /// The job, 32 bytes.
        job: JobId,
        /// The client's right to read; needed where the job is private.
        access: Option<Access>,
    }
}

message! {
    /// A receipt.
    ReceiptResponse {
        /// The canonical bytes of the signed receipt, at most 4096.
        receipt: ReceiptBytes,
    }
}

message! {
    /// Asks how a job came to where it stands.
    WhyRequest {
        /// The job, 32 bytes.
        job: JobId,
        /// The client's right to read; needed where the job is private.
        access: Option<Access>,
    }
}

message! {
    /// How a job came to where it stands.
    WhyResponse {
        /// JSON for people and their tools, at most 1048576 bytes. Its shape is no part of this
        /// protocol.
        json: Text<WHY_BYTES>,
    }
}

message! {
    /// Asks for jobs.
    JobsRequest {
        /// Which part of the list; absent for the beginning.
        page: Option<Page>,
        /// Only the jobs of this client, 20 bytes; absent for all.
        client: Option<Address>,
    }
}

message! {
    /// Jobs, newest first.
    JobsResponse {
        /// The jobs, at most 256. Their nodes are left out.
        jobs: List<JobStatus, 256>,
        /// What to ask for next; empty at the end.
        next: Cursor,
    }
    check without_nodes
}

fn without_nodes(response: &JobsResponse) -> Result<(), MalformedError> {
    let without = response.jobs.iter().all(|job| job.nodes.is_empty());
    let expected = Expected::Meaning("a list of jobs without their nodes");
    require(without, "JobsResponse.jobs", expected, Found::Other)
}

message! {
    /// Cancels a job.
    CancelRequest {
        /// The job, 32 bytes.
        job: JobId,
        /// The client's signature over the bytes of the request: r, s, v; 65 bytes.
        signature: EvmSignature,
    }
}

message! {
    /// A cancellation was taken.
    CancelResponse {}
}
