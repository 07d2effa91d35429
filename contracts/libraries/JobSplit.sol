// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { JobParameters } from "../types/JobParameters.sol";
import { PpmMath } from "./PpmMath.sol";

/// @title Job split
/// @notice Who earns what of a job's price. Every share is rounded down and what no share takes
/// stays with the payer.
library JobSplit {
    using PpmMath for uint256;

    /// @notice What one of each role earns, in base units of the job's token.
    struct Shares {
        uint128 coordinator;
        uint128 protocol;
        /// For the performer: the first node of the assignment that signed.
        uint128 performer;
        /// For each further node that signed.
        uint128 secondary;
    }

    /// @notice Number of set bits.
    function count(uint256 bitmap) internal pure returns (uint256 bits) {
        // Cannot overflow: a bitmap that is not zero is at least one, and there are 256 bits.
        unchecked {
            for (; bitmap != 0; bitmap &= bitmap - 1) {
                ++bits;
            }
        }
    }

    /// @notice Splits the price of a result.
    ///
    /// With price p, shares c (coordinator), s (secondaries), f (protocol), r replicas and k paid
    /// signers: coordinator floor(p c); protocol floor(p f); each secondary
    /// floor(floor(p s) / (max(r, k) - 1)); performer p - floor(p c) - floor(p f) - floor(p s).
    /// With max(r, k) = 1 there are no secondaries and s counts as zero. What secondaries that did
    /// not sign would have earned stays with the payer.
    ///
    /// @param price Base units of the job's token.
    /// @param replicas Nodes that were to execute the job.
    /// @param signed How many signers are paid.
    function sharesOf(JobParameters parameters, uint256 price, uint256 replicas, uint256 signed)
        internal
        pure
        returns (Shares memory shares)
    {
        shares.coordinator = uint128(price.shareDown(parameters.coordinatorPpm()));
        shares.protocol = uint128(price.shareDown(parameters.protocolPpm()));
        uint256 nodes = signed > replicas ? signed : replicas;
        uint256 pool = nodes > 1 ? price.shareDown(parameters.secondariesPpm()) : 0;
        // Cannot underflow: `ParameterBounds` keeps the sum of the three shares at most one
        // million.
        unchecked {
            if (nodes > 1) shares.secondary = uint128(pool / (nodes - 1));
            shares.performer = uint128(price - shares.coordinator - shares.protocol - pool);
        }
    }
}
