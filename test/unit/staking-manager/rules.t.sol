// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { IStakingManager } from "../../../contracts/interfaces/IStakingManager.sol";
import { StakingTest } from "./StakingTest.sol";

contract StakingManagerRules is StakingTest {
    function test_TellsWhatTheNetworkProfileSet() public view {
        (IStakingManager.StakingRules memory rules, address insurance) = house.staking.rules();
        assertEq(rules.minStake, MIN_STAKE);
        assertEq(rules.minStakeSeconds, MATURITY);
        assertEq(rules.thawSeconds, THAW);
        assertEq(insurance, address(0));
    }
}
