// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { HouseContract } from "../../../contracts/base/HouseContract.sol";
import { Roles } from "../../../contracts/base/Roles.sol";
import { ProfileTest } from "../../base/ProfileTest.sol";

/// @notice The first admin of the network profile.
contract NetworkProfileInitialize is ProfileTest {
    function test_OnlyTheTimelockSetsParameters() public view {
        HouseContract profile = HouseContract(address(house.profile));
        assertTrue(profile.hasRole(Roles.PARAMETER, address(house.timelock)));
        assertFalse(profile.hasRole(Roles.PARAMETER, address(this)));
        assertFalse(profile.hasRole(bytes32(0), address(this)));
        assertTrue(profile.hasRole(bytes32(0), address(house.timelock)));
        assertEq(profile.version(), "1.0.0");
    }
}
