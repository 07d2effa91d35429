// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { JobId } from "../types/JobId.sol";
import { JobParameters } from "../types/JobParameters.sol";
import { Assignment, JobTerms, Proposal } from "../types/JobTerms.sol";

/// @title Job codec
/// @notice The hashes by which a job is known: EIP-712 struct hashes of orders and claims, and the commitments of the
/// stored word.
library JobCodec {
    bytes32 internal constant TERMS_TYPEHASH = keccak256(
        "JobTerms(bytes32 specification,address token,uint128 maxPrice,uint128 tip,uint128 ratePerSecond,"
        "uint8 funding,uint8 verification,uint8 trust,uint8 replicas,uint8 quorum,uint40 assignBy,"
        "uint40 completeBy,uint64 serviceLevel,uint24 parametersVersion)"
    );
    bytes32 internal constant ORDER_TYPEHASH = keccak256(
        "JobOrder(address client,uint256 nonce,JobTerms terms)"
        "JobTerms(bytes32 specification,address token,uint128 maxPrice,uint128 tip,uint128 ratePerSecond,"
        "uint8 funding,uint8 verification,uint8 trust,uint8 replicas,uint8 quorum,uint40 assignBy,"
        "uint40 completeBy,uint64 serviceLevel,uint24 parametersVersion)"
    );
    bytes32 internal constant CLAIM_TYPEHASH =
        keccak256("ReceiptClaim(bytes32 jobId,uint8 attempt,bytes32 outputRoot,uint128 cost)");

    /// @notice EIP-712 struct hash of a client's order.
    function orderHash(address client, uint256 nonce, JobTerms calldata terms)
        internal
        pure
        returns (bytes32)
    {
        bytes32 termsHash = keccak256(abi.encode(TERMS_TYPEHASH, terms));
        return keccak256(abi.encode(ORDER_TYPEHASH, client, nonce, termsHash));
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

    /// @notice Hash of what follows the assignment in a commitment; the challenger is zero before a challenge.
    function restHash(Proposal memory proposal, address challenger)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(proposal, challenger));
    }

    /// @notice What the job's word commits to. While the job is open, both hashes are zero; while it is assigned, the rest is.
    function commitment(JobParameters parameters, bytes32 assignment, bytes32 rest)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(parameters, assignment, rest));
    }
}
