// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { ProfileTest } from "../../base/ProfileTest.sol";

/// @notice What the network runs.
contract NetworkProfilePermits is ProfileTest {
    bytes32 private constant PROGRAM = keccak256("program");
    bytes32 private constant KIND = keccak256("kind");

    function test_BothListsMustPermit() public {
        bytes32[] memory one = new bytes32[](1);
        vm.startPrank(address(house.timelock));
        one[0] = PROGRAM;
        house.profile.setPrograms(one, true);
        one[0] = KIND;
        house.profile.setKinds(one, true);
        vm.stopPrank();

        assertTrue(house.profile.permits(PROGRAM, KIND));
        assertFalse(house.profile.permits(PROGRAM, PROGRAM));
        assertFalse(house.profile.permits(KIND, KIND));
        assertFalse(house.profile.permits(KIND, PROGRAM));
    }
}
