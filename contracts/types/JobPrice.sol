// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

/// @dev What a job may cost, in one word, lowest bits first. Base units of the job's token:
///
/// | bits | field         | meaning                                                             |
/// |------|---------------|---------------------------------------------------------------------|
/// | 96   | maxPrice      | most that the work may cost, without the tip                        |
/// | 96   | ratePerSecond | price of one second of running time; zero for work with one price   |
/// | 64   | tip           | for whoever submits the settlement, or the refund of an untaken job |
type JobPrice is uint256;

using JobPriceLibrary for JobPrice global;

/// @notice Makes prices and takes them apart.
library JobPriceLibrary {
    /// @notice Packs the three amounts.
    function pack(uint96 maxPrice_, uint96 ratePerSecond_, uint64 tip_)
        internal
        pure
        returns (JobPrice)
    {
        return JobPrice.wrap(
            uint256(maxPrice_) | (uint256(ratePerSecond_) << 96) | (uint256(tip_) << 192)
        );
    }

    /// @notice Most that the work may cost, without the tip.
    function maxPrice(JobPrice price) internal pure returns (uint128) {
        return uint96(JobPrice.unwrap(price));
    }

    /// @notice Price of one second of running time; zero for work with one price.
    function ratePerSecond(JobPrice price) internal pure returns (uint128) {
        return uint96(JobPrice.unwrap(price) >> 96);
    }

    /// @notice For whoever submits the settlement, or the refund of a job nobody took.
    function tip(JobPrice price) internal pure returns (uint128) {
        return uint64(JobPrice.unwrap(price) >> 192);
    }

    /// @notice Everything that a new job reserves.
    function reserved(JobPrice price) internal pure returns (uint128) {
        // Cannot overflow: below 2^96 + 2^64.
        unchecked {
            return maxPrice(price) + tip(price);
        }
    }
}
