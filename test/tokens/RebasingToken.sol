// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { DevelopmentDollar } from "./DevelopmentDollar.sol";

/// @title Rebasing token
/// @notice Shows every balance as a share of what was moved, and the share may fall.
contract RebasingToken is DevelopmentDollar {
    /// @notice The share of every balance that is left, in parts per million.
    uint256 public leftPpm = 1_000_000;

    /// @notice Rebases every balance.
    function rebase(uint256 leftPpm_) external {
        leftPpm = leftPpm_;
    }

    /// @notice The rebased balance of an account.
    function balanceOf(address account) public view override returns (uint256) {
        return super.balanceOf(account) * leftPpm / 1_000_000;
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value * 1_000_000 / leftPpm);
    }
}
