// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { JobState } from "./Job.sol";

/// @dev All that the chain stores of a job, in one word, lowest bits first:
///
/// | bits | field      | meaning                                                              |
/// |------|------------|----------------------------------------------------------------------|
/// | 8    | state      | `JobState`                                                           |
/// | 8    | attempt    | assignments so far; the fencing token that attestations sign         |
/// | 40   | deadline   | end of the present state, Unix seconds; zero in a final state        |
/// | 16   | seized     | bit `i`: node `i` of the assignment was convicted and lost its lock  |
/// | 24   | sequence   | which of the slot's jobs this is (`JobId`)                           |
/// | 160  | commitment | of a hash over job, assignment, proposal and challenger, the first   |
///
/// Finding two preimages of one commitment costs 2^80 hashes, a second preimage 2^160.
type JobWord is uint256;

using JobWordLibrary for JobWord global;

/// @notice Reads and writes the stored word of a job.
library JobWordLibrary {
    uint256 private constant COMMITMENT_SHIFT = 96;
    /// @dev State and deadline.
    uint256 private constant MOVING_BITS = 0xffffffffff00ff;

    /// @notice Makes a word without convictions.
    function make(
        JobState state_,
        uint8 attempt_,
        uint40 deadline_,
        uint24 sequence_,
        bytes32 commitment_
    ) internal pure returns (JobWord) {
        uint256 kept =
            (uint256(commitment_) >> COMMITMENT_SHIFT) << COMMITMENT_SHIFT;
        return JobWord.wrap(
            kept | uint8(state_) | (uint256(attempt_) << 8) | (uint256(deadline_) << 16)
                | (uint256(sequence_) << 72)
        );
    }

    /// @notice The word of the next attempt: assigned, one attempt more, nobody convicted.
    function begun(JobWord word, uint40 deadline_, bytes32 commitment_)
        internal
        pure
        returns (JobWord)
    {
        return make(JobState.Assigned, attempt(word) + 1, deadline_, sequence(word), commitment_);
    }

    /// @notice The word of a job that waits for its next attempt.
    function reopened(JobWord word, uint40 deadline_, bytes32 commitment_)
        internal
        pure
        returns (JobWord)
    {
        return make(JobState.Open, attempt(word), deadline_, sequence(word), commitment_);
    }

    /// @notice The state of the job.
    function state(JobWord word) internal pure returns (JobState) {
        return JobState(uint8(JobWord.unwrap(word)));
    }

    /// @notice The number of the present attempt, zero before the first assignment.
    function attempt(JobWord word) internal pure returns (uint8) {
        return uint8(JobWord.unwrap(word) >> 8);
    }

    /// @notice When the present state ends, Unix seconds.
    function deadline(JobWord word) internal pure returns (uint40) {
        return uint40(JobWord.unwrap(word) >> 16);
    }

    /// @notice The convicted nodes of the present attempt, as a bitmap.
    function seized(JobWord word) internal pure returns (uint16) {
        return uint16(JobWord.unwrap(word) >> 56);
    }

    /// @notice Which of the slot's jobs the word is of.
    function sequence(JobWord word) internal pure returns (uint24) {
        return uint24(JobWord.unwrap(word) >> 72);
    }

    /// @notice Whether the word commits to the hash.
    function commitsTo(JobWord word, bytes32 commitment_) internal pure returns (bool) {
        return JobWord.unwrap(word) >> COMMITMENT_SHIFT == uint256(commitment_) >> COMMITMENT_SHIFT;
    }

    /// @notice The same word in another state with another deadline.
    function moved(JobWord word, JobState state_, uint40 deadline_)
        internal
        pure
        returns (JobWord)
    {
        uint256 kept = JobWord.unwrap(word) & ~MOVING_BITS;
        return JobWord.wrap(kept | uint8(state_) | (uint256(deadline_) << 16));
    }

    /// @notice The same word with another commitment.
    function committed(JobWord word, bytes32 commitment_) internal pure returns (JobWord) {
        uint256 kept = JobWord.unwrap(word) & ((1 << COMMITMENT_SHIFT) - 1);
        uint256 cut = (uint256(commitment_) >> COMMITMENT_SHIFT) << COMMITMENT_SHIFT;
        return JobWord.wrap(kept | cut);
    }

    /// @notice The same word with further nodes convicted.
    function convicted(JobWord word, uint16 nodes) internal pure returns (JobWord) {
        return JobWord.wrap(JobWord.unwrap(word) | (uint256(nodes) << 56));
    }
}
