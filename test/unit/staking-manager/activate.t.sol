// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { IStakingManager } from "../../../contracts/interfaces/IStakingManager.sol";
import { StakingTest } from "./StakingTest.sol";

contract StakingManagerActivate is StakingTest {
    function test_TurnsAMaturedDepositIntoSharesAndActivatesTheNode() public {
        deposit(staker, MIN_STAKE);
        pass(MATURITY);
        vm.expectEmit(address(house.staking));
        emit IStakingManager.StakeActivated(node.id, staker, MIN_STAKE, MIN_STAKE * SHARES);
        vm.expectEmit(address(house.registry));
        emit INodeRegistry.NodeStatusChanged(node.id, INodeRegistry.NodeStatus.Active);
        activate(staker);

        assertPool(MIN_STAKE, MIN_STAKE * SHARES, 0, 0);
        assertEq(positionOf(staker).pending, 0);
        assertEq(positionOf(staker).shares, MIN_STAKE * SHARES);
        assertStatus(INodeRegistry.NodeStatus.Active);
    }

    function test_BelowTheMinimumTheNodeStaysRegistered() public {
        bond(staker, MIN_STAKE - 1);
        assertEq(pool().stake, MIN_STAKE - 1);
        assertStatus(INodeRegistry.NodeStatus.Registered);
        bond(other, 1);
        assertStatus(INodeRegistry.NodeStatus.Active);
    }

    function test_AddsToAnActivePool() public {
        bond(staker, AMOUNT);
        bond(other, AMOUNT);
        assertPool(2 * AMOUNT, 2 * AMOUNT * SHARES, 0, 0);
        assertStatus(INodeRegistry.NodeStatus.Active);
    }

    function test_NodeInJailTakesStakeAndStaysInJail() public {
        deposit(staker, AMOUNT);
        pass(MATURITY);
        vm.prank(address(house.slashing));
        house.registry.jail(node.id);
        activate(staker);
        assertEq(pool().stake, AMOUNT);
        assertStatus(INodeRegistry.NodeStatus.Jailed);
    }

    function test_WithoutADepositItActivatesANodeWithEnoughStake() public {
        bond(staker, AMOUNT);
        vm.startPrank(address(house.slashing));
        house.registry.jail(node.id);
        house.registry.unjail(node.id);
        vm.stopPrank();
        activate(stranger);
        assertStatus(INodeRegistry.NodeStatus.Active);
    }

    /// @dev Somebody's immature deposit does not keep the node from being activated.
    function test_WithAnImmatureDepositItStillActivatesTheNode() public {
        bond(staker, AMOUNT);
        vm.startPrank(address(house.slashing));
        house.registry.jail(node.id);
        house.registry.unjail(node.id);
        vm.stopPrank();
        deposit(other, 1);
        activate(other);
        assertStatus(INodeRegistry.NodeStatus.Active);
        assertEq(positionOf(other).pending, 1);
    }

    function test_WorksWhilePaused() public {
        deposit(staker, AMOUNT);
        pass(MATURITY);
        pauseStaking();
        activate(staker);
        assertStatus(INodeRegistry.NodeStatus.Active);
    }

    function test_RevertGiven_DepositIsImmature() public {
        deposit(staker, AMOUNT);
        uint40 pendingUntil = positionOf(staker).pendingUntil;
        pass(MATURITY - 1);
        expectNotYet(pendingUntil);
        activate(staker);
        pass(1);
        activate(staker);
    }

    function test_RevertGiven_NothingIsPendingAndStakeIsShort() public {
        bond(staker, MIN_STAKE - 1);
        expectInsufficientStake(node.id, MIN_STAKE - 1, MIN_STAKE);
        activate(staker);
    }

    function test_RevertGiven_NothingIsPendingAndTheNodeIsActive() public {
        bond(staker, AMOUNT);
        vm.expectRevert(
            abi.encodeWithSelector(
                INodeRegistry.NodeRegistryUnexpectedStatus.selector,
                node.id,
                INodeRegistry.NodeStatus.Active,
                bytes32(1 << uint8(INodeRegistry.NodeStatus.Registered))
            )
        );
        activate(staker);
    }

    function test_RevertWhen_NodeIsUnknown() public {
        expectInsufficientStake(UNKNOWN, 0, MIN_STAKE);
        house.staking.activate(UNKNOWN, staker);
    }

    function activate(address account) private {
        vm.prank(stranger);
        house.staking.activate(node.id, account);
    }
}
