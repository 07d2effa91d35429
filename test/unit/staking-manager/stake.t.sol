// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { IStakingManager } from "../../../contracts/interfaces/IStakingManager.sol";
import { StakingTest } from "./StakingTest.sol";
import {
    PausableUpgradeable
} from "@openzeppelin/contracts-upgradeable/utils/PausableUpgradeable.sol";
import { IERC20Errors } from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

contract StakingManagerStake is StakingTest {
    function test_TakesTheTokensAndCountsThemForNothingYet() public {
        fund(staker, AMOUNT);
        uint40 pendingUntil = uint40(block.timestamp) + MATURITY;
        vm.expectEmit(address(house.staking));
        emit IStakingManager.StakeDeposited(node.id, staker, AMOUNT, pendingUntil);
        stake(AMOUNT);

        IStakingManager.Position memory position = positionOf(staker);
        assertEq(position.pending, AMOUNT);
        assertEq(position.pendingUntil, pendingUntil);
        assertEq(position.shares, 0);
        assertPool(0, 0, 0, 0);
        assertEq(house.token.balanceOf(staker), 0);
        assertEq(house.token.balanceOf(address(house.staking)), AMOUNT);
        assertStatus(INodeRegistry.NodeStatus.Registered);
    }

    function test_AddingToAPendingDepositRestartsItsTime() public {
        fund(staker, AMOUNT + 1);
        stake(AMOUNT);
        pass(MATURITY);
        stake(1);
        IStakingManager.Position memory position = positionOf(staker);
        assertEq(position.pending, AMOUNT + 1);
        assertEq(position.pendingUntil, uint40(block.timestamp) + MATURITY);
    }

    function test_AddingLeavesActiveStakeAlone() public {
        bond(staker, AMOUNT);
        deposit(staker, AMOUNT);
        assertEq(positionOf(staker).shares, AMOUNT * SHARES);
        assertPool(AMOUNT, AMOUNT * SHARES, 0, 0);
    }

    function test_TakesStakeBehindANodeInJail() public {
        vm.prank(address(house.slashing));
        house.registry.jail(node.id);
        deposit(staker, AMOUNT);
        assertEq(positionOf(staker).pending, AMOUNT);
    }

    function test_RevertWhen_AmountIsZero() public {
        expectInvalidAmount(0, type(uint128).max);
        stake(0);
    }

    function test_RevertWhen_NodeIsUnknown() public {
        fund(staker, AMOUNT);
        expectUnknownNode(UNKNOWN);
        vm.prank(staker);
        house.staking.stake(UNKNOWN, AMOUNT);
    }

    function test_RevertWhen_AllowanceIsShort() public {
        fund(staker, AMOUNT);
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientAllowance.selector,
                address(house.staking),
                AMOUNT,
                AMOUNT + 1
            )
        );
        stake(AMOUNT + 1);
    }

    function test_RevertGiven_NodeIsRetired() public {
        vm.prank(node.operator);
        house.registry.retire(node.id);
        fund(staker, AMOUNT);
        expectUnknownNode(node.id);
        stake(AMOUNT);
    }

    function test_RevertGiven_ContractIsPaused() public {
        fund(staker, AMOUNT);
        pauseStaking();
        vm.expectRevert(PausableUpgradeable.EnforcedPause.selector);
        stake(AMOUNT);
    }

    function stake(uint128 amount) private {
        vm.prank(staker);
        house.staking.stake(node.id, amount);
    }
}
