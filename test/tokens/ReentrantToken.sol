// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { DevelopmentDollar } from "./DevelopmentDollar.sol";

/// @title Reentrant token
/// @notice Calls somebody in the middle of a transfer and keeps what came of it.
contract ReentrantToken is DevelopmentDollar {
    address private target;
    bytes private payload;

    /// @notice Whether the call in the middle was made, and succeeded.
    bool public called;
    bool public succeeded;
    /// @notice First four bytes of what the call returned or reverted with.
    bytes4 public answer;

    /// @notice Sets the call that the next transfer makes.
    function arm(address target_, bytes calldata payload_) external {
        (target, payload, called, succeeded, answer) = (target_, payload_, false, false, 0);
    }

    function _update(address from, address to, uint256 value) internal override {
        address next = target;
        if (next != address(0)) {
            target = address(0);
            bytes memory returned;
            (succeeded, returned) = next.call(payload);
            (called, answer) = (true, bytes4(returned));
        }
        super._update(from, to, value);
    }
}
