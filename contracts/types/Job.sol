// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { JobParameters } from "./JobParameters.sol";
import { JobPrice } from "./JobPrice.sol";
import { JobRules } from "./JobRules.sol";
import { Seat } from "./Seat.sol";

/// @dev Where a job stands. Order matters: state checks take a bitmap of these. `Closed` is never
/// stored: the job is final and its slot serves a later one; the events tell how it ended.
enum JobState {
    None,
    Open,
    Assigned,
    Proposed,
    Challenged,
    Settled,
    Refunded,
    Closed
}

/// @dev What a client orders.
struct JobTerms {
    /// SHA-256 digest of the canonical job specification (program, input, limits).
    bytes32 specification;
    /// Token in which the job is paid.
    address token;
    JobPrice price;
    JobRules rules;
}

/// @dev What the machine needs to know of a job. The job's stored word commits to it, the event of
/// its creation tells it, and every later call brings it along.
struct Job {
    /// Who pays and gets the change.
    address client;
    address token;
    JobPrice price;
    JobRules rules;
    /// Parameters of the network when the job was created; it keeps them for life.
    JobParameters parameters;
}

/// @dev Who works on the present attempt of a job.
struct Assignment {
    /// When the coordinator took the lease, Unix seconds.
    uint40 startedAt;
    /// The coordinator that holds the lease.
    Seat coordinator;
    /// The executing nodes, the primary first, at most 16.
    Seat[] nodes;
}

/// @dev The result that waits for its challenge window, or was settled.
struct Proposal {
    /// Merkle root over the outputs of the job's tasks.
    bytes32 outputRoot;
    /// What the client is charged for the work, in base units of the job's token.
    uint128 price;
    /// Bit `i` set: node `i` of the assignment signed this result.
    uint16 signers;
}

/// @dev A claim with the quorum that signed it.
struct Receipt {
    /// Merkle root over the outputs of the job's tasks.
    bytes32 outputRoot;
    /// Agreed cost of the work, in base units of the job's token.
    uint128 cost;
    /// Bit `i` set: node `i` of the assignment signed.
    uint16 signers;
    /// Their EIP-712 signatures over
    /// `ReceiptClaim(bytes32 jobId,uint8 attempt,bytes32 outputRoot,uint128 cost)`, 65 bytes each,
    /// in order.
    bytes signatures;
}
