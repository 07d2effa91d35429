// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INodeRegistry } from "../../contracts/interfaces/INodeRegistry.sol";
import { NodeRegistryStorage } from "../../contracts/nodes/NodeRegistryStorage.sol";
import { NodeId } from "../../contracts/types/NodeId.sol";
import { HouseTest, TestNode } from "../base/HouseTest.sol";

/// @notice Where `NodeRegistry` keeps its state.
contract NodeRegistryLayoutProbe is HouseTest, NodeRegistryStorage {
    function test_SlotFollowsTheFormula() public pure {
        uint256 name = uint256(keccak256("tallystick.storage.NodeRegistry"));
        assertEq(bytes32(slotOf()), keccak256(abi.encode(name - 1)) & ~bytes32(uint256(0xff)));
    }

    function test_NodesLieInTheFirstSlot() public {
        TestNode memory node = registerNode(WORKER | COORDINATOR);
        vm.prank(address(house.staking));
        house.registry.activate(node.id);
        vm.prank(address(house.timelock));
        house.registry.vet(node.id, true);
        vm.startPrank(node.operator);
        house.registry.freezeSigner(node.id);
        house.registry.offerNode(node.id, stranger);
        vm.stopPrank();
        INodeRegistry.NodeProfile memory profile = profileOf(WORKER | COORDINATOR);

        uint256 start = uint256(keccak256(abi.encode(node.id, slotOf())));
        uint256 word = wordAt(start);
        assertEq(address(uint160(word)), node.signer);
        assertEq(uint8(word >> 160), uint8(INodeRegistry.NodeStatus.Active));
        assertEq(uint8(word >> 168), WORKER | COORDINATOR);
        assertEq(uint8(word >> 176), 1, "vetted");
        assertEq(uint8(word >> 184), 1, "frozen");
        assertEq(uint16(word >> 192), profile.region);
        assertEq(word >> 208, 0);
        assertEq(wordAt(start + 1), uint160(node.operator));
        assertEq(wordAt(start + 2), uint160(stranger));
        assertEq(bytes32(wordAt(start + 3)), profile.identityKey);
        // Short bytes lie in their slot with twice their length in the last byte.
        assertEq(uint8(wordAt(start + 4)), 2 * profile.peerId.length);
        assertEq(bytes21(bytes32(wordAt(start + 4))), bytes21(profile.peerId));
        assertEq(uint8(wordAt(start + 5)), 2 * bytes(profile.metadataUri).length);
    }

    function test_SignersLieInTheSecondSlot() public {
        TestNode memory node = registerNode(WORKER);
        uint256 place = uint256(keccak256(abi.encode(node.signer, slotOf() + 1)));
        assertEq(wordAt(place), NodeId.unwrap(node.id));
    }

    function test_TheCountLiesInTheThirdSlot() public {
        registerNode(WORKER);
        registerNode(WORKER);
        assertEq(wordAt(slotOf() + 2), 2);
    }

    function wordAt(uint256 slot) private view returns (uint256) {
        return uint256(vm.load(address(house.registry), bytes32(slot)));
    }

    function slotOf() private pure returns (uint256 slot) {
        Layout storage $ = _layout();
        assembly ("memory-safe") {
            slot := $.slot
        }
    }
}
