// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

/// @dev Identifies one job: the hash of chain id, `JobManager`, client, nonce and terms. Nobody else
/// can make a job of the same id, and the same order cannot become a second job.
type JobId is bytes32;
