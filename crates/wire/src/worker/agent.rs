//! What agents say.

use std::num::NonZeroU16;

use alloy_primitives::B256;
use tallystick_types::{
    Amount, Attempt, BeaconRound, BlobDigest, Commitment, EngineProfile, EvmSignature, IdentityKey,
    IdentitySignature, InputDigest, JobId, OutputRoot, Ppm, ReceiptDigest, Salt, Seat, WallTime,
};

use super::Assignment;
use super::v1;
use crate::bounded::{Label, List, Sentence, Software};
use crate::declare::{bodies, members, message};
use crate::error::{Expected, Found, MalformedError, require};
use crate::field::Wire;

bodies! {
    /// What it says. A message without a body this version knows is refused.
    AgentBody = v1::agent_message::Body {
        /// The first message.
        Hello(Hello),
        /// The answer to the challenge.
        Proof(Proof),
        /// The result of the benchmark.
        Profile(Profile),
        /// A sign of life.
        Heartbeat(Heartbeat),
        /// An assignment is taken on.
        TaskAck(TaskAck),
        /// How far a task is.
        TaskProgress(TaskProgress),
        /// A commitment to an output.
        TaskCommit(TaskCommit),
        /// The opening of a commitment.
        TaskReveal(TaskReveal),
        /// A task is given up.
        TaskFailed(TaskFailed),
        /// The claim of a job is signed.
        Attested(Attested),
        /// The claim of a job is not signed.
        AttestRefused(AttestRefused),
        /// A receipt is signed.
        ReceiptSigned(ReceiptSigned),
        /// A receipt is not signed.
        ReceiptRefused(ReceiptRefused),
        /// The agent ends the session.
        Leaving(Leaving),
    }
}

message! {
    /// One message of an agent.
    AgentMessage {
        /// What it says. A message without a body this version knows is refused.
        body: AgentBody,
    }
}

members! {
    /// A kind of work that a sandbox knows.
    WorkKind {
        /// A WASI program, one run per slice.
        Wasm,
        /// Primitives on tensors.
        Tensor,
        /// Summaries, classes, extraction of JSON.
        Text,
        /// A named model: completion, chat, embeddings.
        Inference,
        /// A virtual machine.
        Instance,
        /// A Wasm handler of HTTP requests that is kept warm.
        Function,
    }
}

message! {
    /// The first message of an agent.
    Hello {
        /// Versions of this protocol that the agent speaks, 1 to 16 of them, in any order.
        versions: List<u32, 16>,
        /// Who it is.
        seat: Seat,
        /// Its public identity key (Ed25519), 32 bytes.
        identity: IdentityKey,
        /// Grows with every start of the agent: of two sessions of one seat the larger one stays.
        instance_epoch: u64,
        /// What the machine can do.
        capabilities: Capabilities,
        /// Name and version of the program, at most 128 bytes.
        software: Software,
        /// Random bytes, used once, 32 bytes; the coordinator signs them in its Challenge.
        nonce: Option<B256>,
    }
}

message! {
    /// One kind of work and what a machine has for it.
    KindOffer {
        /// The kind.
        kind: WorkKind,
        /// Engines or models with the settings that shape results, such as
        /// "wasm-48/nan-canonical"; at most 64, each 1 to 64 printable ASCII characters without
        /// space.
        engine_profiles: List<EngineProfile, 64>,
    }
}

message! {
    /// One accelerator of a machine.
    Accelerator {
        /// Its kind, such as "cuda", at most 64 bytes.
        kind: Label,
        /// What its maker calls it, at most 64 bytes.
        model: Label,
        /// Its own memory, in bytes.
        memory_bytes: u64,
    }
}

