// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";
import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title Stake shares
/// @notice Converts between stake and shares of a pool. Virtual shares (as in OpenZeppelin's
/// ERC-4626) make it unprofitable to inflate the price of a share before somebody else's deposit.
library StakeShares {
    using SafeCast for uint256;

    /// @notice Shares that every pool has besides the issued ones, against one virtual unit of
    /// stake.
    uint256 internal constant VIRTUAL_SHARES = 1000;

    /// @notice Most shares that one unit of stake may stand for. Only slashes make shares cheaper;
    /// this bound keeps the shares for all TLY there is (10^27 units) below 2^128, so that deposits
    /// and thaws fit into every pool.
    uint256 internal constant MAX_SHARES_PER_UNIT = 1e11;

    /// @notice Shares for an amount, rounded down.
    function toSharesDown(uint256 amount, uint256 stake, uint256 shares)
        internal
        pure
        returns (uint128)
    {
        return Math.mulDiv(amount, shares + VIRTUAL_SHARES, stake + 1).toUint128();
    }

    /// @notice Amount for shares, rounded down.
    function toAmountDown(uint256 shares_, uint256 stake, uint256 shares)
        internal
        pure
        returns (uint128)
    {
        return Math.mulDiv(shares_, stake + 1, shares + VIRTUAL_SHARES).toUint128();
    }

    /// @notice What a slash may take of the stake without taking all of it and without making its
    /// shares too cheap.
    function spareOf(uint256 stake, uint256 shares) internal pure returns (uint256) {
        uint256 least = (shares + VIRTUAL_SHARES) / MAX_SHARES_PER_UNIT;
        return stake > least ? stake - least : 0;
    }
}
