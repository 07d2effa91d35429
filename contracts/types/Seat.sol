// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import { NodeId } from "./NodeId.sol";

/// @dev A node and the signer it had when it was assigned, in one word. Node zero stands for an
/// unregistered worker, which is known by its signer alone:
/// bits 0..159 the signer's address, bits 160..223 the node's id, the rest zero.
/// Because the signer is fixed at the assignment, a key that is rotated later neither
/// invalidates old signatures nor escapes them.
type Seat is uint256;

using SeatLibrary for Seat global;

/// @notice Makes seats and takes them apart.
library SeatLibrary {
    /// @notice Joins a node and its signer.
    function seatOf(NodeId node_, address signer_) internal pure returns (Seat) {
        return Seat.wrap((uint256(NodeId.unwrap(node_)) << 160) | uint160(signer_));
    }

    /// @notice The node in this seat.
    function node(Seat seat) internal pure returns (NodeId) {
        return NodeId.wrap(uint64(Seat.unwrap(seat) >> 160));
    }

    /// @notice The account that earns for this seat: the node's, or the signer's own where it is
    /// not registered.
    function accountOf(Seat seat) internal pure returns (address) {
        uint64 id = uint64(Seat.unwrap(seat) >> 160);
        return id == 0 ? signer(seat) : address(uint160(id));
    }

    /// @notice The address whose signatures count for this seat.
    function signer(Seat seat) internal pure returns (address) {
        return address(uint160(Seat.unwrap(seat)));
    }
}
