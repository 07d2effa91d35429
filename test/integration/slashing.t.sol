// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INodeRegistry } from "../../contracts/interfaces/INodeRegistry.sol";
import { IStakingManager } from "../../contracts/interfaces/IStakingManager.sol";
import { JobTerms } from "../../contracts/types/Job.sol";
import { JobPriceLibrary } from "../../contracts/types/JobPrice.sol";
import { TestNode } from "../base/HouseTest.sol";
import { JobCase } from "../base/RecoveryTest.sol";
import { FlowTest } from "./FlowTest.sol";

/// @notice docs/flows/slashing.md
contract SlashingFlow is FlowTest {
    address private delegator = makeAddr("delegator");

    function test_ALiarPaysAndMayComeBackAfterJail() public {
        JobCase memory c = proposed(quorumTerms());
        uint256 supply = house.token.totalSupply();
        convict(c, 0);
        assertEq(house.token.balanceOf(client), 2e18);
        assertEq(house.token.balanceOf(accuser), 0.5e18);
        assertEq(house.token.totalSupply(), supply - 2.5e18);
        assertEq(stakeOf(workers[0]), 100_000e18 - LOCK);

        // The two honest nodes are a quorum; the liar is paid nothing.
        pass(CHALLENGE_WINDOW);
        settleAs(stranger, c);
        assertEq(laneOf(workers[0]), 0);
        assertEq(laneOf(workers[1]), PERFORMER_SHARE);
        assertEq(laneOf(workers[2]), SECONDARY_SHARE);
        assertEq(laneOf(client), RESERVED - COST - TIP + SECONDARY_SHARE);
        assertUnlocked(3);
        assertLane(0);

        pass(1 hours);
        house.slashing.release(workers[0].id);
        house.staking.activate(workers[0].id, workers[0].operator);
        assigned(quorumTerms(), 3);
    }

    function test_EveryStakerOfThePoolPaysItsPart() public {
        stakeBehind(workers[0], delegator, 300_000e18);
        JobCase memory c = assigned(quorumTerms(), 3);
        convict(c, 0);
        (uint128 own,) = house.staking.valueOf(workers[0].id, workers[0].operator);
        (uint128 delegated,) = house.staking.valueOf(workers[0].id, delegator);
        assertEq(own, 100_000e18 - LOCK / 4);
        assertEq(delegated, 300_000e18 - LOCK * 3 / 4);
    }

    function test_APoolThatWasSlashedToNothingStartsAgain() public {
        TestNode memory node = bondNode(WORKER, MIN_STAKE);
        workers[0] = node;
        JobTerms memory terms = quorumTerms();
        // Half the price in stake: all that the node has.
        terms.price = JobPriceLibrary.pack(2000e6, 0, TIP);
        convict(assigned(terms, 3), 0);
        IStakingManager.Pool memory pool = house.staking.poolOf(node.id);
        assertEq(pool.stake, 0);
        assertEq(pool.shares, 0);
        assertEq(pool.epoch, 1);
        assertEq(house.token.balanceOf(client), 400e18);
        assertEq(house.token.balanceOf(accuser), 100e18);

        pass(1 hours);
        house.slashing.release(node.id);
        stakeBehind(node, delegator, MIN_STAKE);
        assertEq(
            uint8(house.registry.nodeOf(node.id).status), uint8(INodeRegistry.NodeStatus.Active)
        );
        (uint128 old,) = house.staking.valueOf(node.id, node.operator);
        (uint128 fresh,) = house.staking.valueOf(node.id, delegator);
        assertEq(old, 0);
        assertEq(fresh, MIN_STAKE);
    }

    function test_ThawingStakeDoesNotDodgeALock() public {
        JobCase memory c = assigned(quorumTerms(), 3);
        vm.startPrank(workers[0].operator);
        uint128 shares = house.staking.positionOf(workers[0].id, workers[0].operator).shares;
        house.staking.requestUnstake(workers[0].id, shares);
        vm.stopPrank();
        convict(c, 0);
        pass(THAW);
        vm.prank(workers[0].operator);
        assertEq(house.staking.withdraw(workers[0].id), 100_000e18 - LOCK);
    }

    function test_ANodeThatSignsOncePerAttemptLosesNothing() public {
        // It signs another output for each attempt, which is what attempts are for.
        JobCase memory c = assigned(quorumTerms(), 3);
        claimOf(c, workers[0], LIE);
        release(c);
        assignAgain(c, 3);
        c.proposal = propose(c.id, c.job, c.assignment, 7);
        pass(CHALLENGE_WINDOW);
        settleAs(stranger, c);
        assertEq(stakeOf(workers[0]), 100_000e18);
        assertEq(laneOf(workers[0]), PERFORMER_SHARE);
    }
}
