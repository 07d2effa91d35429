// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { HouseContract } from "../../../contracts/base/HouseContract.sol";
import { IPaymentManager } from "../../../contracts/interfaces/IPaymentManager.sol";
import { PaymentTest } from "../../base/PaymentTest.sol";
import {
    PausableUpgradeable
} from "@openzeppelin/contracts-upgradeable/utils/PausableUpgradeable.sol";

/// @notice A client promises money to a coordinator.
contract PaymentManagerFundLane is PaymentTest {
    function setUp() public override {
        super.setUp();
        depositAs(dollar, client, 100);
    }

    function test_SetsMoneyAsideForOneCoordinator() public {
        vm.expectEmit(address(house.payments));
        emit IPaymentManager.LaneFunded(address(dollar), client, LANE, 60);
        _fund(60);
        _fund(10);

        assertEq(lane().reserved, 70);
        assertEq(lane().thawing, 0);
        assertEq(lane().thawedAt, 0);
        assertEq(free(client), 30);
        assertEq(house.payments.totalOf(address(dollar)), 100);
    }

    function test_RevertWhen_OneBalanceIsPromisedTwice() public {
        _fund(60);
        expectInsufficient(client, 40, 41);
        _fund(41);
    }

    function test_RevertWhen_TheAmountIsZero() public {
        vm.expectRevert(IPaymentManager.PaymentManagerZero.selector);
        _fund(0);
    }

    function test_RevertGiven_DepositsArePaused() public {
        vm.prank(pauser);
        HouseContract(address(house.payments)).pause();
        vm.expectRevert(PausableUpgradeable.EnforcedPause.selector);
        _fund(1);
    }

    function _fund(uint128 amount) private {
        vm.prank(client);
        house.payments.fundLane(address(dollar), LANE, amount);
    }
}
