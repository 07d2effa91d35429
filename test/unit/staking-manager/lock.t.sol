// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Seat } from "../../../contracts/types/Seat.sol";
import { TestNode } from "../../base/HouseTest.sol";
import { StakingTest } from "./StakingTest.sol";

contract StakingManagerLock is StakingTest {
    TestNode internal first;
    TestNode internal second;

    function setUp() public override {
        super.setUp();
        bond(staker, AMOUNT);
        first = bondNode(WORKER, AMOUNT);
        second = bondNode(WORKER, AMOUNT / 2);
    }

    function test_LocksTheSameOfEveryNode() public {
        lock(AMOUNT / 2);
        assertEq(pool().locked, AMOUNT / 2);
        assertEq(house.staking.poolOf(first.id).locked, AMOUNT / 2);
        assertEq(house.staking.poolOf(second.id).locked, AMOUNT / 2);
        assertPool(AMOUNT, AMOUNT * SHARES, 0, 0);
    }

    function test_LocksAddUpToTheWholeStake() public {
        lockStake(AMOUNT - 1);
        lockStake(1);
        assertEq(pool().locked, AMOUNT);
        expectInsufficientStake(node.id, 0, 1);
        lockStake(1);
    }

    function test_WorksWhilePausedBecauseJobsGoOn() public {
        pauseStaking();
        lock(1);
        assertEq(pool().locked, 1);
    }

    function test_RevertGiven_CoordinatorHasTooLittle() public {
        lockStake(AMOUNT);
        expectInsufficientStake(node.id, 0, 1);
        lock(1);
    }

    function test_RevertGiven_OneWorkerHasTooLittle() public {
        expectInsufficientStake(second.id, AMOUNT / 2, AMOUNT / 2 + 1);
        lock(AMOUNT / 2 + 1);
        assertEq(pool().locked, 0);
    }

    function test_RevertGiven_StakeThawsBelowItsLocks() public {
        lockStake(AMOUNT);
        thawAll(staker);
        expectInsufficientStake(node.id, 0, 1);
        lockStake(1);
    }

    function test_RevertWhen_CallerIsNotTheJobManager() public {
        expectNotJobs(address(house.slashing));
        vm.prank(address(house.slashing));
        house.staking.lock(seatOf(node), noSeats(), 1);
    }

    function lock(uint128 amount) private {
        Seat[] memory seats = seatsOf(first, second);
        vm.prank(address(house.jobs));
        house.staking.lock(seatOf(node), seats, amount);
    }
}
