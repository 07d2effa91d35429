// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { RegistryTest } from "./RegistryTest.sol";

contract NodeRegistryNodeOf is RegistryTest {
    function test_TellsEveryChange() public {
        activateNode();
        vetNode(true);
        freezeNode();
        offerTo(stranger);
        INodeRegistry.Node memory stored = house.registry.nodeOf(node.id);
        assertEq(stored.signer, node.signer);
        assertEq(uint8(stored.status), uint8(INodeRegistry.NodeStatus.Active));
        assertTrue(stored.vetted);
        assertTrue(stored.frozen);
        assertEq(stored.operator, node.operator);
        assertEq(stored.successor, stranger);
    }

    function test_UnknownNodesAreEmpty() public view {
        INodeRegistry.Node memory nothing;
        assertEq(abi.encode(house.registry.nodeOf(UNKNOWN)), abi.encode(nothing));
    }
}
