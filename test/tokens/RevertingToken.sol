// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { DevelopmentDollar } from "./DevelopmentDollar.sol";

/// @title Reverting token
/// @notice Reverts every transfer, or burns all gas in it, once it is told to.
contract RevertingToken is DevelopmentDollar {
    /// @notice The token is stopped.
    error RevertingTokenStopped();

    /// @notice How it fails.
    enum Failure {
        None,
        Reverts,
        BurnsGas
    }

    /// @notice How it fails now.
    Failure public failure;

    /// @notice Sets how it fails.
    function setFailure(Failure failure_) external {
        failure = failure_;
    }

    function _update(address from, address to, uint256 value) internal override {
        require(failure != Failure.Reverts, RevertingTokenStopped());
        while (failure == Failure.BurnsGas) { }
        super._update(from, to, value);
    }
}
