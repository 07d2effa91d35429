// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { RegistryTest } from "./RegistryTest.sol";

contract NodeRegistryRetire is RegistryTest {
    function test_RetiresARegisteredNode() public {
        expectStatusChanged(INodeRegistry.NodeStatus.Retired);
        retireNode();
        assertStatus(INodeRegistry.NodeStatus.Retired);
    }

    function test_RetiresAnActiveNode() public {
        activateNode();
        expectStatusChanged(INodeRegistry.NodeStatus.Retired);
        retireNode();
        assertStatus(INodeRegistry.NodeStatus.Retired);
    }

    function test_StakeOfARetiredNodeLeavesAsEver() public {
        stakeBehind(node, node.operator, MIN_STAKE);
        retireNode();
        vm.startPrank(node.operator);
        uint128 shares = house.staking.positionOf(node.id, node.operator).shares;
        house.staking.requestUnstake(node.id, shares);
        pass(THAW);
        assertEq(house.staking.withdraw(node.id), MIN_STAKE);
        vm.stopPrank();
        assertStatus(INodeRegistry.NodeStatus.Retired);
    }

    function test_RevertWhen_CallerIsNotTheOperator() public {
        expectNotOperator(node.signer, node.operator);
        vm.prank(node.signer);
        house.registry.retire(node.id);
    }

    function test_RevertWhen_NodeIsUnknown() public {
        expectUnknownNode();
        house.registry.retire(UNKNOWN);
    }

    function test_RevertGiven_NodeIsInJail() public {
        jailNode();
        expectUnexpectedStatus(INodeRegistry.NodeStatus.Jailed, REGISTERED_OR_ACTIVE);
        retireNode();
    }

    function test_RevertGiven_NodeIsRetired() public {
        retireNode();
        expectUnexpectedStatus(INodeRegistry.NodeStatus.Retired, REGISTERED_OR_ACTIVE);
        retireNode();
    }
}
