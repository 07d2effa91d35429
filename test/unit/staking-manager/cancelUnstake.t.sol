// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { IStakingManager } from "../../../contracts/interfaces/IStakingManager.sol";
import { StakingTest } from "./StakingTest.sol";

contract StakingManagerCancelUnstake is StakingTest {
    function setUp() public override {
        super.setUp();
        bond(staker, AMOUNT);
        thawAll(staker);
    }

    function test_MakesThawingStakeActiveAgain() public {
        vm.expectEmit(address(house.staking));
        emit IStakingManager.UnstakeCancelled(node.id, staker, AMOUNT);
        cancelUnstake(staker);
        assertPool(AMOUNT, AMOUNT * SHARES, 0, 0);
        assertEq(positionOf(staker).shares, AMOUNT * SHARES);
        assertEq(positionOf(staker).thawShares, 0);
    }

    function test_LeavesTheNodeToBeActivatedByAnybody() public {
        cancelUnstake(staker);
        assertStatus(INodeRegistry.NodeStatus.Registered);
        house.staking.activate(node.id, staker);
        assertStatus(INodeRegistry.NodeStatus.Active);
    }

    function test_CountsWhatASlashLeft() public {
        bond(other, AMOUNT);
        lockAndSlash(AMOUNT / 2);
        cancelUnstake(staker);
        (uint128 active, uint128 thawing) = house.staking.valueOf(node.id, staker);
        assertApproxEqAbs(active, AMOUNT * 3 / 4, 1);
        assertEq(thawing, 0);
    }

    function test_LeavesTheThawOfOthersAlone() public {
        bond(other, AMOUNT);
        thawAll(other);
        cancelUnstake(staker);
        assertEq(pool().thawing, AMOUNT);
        (, uint128 thawing) = house.staking.valueOf(node.id, other);
        assertEq(thawing, AMOUNT);
    }

    function test_WorksWhilePaused() public {
        pauseStaking();
        cancelUnstake(staker);
        assertEq(pool().stake, AMOUNT);
    }

    function test_RevertGiven_NothingThaws() public {
        cancelUnstake(staker);
        expectInvalidAmount(0, 0);
        cancelUnstake(staker);
    }

    function test_RevertGiven_AFullSlashEndedTheEpoch() public {
        assertEq(slash(AMOUNT, 0), AMOUNT);
        expectInvalidAmount(0, 0);
        cancelUnstake(staker);
    }

    function cancelUnstake(address account) private {
        vm.prank(account);
        house.staking.cancelUnstake(node.id);
    }
}
