// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Assignment, Job, JobTerms, Proposal, Receipt } from "../types/Job.sol";
import { JobId } from "../types/JobId.sol";
import { NodeId } from "../types/NodeId.sol";
import { Seat } from "../types/Seat.sol";
import { IJobMachine } from "./IJobMachine.sol";

/// @title Job manager, main path
/// @notice From an order to settled payment.
interface IJobMainPath is IJobMachine {
    /// @notice Creates a job of the caller. None -> Open. Its money is taken from the client's
    /// balance in the chain lane, and what is missing there as the terms' funding says.
    /// @param nonce Any number that the client has not used. To reuse the storage of a job that is
    /// final, and save 17,100 gas: its low 232 bits again, with the high 24 bits counted up.
    function create(uint256 nonce, JobTerms calldata terms, string calldata specificationUri)
        external
        returns (JobId id);

    /// @notice Creates a job from its client's signed order. None -> Open.
    /// @param signature By the client, over the EIP-712 digest of its order (`orderDigest`); ECDSA
    /// or ERC-1271.
    function createFor(
        address client,
        uint256 nonce,
        JobTerms calldata terms,
        string calldata specificationUri,
        bytes calldata signature
    ) external returns (JobId id);

    /// @notice Makes several calls to this contract in one transaction. A call that fails is
    /// skipped with an event.
    /// @param calls At most 64 encoded calls, each as the caller would send it.
    /// @return done Which of them succeeded.
    function batch(bytes[] calldata calls) external returns (bool[] memory done);

    /// @notice Takes the job's lease and names the nodes of a new attempt, the primary first. Open
    /// -> Assigned. Only the signer of an active coordinator.
    /// @param nodes The workers with their present signers, at most 16.
    function assign(JobId id, Job calldata job, NodeId coordinator, Seat[] calldata nodes) external;

    /// @notice Proposes a result with its quorum. Assigned -> Proposed, or Settled where the terms
    /// leave no window. While the lease lasts, only its holder; then anyone. A result after
    /// `completeBy` is paid at half price.
    function propose(
        JobId id,
        Job calldata job,
        Assignment calldata assignment,
        Receipt calldata receipt
    ) external;

    /// @notice Pays an unchallenged result once its window is over. Proposed -> Settled. Anyone,
    /// for the tip.
    function settle(
        JobId id,
        Job calldata job,
        Assignment calldata assignment,
        Proposal calldata proposal
    ) external;
}