message! {
    /// What a machine can give to tasks.
    Capabilities {
        /// The kinds of work it does, each once, at most 16.
        kinds: List<KindOffer, 16>,
        /// Thousandths of a processor core.
        cpu_millis: u64,
        /// Memory, in bytes.
        memory_bytes: u64,
        /// Disk, in bytes.
        disk_bytes: u64,
        /// Architecture of the processor, such as "x86_64", at most 64 bytes.
        architecture: Label,
        /// Its accelerators, at most 64.
        accelerators: List<Accelerator, 64>,
        /// Tasks that it executes at a time, 1 to 65535.
        places: NonZeroU16,
        /// Number of its region in the network's table, at most 65535.
        region: u16,
        /// What it asks for one work unit, in base units of the network's payment token, 16 bytes.
        price: Amount,
    }
    check kinds_once
}

fn kinds_once(capabilities: &Capabilities) -> Result<(), MalformedError> {
    let mut kinds: Vec<_> = capabilities.kinds.iter().map(|offer| offer.kind).collect();
    kinds.sort_unstable();
    let twice = kinds.windows(2).any(|pair| pair[0] == pair[1]);
    let expected = Expected::Meaning("a list with each kind once");
    require(!twice, "Capabilities.kinds", expected, Found::Other)
}

message! {
    /// The answer to a challenge.
    Proof {
        /// Signature of the identity key over the bytes of the challenge, 64 bytes.
        identity_signature: IdentitySignature,
        /// Signature of the seat's signer over the hash of the same bytes: r, s, v; 65 bytes.
        signer_signature: EvmSignature,
    }
}

message! {
    /// The result of the benchmark that Welcome asked for.
    Profile {
        /// What the benchmark computed from the seed, 32 bytes.
        checksum: B256,
        /// How long it took, a duration in milliseconds.
        elapsed_ms: u64,
        /// Work that was done.
        work_units: u64,
        /// The largest block of memory that could be allocated and written, in bytes.
        largest_allocation_bytes: u64,
    }
}

message! {
    /// What is free on a machine.
    FreeResources {
        /// Thousandths of a processor core.
        cpu_millis: u64,
        /// Memory, in bytes.
        memory_bytes: u64,
        /// Disk, in bytes.
        disk_bytes: u64,
        /// Accelerators, in whole devices.
        accelerators: u32,
        /// Memory of all free accelerators together, in bytes.
        accelerator_memory_bytes: u64,
    }
}

message! {
    /// A sign of life. It extends the lease of everything that the node works on.
    Heartbeat {
        /// Load in parts per million, at most 1000000.
        load_ppm: Ppm,
        /// The assignments that the agent works on, at most 1024. One that is missing here and was
        /// acknowledged is lost.
        running: List<Assignment, 1024>,
        /// What is free.
        free: FreeResources,
        /// When the agent sent it, by its clock.
        sent_at_ms: WallTime,
        /// Input blobs that it holds, 32 bytes each, at most 1024.
        inputs: List<InputDigest, 1024>,
    }
}

message! {
    /// An assignment is taken on.
    TaskAck {
        /// Which one.
        assignment: Assignment,
    }
}

message! {
    /// How far a task is.
    TaskProgress {
        /// Which one.
        assignment: Assignment,
        /// Share of the work that is done, in parts per million, at most 1000000.
        done_ppm: Ppm,
    }
}

message! {
    /// A commitment to an output, before anyone shows one.
    TaskCommit {
        /// Of which assignment.
        assignment: Assignment,
        /// The commitment, 32 bytes.
        commitment: Commitment,
        /// A beacon round whose randomness does not exist yet.
        round: BeaconRound,
        /// Signature of the identity key over the pledge, 64 bytes.
        signature: IdentitySignature,
    }
}

message! {
    /// What a task used. No price follows from what a machine counts by itself.
    TaskUsage {
        /// Work, in units of the specification's declared complexity.
        work_units: u64,
        /// Memory that was reserved, in bytes.
        memory_bytes: u64,
        /// Input that was read, in bytes.
        bytes_in: u64,
        /// Output that was written, in bytes.
        bytes_out: u64,
    }
}

