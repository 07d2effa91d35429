// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { RegistryTest } from "./RegistryTest.sol";

contract NodeRegistryStatusOf is RegistryTest {
    function test_FollowsTheNodesStanding() public {
        assertStatusIs(INodeRegistry.NodeStatus.Registered);
        activateNode();
        assertStatusIs(INodeRegistry.NodeStatus.Active);
        retireNode();
        assertStatusIs(INodeRegistry.NodeStatus.Retired);
    }

    function test_IsNoneForAnUnknownNode() public view {
        assertEq(uint8(house.registry.statusOf(UNKNOWN)), uint8(INodeRegistry.NodeStatus.None));
    }

    function assertStatusIs(INodeRegistry.NodeStatus status) private view {
        assertEq(uint8(house.registry.statusOf(node.id)), uint8(status));
    }
}
