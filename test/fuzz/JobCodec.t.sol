// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { JobCodec } from "../../contracts/libraries/JobCodec.sol";
import { Assignment, Job, Proposal } from "../../contracts/types/Job.sol";
import { JobId } from "../../contracts/types/JobId.sol";
import { JobParameters } from "../../contracts/types/JobParameters.sol";
import { JobPrice } from "../../contracts/types/JobPrice.sol";
import { JobRules } from "../../contracts/types/JobRules.sol";
import { Seat } from "../../contracts/types/Seat.sol";
import { Test } from "forge-std/Test.sol";

/// @notice Hashes by which jobs are known: nothing can be changed and stay the same.
contract JobCodecFuzz is Test {
    function testFuzz_AJobHashesAlikeFromMemoryAndCalldata(Job memory job) public view {
        assertEq(JobCodec.newJobHash(job), this.jobHash(job));
        assertEq(this.jobHash(job), keccak256(abi.encode(job)));
    }

    function testFuzz_EveryBitOfAJobCounts(Job memory job, uint8 bit) public view {
        bytes32 hash = this.jobHash(job);
        uint256 flip = uint256(1) << bit;
        Job memory other = Job(job.client, job.token, job.price, job.rules, job.parameters);
        other.price = JobPrice.wrap(JobPrice.unwrap(job.price) ^ flip);
        assertNotEq(this.jobHash(other), hash);
        (other.price, other.rules) = (job.price, JobRules.wrap(JobRules.unwrap(job.rules) ^ flip));
        assertNotEq(this.jobHash(other), hash);
        other.rules = job.rules;
        other.parameters = JobParameters.wrap(JobParameters.unwrap(job.parameters) ^ flip);
        assertNotEq(this.jobHash(other), hash);
        other.parameters = job.parameters;
        other.client = address(uint160(job.client) ^ uint160(1) << (bit % 160));
        assertNotEq(this.jobHash(other), hash);
        (other.client, other.token) = (job.token, job.client);
        if (job.client != job.token) assertNotEq(this.jobHash(other), hash);
    }

    function testFuzz_EverySeatAndItsPlaceCount(
        uint40 startedAt,
        Seat coordinator,
        uint256[] memory words,
        uint8 bit
    ) public view {
        vm.assume(words.length != 0 && words.length <= 16);
        Seat[] memory nodes = _seats(words);
        Assignment memory a = Assignment(startedAt, coordinator, nodes);
        bytes32 hash = this.assignmentHash(a);
        assertEq(hash, keccak256(abi.encode(startedAt, coordinator, nodes)));

        uint256 flip = uint256(1) << bit;
        a.coordinator = Seat.wrap(Seat.unwrap(coordinator) ^ flip);
        assertNotEq(this.assignmentHash(a), hash);
        a.coordinator = coordinator;
        a.startedAt = startedAt ^ uint40(1) << (bit % 40);
        assertNotEq(this.assignmentHash(a), hash);
        a.startedAt = startedAt;
        words[bit % words.length] ^= flip;
        a.nodes = _seats(words);
        assertNotEq(this.assignmentHash(a), hash);
        a.nodes = new Seat[](0);
        assertNotEq(this.assignmentHash(a), hash);
    }

    function testFuzz_EveryPartOfAProposalCounts(
        bytes32 root,
        uint128 price,
        uint16 signers,
        address challenger,
        uint8 bit
    ) public pure {
        bytes32 hash = JobCodec.restHash(Proposal(root, price, signers), challenger);
        assertEq(hash, keccak256(abi.encode(root, price, signers, challenger)));
        bytes32 root_ = bytes32(uint256(root) ^ (1 << bit));
        assertNotEq(JobCodec.restHash(Proposal(root_, price, signers), challenger), hash);
        uint128 price_ = price ^ uint128(1) << (bit % 128);
        assertNotEq(JobCodec.restHash(Proposal(root, price_, signers), challenger), hash);
        uint16 signers_ = signers ^ uint16(1) << (bit % 16);
        assertNotEq(JobCodec.restHash(Proposal(root, price, signers_), challenger), hash);
        address other = address(uint160(challenger) ^ uint160(1) << (bit % 160));
        assertNotEq(JobCodec.restHash(Proposal(root, price, signers), other), hash);
    }

    function testFuzz_EveryPartOfAClaimCounts(
        JobId id,
        uint8 attempt,
        bytes32 root,
        uint128 cost,
        uint8 bit
    ) public pure {
        bytes32 hash = JobCodec.claimHash(id, attempt, root, cost);
        JobId id_ = JobId.wrap(bytes32(uint256(JobId.unwrap(id)) ^ (1 << bit)));
        assertNotEq(JobCodec.claimHash(id_, attempt, root, cost), hash);
        assertNotEq(JobCodec.claimHash(id, attempt ^ uint8(1) << (bit % 8), root, cost), hash);
        bytes32 root_ = bytes32(uint256(root) ^ (1 << bit));
        assertNotEq(JobCodec.claimHash(id, attempt, root_, cost), hash);
        uint128 cost_ = cost ^ uint128(1) << (bit % 128);
        assertNotEq(JobCodec.claimHash(id, attempt, root, cost_), hash);
    }

    function testFuzz_ACommitmentKnowsItsPartsByTheirPlaces(
        JobId id,
        bytes32 a,
        bytes32 b,
        bytes32 c,
        uint8 bit
    ) public pure {
        bytes32 hash = JobCodec.commitment(id, a, b, c);
        assertEq(hash, keccak256(abi.encode(id, a, b, c)));
        if (a != b) assertNotEq(JobCodec.commitment(id, b, a, c), hash);
        if (b != c) assertNotEq(JobCodec.commitment(id, a, c, b), hash);
        if (a != c) assertNotEq(JobCodec.commitment(id, c, b, a), hash);
        JobId other = JobId.wrap(bytes32(uint256(JobId.unwrap(id)) ^ (1 << bit)));
        assertNotEq(JobCodec.commitment(other, a, b, c), hash);
    }

    function jobHash(Job calldata job) external pure returns (bytes32) {
        return JobCodec.jobHash(job);
    }

    function assignmentHash(Assignment calldata assignment) external pure returns (bytes32) {
        return JobCodec.assignmentHash(assignment);
    }

    function _seats(uint256[] memory words) private pure returns (Seat[] memory seats) {
        seats = new Seat[](words.length);
        for (uint256 i; i < words.length; ++i) {
            seats[i] = Seat.wrap(words[i]);
        }
    }
}
