// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { RegistryTest } from "./RegistryTest.sol";

contract NodeRegistryActivate is RegistryTest {
    function test_ActivatesARegisteredNode() public {
        expectStatusChanged(INodeRegistry.NodeStatus.Active);
        activateNode();
        assertStatus(INodeRegistry.NodeStatus.Active);
    }

    function test_RevertWhen_CallerIsNotTheStakingManager() public {
        expectNotStaking(node.operator);
        vm.prank(node.operator);
        house.registry.activate(node.id);
    }

    function test_RevertWhen_NodeIsUnknown() public {
        expectUnknownNode();
        vm.prank(address(house.staking));
        house.registry.activate(UNKNOWN);
    }

    function test_RevertGiven_NodeIsActive() public {
        activateNode();
        expectUnexpectedStatus(INodeRegistry.NodeStatus.Active, REGISTERED);
        activateNode();
    }

    function test_RevertGiven_NodeIsInJail() public {
        jailNode();
        expectUnexpectedStatus(INodeRegistry.NodeStatus.Jailed, REGISTERED);
        activateNode();
    }

    function test_RevertGiven_NodeIsRetired() public {
        retireNode();
        expectUnexpectedStatus(INodeRegistry.NodeStatus.Retired, REGISTERED);
        activateNode();
    }
}