message! {
    /// The opening of a commitment.
    TaskReveal {
        /// Of which assignment.
        assignment: Assignment,
        /// Merkle root over the outputs of the task's slices, 32 bytes.
        output_root: OutputRoot,
        /// The random bytes of the commitment, 32 bytes.
        salt: Salt,
        /// Address of the blob with the task's output, 32 bytes.
        output_blob: BlobDigest,
        /// Size of that blob.
        output_bytes: u64,
        /// What the work used.
        usage: TaskUsage,
    }
}

members! {
    /// Why a node gives a task up.
    Failure {
        /// The node has no place for the task.
        Refused,
        /// The node stops.
        Draining,
        /// The input could not be fetched or did not match its digest.
        InputUnavailable,
        /// The program is outside the profile.
        ProgramRefused,
        /// The metered work is used up.
        OutOfFuel,
        /// The memory limit was reached.
        OutOfMemory,
        /// The node's own time limit was reached.
        TimedOut,
        /// The output is larger than allowed.
        OutputTooLarge,
        /// The program trapped.
        Trap,
        /// A fault of the node itself.
        Internal,
    }
}

message! {
    /// A task is given up.
    TaskFailed {
        /// Which assignment.
        assignment: Assignment,
        /// Why.
        failure: Failure,
        /// A sentence for people, at most 1024 bytes. Nothing follows from it.
        detail: Sentence,
    }
}

message! {
    /// A node signs the claim of a job.
    Attested {
        /// The job, 32 bytes.
        job: JobId,
        /// The attempt, 1 to 255.
        attempt: Attempt,
        /// Merkle root over the outputs of the job's tasks, 32 bytes.
        output_root: OutputRoot,
        /// Agreed cost in base units of the job's token, 16 bytes.
        cost: Amount,
        /// Signature of the seat's signer over the claim's EIP-712 digest: r, s, v; 65 bytes.
        signature: EvmSignature,
    }
}

members! {
    /// Why a node does not sign a claim.
    AttestRefusal {
        /// It took no part in this attempt, or knows the job no longer.
        UnknownJob,
        /// A task that it executed has another output in the request.
        OtherOutput,
        /// An opening does not fit its commitment, or a signature its node.
        BadOpening,
        /// The tasks' outputs do not lead to the claimed root.
        BadRoot,
        /// The openings of a task make no quorum.
        NoQuorum,
        /// The cost is not the agreed one.
        Cost,
        /// It signed another claim for this attempt.
        AlreadySigned,
        /// A fault of the node itself.
        Internal,
    }
}

message! {
    /// A node does not sign the claim of a job.
    AttestRefused {
        /// The job, 32 bytes.
        job: JobId,
        /// The attempt, 1 to 255.
        attempt: Attempt,
        /// Why.
        reason: AttestRefusal,
        /// A sentence for people, at most 1024 bytes. Nothing follows from it.
        detail: Sentence,
    }
}

message! {
    /// A node signs a receipt.
    ReceiptSigned {
        /// The job, 32 bytes.
        job: JobId,
        /// SHA-256 of the receipt's canonical bytes, 32 bytes.
        receipt: ReceiptDigest,
        /// Signature of the identity key over the canonical bytes, 64 bytes.
        identity_signature: IdentitySignature,
    }
}

members! {
    /// Why a node does not sign a receipt.
    ReceiptRefusal {
        /// The bytes are no canonical receipt.
        Malformed,
        /// The node is not the primary of the receipt.
        NotPrimary,
        /// The receipt is not about the claim that the node attested.
        OtherClaim,
        /// A fault of the node itself.
        Internal,
    }
}

message! {
    /// A node does not sign a receipt.
    ReceiptRefused {
        /// The job, 32 bytes.
        job: JobId,
        /// SHA-256 of the bytes that it was sent, 32 bytes.
        receipt: ReceiptDigest,
        /// Why.
        reason: ReceiptRefusal,
        /// A sentence for people, at most 1024 bytes. Nothing follows from it.
        detail: Sentence,
    }
}

message! {
    /// The agent ends the session; what it works on is given back.
    Leaving {}
}
