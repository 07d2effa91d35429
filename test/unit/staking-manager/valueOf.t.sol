// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { StakingTest } from "./StakingTest.sol";

contract StakingManagerValueOf is StakingTest {
    function test_TellsActiveAndThawingStakeButNoPendingDeposit() public {
        bond(staker, AMOUNT);
        thaw(staker, AMOUNT * SHARES / 4);
        deposit(staker, AMOUNT);
        assertValue(staker, AMOUNT * 3 / 4, AMOUNT / 4);
    }

    function test_FollowsSlashes() public {
        bond(staker, AMOUNT);
        bond(other, AMOUNT);
        slash(AMOUNT, 0);
        assertValue(staker, AMOUNT / 2, 0);
        assertValue(other, AMOUNT / 2, 0);
    }

    function test_AFullSlashLeavesNothing() public {
        bond(staker, AMOUNT);
        thaw(staker, AMOUNT * SHARES / 4);
        slash(AMOUNT, 0);
        bond(other, AMOUNT);
        assertValue(staker, 0, 0);
        assertValue(other, AMOUNT, 0);
    }

    function test_StrangersHaveNothing() public view {
        assertValue(stranger, 0, 0);
    }

    function assertValue(address account, uint128 active, uint128 thawing) private view {
        (uint128 actualActive, uint128 actualThawing) = house.staking.valueOf(node.id, account);
        assertEq(actualActive, active, "active");
        assertEq(actualThawing, thawing, "thawing");
    }
}
