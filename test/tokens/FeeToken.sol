// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { DevelopmentDollar } from "./DevelopmentDollar.sol";

/// @title Fee token
/// @notice Keeps a part of every transfer for itself.
contract FeeToken is DevelopmentDollar {
    /// @notice What it keeps, in parts per million.
    uint256 public feePpm;

    /// @notice Sets what it keeps.
    function setFee(uint256 feePpm_) external {
        feePpm = feePpm_;
    }

    function _update(address from, address to, uint256 value) internal override {
        uint256 fee = from == address(0) || to == address(0) ? 0 : value * feePpm / 1_000_000;
        if (fee != 0) super._update(from, address(this), fee);
        super._update(from, to, value - fee);
    }
}
