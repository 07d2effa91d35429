// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { RegistryTest } from "./RegistryTest.sol";

contract NodeRegistryOfferNode is RegistryTest {
    address internal successor = makeAddr("successor");

    function test_RemembersTheSuccessorAndLeavesTheOperator() public {
        vm.expectEmit(address(house.registry));
        emit INodeRegistry.NodeOffered(node.id, successor);
        offerTo(successor);
        assertEq(house.registry.nodeOf(node.id).successor, successor);
        assertEq(house.registry.operatorOf(node.id), node.operator);
    }

    function test_ZeroWithdrawsTheOffer() public {
        offerTo(successor);
        vm.expectEmit(address(house.registry));
        emit INodeRegistry.NodeOffered(node.id, address(0));
        offerTo(address(0));
        assertEq(house.registry.nodeOf(node.id).successor, address(0));
        expectNotOperator(successor, address(0));
        vm.prank(successor);
        house.registry.acceptNode(node.id);
    }

    function test_WorksAfterRetirementBecauseEarningsRemain() public {
        retireNode();
        offerTo(successor);
        assertEq(house.registry.nodeOf(node.id).successor, successor);
    }

    function test_RevertWhen_CallerIsNotTheOperator() public {
        expectNotOperator(stranger, node.operator);
        vm.prank(stranger);
        house.registry.offerNode(node.id, stranger);
    }

    function test_RevertWhen_NodeIsUnknown() public {
        expectUnknownNode();
        house.registry.offerNode(UNKNOWN, successor);
    }
}
