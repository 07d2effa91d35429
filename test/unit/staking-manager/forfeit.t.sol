// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { IStakingManager } from "../../../contracts/interfaces/IStakingManager.sol";
import { StakingTest } from "./StakingTest.sol";

contract StakingManagerForfeit is StakingTest {
    address internal noticer = makeAddr("noticer");

    function setUp() public override {
        super.setUp();
        bond(staker, AMOUNT);
    }

    function test_PaysHalfToWhoNoticedAndBurnsTheRest() public {
        uint256 supply = house.token.totalSupply();
        vm.expectEmit(address(house.staking));
        emit IStakingManager.StakeSlashed(node.id, 101, 51);
        forfeit(101);
        assertEq(house.token.balanceOf(noticer), 50);
        assertEq(house.token.totalSupply(), supply - 51);
        assertEq(pool().stake, AMOUNT - 101);
    }

    function test_SendsTheRestToTheInsuranceAccount() public {
        address insurance = makeAddr("insurance");
        (IStakingManager.StakingRules memory rules,) = house.staking.rules();
        vm.prank(address(house.profile));
        house.staking.setRules(rules, insurance);
        forfeit(100);
        assertEq(house.token.balanceOf(noticer), 50);
        assertEq(house.token.balanceOf(insurance), 50);
    }

    function test_KeepsTheLock() public {
        lockStake(AMOUNT / 2);
        forfeit(100);
        assertEq(pool().locked, AMOUNT / 2);
    }

    function test_TakesOnlyWhatBacksNoLock() public {
        lockStake(AMOUNT - 10);
        vm.expectEmit(address(house.staking));
        emit IStakingManager.StakeSlashed(node.id, 10, 5);
        forfeit(100);
        assertEq(pool().stake, AMOUNT - 10);
    }

    function test_DeactivatesANodeThatFallsBelowTheMinimum() public {
        thaw(staker, (AMOUNT - MIN_STAKE) * SHARES);
        assertStatus(INodeRegistry.NodeStatus.Active);
        forfeit(100);
        assertStatus(INodeRegistry.NodeStatus.Registered);
    }

    /// @dev An attempt must be able to lapse even where the coordinator's stake is gone.
    function test_EmptyPoolForfeitsNothing() public {
        lockAndSlash(AMOUNT);
        vm.expectEmit(address(house.staking));
        emit IStakingManager.StakeSlashed(node.id, 0, 0);
        forfeit(100);
        assertEq(house.token.balanceOf(noticer), 0);
    }

    function test_RevertWhen_CallerIsNotTheJobManager() public {
        expectNotJobs(stranger);
        vm.prank(stranger);
        house.staking.forfeit(node.id, 100, stranger);
    }

    function forfeit(uint128 penalty) private {
        vm.prank(address(house.jobs));
        house.staking.forfeit(node.id, penalty, noticer);
    }
}
