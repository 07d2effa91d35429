// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Roles } from "../../../contracts/base/Roles.sol";
import { IStakingManager } from "../../../contracts/interfaces/IStakingManager.sol";
import { StakingTest } from "./StakingTest.sol";
import { IERC20Errors } from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

contract StakingManagerReward is StakingTest {
    function setUp() public override {
        super.setUp();
        bond(staker, AMOUNT);
        fund(reporter, AMOUNT);
    }

    function test_MakesEveryShareWorthMore() public {
        bond(other, AMOUNT);
        vm.expectEmit(address(house.staking));
        emit IStakingManager.StakeRewarded(node.id, reporter, AMOUNT);
        reward(AMOUNT);
        assertPool(3 * AMOUNT, 2 * AMOUNT * SHARES, 0, 0);
        assertEq(house.token.balanceOf(address(house.staking)), 3 * AMOUNT);
        (uint128 active,) = house.staking.valueOf(node.id, staker);
        assertApproxEqAbs(active, AMOUNT * 3 / 2, 1);
        assertLe(active, AMOUNT * 3 / 2);
    }

    function test_ThawingStakeHasNoPartInIt() public {
        bond(other, AMOUNT);
        thawAll(other);
        reward(AMOUNT);
        (, uint128 thawing) = house.staking.valueOf(node.id, other);
        assertEq(thawing, AMOUNT);
        (uint128 active,) = house.staking.valueOf(node.id, staker);
        assertApproxEqAbs(active, 2 * AMOUNT, 1);
    }

    function test_RevertWhen_AmountIsZero() public {
        expectInvalidAmount(0, AMOUNT * SHARES);
        reward(0);
    }

    function test_RevertGiven_PoolHasNoShares() public {
        thawAll(staker);
        expectInvalidAmount(AMOUNT, 0);
        reward(AMOUNT);
    }

    function test_RevertWhen_CallerIsNotTheReporter() public {
        expectMissingRole(stranger, Roles.REPORTER);
        vm.prank(stranger);
        house.staking.reward(node.id, 1);
    }

    function test_RevertWhen_AllowanceIsShort() public {
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientAllowance.selector,
                address(house.staking),
                AMOUNT,
                AMOUNT + 1
            )
        );
        reward(AMOUNT + 1);
    }

    function reward(uint128 amount) private {
        vm.prank(reporter);
        house.staking.reward(node.id, amount);
    }
}
