// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Seat } from "../../../contracts/types/Seat.sol";
import { TestNode } from "../../base/HouseTest.sol";
import { StakingTest } from "./StakingTest.sol";
import { stdError } from "forge-std/StdError.sol";

contract StakingManagerUnlock is StakingTest {
    TestNode internal first;
    TestNode internal second;

    function setUp() public override {
        super.setUp();
        bond(staker, AMOUNT);
        first = bondNode(WORKER, AMOUNT);
        second = bondNode(WORKER, AMOUNT);
        Seat[] memory seats = seatsOf(first, second);
        vm.prank(address(house.jobs));
        house.staking.lock(seatOf(node), seats, AMOUNT);
    }

    function test_UnlocksTheSameOfEveryNode() public {
        unlock(AMOUNT / 2, 0);
        assertLocked(AMOUNT / 2, AMOUNT / 2, AMOUNT / 2);
        unlock(AMOUNT / 2, 0);
        assertLocked(0, 0, 0);
    }

    function test_LeavesWorkersThatAreExcepted() public {
        unlock(AMOUNT, 1);
        assertLocked(0, AMOUNT, 0);
    }

    function test_EveryWorkerMayBeExcepted() public {
        unlock(AMOUNT, 3);
        assertLocked(0, AMOUNT, AMOUNT);
    }

    function test_WorksWhilePaused() public {
        pauseStaking();
        unlock(AMOUNT, 0);
        assertLocked(0, 0, 0);
    }

    function test_RevertWhen_MoreIsUnlockedThanLocked() public {
        vm.expectRevert(stdError.arithmeticError);
        unlock(AMOUNT + 1, 0);
    }

    function test_RevertWhen_CallerIsNotTheJobManager() public {
        expectNotJobs(node.signer);
        vm.prank(node.signer);
        house.staking.unlock(seatOf(node), noSeats(), AMOUNT, 0);
    }

    function unlock(uint128 amount, uint16 except) private {
        Seat[] memory seats = seatsOf(first, second);
        vm.prank(address(house.jobs));
        house.staking.unlock(seatOf(node), seats, amount, except);
    }

    function assertLocked(uint128 coordinator, uint128 worker, uint128 next) private view {
        assertEq(pool().locked, coordinator);
        assertEq(house.staking.poolOf(first.id).locked, worker);
        assertEq(house.staking.poolOf(second.id).locked, next);
    }
}
