// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { IStakingManager } from "../../../contracts/interfaces/IStakingManager.sol";
import { TallyToken } from "../../../contracts/token/TallyToken.sol";
import { NodeId } from "../../../contracts/types/NodeId.sol";
import { StakingTest } from "./StakingTest.sol";

/// @notice Deposits and activates in one call, as with borrowed tokens.
contract FlashStaker {
    function stakeAndActivate(
        TallyToken token,
        IStakingManager staking,
        NodeId node,
        uint128 amount
    ) external {
        token.approve(address(staking), amount);
        staking.stake(node, amount);
        staking.activate(node, address(this));
    }
}

/// @notice What people might try against the pool of a node, and against its stakers.
contract StakingAttacks is StakingTest {
    address internal attacker = makeAddr("attacker");

    function test_RevertWhen_BorrowedStakeIsActivatedInTheSameTransaction() public {
        FlashStaker flash = new FlashStaker();
        giveTally(address(flash), AMOUNT);
        expectNotYet(uint40(block.timestamp) + MATURITY);
        flash.stakeAndActivate(house.token, house.staking, node.id, AMOUNT);
        assertEq(pool().stake, 0);
        assertEq(
            uint8(house.registry.nodeOf(node.id).status), uint8(INodeRegistry.NodeStatus.Registered)
        );
    }

    function test_BorrowedStakeTakenBackInTheSameTransactionChangesNothing() public {
        bond(staker, AMOUNT);
        (uint128 before,) = house.staking.valueOf(node.id, staker);
        deposit(attacker, 100 * AMOUNT);
        assertEq(pool().stake, AMOUNT);
        vm.prank(attacker);
        house.staking.cancelDeposit(node.id);
        assertEq(house.token.balanceOf(attacker), 100 * AMOUNT);
        (uint128 afterwards,) = house.staking.valueOf(node.id, staker);
        assertEq(afterwards, before);
    }

    function test_DustOfStrangersDelaysNobody() public {
        deposit(staker, AMOUNT);
        uint40 pendingUntil = positionOf(staker).pendingUntil;
        pass(MATURITY - 1);
        deposit(attacker, 1);
        assertEq(positionOf(staker).pendingUntil, pendingUntil);
        pass(1);
        vm.prank(attacker);
        house.staking.activate(node.id, staker);
        assertEq(positionOf(staker).shares, AMOUNT * SHARES);

        thawAll(staker);
        uint40 thawedAt = positionOf(staker).thawedAt;
        pass(MATURITY);
        house.staking.activate(node.id, attacker);
        thawAll(attacker);
        assertEq(positionOf(staker).thawedAt, thawedAt);
        passUntil(thawedAt);
        assertEq(withdraw(staker), AMOUNT);
    }

    function test_FirstDepositorDoesNotGainByDonatingTokens() public {
        bond(attacker, 1);
        giveTally(attacker, AMOUNT);
        vm.prank(attacker);
        house.token.transfer(address(house.staking), AMOUNT);
        bond(staker, AMOUNT);
        (uint128 active,) = house.staking.valueOf(node.id, staker);
        assertEq(active, AMOUNT);
    }

    function test_RevertGiven_LockThatAThawWouldDodge() public {
        bond(staker, AMOUNT);
        lockStake(AMOUNT / 2);
        thawAll(staker);
        pass(THAW);
        vm.expectRevert(
            abi.encodeWithSelector(
                IStakingManager.StakingManagerLocked.selector, node.id, 0, AMOUNT / 2
            )
        );
        withdraw(staker);
        assertEq(slash(AMOUNT / 2, AMOUNT / 2), AMOUNT / 2);
        assertEq(withdraw(staker), AMOUNT / 2);
    }

    function test_ThawCannotBeBankedAndReused() public {
        bond(staker, AMOUNT);
        thawAll(staker);
        pass(THAW);
        vm.prank(staker);
        house.staking.cancelUnstake(node.id);
        lockStake(AMOUNT);
        thawAll(staker);
        expectNotYet(uint40(block.timestamp) + THAW);
        withdraw(staker);
    }

    function test_OperatorCannotHoldAThawedStakerWithNewLocks() public {
        bond(node.operator, AMOUNT);
        bond(staker, AMOUNT);
        thawAll(staker);
        expectInsufficientStake(node.id, AMOUNT, AMOUNT + 1);
        lockStake(AMOUNT + 1);
        lockStake(AMOUNT);
        pass(THAW);
        assertEq(withdraw(staker), AMOUNT);
    }

    function test_FullSlashStartsAnEpochAndThePoolIsUsableAgain() public {
        bond(staker, AMOUNT);
        thaw(staker, AMOUNT * SHARES / 4);
        lockStake(AMOUNT * 3 / 4);
        assertEq(slash(AMOUNT, AMOUNT * 3 / 4), AMOUNT);

        IStakingManager.Pool memory empty = pool();
        assertEq(empty.stake + empty.shares + empty.thawing + empty.thawShares, 0);
        assertEq(empty.epoch, 1);
        (uint128 active, uint128 thawing) = house.staking.valueOf(node.id, staker);
        assertEq(active + thawing, 0);

        bond(other, AMOUNT);
        assertEq(positionOf(other).shares, AMOUNT * SHARES);
        assertEq(positionOf(other).epoch, 1);
        bond(staker, AMOUNT);
        assertEq(positionOf(staker).shares, AMOUNT * SHARES);
        assertEq(positionOf(staker).thawShares, 0);
        (active,) = house.staking.valueOf(node.id, other);
        assertEq(active, AMOUNT);
        thawAll(other);
        pass(THAW);
        assertEq(withdraw(other), AMOUNT);
    }

    function test_SlashTakesActiveAndThawingStakeInProportion() public {
        bond(staker, AMOUNT);
        bond(other, AMOUNT);
        thawAll(other);
        lockAndSlash(AMOUNT / 2);
        (uint128 active,) = house.staking.valueOf(node.id, staker);
        (, uint128 thawing) = house.staking.valueOf(node.id, other);
        assertEq(active, AMOUNT * 3 / 4);
        assertEq(thawing, AMOUNT * 3 / 4);
        pass(THAW);
        assertEq(withdraw(other), AMOUNT * 3 / 4);
    }

    /// @dev Whatever the jobs are, and whoever leaves in between, no conviction takes more than
    /// its lock, and what was taken
    /// and withdrawn never exceeds what was deposited.
    function testFuzz_SlashesNeverExceedLocks(
        uint128[8] memory locks,
        uint256 convicted,
        uint8 leaver
    ) public {
        bond(staker, AMOUNT);
        bond(other, AMOUNT / 3);
        uint256 locked;
        for (uint256 i; i < locks.length; ++i) {
            locks[i] = uint128(bound(locks[i], 0, pool().stake - pool().locked));
            lockStake(locks[i]);
            locked += locks[i];
            if (i == leaver % 8) thaw(other, positionOf(other).shares / 2);
            if (pool().stake < pool().locked) break;
        }
        assertEq(pool().locked, locked);
        uint256 supply = house.token.totalSupply();
        for (uint256 i; i < locks.length && pool().locked >= locks[i]; ++i) {
            if (convicted & (1 << i) == 0) unlockStake(locks[i]);
            else assertLe(slash(locks[i], locks[i]), locks[i]);
            assertGe(uint256(pool().stake) + pool().thawing, pool().locked);
        }
        assertLe(supply - house.token.totalSupply(), locked);
        assertEq(
            house.token.balanceOf(address(house.staking)), uint256(pool().stake) + pool().thawing
        );
    }

    /// @dev A slash that leaves next to nothing must not make shares so cheap that no new deposit
    /// fits into 128 bits.
    function test_NearlyFullSlashLeavesThePoolUsable() public {
        bond(staker, AMOUNT);
        lockAndSlash(AMOUNT - 1);
        bond(other, AMOUNT);
        (uint128 active,) = house.staking.valueOf(node.id, other);
        assertApproxEqAbs(active, AMOUNT, 1);
        thawAll(other);
        pass(THAW);
        assertApproxEqAbs(withdraw(other), AMOUNT, 1);
    }

    /// @dev An operator that thaws dust and lets itself be slashed by dust, over and over, must
    /// not trap its stakers.
    function test_DustThatIsSlashedOverAndOverTrapsNobody() public {
        bond(staker, AMOUNT);
        bond(attacker, AMOUNT);
        for (uint256 i; i < 60; ++i) {
            thaw(attacker, SHARES);
            lockAndSlash(1);
        }
        thawAll(staker);
        pass(THAW);
        assertApproxEqAbs(withdraw(staker), AMOUNT, 61);
    }

    /// @dev The same with a pool that is emptied to dust in between, which makes each slash a deep
    /// one.
    function test_PoolThatIsRuinedOverAndOverTrapsNobody() public {
        bond(attacker, AMOUNT);
        for (uint256 i; i < 6; ++i) {
            bond(attacker, AMOUNT);
            thaw(attacker, positionOf(attacker).shares / 2);
            lockStake(pool().stake - 1);
            slash(pool().stake + pool().thawing - 2, pool().locked);
        }
        bond(staker, 200_000_000e18);
        thawAll(staker);
        pass(THAW);
        assertApproxEqRel(withdraw(staker), 200_000_000e18, 1e6);
    }
}
