// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import { ERC20Burnable } from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import { ERC20Permit } from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import { ERC20Votes } from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import { Nonces } from "@openzeppelin/contracts/utils/Nonces.sol";
import { Time } from "@openzeppelin/contracts/utils/types/Time.sol";

/// @title Tally
/// @notice TLY, the network's token: stake, votes and default payment. 18 decimals, a fixed supply
/// that only burning changes. Not upgradeable and without any privileged call. Votes are counted by
/// timestamp, in seconds.
contract TallyToken is ERC20, ERC20Burnable, ERC20Permit, ERC20Votes {
    /// @notice Everything there will ever be: one billion TLY, in base units.
    uint256 public constant INITIAL_SUPPLY = 1_000_000_000e18;

    /// @param holder Receives the whole supply.
    constructor(address holder) ERC20("Tally", "TLY") ERC20Permit("Tally") {
        _mint(holder, INITIAL_SUPPLY);
    }

    /// @notice The clock of votes: Unix seconds.
    function clock() public view override returns (uint48) {
        return Time.timestamp();
    }

    /// @notice Says in EIP-6372's words that `clock` is the timestamp.
    function CLOCK_MODE() public pure override returns (string memory) {
        return "mode=timestamp";
    }

    /// @notice Next nonce of an owner's permits and delegations.
    function nonces(address owner) public view override(ERC20Permit, Nonces) returns (uint256) {
        return super.nonces(owner);
    }

    function _update(address from, address to, uint256 value) internal override(ERC20, ERC20Votes) {
        super._update(from, to, value);
    }
}
