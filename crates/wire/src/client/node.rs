//! Nodes, dead letters and pairings.

use alloy_primitives::{Address, B256};
use tallystick_types::{
    Amount, EvmSignature, IdentitySignature, JobId, Ppm, Seat, TaskIndex, WallTime,
};

use super::order::{Access, Page};
use super::v1;
use crate::bounded::{Cursor, Label, List, Sentence, Software};
use crate::declare::message;
use crate::error::{Expected, Found, MalformedError, require_between};
use crate::field::Wire;

message! {
    /// Asks for nodes.
    NodesRequest {
        /// Which part of the list; absent for the beginning.
        page: Option<Page>,
    }
}

message! {
    /// One node.
    NodeStatus {
        /// The node.
        seat: Seat,
        /// Whether it is connected.
        online: bool,
        /// Whether it asked for no more work.
        draining: bool,
        /// Whether it was caught and has to pass tests.
        quarantined: bool,
        /// What the benchmark made of it, 1 to 3; zero before the benchmark.
        tier: u8,
        /// Load in parts per million, at most 1000000.
        load_ppm: Ppm,
        /// Tasks that it executes at a time.
        places: u16,
        /// Places that are taken.
        busy: u32,
        /// Measured speed in work units per second; zero where it was not measured.
        speed: u64,
        /// Active stake behind it, in base units of the stake token, 16 bytes.
        stake: Amount,
        /// Number of its region, at most 65535.
        region: u16,
        /// When it was last heard of.
        last_seen_ms: WallTime,
        /// Kinds of work that it does, at most 16, each at most 64 bytes.
        kinds: List<Label, 16>,
        /// Name and version of its program, at most 128 bytes.
        software: Software,
    }
    check tier_or_none
}

fn tier_or_none(node: &NodeStatus) -> Result<(), MalformedError> {
    require_between("NodeStatus.tier", node.tier.into(), 0, 3)
}

message! {
    /// Nodes, ascending by seat.
    NodesResponse {
        /// The nodes, at most 256.
        nodes: List<NodeStatus, 256>,
        /// What to ask for next; empty at the end.
        next: Cursor,
    }
}

message! {
    /// Asks for dead letters.
    DeadLettersRequest {
        /// Which part of the list; absent for the beginning.
        page: Option<Page>,
        /// The client's right to read; without it private jobs are left out.
        access: Option<Access>,
    }
}

message! {
    /// A task whose tries are used up.
    DeadLetter {
        /// The job, 32 bytes.
        job: JobId,
        /// The task.
        task: TaskIndex,
        /// Tries that it had.
        tries: u32,
        /// Why the last one ended, as a sentence, at most 1024 bytes.
        reason: Sentence,
        /// When that was.
        since_ms: WallTime,
    }
}

message! {
    /// Dead letters, oldest first.
    DeadLettersResponse {
        /// The letters, at most 256.
        letters: List<DeadLetter, 256>,
        /// What to ask for next; empty at the end.
        next: Cursor,
    }
}

message! {
    /// Sends a dead letter out again.
    RetryRequest {
        /// The job, 32 bytes.
        job: JobId,
        /// The task.
        task: TaskIndex,
        /// Tries that the dead letter had, so that an old request repeats nothing.
        tries: u32,
        /// The client's signature over the bytes of the request: r, s, v; 65 bytes.
        signature: EvmSignature,
    }
}

message! {
    /// A retry was taken.
    RetryResponse {}
}

message! {
    /// Makes a pairing code.
    CreatePairingRequest {
        /// Who trusts, 20 bytes.
        client: Address,
        /// Random bytes, used once, 32 bytes.
        nonce: B256,
        /// The client's signature over the bytes of the request: r, s, v; 65 bytes.
        signature: EvmSignature,
        /// Until when the request may be taken: at most 10 minutes from now.
        until_ms: WallTime,
    }
}

message! {
    /// A pairing code.
    CreatePairingResponse {
        /// The code, single use, at most 64 bytes.
        code: Label,
        /// Until when it can be claimed.
        expires_at_ms: WallTime,
    }
}

message! {
    /// Pairs a node with the client that made a code.
    ClaimPairingRequest {
        /// The code, at most 64 bytes.
        code: Label,
        /// The node.
        seat: Seat,
        /// Signature of the node's identity key over the bytes of the request, 64 bytes.
        identity_signature: IdentitySignature,
    }
}

message! {
    /// A pairing was made.
    ClaimPairingResponse {
        /// The client, 20 bytes.
        client: Address,
    }
}

message! {
    /// Asks for the pairings of the client that signed.
    ListPairingsRequest {
        /// Who asks.
        access: Access,
        /// Which part of the list; absent for the beginning.
        page: Option<Page>,
    }
}

message! {
    /// One pairing.
    Pairing {
        /// The node.
        seat: Seat,
        /// Since when.
        since_ms: WallTime,
    }
}

message! {
    /// Pairings, oldest first.
    ListPairingsResponse {
        /// The pairings, at most 256.
        pairings: List<Pairing, 256>,
        /// What to ask for next; empty at the end.
        next: Cursor,
    }
}
