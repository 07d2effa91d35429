// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Seat } from "../../../contracts/types/Seat.sol";
import { TestNode } from "../../base/HouseTest.sol";
import { StakingTest } from "./StakingTest.sol";

contract StakingManagerLockWorkers is StakingTest {
    TestNode internal first;
    TestNode internal second;

    function setUp() public override {
        super.setUp();
        first = bondNode(WORKER, AMOUNT);
        second = bondNode(WORKER, AMOUNT / 2);
    }

    function test_LocksTheSameOfEveryWorker() public {
        lockWorkers(AMOUNT / 2);
        assertEq(house.staking.poolOf(first.id).locked, AMOUNT / 2);
        assertEq(house.staking.poolOf(second.id).locked, AMOUNT / 2);
    }

    function test_RevertGiven_OneWorkerHasTooLittle() public {
        expectInsufficientStake(second.id, AMOUNT / 2, AMOUNT / 2 + 1);
        lockWorkers(AMOUNT / 2 + 1);
    }

    function test_RevertWhen_CallerIsNotTheJobManager() public {
        expectNotJobs(stranger);
        vm.prank(stranger);
        house.staking.lockWorkers(noSeats(), 1);
    }

    function lockWorkers(uint128 amount) private {
        Seat[] memory seats = seatsOf(first, second);
        vm.prank(address(house.jobs));
        house.staking.lockWorkers(seats, amount);
    }
}
