// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { DevelopmentDollar } from "./DevelopmentDollar.sol";

/// @title False token
/// @notice Says no by its return value, once it is told to, and moves nothing then.
contract FalseToken is DevelopmentDollar {
    /// @notice Whether it says no.
    bool public refuses;

    /// @notice Sets whether it says no.
    function setRefuses(bool refuses_) external {
        refuses = refuses_;
    }

    /// @notice Moves tokens, or says no.
    function transfer(address to, uint256 value) public override returns (bool) {
        return refuses ? false : super.transfer(to, value);
    }

    /// @notice Moves tokens of somebody else, or says no.
    function transferFrom(address from, address to, uint256 value) public override returns (bool) {
        return refuses ? false : super.transferFrom(from, to, value);
    }
}
