// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INetworkProfile } from "../../../contracts/interfaces/INetworkProfile.sol";
import { JobParameters } from "../../../contracts/types/JobParameters.sol";
import { ProfileTest } from "../../base/ProfileTest.sol";

/// @notice Governance no longer accepts a token.
contract NetworkProfileDisallowToken is ProfileTest {
    function test_TellsJobsAndPayments() public {
        vm.expectEmit(address(house.profile));
        emit INetworkProfile.TokenDisallowed(address(dollar));
        _disallow(address(dollar));

        assertFalse(house.payments.isAccepted(address(dollar)));
        assertEq(JobParameters.unwrap(house.jobs.parametersOf(address(dollar))), 0);
        assertEq(house.profile.termsOf(address(dollar)).lockPpm, 0);
        assertEq(house.profile.tokens().length, 1);
        assertEq(house.profile.tokens()[0], address(house.token));
    }

    function test_LaterParametersDoNotBringItBack() public {
        _disallow(address(dollar));
        set(networkParameters());
        assertEq(JobParameters.unwrap(house.jobs.parametersOf(address(dollar))), 0);
        assertFalse(house.payments.isAccepted(address(dollar)));
    }

    function test_ItMayComeBack() public {
        _disallow(address(dollar));
        allow(address(dollar), 3, 4);
        assertTrue(house.payments.isAccepted(address(dollar)));
        assertEq(house.jobs.parametersOf(address(dollar)).lockShift(), 4);
    }

    function test_MakesRoomOnAFullList() public {
        for (uint256 i = 2; i < 16; ++i) {
            allow(address(uint160(0xbeef00 + i)), 1, 0);
        }
        _disallow(address(0xbeef05));
        allow(stranger, 1, 0);
        assertEq(house.profile.tokens().length, 16);
    }

    function test_RevertWhen_TheTokenIsNotOnTheList() public {
        vm.expectRevert(
            abi.encodeWithSelector(INetworkProfile.NetworkProfileTokenNotAllowed.selector, stranger)
        );
        _disallow(stranger);
    }

    function test_RevertWhen_SomebodyElseCalls() public {
        expectNoParameterRole(stranger);
        vm.prank(stranger);
        house.profile.disallowToken(address(dollar));
    }

    function _disallow(address token) private {
        vm.prank(address(house.timelock));
        house.profile.disallowToken(token);
    }
}
