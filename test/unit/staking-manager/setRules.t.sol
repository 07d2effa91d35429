// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Roles } from "../../../contracts/base/Roles.sol";
import { IStakingManager } from "../../../contracts/interfaces/IStakingManager.sol";
import { StakingTest } from "./StakingTest.sol";

contract StakingManagerSetRules is StakingTest {
    address internal insurance = makeAddr("insurance");

    function test_ReplacesTheRules() public {
        IStakingManager.StakingRules memory given =
            IStakingManager.StakingRules({ minStake: 1, minStakeSeconds: 2, thawSeconds: 3 });
        vm.expectEmit(address(house.staking));
        emit IStakingManager.StakingRulesSet(given, insurance);
        set(given);
        (IStakingManager.StakingRules memory rules, address account) = house.staking.rules();
        assertEq(abi.encode(rules), abi.encode(given));
        assertEq(account, insurance);
    }

    function test_RunningDepositsAndThawsKeepTheirTimes() public {
        bond(staker, AMOUNT);
        thawAll(staker);
        deposit(other, AMOUNT);
        uint40 thawedAt = positionOf(staker).thawedAt;
        uint40 pendingUntil = positionOf(other).pendingUntil;
        set(IStakingManager.StakingRules(1, 1 days, 300 days));
        assertEq(positionOf(staker).thawedAt, thawedAt);
        assertEq(positionOf(other).pendingUntil, pendingUntil);
        passUntil(thawedAt);
        assertEq(withdraw(staker), AMOUNT);
    }

    function test_RevertWhen_CallerIsNotTheNetworkProfile() public {
        expectMissingRole(address(house.timelock), Roles.PARAMETER);
        vm.prank(address(house.timelock));
        house.staking.setRules(IStakingManager.StakingRules(1, 2, 3), insurance);
    }

    function set(IStakingManager.StakingRules memory given) private {
        vm.prank(address(house.profile));
        house.staking.setRules(given, insurance);
    }
}
