// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { JobParameters } from "./JobParameters.sol";
import { Seat } from "./Seat.sol";

/// @dev Where a job stands. Order matters: state checks take a bitmap of these.
enum JobState {
    None,
    Open,
    Assigned,
    Proposed,
    Challenged,
    Settled,
    Refunded
}

/// @dev Where the money of a job comes from: `Balance` reserves it from the client's free balance when
/// the job is created; `Allowance` also pulls what is missing there from the token allowance;
/// `PullAtSettlement` reserves nothing and pulls at settlement, a risk that nodes may decline.
enum Funding {
    Balance,
    Allowance,
    PullAtSettlement
}

/// @dev How results are checked. `Attested`: the quorum's signatures settle the job at once.
/// `Deterministic` and `Fingerprint`: a challenge window stands between proposal and settlement.
enum Verification {
    Attested,
    Deterministic,
    Fingerprint
}

/// @dev Who may execute. `Any`: every registered worker, no stake locked. `Staked`: active workers,
/// stake locked. `Vetted`: active workers that governance vetted, stake locked.
enum Trust {
    Any,
    Staked,
    Vetted
}

/// @dev What a client orders. All times are Unix seconds, all amounts base units of `token`.
struct JobTerms {
    /// SHA-256 digest of the canonical job specification (program, input, limits).
    bytes32 specification;
    /// Token in which the job is paid.
    address token;
    /// Most that the work may cost, without the tip.
    uint128 maxPrice;
    /// Paid to whoever submits the settlement, or the refund of a job nobody took.
    uint128 tip;
    /// Price of one second of running time; zero for work with one price.
    uint128 ratePerSecond;
    Funding funding;
    Verification verification;
    Trust trust;
    /// Nodes that are to execute the job, 1 to 16.
    uint8 replicas;
    /// Equal signatures that make a result, more than half of `replicas`.
    uint8 quorum;
    /// First moment at which assigning is too late.
    uint40 assignBy;
    /// First moment at which a result is late.
    uint40 completeBy;
    /// Service level that the job asks for, zero for none.
    uint64 serviceLevel;
    /// Version of the network's parameters that the client agreed to.
    uint24 parametersVersion;
}

/// @dev A job in full: what its id and its stored word commit to.
struct Job {
    /// Who pays and gets the change.
    address client;
    /// Any number the client has not used with the same terms.
    uint256 nonce;
    JobTerms terms;
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
    /// `ReceiptClaim(bytes32 jobId,uint8 attempt,bytes32 outputRoot,uint128 cost)`, 65 bytes each, in order.
    bytes signatures;
}
