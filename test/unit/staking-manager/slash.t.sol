// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Roles } from "../../../contracts/base/Roles.sol";
import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { IStakingManager } from "../../../contracts/interfaces/IStakingManager.sol";
import { StakingTest } from "./StakingTest.sol";
import { stdError } from "forge-std/StdError.sol";

contract StakingManagerSlash is StakingTest {
    address internal victim = makeAddr("victim");
    address internal accuser = makeAddr("accuser");
    IStakingManager.SlashShare[] internal cuts;

    function setUp() public override {
        super.setUp();
        bond(staker, AMOUNT);
        cuts.push(IStakingManager.SlashShare(victim, 400_000));
        cuts.push(IStakingManager.SlashShare(accuser, 100_000));
    }

    function test_PaysTheCutsRoundedDownAndBurnsTheRest() public {
        lockStake(1009);
        uint256 supply = house.token.totalSupply();
        vm.expectEmit(address(house.staking));
        emit IStakingManager.StakeSlashed(node.id, 1009, 506);
        assertEq(slashWithCuts(1009, 1009), 1009);
        assertEq(house.token.balanceOf(victim), 403);
        assertEq(house.token.balanceOf(accuser), 100);
        assertEq(house.token.totalSupply(), supply - 506);
        assertEq(pool().stake, AMOUNT - 1009);
        assertEq(pool().locked, 0);
    }

    function test_SendsTheRestToTheInsuranceAccount() public {
        address insurance = makeAddr("insurance");
        (IStakingManager.StakingRules memory rules,) = house.staking.rules();
        vm.prank(address(house.profile));
        house.staking.setRules(rules, insurance);
        slashWithCuts(1000, 0);
        assertEq(house.token.balanceOf(insurance), 500);
    }

    function test_ReleaseDropsTheLockEvenWhereNothingIsTaken() public {
        lockStake(AMOUNT);
        vm.expectEmit(address(house.staking));
        emit IStakingManager.StakeSlashed(node.id, 0, 0);
        assertEq(slash(0, AMOUNT), 0);
        assertEq(pool().locked, 0);
        assertEq(pool().stake, AMOUNT);
    }

    function test_TakesOnlyWhatBacksNoOtherLock() public {
        lockStake(AMOUNT - 10);
        assertEq(slash(100, 0), 10);
        assertEq(pool().stake, AMOUNT - 10);
        assertEq(slash(100, 0), 0);
    }

    function test_TakesFromActiveAndThawingStakeInProportion() public {
        thaw(staker, AMOUNT * SHARES / 4);
        assertEq(slash(AMOUNT / 2, 0), AMOUNT / 2);
        assertEq(pool().stake, AMOUNT * 3 / 8);
        assertEq(pool().thawing, AMOUNT / 8);
    }

    function test_DeactivatesANodeThatFallsBelowTheMinimum() public {
        slash(AMOUNT - MIN_STAKE, 0);
        assertStatus(INodeRegistry.NodeStatus.Active);
        vm.expectEmit(address(house.registry));
        emit INodeRegistry.NodeStatusChanged(node.id, INodeRegistry.NodeStatus.Registered);
        slash(1, 0);
        assertStatus(INodeRegistry.NodeStatus.Registered);
    }

    function test_TakingEverythingStartsAnEpoch() public {
        assertEq(slash(type(uint128).max, 0), AMOUNT);
        assertPool(0, 0, 0, 0);
        assertEq(pool().epoch, 1);
        assertEq(house.token.balanceOf(address(house.staking)), 0);
    }

    /// @dev One part in 10^8 stays, so that shares never become too cheap for 128 bits.
    function test_TakingNearlyEverythingLeavesWhatKeepsThePoolUsable() public {
        uint128 least = AMOUNT / 1e8;
        assertEq(slash(AMOUNT - 1, 0), AMOUNT - least);
        assertPool(least, AMOUNT * SHARES, 0, 0);
        assertEq(pool().epoch, 0);
        assertEq(slash(least - 1, 0), 0);
        assertEq(slash(least, 0), least);
        assertEq(pool().epoch, 1);
    }

    function test_PendingDepositsAreOutOfReach() public {
        deposit(other, AMOUNT);
        slash(type(uint128).max, 0);
        assertEq(positionOf(other).pending, AMOUNT);
        assertEq(house.token.balanceOf(address(house.staking)), AMOUNT);
    }

    function test_WorksWhilePausedAndAfterRetirement() public {
        pauseStaking();
        vm.prank(node.operator);
        house.registry.retire(node.id);
        assertEq(slash(AMOUNT, 0), AMOUNT);
        assertStatus(INodeRegistry.NodeStatus.Retired);
    }

    function test_RevertWhen_MoreIsReleasedThanLocked() public {
        lockStake(1);
        vm.expectRevert(stdError.arithmeticError);
        slash(2, 2);
    }

    function test_RevertWhen_CutsExceedTheWhole() public {
        cuts.push(IStakingManager.SlashShare(stranger, 600_000));
        vm.expectRevert(stdError.arithmeticError);
        slashWithCuts(1000, 0);
    }

    function test_RevertWhen_CallerIsNotTheSlashingManager() public {
        expectMissingRole(committee, Roles.SLASHER);
        vm.prank(committee);
        house.staking.slash(node.id, 1, 0, noCuts());
    }

    function slashWithCuts(uint128 amount, uint128 release) private returns (uint128) {
        IStakingManager.SlashShare[] memory given = cuts;
        vm.prank(address(house.slashing));
        return house.staking.slash(node.id, amount, release, given);
    }
}
