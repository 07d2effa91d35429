// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { Roles } from "../../../contracts/base/Roles.sol";
import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { RegistryTest } from "./RegistryTest.sol";

contract NodeRegistryVet is RegistryTest {
    function test_MarksTheNodeAsVettedAndTakesItBack() public {
        vm.expectEmit(address(house.registry));
        emit INodeRegistry.NodeVetted(node.id, true);
        vetNode(true);
        assertTrue(house.registry.nodeOf(node.id).vetted);

        vm.expectEmit(address(house.registry));
        emit INodeRegistry.NodeVetted(node.id, false);
        vetNode(false);
        assertFalse(house.registry.nodeOf(node.id).vetted);
    }

    function test_RevertWhen_CallerIsNotGovernance() public {
        expectMissingRole(address(house.profile), Roles.PARAMETER);
        vm.prank(address(house.profile));
        house.registry.vet(node.id, true);
    }

    function test_RevertWhen_NodeIsUnknown() public {
        expectUnknownNode();
        vm.prank(address(house.timelock));
        house.registry.vet(UNKNOWN, true);
    }
}
