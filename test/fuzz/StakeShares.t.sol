// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IStakingManager } from "../../contracts/interfaces/IStakingManager.sol";
import { StakeShares } from "../../contracts/libraries/StakeShares.sol";
import { HouseTest, TestNode } from "../base/HouseTest.sol";

/// @notice The arithmetic of pools, alone and inside the staking manager.
contract StakeSharesFuzz is HouseTest {
    uint256 internal constant SUPPLY = 1_000_000_000e18;
    uint256 internal constant MAX_SHARES_PER_UNIT = 1e11;

    address internal first = makeAddr("first");
    address internal second = makeAddr("second");

    /// @dev Into shares and back, at once: never more than before.
    function testFuzz_ARoundTripNeverGains(uint256 amount, uint256 stake, uint256 shares)
        public
        pure
    {
        (amount, stake, shares) = boundPool(amount, stake, shares);
        uint128 bought = StakeShares.toSharesDown(amount, stake, shares);
        assertLe(StakeShares.toAmountDown(bought, stake + amount, shares + bought), amount);
    }

    /// @dev Out of shares and back: never more shares than before.
    function testFuzz_ARoundTripOfSharesNeverGains(uint256 part, uint256 stake, uint256 shares)
        public
        pure
    {
        (, stake, shares) = boundPool(0, stake, shares);
        part = bound(part, 0, shares);
        uint128 amount = StakeShares.toAmountDown(part, stake, shares);
        assertLe(amount, stake);
        assertLe(StakeShares.toSharesDown(amount, stake - amount, shares - part), part);
    }

    /// @dev Who comes and goes never takes from who stays.
    function testFuzz_DepositsAndExitsNeverMakeSharesCheaper(
        uint256 amount,
        uint256 part,
        uint256 stake,
        uint256 shares
    ) public pure {
        (amount, stake, shares) = boundPool(amount, stake, shares);
        uint128 bought = StakeShares.toSharesDown(amount, stake, shares);
        assertNotCheaper(stake, shares, stake + amount, shares + bought);
        part = bound(part, 0, shares);
        uint128 sold = StakeShares.toAmountDown(part, stake, shares);
        assertNotCheaper(stake, shares, stake - sold, shares - part);
    }

    /// @dev A slash that takes no more than is to spare leaves shares for all TLY within 128 bits.
    function testFuzz_WhatIsSpareLeavesRoomForTheSupply(uint256 take, uint256 stake, uint256 shares)
        public
        pure
    {
        (, stake, shares) = boundPool(0, stake, shares);
        take = bound(take, 0, StakeShares.spareOf(stake, shares));
        uint256 left = stake - take;
        assertLe(shares + 1000, MAX_SHARES_PER_UNIT * (left + 1));
        StakeShares.toSharesDown(SUPPLY - left, left, shares);
    }

    /// @dev The first depositor makes its shares dear before the second comes, by a reward that it
    /// pays itself. Whatever it pays, it does not end with more than it put in.
    function testFuzz_InflatingTheFirstDepositIsUnprofitable(
        uint256 dust,
        uint256 gift,
        uint256 victim
    ) public pure {
        dust = bound(dust, 1, 1e18);
        gift = bound(gift, 0, SUPPLY / 4);
        victim = bound(victim, 1, SUPPLY / 4);
        uint256 shares = StakeShares.toSharesDown(dust, 0, 0);
        uint256 stake = dust + gift;
        uint256 bought = StakeShares.toSharesDown(victim, stake, shares);
        stake += victim;
        uint256 back = StakeShares.toAmountDown(shares, stake, shares + bought);
        assertLe(back, dust + gift);
    }

    /// @dev The same against the contract, where a reward is the only way to inflate a pool.
    function testFuzz_VictimOfAnInflatedPoolLosesLessThanTheAttacker(
        uint128 dust,
        uint128 gift,
        uint128 victim
    ) public {
        dust = uint128(bound(dust, 1, 1e18));
        gift = uint128(bound(gift, 1, 1e26));
        victim = uint128(bound(victim, 1, 1e26));
        TestNode memory node = registerNode(WORKER);
        stakeBehind(node, first, dust);
        giveTally(reporter, gift);
        vm.startPrank(reporter);
        house.token.approve(address(house.staking), gift);
        house.staking.reward(node.id, gift);
        vm.stopPrank();
        stakeBehind(node, second, victim);
        (uint128 ofAttacker,) = house.staking.valueOf(node.id, first);
        (uint128 ofVictim,) = house.staking.valueOf(node.id, second);
        assertLe(ofAttacker, uint256(dust) + gift);
        uint256 lost = victim - ofVictim;
        assertLe(lost, uint256(dust) + gift - ofAttacker + 1);
    }

    /// @dev However deep a slash was, the next deposit works and keeps its worth.
    function testFuzz_ASlashedPoolTakesDepositsAndPaysThemOut(
        uint128 before,
        uint128 taken,
        uint128 amount
    ) public {
        before = uint128(bound(before, 1, SUPPLY / 4));
        taken = uint128(bound(taken, 0, before));
        amount = uint128(bound(amount, 2, SUPPLY / 4));
        TestNode memory node = registerNode(WORKER);
        stakeBehind(node, first, before);
        vm.prank(address(house.slashing));
        uint128 slashed =
            house.staking.slash(node.id, taken, 0, new IStakingManager.SlashShare[](0));
        assertLe(slashed, taken);

        stakeBehind(node, second, amount);
        uint128 shares = house.staking.positionOf(node.id, second).shares;
        vm.prank(second);
        house.staking.requestUnstake(node.id, shares);
        pass(THAW);
        vm.prank(second);
        uint128 back = house.staking.withdraw(node.id);
        assertLe(back, amount);
        assertGe(uint256(back) + 2, amount);
    }

    /// @dev A pool as it can be: shares not cheaper than the bound, nor dearer than rewards allow.
    function boundPool(uint256 amount, uint256 stake, uint256 shares)
        private
        pure
        returns (uint256, uint256, uint256)
    {
        stake = bound(stake, 0, SUPPLY);
        amount = bound(amount, 0, SUPPLY - stake);
        shares = bound(shares, 0, MAX_SHARES_PER_UNIT * (stake + 1) - 1000);
        return (amount, stake, shares);
    }

    function assertNotCheaper(
        uint256 stake,
        uint256 shares,
        uint256 stakeAfter,
        uint256 sharesAfter
    ) private pure {
        assertLe((sharesAfter + 1000) * (stake + 1), (shares + 1000) * (stakeAfter + 1));
    }
}
