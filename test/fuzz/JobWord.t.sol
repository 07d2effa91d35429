// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { JobState } from "../../contracts/types/Job.sol";
import { JobWord, JobWordLibrary } from "../../contracts/types/JobWord.sol";
import { Test } from "forge-std/Test.sol";

/// @notice The stored word of a job.
contract JobWordFuzz is Test {
    uint256 private constant COMMITTED = ~uint256((1 << 96) - 1);

    function testFuzz_RoundTrips(
        uint8 state,
        uint8 attempt,
        uint40 deadline,
        uint24 sequence,
        bytes32 commitment
    ) public pure {
        JobState state_ = _stateOf(state);
        JobWord word = JobWordLibrary.make(state_, attempt, deadline, sequence, commitment);
        _assertFields(word, state_, attempt, deadline, 0);
        assertEq(word.sequence(), sequence);
        assertTrue(word.commitsTo(commitment));
        assertEq(JobWord.unwrap(word) & COMMITTED, uint256(commitment) & COMMITTED);
    }

    function testFuzz_BeginningCountsTheAttemptAndForgetsConvictions(
        uint256 raw,
        uint40 deadline,
        bytes32 commitment
    ) public pure {
        JobWord word = _wordOf(raw & ~uint256(0x8000));
        JobWord next = word.begun(deadline, commitment);
        _assertFields(next, JobState.Assigned, word.attempt() + 1, deadline, 0);
        assertEq(next.sequence(), word.sequence());
        assertTrue(next.commitsTo(commitment));
    }

    function testFuzz_ReopeningKeepsTheAttemptAndForgetsConvictions(
        uint256 raw,
        uint40 deadline,
        bytes32 commitment
    ) public pure {
        JobWord word = _wordOf(raw);
        JobWord next = word.reopened(deadline, commitment);
        _assertFields(next, JobState.Open, word.attempt(), deadline, 0);
        assertEq(next.sequence(), word.sequence());
        assertTrue(next.commitsTo(commitment));
    }

    function testFuzz_MovingChangesStateAndDeadlineOnly(uint256 raw, uint8 state, uint40 deadline)
        public
        pure
    {
        JobWord word = _wordOf(raw);
        JobState state_ = _stateOf(state);
        JobWord next = word.moved(state_, deadline);
        _assertFields(next, state_, word.attempt(), deadline, word.seized());
        assertEq(next.sequence(), word.sequence());
        assertEq(JobWord.unwrap(next) & COMMITTED, JobWord.unwrap(word) & COMMITTED);
    }

    function testFuzz_CommittingChangesTheCommitmentOnly(uint256 raw, bytes32 commitment)
        public
        pure
    {
        JobWord word = _wordOf(raw);
        JobWord next = word.committed(commitment);
        _assertFields(next, word.state(), word.attempt(), word.deadline(), word.seized());
        assertEq(next.sequence(), word.sequence());
        assertTrue(next.commitsTo(commitment));
    }

    function testFuzz_ConvictingAddsNodesOnly(uint256 raw, uint16 nodes) public pure {
        JobWord word = _wordOf(raw);
        JobWord next = word.convicted(nodes);
        _assertFields(next, word.state(), word.attempt(), word.deadline(), word.seized() | nodes);
        assertEq(next.sequence(), word.sequence());
        assertEq(JobWord.unwrap(next) & COMMITTED, JobWord.unwrap(word) & COMMITTED);
    }

    function testFuzz_AnyOtherOfTheFirstBitsIsAnotherCommitment(bytes32 commitment, uint8 bit)
        public
        pure
    {
        uint256 place = bound(bit, 96, 255);
        JobWord word = JobWordLibrary.make(JobState.Open, 0, 0, 0, commitment);
        assertFalse(word.commitsTo(bytes32(uint256(commitment) ^ (1 << place))));
    }

    function _stateOf(uint8 state) private pure returns (JobState) {
        return JobState(state % (uint8(type(JobState).max) + 1));
    }

    function _wordOf(uint256 raw) private pure returns (JobWord) {
        return JobWord.wrap((raw & ~uint256(0xff)) | uint8(_stateOf(uint8(raw))));
    }

    function _assertFields(
        JobWord word,
        JobState state,
        uint8 attempt,
        uint40 deadline,
        uint16 seized
    ) private pure {
        assertEq(uint8(word.state()), uint8(state));
        assertEq(word.attempt(), attempt);
        assertEq(word.deadline(), deadline);
        assertEq(word.seized(), seized);
    }
}
