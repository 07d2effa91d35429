// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Roles } from "../../../contracts/base/Roles.sol";
import { NetworkProfile } from "../../../contracts/profile/NetworkProfile.sol";
import { ProfileTest } from "../../base/ProfileTest.sol";
import { Initializable } from "@openzeppelin/contracts/proxy/utils/Initializable.sol";

/// @notice The first admin of the network profile.
contract NetworkProfileInitialize is ProfileTest {
    function test_OnlyTheTimelockSetsParameters() public view {
        NetworkProfile profile = NetworkProfile(address(house.profile));
        assertTrue(profile.hasRole(Roles.PARAMETER, address(house.timelock)));
        assertFalse(profile.hasRole(Roles.PARAMETER, address(this)));
        assertFalse(profile.hasRole(bytes32(0), address(this)));
        assertTrue(profile.hasRole(bytes32(0), address(house.timelock)));
        assertEq(profile.version(), "1.0.0");
    }

    function test_RevertGiven_ItIsInitialized() public {
        NetworkProfile profile = NetworkProfile(address(house.profile));
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        profile.initialize(stranger);
        NetworkProfile implementation =
            new NetworkProfile(house.jobs, house.staking, house.payments, house.slashing);
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        implementation.initialize(stranger);
    }
}
