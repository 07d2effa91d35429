// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { HouseContractTest } from "./HouseContractTest.sol";

contract HouseContractVersion is HouseContractTest {
    function test_TellsTheVersionOfEveryImplementation() public view {
        for (uint256 i; i < proxies.length; ++i) {
            assertEq(proxies[i].version(), "1.0.0");
            assertEq(implementationOf(proxies[i]).version(), "1.0.0");
        }
    }
}
