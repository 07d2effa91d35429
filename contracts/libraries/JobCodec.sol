// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Assignment, Job, JobTerms, Proposal } from "../types/Job.sol";
import { JobId, JobIdLibrary } from "../types/JobId.sol";
import { JobPrice } from "../types/JobPrice.sol";
import { JobRules } from "../types/JobRules.sol";
import { Seat } from "../types/Seat.sol";

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

    /// @notice The id of a job.
    /// @param nonce Low 232 bits: the key of the slot. High 24 bits: the job's sequence in it.
    function idOf(address client, uint256 nonce, JobTerms calldata terms)
        internal
        view
        returns (JobId)
    {
        uint256 key = uint232(nonce);
        bytes32 slot = keccak256(abi.encode(block.chainid, address(this), client, key));
        bytes32 order = keccak256(abi.encode(block.chainid, address(this), client, nonce, terms));
        return JobIdLibrary.make(order, slot, uint24(nonce >> 232));
    }

    /// @notice EIP-712 struct hash of a client's order. Price and rules are spelled out, so that a
    /// wallet shows its owner every one of them.
    function orderHash(address client, uint256 nonce, JobTerms calldata terms)
        internal
        pure
        returns (bytes32)
    {
        JobPrice price = terms.price;
        JobRules rules = terms.rules;
        return keccak256(
            bytes.concat(
                abi.encode(ORDER_TYPEHASH, client, nonce, terms.specification, terms.token),
                abi.encode(price.maxPrice(), price.tip(), price.ratePerSecond()),
                abi.encode(
                    uint8(rules.funding()),
                    uint8(rules.verification()),
                    uint8(rules.trust()),
                    rules.replicas(),
                    rules.quorum(),
                    rules.assignBy(),
                    rules.completeBy(),
                    rules.serviceLevel(),
                    rules.parametersVersion()
                )
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

    /// @notice Hash of a job as later calls bring it.
    function jobHash(Job calldata job) internal pure returns (bytes32) {
        return keccak256(abi.encode(job));
    }

    /// @notice The same for a job that is being made.
    function newJobHash(Job memory job) internal pure returns (bytes32) {
        return keccak256(abi.encode(job));
    }

    /// @notice Hash of an assignment as later calls bring it.
    function assignmentHash(Assignment calldata assignment) internal pure returns (bytes32) {
        return newAssignmentHash(assignment.startedAt, assignment.coordinator, assignment.nodes);
    }

    /// @notice The same for an assignment that is being made.
    function newAssignmentHash(uint40 startedAt, Seat coordinator, Seat[] calldata nodes)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(startedAt, coordinator, nodes));
    }

    /// @notice Hash of what follows the assignment in a commitment; the challenger is zero before a
    /// challenge.
    function restHash(Proposal memory proposal, address challenger)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(
            abi.encode(proposal.outputRoot, proposal.price, proposal.signers, challenger)
        );
    }

    /// @notice What the word of a job commits to. While the job is open, assignment and rest are
    /// zero; while it is assigned, the rest is. The id is part of it because the slot alone does
    /// not tell which order the word is of.
    function commitment(JobId id, bytes32 job, bytes32 assignment, bytes32 rest)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(id, job, assignment, rest));
    }
}
