// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INodeRegistry } from "../../contracts/interfaces/INodeRegistry.sol";
import { IStakingManager } from "../../contracts/interfaces/IStakingManager.sol";
import { TestNode } from "../base/HouseTest.sol";
import { JobCase } from "../base/RecoveryTest.sol";
import { FlowTest } from "./FlowTest.sol";

/// @notice docs/flows/node.md
contract NodeFlow is FlowTest {
    function test_AMachineJoinsEarnsAndLeavesWithItsStake() public {
        TestNode memory node = registerNode(WORKER);
        giveTally(node.operator, MIN_STAKE);
        vm.startPrank(node.operator);
        house.token.approve(address(house.staking), MIN_STAKE);
        house.staking.stake(node.id, MIN_STAKE);
        vm.stopPrank();
        _expectUnfit(node, INodeRegistry.NodeStatus.Registered);

        pass(MATURITY);
        house.staking.activate(node.id, node.operator);
        workers[0] = node;
        JobCase memory c = proposed(quorumTerms());
        pass(CHALLENGE_WINDOW);
        settleAs(stranger, c);
        assertEq(takeHome(node), PERFORMER_SHARE);
        assertEq(dollarsOf(node.operator), PERFORMER_SHARE);

        vm.startPrank(node.operator);
        uint128 shares = house.staking.positionOf(node.id, node.operator).shares;
        house.staking.requestUnstake(node.id, shares);
        uint256 thawedAt = block.timestamp + THAW;
        vm.stopPrank();
        _expectUnfit(node, INodeRegistry.NodeStatus.Registered);

        passUntil(thawedAt - 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IStakingManager.StakingManagerNotYet.selector, thawedAt, block.timestamp
            )
        );
        vm.prank(node.operator);
        house.staking.withdraw(node.id);
        pass(1);
        vm.startPrank(node.operator);
        assertEq(house.staking.withdraw(node.id), MIN_STAKE);
        house.registry.retire(node.id);
        vm.stopPrank();
        assertEq(house.token.balanceOf(node.operator), MIN_STAKE);
    }

    function test_ALeakedSignerIsFrozenAndReplaced() public {
        TestNode memory node = workers[0];
        vm.prank(node.operator);
        house.registry.freezeSigner(node.id);
        JobCase memory c = opened(quorumTerms());
        vm.expectRevert(
            abi.encodeWithSelector(
                INodeRegistry.NodeRegistryUnfit.selector,
                node.id,
                INodeRegistry.NodeStatus.Active,
                WORKER,
                false,
                true
            )
        );
        assign(c.id, c.job, 3);

        (workers[0].signer, workers[0].key) = makeAddrAndKey("fresh signer");
        bytes memory consent = consentOf(workers[0].key, node.operator);
        vm.prank(node.operator);
        house.registry.rotateSigner(node.id, workers[0].signer, consent);
        c.assignment = assign(c.id, c.job, 3);
        propose(c.id, c.job, c.assignment, 7);
    }

    function test_ANodeThatLeavesKeepsStakeBehindItsLocks() public {
        // Without this a withdrawal could leave a lock with nothing behind it.
        TestNode memory node = bondNode(WORKER, MIN_STAKE);
        workers[0] = node;
        JobCase memory c = assigned(quorumTerms(), 3);
        vm.startPrank(node.operator);
        uint128 shares = house.staking.positionOf(node.id, node.operator).shares;
        house.staking.requestUnstake(node.id, shares);
        vm.stopPrank();
        pass(THAW);
        vm.expectRevert(
            abi.encodeWithSelector(IStakingManager.StakingManagerLocked.selector, node.id, 0, LOCK)
        );
        vm.prank(node.operator);
        house.staking.withdraw(node.id);

        advanceAs(stranger, c);
        vm.prank(node.operator);
        assertEq(house.staking.withdraw(node.id), MIN_STAKE);
    }

    function _expectUnfit(TestNode memory node, INodeRegistry.NodeStatus status) private {
        uint256 state = vm.snapshotState();
        workers[0] = node;
        JobCase memory c = opened(quorumTerms());
        vm.expectRevert(
            abi.encodeWithSelector(
                INodeRegistry.NodeRegistryUnfit.selector, node.id, status, WORKER, false, false
            )
        );
        assign(c.id, c.job, 3);
        vm.revertToState(state);
    }
}
