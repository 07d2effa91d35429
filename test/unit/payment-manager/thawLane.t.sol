// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { HouseContract } from "../../../contracts/base/HouseContract.sol";
import { IPaymentManager } from "../../../contracts/interfaces/IPaymentManager.sol";
import { PaymentTest } from "../../base/PaymentTest.sol";

/// @notice A client asks promised money back.
contract PaymentManagerThawLane is PaymentTest {
    function setUp() public override {
        super.setUp();
        depositAs(dollar, client, 100);
        vm.prank(client);
        house.payments.fundLane(address(dollar), LANE, 80);
    }

    function test_TheMoneyStaysInTheLaneUntilItThawed() public {
        uint40 thawedAt = uint40(block.timestamp) + MAX_JOB;
        vm.expectEmit(address(house.payments));
        emit IPaymentManager.LaneThawing(address(dollar), client, LANE, 30, thawedAt);
        _thaw(30);

        assertEq(lane().reserved, 50);
        assertEq(lane().thawing, 30);
        assertEq(lane().thawedAt, thawedAt);
        assertEq(free(client), 20);
    }

    function test_AddingToAThawRestartsItsTime() public {
        _thaw(30);
        pass(100);
        _thaw(50);
        assertEq(lane().reserved, 0);
        assertEq(lane().thawing, 80);
        assertEq(lane().thawedAt, uint40(block.timestamp) + MAX_JOB);
    }

    function test_WorksWhileDepositsArePaused() public {
        vm.prank(pauser);
        HouseContract(address(house.payments)).pause();
        _thaw(80);
        assertEq(lane().thawing, 80);
    }

    function test_RevertWhen_TheLaneHoldsLess() public {
        expectInsufficient(client, 80, 81);
        _thaw(81);
    }

    function test_RevertWhen_TheLaneIsSomebodyElses() public {
        expectInsufficient(stranger, 0, 1);
        vm.prank(stranger);
        house.payments.thawLane(address(dollar), LANE, 1);
    }

    function test_RevertWhen_TheAmountIsZero() public {
        vm.expectRevert(IPaymentManager.PaymentManagerZero.selector);
        _thaw(0);
    }

    function _thaw(uint128 amount) private {
        vm.prank(client);
        house.payments.thawLane(address(dollar), LANE, amount);
    }
}
