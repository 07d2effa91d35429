// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { DevelopmentDollar } from "./DevelopmentDollar.sol";

/// @title Blocklist token
/// @notice Refuses transfers from and to the accounts on its list.
contract BlocklistToken is DevelopmentDollar {
    /// @notice The account is on the list.
    error BlocklistTokenBlocked(address account);

    /// @notice Whether an account is on the list.
    mapping(address account => bool) public isBlocked;

    /// @notice Puts an account on the list or takes it off.
    function block_(address account, bool blocked) external {
        isBlocked[account] = blocked;
    }

    function _update(address from, address to, uint256 value) internal override {
        require(!isBlocked[from], BlocklistTokenBlocked(from));
        require(!isBlocked[to], BlocklistTokenBlocked(to));
        super._update(from, to, value);
    }
}
