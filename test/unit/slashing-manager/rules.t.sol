// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { SlashingTest } from "./SlashingTest.sol";

contract SlashingManagerRules is SlashingTest {
    function test_TellsWhatTheProfileSet() public view {
        assertEq(
            abi.encode(house.slashing.rules()), abi.encode(house.profile.parameters().slashing)
        );
    }
}
