//! What coordinators say.

use std::num::{NonZeroU32, NonZeroU64};

use alloy_primitives::{Address, B256, FixedBytes};
use tallystick_types::{
    Amount, Attempt, BeaconRound, ChainId, Commitment, IdentityKey, IdentitySignature, JobId,
    OutputRoot, Salt, Seat, Seconds, SpecificationDigest, TaskIndex, WallTime,
};

use super::Assignment;
use super::v1;
use crate::bounded::{List, ReceiptBytes, Sentence, Specification};
use crate::declare::{bodies, members, message, optional};
use crate::error::{Expected, Found, MalformedError, require, require_between};
use crate::field::Wire;
use crate::limits::{SPECIFICATION_BYTES, TASKS};

bodies! {
    /// What it says. A message without a body this version knows is skipped.
    CoordinatorBody = v1::coordinator_message::Body {
        /// What the agent has to sign.
        Challenge(Challenge),
        /// The session began.
        Welcome(Welcome),
        /// The session does not begin, or ends; nothing follows.
        Refused(Refused),
        /// The agent gets work from now on.
        Admitted(Admitted),
        /// The answer to a heartbeat.
        HeartbeatAck(HeartbeatAck),
        /// A task; its Payload is the next message.
        TaskAssign(TaskAssign),
        /// The specification of the TaskAssign before it.
        Payload(Payload),
        /// An assignment is over.
        TaskCancel(TaskCancel),
        /// A commitment is to be opened.
        RevealRequest(RevealRequest),
        /// The claim of a job is to be signed.
        AttestRequest(AttestRequest),
        /// An output is to be uploaded.
        OutputRequest(OutputRequest),
        /// A receipt is to be signed.
        SignReceipt(SignReceipt),
        /// What became of a signature.
        SignOutcome(SignOutcome),
        /// The agent gets no more work in this session.
        Drain(Drain),
    }
}

message! {
    /// One message of a coordinator.
    CoordinatorMessage {
        /// What it says. A message without a body this version knows is skipped.
        body: Option<CoordinatorBody>,
    }
}

message! {
    /// What the agent has to sign, bound to this session and this chain.
    Challenge {
        /// Random bytes, used once, 32 bytes.
        nonce: B256,
        /// Number of the settlement chain (EIP-155).
        chain_id: ChainId,
        /// Address of the JobManager, 20 bytes.
        job_manager: Address,
        /// The version that both speak; the whole session uses it.
        chosen_version: u32,
        /// Who the coordinator is.
        coordinator: Seat,
        /// Its public identity key (Ed25519), 32 bytes.
        coordinator_identity: IdentityKey,
        /// What its identity key made of this session, 64 bytes; only where Hello has a nonce.
        coordinator_signature: Option<IdentitySignature>,
    }
}

message! {
    /// The session began.
    Welcome {
        /// Names the session in logs, 16 bytes.
        session: FixedBytes<16>,
        /// Time between two heartbeats.
        heartbeat_seconds: NonZeroU32,
        /// Time after the last heartbeat for which the node counts as alive.
        lease_seconds: NonZeroU32,
        /// Seed of the benchmark, 32 bytes.
        profile_seed: B256,
        /// Rounds of the benchmark; zero where none is asked for.
        profile_rounds: u64,
        /// The coordinator's clock.
        server_time_ms: WallTime,
    }
}

members! {
    /// Why a session does not begin, or ends.
    RefusedCode {
        /// No version that both speak.
        Version,
        /// The registry has no such node.
        UnknownNode,
        /// The registry has another identity key or signer for the node.
        WrongIdentity,
        /// A signature of the proof does not fit.
        BadSignature,
        /// The benchmark did not come in time, or its result is wrong.
        NotAdmitted,
        /// The node was caught and has to pass tests first.
        Quarantined,
        /// The coordinator has no room.
        Full,
        /// Another session of the seat with the same or a larger instance epoch is here.
        Twin,
        /// A message was malformed, too large or out of turn.
        Protocol,
    }
}

message! {
    /// The session does not begin, or ends.
    Refused {
        /// Why.
        code: Option<RefusedCode>,
        /// Why, as a sentence for people, at most 1024 bytes.
        sentence: Sentence,
        /// What to do about it, as a sentence for people, at most 1024 bytes.
        remedy: Sentence,
    }
}

message! {
    /// The agent gets work from now on.
    Admitted {
        /// What the benchmark made of the machine: 1 (low end) to 3 (high end).
        tier: u8,
    }
    check tier_exists
}

fn tier_exists(admitted: &Admitted) -> Result<(), MalformedError> {
    require_between("Admitted.tier", admitted.tier.into(), 1, 3)
}

message! {
    /// The answer to a heartbeat.
    HeartbeatAck {
        /// The coordinator's clock.
        server_time_ms: WallTime,
        /// A block of the settlement chain that the coordinator has seen; a hint.
        min_block: u64,
        /// The sent_at_ms of the heartbeat.
        sent_at_ms: WallTime,
    }
}

members! {
    /// What a node is in a try at a task.
    Role {
        /// Executes and commits first.
        Primary,
        /// Executes or checks; drawn after the primary's commitment.
        Secondary,
    }
}

