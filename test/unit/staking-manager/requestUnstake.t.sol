// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { IStakingManager } from "../../../contracts/interfaces/IStakingManager.sol";
import { StakingTest } from "./StakingTest.sol";

contract StakingManagerRequestUnstake is StakingTest {
    function setUp() public override {
        super.setUp();
        bond(staker, AMOUNT);
    }

    function test_MovesStakeFromActiveToThawing() public {
        uint40 thawedAt = uint40(block.timestamp) + THAW;
        vm.expectEmit(address(house.staking));
        emit IStakingManager.UnstakeRequested(node.id, staker, AMOUNT / 4, thawedAt);
        thaw(staker, AMOUNT * SHARES / 4);

        uint128 quarter = AMOUNT / 4;
        assertPool(AMOUNT - quarter, (AMOUNT - quarter) * SHARES, quarter, quarter * SHARES);
        IStakingManager.Position memory position = positionOf(staker);
        assertEq(position.shares, (AMOUNT - quarter) * SHARES);
        assertEq(position.thawShares, quarter * SHARES);
        assertEq(position.thawedAt, thawedAt);
        assertStatus(INodeRegistry.NodeStatus.Active);
    }

    function test_DeactivatesANodeThatFallsBelowTheMinimum() public {
        uint128 leaving = AMOUNT - MIN_STAKE;
        thaw(staker, leaving * SHARES);
        assertStatus(INodeRegistry.NodeStatus.Active);
        vm.expectEmit(address(house.registry));
        emit INodeRegistry.NodeStatusChanged(node.id, INodeRegistry.NodeStatus.Registered);
        thaw(staker, SHARES);
        assertStatus(INodeRegistry.NodeStatus.Registered);
    }

    function test_AddingToAThawRestartsItsTime() public {
        thaw(staker, SHARES);
        pass(THAW);
        thaw(staker, SHARES);
        assertEq(positionOf(staker).thawedAt, uint40(block.timestamp) + THAW);
        assertEq(positionOf(staker).thawShares, 2 * SHARES);
    }

    function test_LocksDoNotStopTheThawAndStayBacked() public {
        lockStake(AMOUNT);
        thawAll(staker);
        assertPool(0, 0, AMOUNT, AMOUNT * SHARES);
        assertEq(pool().locked, AMOUNT);
    }

    function test_WorksWhilePaused() public {
        pauseStaking();
        thawAll(staker);
        assertEq(pool().thawing, AMOUNT);
    }

    function test_RevertWhen_SharesAreZero() public {
        expectInvalidAmount(0, AMOUNT * SHARES);
        thaw(staker, 0);
    }

    function test_RevertWhen_SharesExceedThePosition() public {
        expectInvalidAmount(AMOUNT * SHARES + 1, AMOUNT * SHARES);
        thaw(staker, AMOUNT * SHARES + 1);
    }

    function test_RevertWhen_CallerHasNoPosition() public {
        expectInvalidAmount(1, 0);
        thaw(stranger, 1);
    }

    function test_RevertGiven_AFullSlashEndedTheEpoch() public {
        lockAndSlash(AMOUNT);
        expectInvalidAmount(1, 0);
        thaw(staker, 1);
    }
}
