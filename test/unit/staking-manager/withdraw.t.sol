// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IStakingManager } from "../../../contracts/interfaces/IStakingManager.sol";
import { StakingTest } from "./StakingTest.sol";

contract StakingManagerWithdraw is StakingTest {
    function setUp() public override {
        super.setUp();
        bond(staker, AMOUNT);
    }

    function test_PaysOutWhatThawed() public {
        thawAll(staker);
        pass(THAW);
        vm.expectEmit(address(house.staking));
        emit IStakingManager.StakeWithdrawn(node.id, staker, AMOUNT);
        assertEq(withdraw(staker), AMOUNT);
        assertEq(house.token.balanceOf(staker), AMOUNT);
        assertPool(0, 0, 0, 0);
        assertEq(positionOf(staker).thawShares, 0);
    }

    function test_LeavesTheRestOfThePositionActive() public {
        thaw(staker, AMOUNT * SHARES / 4);
        pass(THAW);
        assertEq(withdraw(staker), AMOUNT / 4);
        assertPool(AMOUNT * 3 / 4, AMOUNT * SHARES * 3 / 4, 0, 0);
    }

    function test_PaysWhatASlashLeft() public {
        thaw(staker, AMOUNT * SHARES / 2);
        lockAndSlash(AMOUNT / 2);
        pass(THAW);
        assertEq(withdraw(staker), AMOUNT / 4);
    }

    function test_LeavesExactlyWhatLocksNeed() public {
        lockStake(AMOUNT * 3 / 4);
        thaw(staker, AMOUNT * SHARES / 4);
        pass(THAW);
        assertEq(withdraw(staker), AMOUNT / 4);
    }

    function test_WorksWhilePausedAndAfterRetirement() public {
        thawAll(staker);
        pass(THAW);
        pauseStaking();
        vm.prank(node.operator);
        house.registry.retire(node.id);
        assertEq(withdraw(staker), AMOUNT);
    }

    function test_RevertGiven_ThawIsNotOver() public {
        thawAll(staker);
        uint40 thawedAt = positionOf(staker).thawedAt;
        pass(THAW - 1);
        expectNotYet(thawedAt);
        withdraw(staker);
        pass(1);
        assertEq(withdraw(staker), AMOUNT);
    }

    function test_RevertGiven_LocksNeedTheStake() public {
        lockStake(AMOUNT);
        thaw(staker, SHARES);
        pass(THAW);
        expectLocked(AMOUNT - 1, AMOUNT);
        withdraw(staker);
        unlockStake(1);
        assertEq(withdraw(staker), 1);
    }

    function test_RevertGiven_NothingThaws() public {
        expectInvalidAmount(0, 0);
        withdraw(staker);
    }

    function test_RevertGiven_ItWasWithdrawnAlready() public {
        thawAll(staker);
        pass(THAW);
        withdraw(staker);
        expectInvalidAmount(0, 0);
        withdraw(staker);
    }

    function test_RevertGiven_AFullSlashEndedTheEpoch() public {
        thawAll(staker);
        slash(AMOUNT, 0);
        pass(THAW);
        expectInvalidAmount(0, 0);
        withdraw(staker);
    }
}
