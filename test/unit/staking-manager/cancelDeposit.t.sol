// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IStakingManager } from "../../../contracts/interfaces/IStakingManager.sol";
import { StakingTest } from "./StakingTest.sol";

contract StakingManagerCancelDeposit is StakingTest {
    function test_ReturnsThePendingDeposit() public {
        deposit(staker, AMOUNT);
        vm.expectEmit(address(house.staking));
        emit IStakingManager.StakeDepositCancelled(node.id, staker, AMOUNT);
        cancelDeposit();
        assertEq(house.token.balanceOf(staker), AMOUNT);
        assertEq(positionOf(staker).pending, 0);
    }

    function test_ReturnsADepositThatMatured() public {
        deposit(staker, AMOUNT);
        pass(MATURITY);
        cancelDeposit();
        assertEq(house.token.balanceOf(staker), AMOUNT);
    }

    function test_LeavesActiveStakeAlone() public {
        bond(staker, AMOUNT);
        deposit(staker, 1);
        cancelDeposit();
        assertEq(house.token.balanceOf(staker), 1);
        assertEq(positionOf(staker).shares, AMOUNT * SHARES);
    }

    function test_PendingDepositSurvivesAFullSlash() public {
        bond(other, AMOUNT);
        deposit(staker, AMOUNT);
        lockAndSlash(AMOUNT);
        cancelDeposit();
        assertEq(house.token.balanceOf(staker), AMOUNT);
    }

    function test_WorksWhilePaused() public {
        deposit(staker, AMOUNT);
        pauseStaking();
        cancelDeposit();
        assertEq(house.token.balanceOf(staker), AMOUNT);
    }

    function test_WorksAfterRetirement() public {
        deposit(staker, AMOUNT);
        vm.prank(node.operator);
        house.registry.retire(node.id);
        cancelDeposit();
        assertEq(house.token.balanceOf(staker), AMOUNT);
    }

    function test_RevertGiven_NothingIsPending() public {
        bond(staker, AMOUNT);
        expectInvalidAmount(0, 0);
        cancelDeposit();
    }

    function cancelDeposit() private {
        vm.prank(staker);
        house.staking.cancelDeposit(node.id);
    }
}
