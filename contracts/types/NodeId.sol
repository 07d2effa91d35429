// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

/// @dev Identifies one registered machine. `NodeRegistry` counts from 1; zero is no node.
type NodeId is uint64;

using { equalsNode as ==, differsNode as !=, accountOf } for NodeId global;

function equalsNode(NodeId a, NodeId b) pure returns (bool) {
    return NodeId.unwrap(a) == NodeId.unwrap(b);
}

function differsNode(NodeId a, NodeId b) pure returns (bool) {
    return NodeId.unwrap(a) != NodeId.unwrap(b);
}

/// @dev The account under which `PaymentManager` books a node's earnings: the address whose number
/// is the node's id. Nobody holds a key to an address below 2^64, so only the node's operator,
/// asked for at the registry, can draw on it.
function accountOf(NodeId node) pure returns (address) {
    return address(uint160(NodeId.unwrap(node)));
}
