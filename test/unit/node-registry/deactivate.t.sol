// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { NodeId } from "../../../contracts/types/NodeId.sol";
import { RegistryTest } from "./RegistryTest.sol";

contract NodeRegistryDeactivate is RegistryTest {
    function test_DeactivatesAnActiveNode() public {
        activateNode();
        expectStatusChanged(INodeRegistry.NodeStatus.Registered);
        deactivate(node.id);
        assertStatus(INodeRegistry.NodeStatus.Registered);
    }

    function test_ChangesNothingInEveryOtherStatus() public {
        vm.recordLogs();
        deactivate(node.id);
        assertStatus(INodeRegistry.NodeStatus.Registered);
        assertEq(vm.getRecordedLogs().length, 0);

        jailNode();
        vm.recordLogs();
        deactivate(node.id);
        assertStatus(INodeRegistry.NodeStatus.Jailed);
        assertEq(vm.getRecordedLogs().length, 0);

        node = registerNode(WORKER);
        retireNode();
        vm.recordLogs();
        deactivate(node.id);
        assertStatus(INodeRegistry.NodeStatus.Retired);
        assertEq(vm.getRecordedLogs().length, 0);
    }

    function test_RevertWhen_CallerIsNotTheStakingManager() public {
        expectNotStaking(address(house.slashing));
        vm.prank(address(house.slashing));
        house.registry.deactivate(node.id);
    }

    function test_RevertWhen_NodeIsUnknown() public {
        expectUnknownNode();
        deactivate(UNKNOWN);
    }

    function deactivate(NodeId id) private {
        vm.prank(address(house.staking));
        house.registry.deactivate(id);
    }
}
