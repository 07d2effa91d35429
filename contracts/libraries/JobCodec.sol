// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Assignment, Job, JobTerms, Proposal } from "../types/Job.sol";
import { JobId } from "../types/JobId.sol";
import { JobRules } from "../types/JobRules.sol";

/// @title Job codec
/// @notice The hashes by which a job is known: EIP-712 struct hashes of orders and claims, and the
/// commitments of the stored word.
library JobCodec {
    bytes32 internal constant ORDER_TYPEHASH = keccak256(
        "JobOrder(address client,uint256 nonce,bytes32 specification,address token,"
        "uint128 maxPrice,uint128 tip,uint128 ratePerSecond,uint8 funding,uint8 verification,"
        "uint8 trust,uint8 replicas,uint8 quorum,uint40 assignBy,uint40 completeBy,"
        "uint64 serviceLevel,uint24 parametersVersion)"
    );
    bytes32 internal constant CLAIM_TYPEHASH =
        keccak256("ReceiptClaim(bytes32 jobId,uint8 attempt,bytes32 outputRoot,uint128 cost)");

    /// @notice EIP-712 struct hash of a client's order. The rules are spelled out, so that a wallet
    /// shows its owner every one of them.
    function orderHash(address client, uint256 nonce, JobTerms calldata terms)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(
            bytes.concat(
                abi.encode(ORDER_TYPEHASH, client, nonce),
                abi.encode(
                    terms.specification,
                    terms.token,
                    terms.maxPrice,
                    terms.tip,
                    terms.ratePerSecond
                ),
                _spelledOut(terms.rules)
            )
        );
    }

    /// @notice EIP-712 struct hash of a claim.
    function claimHash(JobId id, uint8 attempt, bytes32 outputRoot, uint128 cost)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(CLAIM_TYPEHASH, id, attempt, outputRoot, cost));
    }

    /// @notice Hash of an assignment.
    function assignmentHash(Assignment memory assignment) internal pure returns (bytes32) {
        return keccak256(
            abi.encodePacked(assignment.startedAt, assignment.coordinator, assignment.nodes)
        );
    }

    /// @notice Hash of what follows the assignment in a commitment; the challenger is zero before a
    /// challenge.
    function restHash(Proposal memory proposal, address challenger)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(proposal, challenger));
    }

    /// @notice What the word of a job commits to. While the job is open, both hashes are zero; while
    /// it is assigned, the rest is.
    function commitment(Job calldata job, bytes32 assignment, bytes32 rest)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(job, assignment, rest));
    }

    /// @notice What the word of a new job commits to.
    function openCommitment(Job memory job) internal pure returns (bytes32) {
        return keccak256(abi.encode(job, bytes32(0), bytes32(0)));
    }

    function _spelledOut(JobRules rules) private pure returns (bytes memory) {
        return abi.encode(
            uint8(rules.funding()),
            uint8(rules.verification()),
            uint8(rules.trust()),
            rules.replicas(),
            rules.quorum(),
            rules.assignBy(),
            rules.completeBy(),
            rules.serviceLevel(),
            rules.parametersVersion()
        );
    }
}
