// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { RegistryTest } from "./RegistryTest.sol";

contract NodeRegistryUpdateProfile is RegistryTest {
    INodeRegistry.NodeProfile internal changed;

    function setUp() public override {
        super.setUp();
        changed = INodeRegistry.NodeProfile({
            peerId: hex"0102", identityKey: "key", roles: 24, region: 7, metadataUri: "ipfs://x"
        });
    }

    function test_ReplacesTheProfileAndNothingElse() public {
        activateNode();
        vm.expectEmit(address(house.registry));
        emit INodeRegistry.NodeProfileUpdated(node.id, changed);
        update();
        INodeRegistry.Node memory stored = house.registry.nodeOf(node.id);
        assertEq(stored.peerId, changed.peerId);
        assertEq(stored.identityKey, changed.identityKey);
        assertEq(stored.roles, changed.roles);
        assertEq(stored.region, changed.region);
        assertEq(stored.metadataUri, changed.metadataUri);
        assertEq(stored.signer, node.signer);
        assertEq(stored.operator, node.operator);
        assertStatus(INodeRegistry.NodeStatus.Active);
    }

    function test_WorksInJail() public {
        jailNode();
        update();
        assertEq(house.registry.nodeOf(node.id).roles, changed.roles);
    }

    function test_RevertWhen_ProfileIsOutOfBounds() public {
        changed.roles = 0;
        expectInvalidProfile(changed);
        update();
    }

    function test_RevertWhen_CallerIsNotTheOperator() public {
        expectNotOperator(node.signer, node.operator);
        vm.prank(node.signer);
        house.registry.updateProfile(node.id, changed);
    }

    function test_RevertWhen_NodeIsUnknown() public {
        expectUnknownNode();
        house.registry.updateProfile(UNKNOWN, changed);
    }

    function test_RevertGiven_NodeIsRetired() public {
        retireNode();
        expectUnexpectedStatus(INodeRegistry.NodeStatus.Retired, BEFORE_RETIREMENT);
        update();
    }

    function update() private {
        vm.prank(node.operator);
        house.registry.updateProfile(node.id, changed);
    }
}
