// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INodeRegistry } from "../../../contracts/interfaces/INodeRegistry.sol";
import { NodeId } from "../../../contracts/types/NodeId.sol";
import { HouseTest, TestNode } from "../../base/HouseTest.sol";
import { IAccessControl } from "@openzeppelin/contracts/access/IAccessControl.sol";

/// @title Registry test
/// @notice A registered node, its ways into every status, and the refusals of the registry.
abstract contract RegistryTest is HouseTest {
    NodeId internal constant UNKNOWN = NodeId.wrap(404);
    /// @dev Bitmaps of statuses: bit `n` stands for the member of value `n`.
    bytes32 internal constant REGISTERED = bytes32(uint256(2));
    bytes32 internal constant JAILED = bytes32(uint256(8));
    bytes32 internal constant REGISTERED_OR_ACTIVE = bytes32(uint256(6));
    bytes32 internal constant BEFORE_RETIREMENT = bytes32(uint256(14));

    TestNode internal node;

    function setUp() public virtual override {
        super.setUp();
        node = registerNode(WORKER | COORDINATOR);
    }

    function activateNode() internal {
        vm.prank(address(house.staking));
        house.registry.activate(node.id);
    }

    function jailNode() internal {
        vm.prank(address(house.slashing));
        house.registry.jail(node.id);
    }

    function retireNode() internal {
        vm.prank(node.operator);
        house.registry.retire(node.id);
    }

    function freezeNode() internal {
        vm.prank(node.operator);
        house.registry.freezeSigner(node.id);
    }

    function vetNode(bool vetted) internal {
        vm.prank(address(house.timelock));
        house.registry.vet(node.id, vetted);
    }

    function offerTo(address successor) internal {
        vm.prank(node.operator);
        house.registry.offerNode(node.id, successor);
    }

    function assertStatus(INodeRegistry.NodeStatus expected) internal view {
        assertEq(uint8(house.registry.nodeOf(node.id).status), uint8(expected));
    }

    function expectStatusChanged(INodeRegistry.NodeStatus status) internal {
        vm.expectEmit(address(house.registry));
        emit INodeRegistry.NodeStatusChanged(node.id, status);
    }

    function expectUnknownNode() internal {
        vm.expectRevert(
            abi.encodeWithSelector(INodeRegistry.NodeRegistryUnknownNode.selector, UNKNOWN)
        );
    }

    function expectNotOperator(address caller, address expected) internal {
        vm.expectRevert(
            abi.encodeWithSelector(
                INodeRegistry.NodeRegistryNotOperator.selector, node.id, caller, expected
            )
        );
    }

    function expectUnexpectedStatus(INodeRegistry.NodeStatus actual, bytes32 expected) internal {
        vm.expectRevert(
            abi.encodeWithSelector(
                INodeRegistry.NodeRegistryUnexpectedStatus.selector, node.id, actual, expected
            )
        );
    }

    function expectNotStaking(address caller) internal {
        vm.expectRevert(
            abi.encodeWithSelector(INodeRegistry.NodeRegistryNotStaking.selector, caller)
        );
    }

    function expectSignerTaken(address signer, NodeId holder) internal {
        vm.expectRevert(
            abi.encodeWithSelector(INodeRegistry.NodeRegistrySignerTaken.selector, signer, holder)
        );
    }

    function expectNoConsent(address signer, address operator) internal {
        vm.expectRevert(
            abi.encodeWithSelector(INodeRegistry.NodeRegistryNoConsent.selector, signer, operator)
        );
    }

    function expectInvalidProfile(INodeRegistry.NodeProfile memory profile) internal {
        vm.expectRevert(
            abi.encodeWithSelector(
                INodeRegistry.NodeRegistryInvalidProfile.selector,
                profile.roles,
                profile.peerId.length,
                bytes(profile.metadataUri).length
            )
        );
    }

    function expectUnfit(
        NodeId id,
        INodeRegistry.NodeStatus status,
        uint8 roles,
        bool vetted,
        bool frozen
    ) internal {
        vm.expectRevert(
            abi.encodeWithSelector(
                INodeRegistry.NodeRegistryUnfit.selector, id, status, roles, vetted, frozen
            )
        );
    }

    function expectMissingRole(address account, bytes32 role) internal {
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessControl.AccessControlUnauthorizedAccount.selector, account, role
            )
        );
    }
}
