// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

/// @dev Identifies one job. Nobody else can make a job of the same id, and the same order cannot
/// become a second job. Lowest bits first:
///
/// | bits | field    | meaning                                                              |
/// |------|----------|----------------------------------------------------------------------|
/// | 24   | sequence | jobs that its client made before in the same slot (or skipped)       |
/// | 80   | slot     | hash of chain id, `JobManager`, client and the nonce's key           |
/// | 152  | order    | hash of chain id, `JobManager`, client, nonce and terms              |
///
/// A slot is one word of storage that serves one job at a time. A client that reuses a slot once
/// its job is final saves the price of a fresh word (17,100 gas); one that never does just counts
/// nonces.
type JobId is bytes32;

using JobIdLibrary for JobId global;

/// @notice Makes ids and takes them apart.
library JobIdLibrary {
    /// @notice Joins the parts of an id.
    function make(bytes32 order, bytes32 slot_, uint24 sequence_) internal pure returns (JobId) {
        return JobId.wrap(
            bytes32(((uint256(order) >> 104) << 104) | ((uint256(slot_) >> 176) << 24) | sequence_)
        );
    }

    /// @notice The place of the job among those of its slot.
    function sequence(JobId id) internal pure returns (uint24) {
        return uint24(uint256(JobId.unwrap(id)));
    }

    /// @notice The slot that holds the job's word.
    function slot(JobId id) internal pure returns (uint80) {
        return uint80(uint256(JobId.unwrap(id)) >> 24);
    }
}
