// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { RegistryTest } from "./RegistryTest.sol";

contract NodeRegistryOperatorOf is RegistryTest {
    function test_TellsTheOperator() public view {
        assertEq(house.registry.operatorOf(node.id), node.operator);
    }

    function test_UnknownNodesHaveNone() public view {
        assertEq(house.registry.operatorOf(UNKNOWN), address(0));
    }
}
