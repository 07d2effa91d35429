// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Roles } from "../../contracts/base/Roles.sol";
import { INetworkProfile } from "../../contracts/interfaces/INetworkProfile.sol";
import { HouseTest } from "./HouseTest.sol";
import { IAccessControl } from "@openzeppelin/contracts/access/IAccessControl.sol";

/// @title Profile test
/// @notice Calls to the network profile as governance, and its refusals.
abstract contract ProfileTest is HouseTest {
    /// @notice Sets parameters as governance.
    function set(INetworkProfile.Parameters memory parameters) internal {
        vm.prank(address(house.timelock));
        house.profile.setParameters(parameters);
    }

    /// @notice Allows a token as governance.
    function allow(address token, uint32 lockPpm, uint8 lockShift) internal {
        vm.prank(address(house.timelock));
        house.profile.allowToken(token, INetworkProfile.TokenTerms(lockPpm, lockShift));
    }

    /// @notice Expects that the next call is out of bounds.
    function expectOutOfBounds(bytes32 name, uint256 given, uint256 least, uint256 most) internal {
        vm.expectRevert(
            abi.encodeWithSelector(
                INetworkProfile.NetworkProfileOutOfBounds.selector, name, given, least, most
            )
        );
    }

    /// @notice Expects that the next call misses the right to set parameters.
    function expectNoParameterRole(address caller) internal {
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessControl.AccessControlUnauthorizedAccount.selector, caller, Roles.PARAMETER
            )
        );
    }
}
