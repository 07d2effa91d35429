// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import { ERC20Permit } from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import { ERC3009 } from "@openzeppelin/contracts/token/ERC20/extensions/draft-ERC3009.sol";

/// @title Development dollar
/// @notice A stablecoin for local networks and tests: 6 decimals, Permit, EIP-3009, and anybody may
/// mint.
contract DevelopmentDollar is ERC20, ERC20Permit, ERC3009 {
    constructor() ERC20("Development Dollar", "dUSD") ERC20Permit("Development Dollar") { }

    /// @notice Makes new units for anybody.
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    /// @notice Six, like the stablecoins it stands for.
    function decimals() public pure override returns (uint8) {
        return 6;
    }
}
