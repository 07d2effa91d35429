// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

/// @title Parts per million
/// @notice Shares of amounts. The direction of rounding is in the name.
library PpmMath {
    /// @notice One million: the whole.
    uint256 internal constant WHOLE = 1_000_000;

    /// @notice The share of an amount, rounded down.
    /// @param amount Base units, below 2^192.
    /// @param ppm Parts per million, below 2^32.
    function shareDown(uint256 amount, uint256 ppm) internal pure returns (uint256) {
        // Cannot overflow: the product is below 2^224.
        unchecked {
            return amount * ppm / WHOLE;
        }
    }

    /// @notice The share of an amount, rounded up.
    /// @param amount Base units, below 2^192.
    /// @param ppm Parts per million, below 2^32.
    function shareUp(uint256 amount, uint256 ppm) internal pure returns (uint256) {
        // Cannot overflow: the sum is below 2^225.
        unchecked {
            return (amount * ppm + WHOLE - 1) / WHOLE;
        }
    }
}
