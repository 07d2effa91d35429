// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { INodeRegistry } from "../interfaces/INodeRegistry.sol";
import { NodeId } from "../types/NodeId.sol";

/// @title Storage of the node registry
abstract contract NodeRegistryStorage {
    /// @custom:storage-location erc7201:tallystick.storage.NodeRegistry
    struct Layout {
        mapping(NodeId node => INodeRegistry.Node) nodes;
        mapping(address signer => NodeId) nodeOfSigner;
        uint64 nodeCount;
    }

    // keccak256(abi.encode(uint256(keccak256("tallystick.storage.NodeRegistry")) - 1)) &
    // ~bytes32(uint256(0xff))
    bytes32 private constant SLOT =
        0xea35a68deddb7fe0219d2523a497b096c66ea67153d474c059e3fab2c0b57600;

    function _layout() internal pure returns (Layout storage $) {
        assembly ("memory-safe") {
            $.slot := SLOT
        }
    }
}
