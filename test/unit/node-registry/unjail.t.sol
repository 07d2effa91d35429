// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Roles } from "../../../contracts/base/Roles.sol";
import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { RegistryTest } from "./RegistryTest.sol";

contract NodeRegistryUnjail is RegistryTest {
    function test_ReturnsTheNodeToRegistered() public {
        activateNode();
        jailNode();
        expectStatusChanged(INodeRegistry.NodeStatus.Registered);
        unjailNode();
        assertStatus(INodeRegistry.NodeStatus.Registered);
    }

    function test_StakeThatIsStillThereActivatesTheNodeAgain() public {
        stakeBehind(node, node.operator, MIN_STAKE);
        jailNode();
        unjailNode();
        house.staking.activate(node.id, node.operator);
        assertStatus(INodeRegistry.NodeStatus.Active);
    }

    function test_RevertWhen_CallerIsNotTheSlashingManager() public {
        jailNode();
        expectMissingRole(node.operator, Roles.SLASHER);
        vm.prank(node.operator);
        house.registry.unjail(node.id);
    }

    function test_RevertWhen_NodeIsUnknown() public {
        expectUnknownNode();
        vm.prank(address(house.slashing));
        house.registry.unjail(UNKNOWN);
    }

    function test_RevertGiven_NodeIsRegistered() public {
        expectUnexpectedStatus(INodeRegistry.NodeStatus.Registered, JAILED);
        unjailNode();
    }

    function test_RevertGiven_NodeIsActive() public {
        activateNode();
        expectUnexpectedStatus(INodeRegistry.NodeStatus.Active, JAILED);
        unjailNode();
    }

    function test_RevertGiven_NodeIsRetired() public {
        retireNode();
        expectUnexpectedStatus(INodeRegistry.NodeStatus.Retired, JAILED);
        unjailNode();
    }

    function unjailNode() private {
        vm.prank(address(house.slashing));
        house.registry.unjail(node.id);
    }
}
