// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { JobId } from "../types/JobId.sol";
import { JobParameters } from "../types/JobParameters.sol";
import { JobWord } from "../types/JobWord.sol";

/// @title Storage of the job manager
abstract contract JobManagerStorage {
    /// @notice What is kept, besides its word, of a job that is paid by time.
    struct Meter {
        /// Money added after creation, in base units of the job's token.
        uint128 toppedUp;
        /// Last time that the coordinator vouched for the job, Unix seconds.
        uint40 lastBeat;
        /// When the client stopped it, Unix seconds; zero: it was not.
        uint40 stoppedAt;
    }

    /// @notice What one owner has of one token in the chain lane, in base units.
    struct LaneAccount {
        /// To fund jobs with, or to take out.
        uint128 balance;
        /// The protocol's fees, booked beside a coordinator's earnings until they are collected.
        uint128 fees;
    }

    /// @custom:storage-location erc7201:tallystick.storage.JobManager
    struct Layout {
        mapping(uint80 slot => JobWord) words;
        mapping(JobId id => Meter) meters;
        mapping(address token => JobParameters) parameters;
        mapping(address token => mapping(address owner => LaneAccount)) accounts;
        /// Every token that parameters were ever adopted for, each once.
        address[] tokens;
    }

    // keccak256(abi.encode(uint256(keccak256("tallystick.storage.JobManager")) - 1))
    //     & ~bytes32(uint256(0xff))
    bytes32 private constant SLOT =
        0xcc7f51e56c9e47e631d8aabc89a96a1a25114ca83917f39c3f8b00bc61d58e00;

    function _layout() internal pure returns (Layout storage $) {
        assembly ("memory-safe") {
            $.slot := SLOT
        }
    }
}
