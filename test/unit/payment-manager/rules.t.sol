// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { HouseContract } from "../../../contracts/base/HouseContract.sol";
import { Roles } from "../../../contracts/base/Roles.sol";
import { IPaymentManager } from "../../../contracts/interfaces/IPaymentManager.sol";
import { PaymentTest } from "../../base/PaymentTest.sol";
import { IAccessControl } from "@openzeppelin/contracts/access/IAccessControl.sol";

/// @notice What the network profile tells the payment manager, and who else may not.
contract PaymentManagerRules is PaymentTest {
    function test_SetTokenAcceptsAndRefuses() public {
        vm.startPrank(address(house.profile));
        vm.expectEmit(address(house.payments));
        emit IPaymentManager.TokenAccepted(stranger, true);
        house.payments.setToken(stranger, true);
        assertTrue(house.payments.isAccepted(stranger));
        vm.expectEmit(address(house.payments));
        emit IPaymentManager.TokenAccepted(stranger, false);
        house.payments.setToken(stranger, false);
        assertFalse(house.payments.isAccepted(stranger));
        vm.stopPrank();
    }

    function test_SetRulesSetsThawAndTreasury() public {
        vm.expectEmit(address(house.payments));
        emit IPaymentManager.PaymentRulesSet(77, payee);
        vm.prank(address(house.profile));
        house.payments.setRules(77, payee);
        (uint40 thaw, address to) = house.payments.rules();
        assertEq(thaw, 77);
        assertEq(to, payee);
    }

    function test_FeesOfTheLaneGoToTheTreasuryOfTheMoment() public {
        depositAs(dollar, client, 10);
        takeFree(client, 10);
        vm.prank(address(house.profile));
        house.payments.setRules(77, payee);
        vm.prank(address(house.jobs));
        house.payments.give(address(0), address(dollar), 10);
        assertEq(free(payee), 10);
        assertEq(free(treasury), 0);
    }

    function test_RevertWhen_TheTreasuryIsNobody() public {
        vm.expectRevert(IPaymentManager.PaymentManagerZero.selector);
        vm.prank(address(house.profile));
        house.payments.setRules(77, address(0));
    }

    function test_RevertWhen_SomebodyElseSetsThem() public {
        address[3] memory callers = [stranger, pauser, address(house.timelock)];
        for (uint256 i; i < callers.length; ++i) {
            _expectMissing(callers[i], Roles.PARAMETER);
            vm.prank(callers[i]);
            house.payments.setToken(stranger, true);
            _expectMissing(callers[i], Roles.PARAMETER);
            vm.prank(callers[i]);
            house.payments.setRules(1, stranger);
        }
    }

    function test_RevertWhen_SomebodyElsePauses() public {
        HouseContract payments = HouseContract(address(house.payments));
        _expectMissing(stranger, Roles.PAUSER);
        vm.prank(stranger);
        payments.pause();
        vm.prank(pauser);
        payments.pause();
        _expectMissing(stranger, Roles.PAUSER);
        vm.prank(stranger);
        payments.unpause();
    }

    function _expectMissing(address caller, bytes32 role) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessControl.AccessControlUnauthorizedAccount.selector, caller, role
            )
        );
    }
}
