// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IJobMachine } from "../../../contracts/interfaces/IJobMachine.sol";
import { IPaymentManager } from "../../../contracts/interfaces/IPaymentManager.sol";
import { RecoveryTest } from "../../base/RecoveryTest.sol";

contract JobRecoveryFund is RecoveryTest {
    function test_BringsFreeBalanceIntoTheLane() public {
        uint128 free = house.payments.freeOf(client, address(dollar));
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.LaneFunded(client, address(dollar), 5e6);
        fundAs(client, 5e6);
        assertEq(laneOf(client), 5e6);
        assertEq(house.payments.freeOf(client, address(dollar)), free - 5e6);
        assertLane(0);

        fundAs(client, 1);
        assertEq(laneOf(client), 5e6 + 1);
    }

    function test_LetsNewJobsTakeItWithoutAnotherStep() public {
        fundAs(client, RESERVED);
        uint128 free = house.payments.freeOf(client, address(dollar));
        opened(quorumTerms());
        assertEq(laneOf(client), 0);
        assertEq(house.payments.freeOf(client, address(dollar)), free);
    }

    function test_RevertGiven_TheFreeBalanceIsTooSmall() public {
        // An allowance does not help: funding takes what is in the house already.
        dollar.mint(stranger, 10);
        vm.prank(stranger);
        dollar.approve(address(house.payments), 10);
        vm.expectRevert(
            abi.encodeWithSelector(
                IPaymentManager.PaymentManagerInsufficientBalance.selector,
                address(dollar),
                stranger,
                0,
                1
            )
        );
        fundAs(stranger, 1);
    }

    function fundAs(address owner, uint128 amount) private {
        vm.prank(owner);
        house.jobs.fund(address(dollar), amount);
    }
}