message! {
    /// A task. The next message of the stream is its Payload.
    TaskAssign {
        /// Which assignment.
        assignment: Assignment,
        /// What the node is.
        role: Role,
        /// Index of the first slice.
        first_slice: u64,
        /// How many slices, at least 1.
        slice_count: NonZeroU64,
        /// When an acknowledgement is too late, by the coordinator's clock.
        acknowledge_by_ms: WallTime,
        /// Time from the acknowledgement to the commitment.
        execution_limit_seconds: Seconds,
        /// SHA-256 of the specification, 32 bytes.
        specification: SpecificationDigest,
        /// The output root to check, 32 bytes; absent where the node executes on its own.
        check: Option<OutputRoot>,
        /// Size of the payload that follows, at most 1048576.
        payload_bytes: u64,
    }
    check slices_and_payload
}

fn slices_and_payload(assign: &TaskAssign) -> Result<(), MalformedError> {
    let most = u64::MAX.saturating_sub(assign.first_slice);
    require_between("TaskAssign.slice_count", assign.slice_count.get(), 1, most)?;
    let most = SPECIFICATION_BYTES as u64;
    require_between("TaskAssign.payload_bytes", assign.payload_bytes, 1, most)
}

message! {
    /// The specification of the TaskAssign before it.
    Payload {
        /// The canonical bytes, exactly as many as announced; their SHA-256 is the specification's
        /// digest.
        bytes: Specification,
    }
}

members! {
    /// Why an assignment is over.
    CancelReason {
        /// The job was closed.
        JobClosed,
        /// The try ended.
        TryEnded,
        /// The node was too late.
        TooLate,
        /// The job has a new attempt on the chain.
        LeaseMoved,
    }
}

message! {
    /// An assignment is over; its work is dropped.
    TaskCancel {
        /// Which one.
        assignment: Assignment,
        /// Why.
        reason: Option<CancelReason>,
    }
}

message! {
    /// A commitment is to be opened.
    RevealRequest {
        /// Of which assignment.
        assignment: Assignment,
    }
}

message! {
    /// What one node committed to, and how it opened it.
    SignedOpening {
        /// Its assignment.
        assignment: Assignment,
        /// Its commitment, 32 bytes.
        commitment: Commitment,
        /// The beacon round that it named.
        round: BeaconRound,
        /// Signature of its identity key over the pledge, 64 bytes.
        signature: IdentitySignature,
        /// Merkle root over the outputs of the task's slices, 32 bytes.
        output_root: OutputRoot,
        /// The random bytes of the commitment, 32 bytes.
        salt: Salt,
    }
}

message! {
    /// One task of a job and why its output counts.
    AttestTask {
        /// Place of the task in its job, from 0.
        task: TaskIndex,
        /// Its verified output, 32 bytes.
        output_root: OutputRoot,
        /// The openings that verified it, at most 16.
        openings: List<SignedOpening, 16>,
    }
}

message! {
    /// The claim of a job is to be signed. A job with many tasks needs several of these messages;
    /// they differ in their tasks only, and the request is complete when task_count tasks came.
    AttestRequest {
        /// The job, 32 bytes.
        job: JobId,
        /// The attempt, 1 to 255.
        attempt: Attempt,
        /// Merkle root over the outputs of the job's tasks, 32 bytes.
        output_root: OutputRoot,
        /// Agreed cost in base units of the job's token, 16 bytes.
        cost: Amount,
        /// Tasks of the job, 1 to 65536.
        task_count: u32,
        /// The next tasks in ascending order, at most 512 in one message.
        tasks: List<AttestTask, 512>,
    }
    check tasks_in_order
}

fn tasks_in_order(request: &AttestRequest) -> Result<(), MalformedError> {
    require_between("AttestRequest.task_count", request.task_count.into(), 1, TASKS.into())?;
    let ascending = request.tasks.windows(2).all(|pair| pair[0].task < pair[1].task);
    let last = request.tasks.last().map_or(0, |task| task.task.get());
    let expected = Expected::Meaning("an ascending list of tasks below task_count");
    let fits = ascending && last < request.task_count;
    require(fits, "AttestRequest.tasks", expected, Found::Other)
}

message! {
    /// The output of a task is to be uploaded through the blob service.
    OutputRequest {
        /// Of which assignment.
        assignment: Assignment,
    }
}

message! {
    /// A receipt is to be signed by its primary.
    SignReceipt {
        /// The receipt's canonical bytes, at most 4096.
        receipt: ReceiptBytes,
    }
}

members! {
    /// What became of a signature over a claim or a receipt.
    SignVerdict {
        /// It is kept.
        Accepted,
        /// It does not fit what was to be signed.
        BadSignature,
        /// Something else was to be signed.
        OtherContent,
        /// It came too late.
        TooLate,
    }
}

members! {
    /// What was signed.
    SignSubject {
        /// The claim of a job.
        Claim,
        /// A receipt.
        Receipt,
    }
}

message! {
    /// What became of a signature.
    SignOutcome {
        /// The job, 32 bytes.
        job: JobId,
        /// The attempt, 1 to 255.
        attempt: Attempt,
        /// What was signed.
        subject: SignSubject,
        /// What became of it.
        verdict: SignVerdict,
    }
}

message! {
    /// The agent gets no more work in this session; what runs may end.
    Drain {
        /// Why, as a sentence for people, at most 1024 bytes.
        reason: Sentence,
    }
}

optional!(known CancelReason);
optional!(known RefusedCode);
