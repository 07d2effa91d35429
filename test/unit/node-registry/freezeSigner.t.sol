// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { RegistryTest } from "./RegistryTest.sol";

contract NodeRegistryFreezeSigner is RegistryTest {
    function test_FreezesTheSigner() public {
        activateNode();
        vm.expectEmit(address(house.registry));
        emit INodeRegistry.NodeSignerFrozen(node.id, node.signer);
        freezeNode();
        assertTrue(house.registry.nodeOf(node.id).frozen);
        assertEq(house.registry.nodeOf(node.id).signer, node.signer);
        assertStatus(INodeRegistry.NodeStatus.Active);
    }

    function test_IsHarmlessWhenRepeated() public {
        freezeNode();
        freezeNode();
        assertTrue(house.registry.nodeOf(node.id).frozen);
    }

    function test_WorksInJailAndAfterRetirement() public {
        jailNode();
        freezeNode();
        assertTrue(house.registry.nodeOf(node.id).frozen);

        node = registerNode(WORKER);
        retireNode();
        freezeNode();
        assertTrue(house.registry.nodeOf(node.id).frozen);
    }

    function test_RevertWhen_CallerIsTheSigner() public {
        expectNotOperator(node.signer, node.operator);
        vm.prank(node.signer);
        house.registry.freezeSigner(node.id);
    }

    function test_RevertWhen_NodeIsUnknown() public {
        expectUnknownNode();
        house.registry.freezeSigner(UNKNOWN);
    }
}
