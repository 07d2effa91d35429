// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { RegistryTest } from "./RegistryTest.sol";

contract NodeRegistryAcceptNode is RegistryTest {
    address internal successor = makeAddr("successor");

    function test_MakesTheSuccessorTheOperator() public {
        activateNode();
        offerTo(successor);
        vm.expectEmit(address(house.registry));
        emit INodeRegistry.NodeTransferred(node.id, successor);
        vm.expectEmit(address(house.registry));
        emit INodeRegistry.NodeSignerFrozen(node.id, node.signer);
        vm.prank(successor);
        house.registry.acceptNode(node.id);
        INodeRegistry.Node memory stored = house.registry.nodeOf(node.id);
        assertEq(stored.operator, successor);
        assertEq(stored.successor, address(0));
        assertEq(stored.signer, node.signer);
        assertTrue(stored.frozen);
        assertStatus(INodeRegistry.NodeStatus.Active);
    }

    function test_TakesEveryPowerFromTheOldOperator() public {
        offerTo(successor);
        vm.prank(successor);
        house.registry.acceptNode(node.id);
        expectNotOperator(node.operator, successor);
        retireNode();
    }

    function test_WorksAfterRetirement() public {
        retireNode();
        offerTo(successor);
        vm.prank(successor);
        house.registry.acceptNode(node.id);
        assertEq(house.registry.operatorOf(node.id), successor);
        assertStatus(INodeRegistry.NodeStatus.Retired);
    }

    function test_RevertWhen_CallerIsNotTheSuccessor() public {
        offerTo(successor);
        expectNotOperator(node.operator, successor);
        vm.prank(node.operator);
        house.registry.acceptNode(node.id);
    }

    function test_RevertGiven_NodeWasNotOffered() public {
        expectNotOperator(stranger, address(0));
        vm.prank(stranger);
        house.registry.acceptNode(node.id);
    }

    function test_RevertGiven_NodeWasAcceptedAlready() public {
        offerTo(successor);
        vm.startPrank(successor);
        house.registry.acceptNode(node.id);
        expectNotOperator(successor, address(0));
        house.registry.acceptNode(node.id);
        vm.stopPrank();
    }

    function test_RevertWhen_NodeIsUnknown() public {
        expectUnknownNode();
        house.registry.acceptNode(UNKNOWN);
    }
}
