// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { NodeId } from "../../../contracts/types/NodeId.sol";
import { RegistryTest } from "./RegistryTest.sol";

contract NodeRegistryNodeCount is RegistryTest {
    function test_CountsRegistrationsAndForgetsNone() public {
        assertEq(house.registry.nodeCount(), 1);
        assertEq(NodeId.unwrap(node.id), 1);
        retireNode();
        assertEq(house.registry.nodeCount(), 1);
        assertEq(NodeId.unwrap(registerNode(WORKER).id), 2);
        assertEq(house.registry.nodeCount(), 2);
    }
}
