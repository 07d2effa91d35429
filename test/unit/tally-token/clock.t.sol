// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { HouseTest } from "../../base/HouseTest.sol";

contract TallyTokenClock is HouseTest {
    function test_IsTheTimestampAndNeverTheBlockNumber() public {
        assertEq(house.token.clock(), block.timestamp);
        vm.roll(block.number + 1000);
        assertEq(house.token.clock(), block.timestamp);
        pass(60);
        assertEq(house.token.clock(), block.timestamp);
    }

    function test_TheModeSaysSo() public view {
        assertEq(house.token.CLOCK_MODE(), "mode=timestamp");
        assertEq(house.governor.CLOCK_MODE(), "mode=timestamp");
        assertEq(house.governor.clock(), house.token.clock());
    }
}
