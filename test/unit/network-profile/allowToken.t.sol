// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INetworkProfile } from "../../../contracts/interfaces/INetworkProfile.sol";
import { JobParameters } from "../../../contracts/types/JobParameters.sol";
import { ProfileTest } from "../../base/ProfileTest.sol";

/// @notice Governance accepts a token.
contract NetworkProfileAllowToken is ProfileTest {
    uint256 private constant MAX_TOKENS = 16;

    function test_TellsJobsAndPayments() public {
        vm.expectEmit(address(house.profile));
        emit INetworkProfile.TokenAllowed(stranger, INetworkProfile.TokenTerms(9, 3));
        allow(stranger, 9, 3);

        assertTrue(house.payments.isAccepted(stranger));
        JobParameters told = house.jobs.parametersOf(stranger);
        assertEq(told.version(), house.profile.currentVersion());
        assertEq(told.lockPpm(), 9);
        assertEq(told.lockShift(), 3);
        assertEq(told.leaseSeconds(), LEASE);
        assertEq(house.profile.termsOf(stranger).lockPpm, 9);
        assertEq(house.profile.termsOf(stranger).lockShift, 3);
        address[] memory tokens = house.profile.tokens();
        assertEq(tokens.length, 3);
        assertEq(tokens[2], stranger);
    }

    function test_ChangesTheTermsOfAnAcceptedToken() public {
        allow(address(dollar), 1, 0);
        assertEq(house.profile.tokens().length, 2);
        assertEq(house.jobs.parametersOf(address(dollar)).lockPpm(), 1);
        assertEq(house.jobs.parametersOf(address(dollar)).lockShift(), 0);
    }

    function test_AcceptsTheOuterBounds() public {
        allow(stranger, 1, 0);
        allow(stranger, 1_000_000_000, 18);
        assertEq(house.jobs.parametersOf(stranger).lockPpm(), 1_000_000_000);
        assertEq(house.jobs.parametersOf(stranger).lockShift(), 18);
    }

    function test_RevertWhen_TheLockIsOutOfBounds() public {
        expectOutOfBounds("lockPpm", 0, 1, 1_000_000_000);
        allow(stranger, 0, 0);
        expectOutOfBounds("lockPpm", 1_000_000_001, 1, 1_000_000_000);
        allow(stranger, 1_000_000_001, 0);
        expectOutOfBounds("lockShift", 19, 0, 18);
        allow(stranger, 1, 19);
    }

    function test_RevertGiven_TheListIsFull() public {
        for (uint256 i = 2; i < MAX_TOKENS; ++i) {
            allow(address(uint160(0xbeef00 + i)), 1, 0);
        }
        vm.expectRevert(
            abi.encodeWithSelector(INetworkProfile.NetworkProfileTooManyTokens.selector, MAX_TOKENS)
        );
        allow(stranger, 1, 0);
        // Terms of those on the list can still change.
        allow(address(dollar), 2, 1);
        assertEq(house.profile.tokens().length, MAX_TOKENS);
        set(networkParameters());
    }

    function test_RevertWhen_SomebodyElseCalls() public {
        expectNoParameterRole(stranger);
        vm.prank(stranger);
        house.profile.allowToken(stranger, INetworkProfile.TokenTerms(1, 0));
    }
}
