// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IJobMachine } from "../../../contracts/interfaces/IJobMachine.sol";
import { RecoveryTest } from "../../base/RecoveryTest.sol";

contract JobRecoveryWithdraw is RecoveryTest {
    function setUp() public override {
        super.setUp();
        vm.prank(client);
        house.jobs.fund(address(dollar), 5e6);
    }

    function test_MakesTheMoneyFreeBalance() public {
        uint128 free = house.payments.freeOf(client, address(dollar));
        vm.expectEmit(address(house.jobs));
        emit IJobMachine.LaneWithdrawn(client, address(dollar), client, 2e6);
        withdrawAs(client, 2e6);
        assertEq(laneOf(client), 3e6);
        assertEq(house.payments.freeOf(client, address(dollar)), free + 2e6);

        withdrawAs(client, 3e6);
        assertEq(laneOf(client), 0);
        assertLane(0);
    }

    function test_WorksWhilePaused() public {
        pauseJobs();
        withdrawAs(client, 5e6);
        assertEq(laneOf(client), 0);
    }

    function test_RevertGiven_TheLaneHoldsLess() public {
        expectInsufficient(client, 5e6, 5e6 + 1);
        withdrawAs(client, 5e6 + 1);
    }

    function test_RevertGiven_TheMoneyIsHeldByAJob() public {
        opened(quorumTerms());
        expectInsufficient(client, 0, 1);
        withdrawAs(client, 1);
    }

    function test_RevertGiven_TheCallerHasNothing() public {
        expectInsufficient(stranger, 0, 1);
        withdrawAs(stranger, 1);
    }

    function expectInsufficient(address owner, uint128 available, uint128 needed) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IJobMachine.JobManagerInsufficientBalance.selector,
                owner,
                address(dollar),
                available,
                needed
            )
        );
    }

    function withdrawAs(address owner, uint128 amount) private {
        vm.prank(owner);
        house.jobs.withdraw(address(dollar), amount);
    }
}
