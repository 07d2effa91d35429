// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Roles } from "../../../contracts/base/Roles.sol";
import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { RegistryTest } from "./RegistryTest.sol";

contract NodeRegistryJail is RegistryTest {
    function test_JailsARegisteredNode() public {
        expectStatusChanged(INodeRegistry.NodeStatus.Jailed);
        jailNode();
        assertStatus(INodeRegistry.NodeStatus.Jailed);
    }

    function test_JailsAnActiveNode() public {
        activateNode();
        expectStatusChanged(INodeRegistry.NodeStatus.Jailed);
        jailNode();
        assertStatus(INodeRegistry.NodeStatus.Jailed);
    }

    function test_ChangesNothingForAJailedOrRetiredNode() public {
        jailNode();
        vm.recordLogs();
        jailNode();
        assertStatus(INodeRegistry.NodeStatus.Jailed);
        assertEq(vm.getRecordedLogs().length, 0);

        node = registerNode(WORKER);
        retireNode();
        vm.recordLogs();
        jailNode();
        assertStatus(INodeRegistry.NodeStatus.Retired);
        assertEq(vm.getRecordedLogs().length, 0);
    }

    function test_RevertWhen_CallerIsNotTheSlashingManager() public {
        expectMissingRole(committee, Roles.SLASHER);
        vm.prank(committee);
        house.registry.jail(node.id);
    }

    function test_RevertWhen_NodeIsUnknown() public {
        expectUnknownNode();
        vm.prank(address(house.slashing));
        house.registry.jail(UNKNOWN);
    }
}
