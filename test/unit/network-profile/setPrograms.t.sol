// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INetworkProfile } from "../../../contracts/interfaces/INetworkProfile.sol";
import { ProfileTest } from "../../base/ProfileTest.sol";

/// @notice Governance lists programs.
contract NetworkProfileSetPrograms is ProfileTest {
    bytes32 private constant KIND = keccak256("other");
    bytes32 private constant FIRST = keccak256("first");
    bytes32 private constant SECOND = keccak256("second");

    function test_AnEmptyListPermitsAll() public view {
        assertTrue(house.profile.permits(FIRST, KIND));
        assertTrue(house.profile.permits(0, KIND));
    }

    function test_AListPermitsOnlyWhatIsOnIt() public {
        vm.expectEmit(address(house.profile));
        emit INetworkProfile.ProgramAllowed(FIRST, true);
        _set(FIRST, true);
        assertTrue(house.profile.permits(FIRST, KIND));
        assertFalse(house.profile.permits(SECOND, KIND));
        _set(SECOND, true);
        assertTrue(house.profile.permits(SECOND, KIND));
    }

    function test_TakesOffTheList() public {
        _set(FIRST, true);
        _set(SECOND, true);
        vm.expectEmit(address(house.profile));
        emit INetworkProfile.ProgramAllowed(FIRST, false);
        _set(FIRST, false);
        assertFalse(house.profile.permits(FIRST, KIND));
        assertTrue(house.profile.permits(SECOND, KIND));
        // The list is empty again and permits all.
        _set(SECOND, false);
        assertTrue(house.profile.permits(FIRST, KIND));
    }

    function test_TakesSeveralAtOnceAndAgain() public {
        bytes32[] memory both = new bytes32[](2);
        (both[0], both[1]) = (FIRST, SECOND);
        vm.startPrank(address(house.timelock));
        house.profile.setPrograms(both, true);
        house.profile.setPrograms(both, true);
        vm.stopPrank();
        assertTrue(house.profile.permits(FIRST, KIND));
        assertTrue(house.profile.permits(SECOND, KIND));
        assertFalse(house.profile.permits(KIND, KIND));
    }

    function test_RevertWhen_SomebodyElseCalls() public {
        expectNoParameterRole(stranger);
        vm.prank(stranger);
        house.profile.setPrograms(new bytes32[](1), true);
    }

    function _set(bytes32 item, bool allowed) private {
        bytes32[] memory items = new bytes32[](1);
        items[0] = item;
        vm.prank(address(house.timelock));
        house.profile.setPrograms(items, allowed);
    }
}
