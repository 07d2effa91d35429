// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { HouseContract } from "../../../contracts/base/HouseContract.sol";
import { INetworkProfile } from "../../../contracts/interfaces/INetworkProfile.sol";
import { IPaymentManager } from "../../../contracts/interfaces/IPaymentManager.sol";
import { PaymentTest } from "../../base/PaymentTest.sol";

/// @notice Thawed money is free again.
contract PaymentManagerReleaseLane is PaymentTest {
    uint40 private thawedAt;

    function setUp() public override {
        super.setUp();
        depositAs(dollar, client, 100);
        vm.startPrank(client);
        house.payments.fundLane(address(dollar), LANE, 80);
        house.payments.thawLane(address(dollar), LANE, 30);
        vm.stopPrank();
        thawedAt = uint40(block.timestamp) + MAX_JOB;
    }

    function test_FreesWhatThawedAtItsMoment() public {
        passUntil(thawedAt);
        vm.expectEmit(address(house.payments));
        emit IPaymentManager.LaneReleased(address(dollar), client, LANE, 30);
        _release();

        assertEq(lane().reserved, 50);
        assertEq(lane().thawing, 0);
        assertEq(free(client), 50);
        assertEq(house.payments.totalOf(address(dollar)), 100);
    }

    function test_WorksWhileDepositsArePaused() public {
        passUntil(thawedAt);
        vm.prank(pauser);
        HouseContract(address(house.payments)).pause();
        _release();
        assertEq(free(client), 50);
    }

    function test_ALongerThawBindsOnlyWhatIsAskedBackLater() public {
        INetworkProfile.Parameters memory next = networkParameters();
        next.laneThawSeconds = 100 days;
        vm.prank(address(house.timelock));
        house.profile.setParameters(next);
        passUntil(thawedAt);
        _release();
        assertEq(free(client), 50);
    }

    function test_RevertGiven_AnotherSecondIsMissing() public {
        passUntil(thawedAt - 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IPaymentManager.PaymentManagerNotYet.selector, thawedAt, thawedAt - 1
            )
        );
        _release();
    }

    function test_RevertGiven_NothingThaws() public {
        passUntil(thawedAt);
        _release();
        vm.expectRevert(IPaymentManager.PaymentManagerZero.selector);
        _release();
        vm.expectRevert(IPaymentManager.PaymentManagerZero.selector);
        vm.prank(stranger);
        house.payments.releaseLane(address(dollar), LANE);
    }

    function _release() private {
        vm.prank(client);
        house.payments.releaseLane(address(dollar), LANE);
    }
}
